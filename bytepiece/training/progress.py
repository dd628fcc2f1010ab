"""How far training is: what its stages report."""

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Called as progress(phase, done, total): bytes, or rounds; done == total at the end."""


def silent(phase: str, done: int, total: int) -> None:
    """Progress that nobody asked to see."""


def logged(progress: Progress) -> Progress:
    """Progress that is logged as well, at the end of each phase."""
    since = time.monotonic()

    def report(phase: str, done: int, total: int) -> None:
        nonlocal since
        progress(phase, done, total)
        if done == total:
            now = time.monotonic()
            logger.info("%s took %.1f s", phase, now - since)
            since = now

    return report


def adding(phase: str, total: int, progress: Progress) -> Callable[[int], None]:
    """What is told of bytes that are done, and tells how many are, of so many, in a phase."""
    done = 0

    def report(size: int) -> None:
        nonlocal done
        done += size
        progress(phase, done, total)

    return report


def ignored(done: int, total: int) -> None:
    """As `silent`, of one phase."""
