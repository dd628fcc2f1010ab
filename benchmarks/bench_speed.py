"""The speed of encoding and sampling, ours against every rival's, on one thread and on two."""

import statistics
from collections.abc import Sequence

from benchmarks.peers.kitoken import Kitoken
from benchmarks.peers.tiktoken import Tiktoken
from benchmarks.peers.tokie import Tokie
from benchmarks.support import trained_models
from benchmarks.support.harness import (
    BenchmarkReport,
    BenchmarkSettings,
    Entrant,
    closing,
    encode_rate,
    enter,
    megabytes,
    race,
)
from benchmarks.support.thread_scaling import threads_against_processes
from bytepiece import Tokenizer, model_io
from bytepiece.adapters.base import Adapter, TimedResult
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.original_library import Original
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.rs_bytepiece import RsBytepiece
from bytepiece.adapters.sentencepiece import SentencePiece
from bytepiece.adapters.sentencepiece_lite import CachedSentencePieceLite, SentencePieceLite
from bytepiece.model import Model

ALPHA = 0.1
TRAINED_ON = 10_000_000
"""Bytes of the corpus on which the compared vocabularies are trained."""
SENTENCEPIECES = (SentencePiece, SentencePieceLite, CachedSentencePieceLite)
"""SentencePiece, and its Lite runtime without and with the cache of words."""


def run(settings: BenchmarkSettings) -> BenchmarkReport:
    """Measure everything, print it, and return the report."""
    report = BenchmarkReport("speed", settings)
    model = model_io.load(settings.model)
    with closing(holders_of(model)) as entrants:
        same_model(report, settings, entrants)
        latency(report, settings, entrants, "one model", None)
        latency(report, settings, entrants, "one model", ALPHA)
    with closing(trained(settings)) as entrants:
        same_size(report, settings, entrants)
        decoding(report, settings, entrants)
        latency(report, settings, entrants, "vocabularies of one size", None)
    many_samples(report, settings, Tokenizer(model))
    for name, alpha in (("best", None), ("sample", ALPHA)):
        speed_ups = threads_against_processes(settings, alpha)
        report.table(
            f"Two threads and two processes, {name}",
            ["", "median", "least", "most"],
            [
                [k, *(f"{f(v):.2f}" for f in (statistics.median, min, max))]
                for k, v in speed_ups.items()
            ],
        )
        report.target(f"threads {name}", statistics.median(speed_ups["threads over processes"]))
    return report


def best(adapter: Adapter, texts: Sequence[str]) -> TimedResult:
    """Encode texts by the best path."""
    return adapter.encode_batch(texts)


def sample(adapter: Adapter, texts: Sequence[str]) -> TimedResult:
    """Encode texts by a random path."""
    return adapter.sample_batch(texts, ALPHA)


def holders_of(model: Model) -> list[Entrant]:
    """Return every library with the model's vocabulary and scores, ours first."""
    vocabulary = f"the model's {len(model.pieces)}"
    kinds = (Ours, *SENTENCEPIECES, HuggingFace, RsBytepiece, Original, Kitoken, Tokie, Tiktoken)
    return [enter(kind, vocabulary, lambda kind=kind: kind.from_model(model)) for kind in kinds]


def trained(settings: BenchmarkSettings) -> list[Entrant]:
    """Return the libraries with vocabularies of the chosen size, ours first.

    Some rivals have our vocabulary, and some have their own, trained on the same text.
    """
    lines = settings.texts.beginning(TRAINED_ON)
    size = settings.vocabulary
    model = model_io.load(trained_models.bnlm(lines, size))
    ours = f"our BNLM {len(model.pieces)}"
    found = [
        enter(kind, ours, lambda kind=kind: kind.from_model(model))
        for kind in (Ours, *SENTENCEPIECES, HuggingFace, Kitoken)
    ]
    own = {"unigram": (*SENTENCEPIECES, Kitoken), "bpe": (SentencePiece, Kitoken)}
    for algorithm, kinds in own.items():
        for kind in kinds:
            found.append(
                enter(
                    kind,
                    f"SentencePiece {algorithm} {size}",
                    lambda kind=kind, a=algorithm: kind(
                        trained_models.sentencepiece(lines, size, a)
                    ),
                )
            )
    for kind, load in (
        (HuggingFace, HuggingFace.from_file),
        (Tokie, Tokie),
        (Kitoken, Kitoken),
        (Tiktoken, Tiktoken),
    ):
        make = lambda load=load: load(trained_models.byte_level_bpe(lines, size))  # noqa: E731
        found.append(enter(kind, f"byte-level BPE {size}", make))
    return found


