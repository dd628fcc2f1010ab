"""Training that is killed, and resumed by the same command."""

import hashlib
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import ROOT, FailedError, last_line

Command = Callable[[Path], Sequence[str]]
"""Makes the command that writes a file `model` into a folder, where it may keep other files."""


class Outcome(NamedTuple):
    """How a run ended.

    Args:
        kills: after how many seconds each of its processes was killed.
        seconds: until it was done, of all its processes together.
        digests: of the model, at the end and wherever there was one after a kill.
    """

    kills: list[float]
    seconds: float
    digests: set[str]


def moments(count: int, seconds: float, seed: int = 0) -> list[float]:
    """Random moments of a run of so many seconds, one in each of as many equal parts."""
    numbers = random.Random(seed)
    return [(part + numbers.random()) * seconds / count for part in range(count)]


def run(command: Command, kills: Sequence[float] = ()) -> Outcome:
    """Run a command until it is done, in an empty folder, and kill it now and then.

    Args:
        kills: after how many seconds to kill it, the process that resumes it, and so on. They are
            fewer in the end if one is done before.

    Raises:
        FailedError: it ended with an error.
    """
    done: list[float] = []
    digests = set()
    seconds = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for moment in [*kills, None]:
            begin = time.perf_counter()
            ended = _ends(command(folder), folder / "said", moment)
            seconds += time.perf_counter() - begin
            if (folder / "model").exists():
                digests.add(digest(folder / "model"))
            if ended:
                break
            done.append(moment)
    return Outcome(done, seconds, digests)


def run_killed_once(command: Command, moment: float) -> Outcome:
    """The same with one kill, earlier than asked if the run was done before it."""
    while not (outcome := run(command, [moment])).kills:
        moment *= 0.9
    return outcome


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _ends(command: Sequence[str], log: Path, limit: float | None) -> bool:
    """Whether a command ends in so many seconds; if not, it is killed."""
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            return False
        finally:
            process.kill()  # does nothing to one that has ended
            process.wait()
    if process.returncode:
        message = last_line(log.read_text("utf-8", errors="replace"))
        raise FailedError(message or f"ended with {process.returncode}")
    return True
