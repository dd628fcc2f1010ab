"""The memory of the command line for one long line: encoding, sampling, decoding."""

import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.bench_startup import program
from benchmarks.support import commands
from benchmarks.support.harness import BenchmarkReport, BenchmarkSettings

SIZE = 120_000_000
"""The bytes of the line."""
QUICK_SIZE = 16_000_000


class LongLine(NamedTuple):
    """Files for the measurement: a long line, its ids, and an empty input.

    Args:
        line, ids, empty: the files.
    """

    line: Path
    ids: Path
    empty: Path


def run(settings: BenchmarkSettings) -> BenchmarkReport:
    """Measure everything, print it, and return the report."""
    report = BenchmarkReport("memory", settings)
    if not commands.measurable():
        report.table("Memory", ["note"], [["this system does not report it"]])
        return report
    with tempfile.TemporaryDirectory() as name:
        text = settings.texts.text(QUICK_SIZE if settings.quick else SIZE)
        files = prepared(Path(name), settings.model, text.encode())
        figures = {
            "line best": per_byte(["encode"], settings.model, files.line, files.empty),
            "line decoded": per_byte(["decode"], settings.model, files.ids, files.empty),
            "line sampled": per_byte(
                ["encode", "--sample", "--seed", "1"], settings.model, files.line, files.empty
            ),
        }
        sizes = [file.stat().st_size / 1e6 for file in (files.line, files.ids, files.line)]
    report.table(
        "One line",
        ["", "MB of input", "bytes for each byte of input"],
        [[n, f"{s:.1f}", f"{f:.2f}"] for (n, f), s in zip(figures.items(), sizes, strict=True)],
    )
    for target, figure in figures.items():
        report.target(target, figure)
    return report


def prepared(directory: Path, model: Path, line: bytes) -> LongLine:
    """Write a line and its ids to files of a directory."""
    files = LongLine(directory / "line.txt", directory / "ids.txt", directory / "empty.txt")
    files.line.write_bytes(line)
    files.empty.touch()
    with files.ids.open("wb") as ids:
        command = [*program(), "encode", "-m", str(model), str(files.line)]
        subprocess.run(command, stdout=ids, check=True)
    return files


def per_byte(arguments: list[str], model: Path, file: Path, empty: Path) -> float:
    """Return the peak memory of a command less that for an empty input, per byte of its input."""
    command = [*program(), *arguments, "-m", str(model)]
    least = commands.run([*command, str(empty)]).peak
    return (commands.run([*command, str(file)]).peak - least) / file.stat().st_size
