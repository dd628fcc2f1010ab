"""Random texts and damaged files: no crash, hang, wrong byte, or error that is not ours.

    python -m benchmarks.bench_fuzz --texts 10_000_000 --files 100_000 --output benchmarks/results
    python -m benchmarks.bench_fuzz --minutes 1

The trials run in a process of their own, with a limit on its memory and on the CPU time of each
trial. A trial is a function of the seed and of its number. The seed is the date (20261128) if none
is given, so that every day brings new trials; it is printed, and kept in the results.

Each finding is printed, and its text or its files are written to a folder. Once the fault is
mended, the file goes to tests/regressions/, where a test replays it.
"""

import argparse
import math
import random
import tempfile
import time
import warnings
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

from benchmarks.fuzzing import files, models, texts
from benchmarks.fuzzing.file_checks import check_file
from benchmarks.fuzzing.mutations import mutated
from benchmarks.fuzzing.text_checks import check_texts
from benchmarks.fuzzing.workers import Finding, Isolated, Trials
from benchmarks.support import ROOT
from benchmarks.support.harness import BenchmarkReport, BenchmarkSettings
from bytepiece.rules.text import to_bytes

KEPT = ROOT / "benchmarks" / ".found"
"""The folder for the texts and files of findings."""
_TRIES = 50
"""How often a mutation that changes nothing is repeated."""


