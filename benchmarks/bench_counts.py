r"""Instructions, cache misses and mispredicted branches of each stage of encoding, per byte.

    python -m benchmarks.bench_counts --model bytepiece_80k.model --corpus mix100.txt

A virtual machine often hides the counters of its processor, so a processor is simulated: this needs
valgrind, and takes some ten minutes. Each stage runs 2 and 6 times in a process of its own, and the
difference is shown, so that the start of Python does not count. The caches are the first and second
level of this machine, or what --level-1 and --level-2 say.

The last columns bound the time of a byte: what the instructions would take alone, four at a time,
and what the misses and mispredicted branches would take alone, one after the other. Real time lies
between the larger of them and their sum, unless waits overlap, which is what lanes are for. Samples
scan the text from its end; the table takes off the scan from its beginning, which costs the same.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.support import ROOT, counted_stage
from benchmarks.support.corpora import FreshTexts
from benchmarks.support.harness import environment, markdown, write_json

_SIZE = 200_000
"""The bytes of the text."""
_FEW, _MANY = 2, 6
_COUNTERS = ("I   refs", "D1  misses", "LLd misses", "Mispredicts")
_AT_ONCE = 4
"""Instructions that a processor does in a cycle, if none of them waits."""
_WAITS = (14, 50, 15)
"""Cycles that a miss of the first and of the second level and a mispredicted branch take."""
_MACHINE = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx2,+fma,+bmi,+bmi2,+popcnt",
    "PYTHONHASHSEED": "0",
}
"""What valgrind can simulate, for which kernels are compiled; and an equal start for all runs."""

Counts = np.ndarray[tuple[int], np.dtype[np.float64]]


class Counter:
    """Runs stages in a simulated processor.

    Args:
        model: the file of the model.
        text: the file of the text.
        levels: the caches, each as bytes, ways and bytes of a line.
    """

    def __init__(self, model: Path, text: Path, levels: Sequence[str]) -> None:
        self._given = [str(model.resolve()), str(text)]
        self._levels = levels

    def counted(self, stage: str) -> Counts:
        """Return the counts of one byte."""
        size = int(self._run([], stage, 1).stdout)  # not simulated, so that it compiles quickly
        few, many = (self._counts(stage, repeats) for repeats in (_FEW, _MANY))
        return (many - few) / (_MANY - _FEW) / size

    def _counts(self, stage: str, repeats: int) -> Counts:
        first, second = self._levels
        simulated = ["valgrind", "--tool=cachegrind", "--branch-sim=yes", "--cache-sim=yes"]
        simulated += [f"--D1={first}", f"--LL={second}", "--cachegrind-out-file=/dev/null"]
        said = self._run(simulated, stage, repeats).stderr
        found = dict(re.findall(r"(\w[\w ]+):\s+([\d,]+)", said))
        return np.array([float(found[name].replace(",", "")) for name in _COUNTERS])

    def _run(self, before: list[str], stage: str, repeats: int) -> subprocess.CompletedProcess[str]:
        command = [*before, sys.executable, "-m", counted_stage.__name__]
        return subprocess.run(
            [*command, *self._given, stage, str(repeats)],
            check=True,
            capture_output=True,
            encoding="utf-8",
            cwd=ROOT,
            env={**os.environ, **_MACHINE},
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Count all stages and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_counts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--level-1", default="32768,8,64", help="bytes, ways, bytes of a line")
    parser.add_argument("--level-2", default="524288,8,64", help="the same")
    parser.add_argument("--output", type=Path, help="folder for counts.json")
    chosen = parser.parse_args(arguments)
    if shutil.which("valgrind") is None:
        parser.error("valgrind is not installed; it is in the packages of most systems")
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        text.write_text("\n".join(FreshTexts(chosen.corpus).take(_SIZE)), "utf-8", newline="\n")
        counter = Counter(chosen.model, text, (chosen.level_1, chosen.level_2))
        found = {stage: counter.counted(stage) for stage in counted_stage.STAGES}
    rows = [[stage, *_cells(found[stage])] for stage in ("segments", "scan")]
    for stage in ("best", "sample"):  # what is left without the other two stages
        rows.append([f"{stage} alone", *_cells(found[stage] - found["segments"] - found["scan"])])
    heads = ["per byte", "instructions", "misses of L1", "misses of L2", "mispredicted"]
    heads += ["cycles for instructions", "cycles for waits"]
    print(markdown(heads, rows))
    if chosen.output:
        table = [dict(zip(heads, row, strict=True)) for row in rows]
        write_json(chosen.output / "counts.json", {**environment(), "table": table})


def _cells(counts: Counts) -> list[str]:
    figures = [f"{counts[0]:.1f}", *(f"{count:.2f}" for count in counts[1:])]
    return [*figures, f"{counts[0] / _AT_ONCE:.1f}", f"{counts[1:] @ np.array(_WAITS):.1f}"]


if __name__ == "__main__":
    main()
