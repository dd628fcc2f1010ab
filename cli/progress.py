"""Progress on standard error: one line that is redrawn on a terminal, and a summary of each phase.

click's progress bar does not fit: it redraws at every step, wraps on narrow terminals, shows even
jobs that take no time, hides the cursor, and leaves its last line behind after an error.
"""

import os
import shutil
import stat
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

from .streams import STDIN, STDOUT, is_terminal, say, show

_INTERVAL = 0.2
"""Seconds between two redraws. Jobs that take less time show nothing."""
_BAR = 20
"""The width of the bar, in characters."""
_UNITS = {"pruning": "rounds", "merging": "rounds", "fitting": "rounds"}
"""The units of the phases of training that do not count bytes."""


class ProgressLine(AbstractContextManager["ProgressLine"]):
    """A line on standard error that shows how much of a job is done, the speed and the time left.

    Args:
        label: what the job does, such as "encoding".
        total: the whole amount of work; None if it is unknown.
        shown: whether to show the line at all.
        unit: "bytes", or the name of another unit.
        start: when the job began, by time.monotonic(); default: now.
    """

    def __init__(
        self,
        label: str,
        total: int | None,
        shown: bool,
        unit: str = "bytes",
        start: float | None = None,
    ) -> None:
        self.label = label
        self._done = 0
        self._total = total
        self._shown = shown
        self._unit = unit
        self._start = time.monotonic() if start is None else start
        self._next = self._start + _INTERVAL

    def __exit__(self, *_: object) -> None:
        self.clear()

    def advance(self, amount: int) -> None:
        """Add an amount of finished work."""
        self.reach(self._done + amount, self._total)

    def reach(self, done: int, total: int | None) -> None:
        """Set the amount of finished work and of all work."""
        self._done, self._total = done, total
        now = time.monotonic()
        if self._shown and now >= self._next:
            self._draw(self._line(now - self._start))
            self._next = now + _INTERVAL

    def clear(self) -> None:
        """Empty the line, so that other messages can take its place."""
        if self._shown:
            self._draw("")

    def summary(self) -> str:
        """Return a sentence on how much was done in how much time."""
        seconds = time.monotonic() - self._start
        if self._unit != "bytes":
            return f"{self.label}: {self._done} {self._unit} in {duration(seconds)}"
        return (
            f"{self.label}: {megabytes(self._done)} in {duration(seconds)}, {self._rate(seconds)}"
        )

    def _line(self, seconds: float) -> str:
        parts = [self.label]
        if self._total:
            share = min(self._done / self._total, 1.0)
            parts.append(f"[{'#' * int(share * _BAR):-<{_BAR}}] {share:4.0%}")
        if self._unit == "bytes":
            parts += [megabytes(self._done), self._rate(seconds)]
        elif self._unit == "draws":
            parts.append(f"{self._done / max(seconds, 1e-3):,.0f} draws/s")
        else:
            rate = self._done / max(seconds, 1e-3)
            parts += [f"{self._done} {self._unit}", f"{rate:.2g} {self._unit}/s"]
        if self._total and self._done:
            left = max(self._total / self._done - 1, 0) * seconds
            parts.append(f"{timedelta(seconds=round(left))} left")
        return "  ".join(parts)

    def _rate(self, seconds: float) -> str:
        return f"{megabytes(self._done / max(seconds, 1e-3))}/s"

    def _draw(self, line: str) -> None:
        show(f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}")


class Phases(AbstractContextManager["Phases"]):
    """A progress line for each phase of a job, and a summary that stays for each finished phase.

    Args:
        unit: the unit that most phases count in; see `ProgressLine`.
    """

    def __init__(self, unit: str = "bytes") -> None:
        self._unit = unit
        self._phase: ProgressLine | None = None
        self._since = time.monotonic()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._finish()
        elif self._phase is not None:
            self._phase.clear()

    def report(self, phase: str, done: int, total: int) -> None:
        """Show how far a phase is. A new phase ends the one before it."""
        if self._phase is None or self._phase.label != phase:
            self._finish()
            unit = _UNITS.get(phase, self._unit)
            self._phase = ProgressLine(phase, total, is_terminal(sys.stderr), unit, self._since)
        self._phase.reach(done, total)

    def _finish(self) -> None:
        if self._phase is not None:
            say(self._phase.summary())
            self._since = time.monotonic()


def input_progress(label: str, paths: Sequence[Path], output: Path = STDOUT) -> ProgressLine:
    """Return a progress line for a command that reads its input once.

    The line stays hidden if the input or the output uses the same terminal.

    Args:
        label: what the command does, such as "encoding".
        paths: the input files; none means standard input.
        output: the output file; default: standard output.
    """
    inputs = paths or [STDIN]
    shown = is_terminal(sys.stderr) and not (output == STDOUT and is_terminal(sys.stdout))
    if STDIN in inputs and is_terminal(sys.stdin):
        shown = False
    return ProgressLine(label, size_of(inputs), shown)


def size_of(paths: Sequence[Path]) -> int | None:
    """Return the size of all inputs together in bytes, or None if one is not a regular file."""
    total = 0
    for path in paths:
        try:
            status = os.fstat(sys.stdin.fileno()) if path == STDIN else path.stat()
        except (OSError, AttributeError):  # standard input is closed or is not a file
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        total += status.st_size
    return total


def peak_memory() -> int | None:
    """Return the largest memory use of this process in bytes, or None if it is unknown."""
    # The package psutil knows this number on Windows too. But it would be one more compiled
    # dependency, for a single line of training's report.
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415  # Windows does not have it

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10


def megabytes(size: float) -> str:
    """Return a number of bytes in readable form."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def duration(seconds: float) -> str:
    """Return a number of seconds in readable form."""
    return f"{seconds:.1f} s" if seconds < 100 else str(timedelta(seconds=round(seconds)))