class TextTrials:
    """Batches of random texts, each checked with one of the models.

    Args:
        seed: the seed of all batches.
        kept: the folder for the texts of findings.
    """

    name = "texts"
    seconds = 300

    def __init__(self, seed: int, kept: Path) -> None:
        self.seed = seed
        self._kept = kept

    def prepare(self) -> None:
        """Train the models."""
        warnings.simplefilter("error", RuntimeWarning)
        models.tokenizers()

    def run(self, number: int) -> list[Finding]:
        """Check one batch."""
        name = self._model(number)
        batch = texts.batch(self.seed, number)
        found = check_texts(name, models.tokenizers()[name], batch, self.seed + number)
        return [
            Finding(
                number,
                self.kind(number),
                f"{one.check}: {one.detail}",
                None if one.text is None else to_bytes(one.text),
            )
            for one in found
        ]

    def kind(self, number: int) -> str:
        """Return the kind of the texts, and the model."""
        return f"{texts.KINDS[number % len(texts.KINDS)]}, {self._model(number)}"

    def size(self, number: int) -> int:
        """Return the number of texts."""
        return texts.size(number)

    def keep(self, found: Finding) -> None:
        """Write the text of a finding to the folder for findings."""
        if found.content is not None:
            self._kept.mkdir(parents=True, exist_ok=True)
            (self._kept / f"text_{self.seed}-{found.number}").write_bytes(found.content)

    def _model(self, number: int) -> str:
        return models.NAMES[number // len(texts.KINDS) % len(models.NAMES)]


class FileTrials:
    """Files that are damaged, each by some random mutations, and then read.

    Args:
        seed: the seed of all mutations.
        kept: the folder for the files of findings.
    """

    name = "files"
    seconds = 20

    def __init__(self, seed: int, kept: Path) -> None:
        self.seed = seed
        self._kept = kept
        # They are made once, because another process may make slightly different ones.
        self._sound = files.sound()

    def prepare(self) -> None:
        """Read each of the sound files."""
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        for kind, folders in self._sound.items():
            for folder in folders:
                name = list(folder)[-1]
                if wrong := _read(kind, folder, name):
                    raise AssertionError(f"the sound {kind} {name}: {wrong}")

    def run(self, number: int) -> list[Finding]:
        """Damage one file, and read it."""
        kind, folder, name = self._case(number)
        wrong = _read(kind, folder, name)
        return [] if wrong is None else [Finding(number, kind, wrong, folder[name])]

    def kind(self, number: int) -> str:
        """Return the kind of the file."""
        return list(self._sound)[number % len(self._sound)]

    def size(self, number: int) -> int:  # noqa: ARG002
        """Return the number of files."""
        return 1

    def keep(self, found: Finding) -> None:
        """Write the files of a finding to the folder for findings."""
        kind, folder, name = self._case(found.number)
        place = self._kept / kind / f"{self.seed}-{found.number}-{name}"
        place.mkdir(parents=True, exist_ok=True)
        for other, content in folder.items():
            (place / other).write_bytes(content)

    def _case(self, number: int) -> tuple[str, files.Folder, str]:
        """Return the kind, the files with the damaged one among them, and its name."""
        rng = random.Random(f"{self.seed}/{number}")
        kind = self.kind(number)
        folder = rng.choice(self._sound[kind])
        name = rng.choice(list(folder))
        content = folder[name]
        for _ in range(_TRIES):
            if content != folder[name]:
                break
            content = mutated(folder[name], rng)
        return kind, {**folder, name: content}, name


def _read(kind: str, folder: files.Folder, name: str) -> str | None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        for other, content in folder.items():
            Path(place, other).write_bytes(content)
        return check_file(kind, Path(place), name)


def seed_of_the_day() -> int:
    """Return the date as a number."""
    return int(datetime.now(timezone.utc).strftime("%Y%m%d"))


def run(settings: BenchmarkSettings) -> BenchmarkReport:
    """Try a little of everything, print it, and return the report."""
    quick = settings.quick
    return fuzz(seed_of_the_day(), 60_000 if quick else 10_000_000, 500 if quick else 100_000)


def fuzz(
    seed: int,
    number_of_texts: int,
    number_of_files: int,
    minutes: float = math.inf,
    first: int = 0,
    kept: Path = KEPT,
) -> BenchmarkReport:
    """Try texts and files, print what was found, and return the report.

    Args:
        seed: the seed of all trials.
        number_of_texts: the least number of texts.
        number_of_files: the least number of files.
        minutes: the time for all; texts and files each get half of it.
        first: the number of the first trial of each.
        kept: the folder for findings.
    """
    report = BenchmarkReport("fuzz")
    print(f"seed {seed}\n", flush=True)
    found: list[Finding] = []
    minutes /= max((number_of_texts > 0) + (number_of_files > 0), 1)
    if number_of_texts:
        found += _tried(report, TextTrials(seed, kept), number_of_texts, first, 3, minutes)
    if number_of_files:
        found += _tried(report, FileTrials(seed, kept), number_of_files, first, 200, minutes)
    report.target("fuzz", len(found))
    return report


def _tried(
    report: BenchmarkReport, trials: Trials, least: int, first: int, at_once: int, minutes: float
) -> list[Finding]:
    """Run trials, print a table of them, and return the findings."""
    worker = Isolated(trials)
    worker.begin()
    begin = time.monotonic()
    done: Counter[str] = Counter()
    found: list[Finding] = []
    while done.total() < least and time.monotonic() < begin + 60 * minutes:
        for one in worker.run(first, at_once):
            print(f"FOUND in {one.number}, {one.kind}: {one.what}", flush=True)
            found.append(one)
            trials.keep(one)
        for number in range(first, first + at_once):
            done[trials.kind(number)] += trials.size(number)
        first += at_once
    minutes = (time.monotonic() - begin) / 60
    worker.close()
    wrong = Counter(one.kind for one in found)
    rows = [[kind, f"{number:,}", str(wrong[kind])] for kind, number in sorted(done.items())]
    rows.append(["all", f"{done.total():,}", str(len(found))])
    report.table(
        f"{trials.name}: {minutes:.1f} minutes, {worker.peak / 1e6:.0f} MB at most",
        ["kind", "number", "findings"],
        rows,
        seed=trials.seed,
        minutes=minutes,
        found=[one._replace(content=None)._asdict() for one in found],
    )
    return found


def main() -> None:
    """Run the trials that the arguments ask for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--texts", type=int, default=10_000_000)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after this time")
    parser.add_argument("--seed", type=int, help="the date by default")
    parser.add_argument("--first", type=int, default=0, help="the number of the first trial")
    parser.add_argument("--output", type=Path, help="folder for fuzz.json")
    arguments = parser.parse_args()
    seed = seed_of_the_day() if arguments.seed is None else arguments.seed
    report = fuzz(seed, arguments.texts, arguments.files, arguments.minutes, arguments.first)
    if arguments.output:
        report.write(arguments.output)
    if any("MISSED" in verdict for verdict in report.verdicts):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
