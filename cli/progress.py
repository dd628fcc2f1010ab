"""How far a job is: a bar on a terminal."""

import os
import shutil
import stat
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from .streams import STDIN, STDOUT, is_terminal, say, show

_INTERVAL = 0.2
"""Seconds from one look of the bar to the next; jobs that take less show none."""
_BAR = 20
"""Characters of the bar."""
_UNITS = {"pruning": "rounds", "merging": "rounds"}
"""What phases count that count something of their own."""


class Meter:
    """Shows on a line of standard error, if that is wanted, how far a job is, and how fast.

    Args:
        label: what is being done.
        total: how much there is to do; None if nobody knows.
        shown: whether to show anything.
        unit: "bytes", or the name of what else is counted.
        start: when it began, by time.monotonic(); now by default.
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

    def __enter__(self) -> "Meter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def advance(self, amount: int) -> None:
        """Count so much more as done."""
        self.reach(self._done + amount, self._total)

    def reach(self, done: int, total: int | None) -> None:
        """Count so much as done, of so much."""
        self._done, self._total = done, total
        now = time.monotonic()
        if self._shown and now >= self._next:
            self._draw(self._line(now - self._start))
            self._next = now + _INTERVAL

    def clear(self) -> None:
        """Leave the line empty for what others have to say."""
        if self._shown:
            self._draw("")

    def summary(self) -> str:
        """What was done, and in how much time."""
        seconds = time.monotonic() - self._start
        if self._unit != "bytes":
            return f"{self.label}: {self._done} {self._unit} in {duration(seconds)}"
        return (
            f"{self.label}: {megabytes(self._done)} in {duration(seconds)}, {self._rate(seconds)}"
        )

    def _line(self, seconds: float) -> str:
        parts = [self.label]
        if self._total:
            part = min(self._done / self._total, 1.0)
            parts.append(f"[{'#' * int(part * _BAR):-<{_BAR}}] {part:4.0%}")
        if self._unit == "bytes":
            parts += [megabytes(self._done), self._rate(seconds)]
        elif self._unit == "draws":
            parts.append(f"{self._done / max(seconds, 1e-3):,.0f} draws/s")
        if self._total and self._done:
            left = max(self._total / self._done - 1, 0) * seconds
            parts.append(f"{timedelta(seconds=round(left))} left")
        return "  ".join(parts)

    def _rate(self, seconds: float) -> str:
        return f"{megabytes(self._done / max(seconds, 1e-3))}/s"

    def _draw(self, line: str) -> None:
        show(f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}")


class Phases:
    """A meter for each phase of a job, and a line that stays for each that is finished.

    Args:
        unit: of what most phases count; see `Meter`.
    """

    def __init__(self, unit: str = "bytes") -> None:
        self._unit = unit
        self._meter: Meter | None = None
        self._since = time.monotonic()

    def __enter__(self) -> "Phases":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._finish()
        elif self._meter is not None:
            self._meter.clear()

    def report(self, phase: str, done: int, total: int) -> None:
        """Take note of how far a phase is."""
        if self._meter is None or self._meter.label != phase:
            self._finish()
            unit = _UNITS.get(phase, self._unit)
            self._meter = Meter(phase, total, is_terminal(sys.stderr), unit, self._since)
        self._meter.reach(done, total)

    def _finish(self) -> None:
        if self._meter is not None:
            say(self._meter.summary())
            self._since = time.monotonic()


def for_filter(label: str, paths: Sequence[Path], output: Path = STDOUT) -> Meter:
    """A meter for a command that reads files, or standard input, and writes standard output.

    It shows nothing where what is read or written stands on the terminal as well.

    Args:
        label: what is being done.
        paths: what is read; none means standard input.
        output: what is written, if it is a file.
    """
    inputs = paths or [STDIN]
    shown = is_terminal(sys.stderr) and not (output == STDOUT and is_terminal(sys.stdout))
    if STDIN in inputs and is_terminal(sys.stdin):
        shown = False
    return Meter(label, size_of(inputs), shown)


def size_of(paths: Sequence[Path]) -> int | None:
    """The bytes of all inputs together, or None if one is no regular file."""
    total = 0
    for path in paths:
        try:
            status = os.fstat(sys.stdin.fileno()) if path == STDIN else path.stat()
        except (OSError, AttributeError):  # standard input is closed, or not a file at all
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        total += status.st_size
    return total


def peak_memory() -> int | None:
    """The most bytes that this process took at once, if the system tells."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415  # only there

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10


def megabytes(size: float) -> str:
    """A number of bytes for human eyes."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def duration(seconds: float) -> str:
    """A stretch of time for human eyes."""
    return f"{seconds:.1f} s" if seconds < 100 else str(timedelta(seconds=round(seconds)))
