"""The whole command `bytepiece encode < file > ids`, the first token ever, and decoding.

The rival of the command is a program of ten lines over SentencePiece,
`benchmarks/peers/sentencepiece_program.py`. The processor time of one thread is compared, since
other work on the machine changes it less than the time that passes.
"""

import statistics
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from operator import truediv
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.bench_speed import TRAINED_ON
from benchmarks.bench_startup import cold, program
from benchmarks.peers.tiktoken import Tiktoken
from benchmarks.support import ROOT, commands, trained_models
from benchmarks.support.commands import Taken
from benchmarks.support.harness import (
    BenchmarkReport,
    BenchmarkSettings,
    closing,
    encode_rate,
    enter,
    race,
)
from bytepiece import Tokenizer, model_io
from bytepiece.adapters.base import NotPossibleError, TimedResult
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.sentencepiece import SentencePiece
from bytepiece.formats import to_sentencepiece

SIZE = 40_000_000
"""The bytes of the file."""
QUICK_SIZE = 300_000
_REPEATS = 3
PROGRAM = ROOT / "benchmarks" / "peers" / "sentencepiece_program.py"
_REDIRECTED = 'text=$1 ids=$2; shift 2; exec "$@" < "$text" > "$ids"'


class FilesOfOneModel(NamedTuple):
    """A model for both commands.

    Args:
        name: what the table calls it.
        ours, theirs: the file for our command, and the file for SentencePiece.
    """

    name: str
    ours: Path
    theirs: Path


class OursFromLists(Ours):
    """Our decoder, given a list of ids for each text."""

    name = "bytepiece, lists"

    def decode_texts(self, result: Any) -> TimedResult:
        """Decode lists as in the base class; making them is not measured."""
        return super().decode_texts([row.tolist() for row in result])


def run(settings: BenchmarkSettings) -> BenchmarkReport:
    """Measure everything, print it, and return the report."""
    report = BenchmarkReport("command", settings)
    if SentencePiece.missing() is None and commands.measurable():
        with tempfile.TemporaryDirectory() as name:
            whole_commands(report, settings, Path(name))
    else:
        report.table("Whole commands", ["note"], [["needs SentencePiece, and not Windows"]])
    first, _ = cold([*program(), "encode", "-m", str(settings.model.resolve())])
    report.table("The first token ever", ["s"], [[f"{first:.2f}"]])
    report.target("cold encode", first)
    decoding(report, settings)
    return report


def whole_commands(report: BenchmarkReport, settings: BenchmarkSettings, directory: Path) -> None:
    """Measure the command and its rival with the same vocabulary, and with SentencePiece's own."""
    lines = settings.texts.take(QUICK_SIZE if settings.quick else SIZE)
    text = directory / "text.txt"
    text.write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\n")
    for model in models_of(settings, directory):
        ratios = against_the_rival(report, settings, text, model)
        for target, ratio in ratios.items():
            report.target(target, ratio)
        rate = encode_rate(Tokenizer.load(model.ours), lines)
        report.table("Only encoding, one thread", ["model", "MB/s"], [[model.name, f"{rate:.1f}"]])


def models_of(settings: BenchmarkSettings, directory: Path) -> list[FilesOfOneModel]:
    """Return the models to measure with."""
    exported = directory / "exported.model"
    with warnings.catch_warnings():  # the file cannot hold some pieces
        warnings.simplefilter("ignore")
        to_sentencepiece.save(model_io.load(settings.model), exported)
    found = [FilesOfOneModel("the model", settings.model.resolve(), exported)]
    try:
        lines = settings.texts.beginning(TRAINED_ON)
        path = trained_models.sentencepiece(lines, settings.vocabulary // 2, "unigram")
    except NotPossibleError:
        return found  # the text is too small
    return [*found, FilesOfOneModel("SentencePiece's", path, path)]


def against_the_rival(
    report: BenchmarkReport, settings: BenchmarkSettings, text: Path, model: FilesOfOneModel
) -> Mapping[str, float]:
    """Measure both commands in turns, with one thread and with the number that they choose.

    Returns:
        how many times less time ours takes, for the target of each number of threads.
    """
    rival = [sys.executable, str(PROGRAM), str(model.theirs)]
    ours = [*program(), "encode", "-m", str(model.ours)]
    names = "SentencePiece", "bytepiece encode"
    runs = {
        (names[1], "1"): [*ours, "--threads", "1"],
        (names[0], "1"): [*rival, "1"],
        (names[1], "default"): ours,
        (names[0], "default"): [*rival, "-1"],
        ("cat", "1"): ["cat"],
    }
    found: dict[tuple[str, str], list[Taken]] = {which: [] for which in runs}
    for _ in range((1 if settings.quick else _REPEATS) + 1):  # the first repeat is the warm-up
        for which, command in runs.items():
            found[which].append(redirected(command, text))
    found = {which: taken[1:] for which, taken in found.items()}
    megabytes = text.stat().st_size / 1e6
    rows = []
    for (name, threads), taken in found.items():
        passed, cpu = (statistics.median(f(taken)) for f in (seconds, processor_seconds))
        rows.append(
            [name, threads, f"{passed:.2f}", f"{cpu:.2f}", f"{megabytes / max(cpu, 1e-3):.1f}"]
        )
    heads = ["command", "threads", "s", "processor s", "MB per processor s"]
    kept = {" ".join(which): [one._asdict() for one in taken] for which, taken in found.items()}
    report.table(f"{megabytes:.1f} MB, {model.name}", heads, rows, taken=kept)
    return {
        target: statistics.median(map(truediv, *(measured(found[n, threads]) for n in names)))
        for target, threads, measured in (
            ("command", "1", processor_seconds),
            ("command threads", "default", seconds),
        )
    }


def seconds(taken: Sequence[Taken]) -> list[float]:
    """Return the seconds of some runs."""
    return [one.seconds for one in taken]


def processor_seconds(taken: Sequence[Taken]) -> list[float]:
    """Return the processor seconds of some runs."""
    return [one.cpu for one in taken]


def redirected(command: Sequence[str], text: Path) -> Taken:
    """Run a command with a file as its standard input and another one as its output."""
    ids = text.with_suffix(".ids")
    return commands.run(["sh", "-c", _REDIRECTED, "sh", str(text), str(ids), *command])


def decoding(report: BenchmarkReport, settings: BenchmarkSettings) -> None:
    """Measure decoding of what each library encodes, from its own form and from lists."""
    model = model_io.load(settings.model)
    size = settings.vocabulary
    lines = settings.texts.beginning(TRAINED_ON)
    whose, bpe = f"the model's {len(model.pieces)}", f"byte-level BPE {size}"
    with closing(
        [
            *(
                enter(kind, whose, lambda kind=kind: kind.from_model(model))
                for kind in (Ours, OursFromLists, SentencePiece)
            ),
            *(
                enter(kind, bpe, lambda load=load: load(trained_models.byte_level_bpe(lines, size)))
                for kind, load in ((HuggingFace, HuggingFace.from_file), (Tiktoken, Tiktoken))
            ),
        ]
    ) as entrants:
        lanes = race(
            entrants,
            lambda adapter, texts: adapter.decode_texts(adapter.encode_batch(texts).result),
            lambda: settings.texts.take(settings.slice_size),
            settings.repeats,
        )
    report.lanes("Decoding to str", "MB/s", lanes)
    others = [lane.rates for lane in lanes[2:] if lane.rates]
    for target, lane in zip(("decoding", "decoding lists"), lanes, strict=False):
        least = [our / max(rates) for our, *rates in zip(lane.rates, *others, strict=True)]
        report.target(target, statistics.median(least) if others else None)
