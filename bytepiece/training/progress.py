"""How far training is: what its stages report."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called as progress(phase, done, total): bytes, or rounds; done == total at the end."""


def silent(phase: str, done: int, total: int) -> None:
    """Progress that nobody asked to see."""


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
