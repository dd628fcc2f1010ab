"""Reports of how far training is."""

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""A function to call as progress(phase, done, total), in bytes or rounds. At the end of a phase,
done equals total."""


def silent(phase: str, done: int, total: int) -> None:
    """Ignore a report."""


def logged(progress: Progress) -> Progress:
    """Return a progress function that also logs the end of each phase."""
    since = time.monotonic()

    def report(phase: str, done: int, total: int) -> None:
        nonlocal since
        progress(phase, done, total)
        if done == total:
            now = time.monotonic()
            logger.info("%s took %.1f s", phase, now - since)
            since = now

    return report


def counting_up(phase: str, total: int, progress: Progress) -> Callable[[int], None]:
    """Return a function to call with the size of each finished part. It reports the sum so far."""
    done = 0

    def report(size: int) -> None:
        nonlocal done
        done += size
        progress(phase, done, total)

    return report


def ignored(done: int, total: int) -> None:
    """Ignore a report of a single phase."""
