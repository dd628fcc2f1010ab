"""Training runs that are killed, and resumed by the same command."""

import hashlib
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.support import ROOT
from benchmarks.support.commands import FailedError, last_line

Command = Callable[[Path], Sequence[str]]
"""Makes a command that writes a file `model` into a folder, and may keep other files there."""


class Outcome(NamedTuple):
    """The result of a run.

    Args:
        kills: for each process that was killed, the seconds from its start to the kill.
        seconds: the time of all processes of the run together.
        digests: SHA-256 of the model at the end, and of each model that a kill left behind.
    """

    kills: list[float]
    seconds: float
    digests: set[str]


def moments(count: int, seconds: float, seed: int = 0) -> list[float]:
    """Return random moments of a run, one in each of `count` equal parts of its `seconds`."""
    numbers = random.Random(seed)
    return [(part + numbers.random()) * seconds / count for part in range(count)]


def run(command: Command, kills: Sequence[float] = ()) -> Outcome:
    """Run a command in an empty folder until it is done, and kill it at given moments.

    Args:
        command: makes the command for the folder.
        kills: the seconds after which to kill the first process, the process that resumes it, and
            so on. If a process ends before its moment, the later moments are not used.

    Raises:
        FailedError: if the command ends with an error.
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
    """Run a command with one kill, at an earlier moment if the run ends before the given one."""
    while not (outcome := run(command, [moment])).kills:
        moment *= 0.9
    return outcome


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _ends(command: Sequence[str], log: Path, limit: float | None) -> bool:
    """Return whether a command ends within `limit` seconds; kill it if it does not."""
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            return False
        finally:
            process.kill()  # does nothing to a process that has ended
            process.wait()
    if process.returncode:
        message = last_line(log.read_text("utf-8", errors="replace"))
        raise FailedError(message or f"ended with {process.returncode}")
    return True
