"""Speed of encoding and sampling, ours against every rival's, on one thread and on two."""

import statistics
from collections.abc import Sequence

from benchmarks import models
from benchmarks.harness import (
    Entrant,
    Report,
    Setting,
    closing,
    encode_rate,
    enter,
    megabytes,
    race,
)
from benchmarks.peers.kitoken import Kitoken
from benchmarks.peers.tiktoken import Tiktoken
from benchmarks.peers.tokie import Tokie
from benchmarks.threads import compare
from bytepiece import Tokenizer, model_io
from bytepiece.adapters.base import Adapter, TimedResult
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.original_library import Original
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.rs_bytepiece import RsBytepiece
from bytepiece.adapters.sentencepiece import SentencePiece
from bytepiece.model import Model

ALPHA = 0.1
TRAINED_ON = 10_000_000
"""Bytes of the corpus that the vocabularies of the comparison are trained on."""


def run(setting: Setting) -> Report:
    """Measure, print and collect."""
    report = Report("speed", setting)
    model = model_io.load(setting.model)
    with closing(holders_of(model)) as entrants:
        same_model(report, setting, entrants)
        latency(report, setting, entrants, "one model", None)
        latency(report, setting, entrants, "one model", ALPHA)
    with closing(trained(setting)) as entrants:
        same_size(report, setting, entrants)
        latency(report, setting, entrants, "vocabularies of one size", None)
    many_samples(report, setting, Tokenizer(model))
    for name, alpha in (("best", None), ("sample", ALPHA)):
        lines = compare(setting, alpha)
        report.table(
            f"Two threads and two processes, {name}",
            ["", "median", "least", "most"],
            [
                [k, *(f"{f(v):.2f}" for f in (statistics.median, min, max))]
                for k, v in lines.items()
            ],
        )
        report.bar(f"threads {name}", statistics.median(lines["threads over processes"]))
    return report


def best(adapter: Adapter, texts: Sequence[str]) -> TimedResult:
    """The task of the best path."""
    return adapter.encode_batch(texts)


def sample(adapter: Adapter, texts: Sequence[str]) -> TimedResult:
    """The task of a random path."""
    return adapter.sample_batch(texts, ALPHA)


def holders_of(model: Model) -> list[Entrant]:
    """Everyone with the same vocabulary and scores, ours first."""
    vocabulary = f"the model's {len(model.pieces)}"
    kinds = (Ours, SentencePiece, HuggingFace, RsBytepiece, Original, Kitoken, Tokie, Tiktoken)
    return [enter(kind, vocabulary, lambda kind=kind: kind.from_model(model)) for kind in kinds]


def trained(setting: Setting) -> list[Entrant]:
    """Ours of the chosen size, and rivals with it or with their own from the same text."""
    lines = setting.texts.beginning(TRAINED_ON)
    size = setting.vocabulary
    model = model_io.load(models.bnlm(lines, size))
    ours = f"our BNLM {len(model.pieces)}"
    found = [
        enter(kind, ours, lambda kind=kind: kind.from_model(model))
        for kind in (Ours, SentencePiece, HuggingFace, Kitoken)
    ]
    for algorithm in ("unigram", "bpe"):
        for kind in (SentencePiece, Kitoken):
            found.append(
                enter(
                    kind,
                    f"SentencePiece {algorithm} {size}",
                    lambda kind=kind, a=algorithm: kind(models.sentencepiece(lines, size, a)),
                )
            )
    for kind, load in (
        (HuggingFace, HuggingFace.from_file),
        (Tokie, Tokie),
        (Kitoken, Kitoken),
        (Tiktoken, Tiktoken),
    ):
        path = lambda load=load: load(models.byte_level_bpe(lines, size))  # noqa: E731
        found.append(enter(kind, f"byte-level BPE {size}", path))
    return found


def same_model(report: Report, setting: Setting, entrants: list[Entrant]) -> None:
    """Encoding and sampling by one model, whoever can hold it."""
    fresh = lambda: setting.texts.take(setting.slice_size)  # noqa: E731
    lanes = race(entrants, best, fresh, setting.repeats)
    report.lanes("Best path, one model", "MB/s", lanes)
    report.faster("best original", lanes, Original.name)
    lanes = race(entrants, sample, fresh, setting.repeats)
    report.lanes(f"Sampling at alpha {ALPHA}, one model", "MB/s", lanes)
    report.faster("sample sentencepiece", lanes, SentencePiece.name)
    report.faster("sample huggingface", lanes, HuggingFace.name)
    report.faster("sample original", lanes, Original.name)


def same_size(report: Report, setting: Setting, entrants: list[Entrant]) -> None:
    """Encoding with vocabularies of one size, and sampling where there is any."""
    fresh = lambda: setting.texts.take(setting.slice_size)  # noqa: E731
    lanes = race(entrants, best, fresh, setting.repeats)
    report.lanes("Best path, vocabularies of one size from one text", "MB/s", lanes)
    report.faster("best sentencepiece", lanes, SentencePiece.name, "our")
    report.faster("best sentencepiece own", lanes, SentencePiece.name, "SentencePiece unigram")
    report.faster("best tokie", lanes, Tokie.name)


def latency(
    report: Report, setting: Setting, entrants: list[Entrant], whose: str, alpha: float | None
) -> None:
    """One call for each of many different texts of 100 bytes."""
    lanes = race(
        entrants,
        lambda adapter, texts: adapter.encode_each(texts, alpha),
        lambda: setting.texts.short(setting.slice_size // 1000),
        setting.repeats,
        work=lambda texts: len(texts) / 1e6,
    )
    task = "best path" if alpha is None else f"alpha {alpha}"
    report.lanes(f"One call for 100 bytes, {task}, {whose}", "µs", lanes, inverse=True)
    if alpha is None:
        report.faster("latency", lanes, SentencePiece.name)


def many_samples(report: Report, setting: Setting, tokenizer: Tokenizer) -> None:
    """What each sample after the first costs, when 64 are drawn of each text at once."""
    tokenizer.encode_batch(["a"], alpha=ALPHA)  # computes the table of weights
    shares = []
    rows = []
    for _ in range(setting.repeats):
        texts = setting.texts.take(setting.slice_size // 16)
        size = megabytes(texts)
        first = size / encode_rate(tokenizer, texts, alpha=ALPHA)
        all_ = size / encode_rate(tokenizer, texts, alpha=ALPHA, samples=64)
        further = (all_ - first) / 63
        shares.append(100 * further / first)
        rows.append([f"{1e3 * first:.2f}", f"{1e3 * further:.2f}", f"{shares[-1]:.0f} %"])
    heads = ["first, ms", "each further, ms", "of the first"]
    report.table("64 samples of each text", heads, rows)
    report.bar("further sample", statistics.median(shares))