def same_model(
    report: BenchmarkReport, settings: BenchmarkSettings, entrants: list[Entrant]
) -> None:
    """Measure encoding and sampling with one model, by every library that can load it."""
    fresh = lambda: settings.texts.take(settings.slice_size)  # noqa: E731
    lanes = race(entrants, best, fresh, settings.repeats)
    report.lanes("Best path, one model", "MB/s", lanes)
    report.faster("best original", lanes, Original.name)
    report.faster("best sentencepiece", lanes, SentencePiece.name)
    lanes = race(entrants, sample, fresh, settings.repeats)
    report.lanes(f"Sampling at alpha {ALPHA}, one model", "MB/s", lanes)
    report.faster("sample sentencepiece", lanes, SentencePiece.name)
    report.faster("sample huggingface", lanes, HuggingFace.name)
    report.faster("sample original", lanes, Original.name)


def same_size(
    report: BenchmarkReport, settings: BenchmarkSettings, entrants: list[Entrant]
) -> None:
    """Measure encoding and sampling with vocabularies of one size."""
    fresh = lambda: settings.texts.take(settings.slice_size)  # noqa: E731
    lanes = race(entrants, best, fresh, settings.repeats)
    report.lanes("Best path, vocabularies of one size from one text", "MB/s", lanes)
    report.faster("best sentencepiece", lanes, SentencePiece.name, "our")
    report.faster("best sentencepiece own", lanes, SentencePiece.name, "SentencePiece unigram")
    report.faster("best tokie", lanes, Tokie.name)
    unigram = [entrant for entrant in entrants if "bpe" not in entrant.vocabulary.lower()]
    lanes = race(unigram, sample, fresh, settings.repeats)
    report.lanes(f"Sampling at alpha {ALPHA}, vocabularies of one size", "MB/s", lanes)
    report.faster("sample sentencepiece own", lanes, SentencePiece.name, "SentencePiece unigram")


def decoding(report: BenchmarkReport, settings: BenchmarkSettings, entrants: list[Entrant]) -> None:
    """Measure decoding of what each library encodes, text by text."""
    lanes = race(
        entrants,
        lambda adapter, texts: adapter.decode_texts(adapter.encode_batch(texts).result),
        lambda: settings.texts.take(settings.large_size),
        settings.repeats,
    )
    report.lanes("Decoding to str", "MB/s", lanes)
    others = [lane.rates for lane in lanes[1:] if lane.rates]
    least = [our / max(rates) for our, *rates in zip(lanes[0].rates, *others, strict=True)]
    report.target("decoding", statistics.median(least) if others else None)


def latency(
    report: BenchmarkReport,
    settings: BenchmarkSettings,
    entrants: list[Entrant],
    whose: str,
    alpha: float | None,
) -> None:
    """Measure one call for each of many different texts of 100 bytes."""
    lanes = race(
        entrants,
        lambda adapter, texts: adapter.encode_each(texts, alpha),
        lambda: settings.texts.short(settings.slice_size // 1000),
        settings.repeats,
        work=lambda texts: len(texts) / 1e6,
    )
    task = "best path" if alpha is None else f"alpha {alpha}"
    report.lanes(f"One call for 100 bytes, {task}, {whose}", "µs", lanes, inverse=True)
    if alpha is None:
        report.faster("latency", lanes, SentencePiece.name)


def many_samples(
    report: BenchmarkReport, settings: BenchmarkSettings, tokenizer: Tokenizer
) -> None:
    """Measure the cost of each sample after the first, if one call draws 64 of each text."""
    tokenizer.encode_batch(["a"], alpha=ALPHA)  # the first call computes the table of weights
    shares = []
    rows = []
    for _ in range(settings.repeats):
        texts = settings.texts.take(settings.slice_size // 16)
        size = megabytes(texts)
        first = size / encode_rate(tokenizer, texts, alpha=ALPHA)
        all_ = size / encode_rate(tokenizer, texts, alpha=ALPHA, samples=64)
        further = (all_ - first) / 63
        shares.append(100 * further / first)
        rows.append([f"{1e3 * first:.2f}", f"{1e3 * further:.2f}", f"{shares[-1]:.0f} %"])
    heads = ["first, ms", "each further, ms", "of the first"]
    report.table("64 samples of each text", heads, rows)
    report.target("further sample", statistics.median(shares))
