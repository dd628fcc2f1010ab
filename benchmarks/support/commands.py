"""Time and memory of a command that runs in a process of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.support import ROOT

_LAUNCHER = Path(__file__).parent / "launcher.py"
_COMPILING = re.compile(r"([\d.]+) s of it compiling")
"""The words of `bytepiece train` after it compiled kernels."""


class FailedError(Exception):
    """A command that ended with an error; the message is the last line of its output."""


class Taken(NamedTuple):
    """The time and the memory that a command took.

    Args:
        seconds: from the command's start to its end, without the seconds it reports as compiling.
        compiling: seconds that it reports as compiling.
        cpu: CPU seconds of all its threads and processes, with compiling.
        peak: the largest memory of its largest process, in bytes.
    """

    seconds: float
    compiling: float
    cpu: float
    peak: int


def measurable() -> bool:
    """Return whether the system reports the CPU time and the memory of a process."""
    return hasattr(os, "wait4")


def run(command: Sequence[str], given: str = "") -> Taken:
    """Run a command to its end, in the project's folder.

    Args:
        command: the program and its arguments.
        given: the command's standard input.

    Raises:
        FailedError: if the command ends with an error.
    """
    launched = subprocess.run(
        [sys.executable, "-I", str(_LAUNCHER), *command],
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
    """Return the last line of an output.

    A library may put a place in its source and "] " before its message. They are left out.
    """
    return (said.strip().splitlines() or [""])[-1].rpartition("] ")[2]
