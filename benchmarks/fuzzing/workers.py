"""Processes whose crash, hang or too large memory is a finding."""

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

if hasattr(signal, "setitimer"):
    import resource

_WALL_SECONDS = 600.0
"""The most seconds that a trial may wait for something."""
MEMORY = 1 << 30
"""The most bytes of address space that a trial may add to the process."""


class Finding(NamedTuple):
    """A promise that does not hold.

    Args:
        number: the number of the trial.
        kind: what was tried, such as the kind of a file.
        what: what happened, in a few words.
        content: the text or the file, if it is known.
    """

    number: int
    kind: str
    what: str
    content: bytes | None


class Trials(Protocol):
    """Numbered trials, each a function of the number. The object can be pickled."""

    name: str
    seed: int
    seconds: int
    """The most CPU seconds of a trial; after more, it hangs."""

    def prepare(self) -> None:
        """Make what all trials use, in the process that runs them."""
        ...

    def run(self, number: int) -> list[Finding]:
        """Run one trial."""
        ...

    def kind(self, number: int) -> str:
        """Return what a trial tries."""
        ...

    def size(self, number: int) -> int:
        """Return the number of texts or files of a trial."""
        ...

    def keep(self, found: Finding) -> None:
        """Write the text or the files of a finding to a folder."""
        ...


class Isolated:
    """Runs trials in another process, and begins a new one if that process dies.

    Args:
        trials: the trials.
    """

    def __init__(self, trials: Trials) -> None:
        self._trials = trials
        self._context = multiprocessing.get_context("spawn")
        self._current = self._context.Value("q", -1, lock=False)
        self._process: Any = None
        self._pipe: Any = None
        self.peak = 0
        """The largest memory of a process so far, in bytes."""

    def run(self, first: int, count: int) -> Iterator[Finding]:
        """Yield the findings of some trials, one after another."""
        end = first + count
        while first < end:
            if self._process is None:
                self.begin()
            self._current.value = first
            self._pipe.send((first, end))
            try:
                while True:
                    if not self._pipe.poll(_WALL_SECONDS):
                        raise EOFError
                    told = self._pipe.recv()
                    if isinstance(told, int):
                        self.peak = max(self.peak, told)
                        return
                    yield told
            except EOFError:
                number = self._current.value
                yield Finding(number, self._trials.kind(number), self._death(), None)
                first = number + 1

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def begin(self) -> None:
        """Start a process, and wait until it has prepared."""
        self._pipe, there = self._context.Pipe()
        self._process = self._context.Process(
            target=_work, args=(self._trials, there, self._current), daemon=True
        )
        self._process.start()
        there.close()
        self._pipe.recv()

    def _death(self) -> str:
        """Say how the process died."""
        self._process.join(1.0)
        code = self._process.exitcode
        self.close()
        if code is None:
            return f"hang: waited for {_WALL_SECONDS:.0f} s"
        if hasattr(signal, "SIGPROF") and code == -signal.SIGPROF:
            return f"hang: computed for {self._trials.seconds} s"
        return f"crash: ended with {code}"


def _work(trials: Trials, pipe: Any, current: Any) -> None:
    """Run the trials that are asked for, until the pipe ends."""
    trials.prepare()
    if hasattr(signal, "setitimer"):
        _limit_memory()
    pipe.send(_peak())
    with suppress(EOFError):
        while True:
            first, end = pipe.recv()
            for number in range(first, end):
                current.value = number
                if hasattr(signal, "setitimer"):
                    # The signal ends the process, even within compiled code.
                    signal.setitimer(signal.ITIMER_PROF, trials.seconds)
                for found in trials.run(number):
                    pipe.send(found)
            pipe.send(_peak())


def _limit_memory() -> None:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError:  # only Linux limits the address space
        return
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _peak() -> int:
    if not hasattr(signal, "setitimer"):
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
