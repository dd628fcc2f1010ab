"""What a command takes, in a process of its own: `run`.

As a script this is a small process that stands between: a system says of a new process that it had
at least as much memory as the one it comes from, and ours hold models and texts.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
_COMPILING = re.compile(r"([\d.]+) s of it compiling")
"""What `bytepiece train` says when it had to."""


class FailedError(Exception):
    """A command ended with an error; the message is the last line that it said."""


class Taken(NamedTuple):
    """What a command took.

    Args:
        seconds: from its start to its end, without those it says it compiled.
        compiling: these.
        cpu: seconds of all its threads, processes and compiling.
        peak: bytes of memory of its largest process, at the worst moment.
    """

    seconds: float
    compiling: float
    cpu: float
    peak: int


def measurable() -> bool:
    """Whether the system says what a process took."""
    return hasattr(os, "wait4")


def run(command: Sequence[str], given: str = "") -> Taken:
    """Run a command in the project's folder to its end.

    Args:
        command: the program and its arguments.
        given: its standard input.

    Raises:
        FailedError: it ended with an error.
    """
    launched = subprocess.run(
        [sys.executable, "-I", __file__, *command],
        input=given,
        capture_output=True,
        check=False,
        cwd=ROOT,
        encoding="utf-8",
        errors="replace",
    )
    said = launched.stderr
    if launched.returncode:
        raise FailedError(last_line(said) or f"ended with {launched.returncode}")
    seconds, cpu, peak = json.loads(launched.stdout)
    found = _COMPILING.search(said)
    compiling = float(found[1]) if found else 0.0
    return Taken(seconds - compiling, compiling, cpu, peak)


def last_line(said: str) -> str:
    """What a message ends with, which is what went wrong, and not where in a library's source."""
    return (said.strip().splitlines() or [""])[-1].rpartition("] ")[2]


def _launch(command: Sequence[str]) -> int:
    """Run a command, print what it took, and return how it ended."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit]))
    return 1 if process.returncode else 0


if __name__ == "__main__":
    sys.exit(_launch(sys.argv[1:]))
