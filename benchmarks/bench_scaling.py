"""Our speed and memory with longer texts, larger vocabularies, more threads, and odd texts."""

import os
import statistics
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.bench_speed import ALPHA, TRAINED_ON
from benchmarks.support import peak_memory, trained_models
from benchmarks.support.corpora import odd_texts
from benchmarks.support.harness import BenchmarkReport, BenchmarkSettings, encode_rate
from bytepiece import Model, Tokenizer, model_io

TASKS = {"best path": None, f"alpha {ALPHA}": ALPHA}
VOCABULARIES = (8_000, 16_000, 32_000, 64_000, 128_000, 320_000)


def run(settings: BenchmarkSettings) -> BenchmarkReport:
    """Measure everything, print it, and return the report."""
    report = BenchmarkReport("scaling", settings)
    tokenizer = Tokenizer(settings.model)
    lengths(report, settings, tokenizer)
    vocabularies(report, settings)
    threads(report, settings, tokenizer)
    odd(report, settings, tokenizer)
    peaks(report, settings)
    return report


def median_rate(
    tokenizer: Tokenizer, texts: Sequence[str | bytes], repeats: int, **options: object
) -> float:
    """Return the median MB/s of several repeats after a warm-up; each text has its own call."""
    found = [
        statistics.harmonic_mean([encode_rate(tokenizer, [text], **options) for text in texts])
        for _ in range(repeats + 1)
    ]
    return statistics.median(found[1:])


def lengths(report: BenchmarkReport, settings: BenchmarkSettings, tokenizer: Tokenizer) -> None:
    """Measure longer and longer texts without line ends."""
    rows = []
    for power in range(3, 7 if settings.quick else 9):
        size = 10**power
        texts = [settings.texts.text(size) for _ in range(max(1, settings.slice_size // size))]
        repeats = 1 if size > settings.large_size else settings.repeats
        found = [median_rate(tokenizer, texts, repeats, alpha=alpha) for alpha in TASKS.values()]
        rows.append([f"{size:,}", *(f"{rate:.1f}" for rate in found)])
    heads = ["bytes", *(f"{task}, MB/s" for task in TASKS)]
    report.table("One text without line ends", heads, rows)


def vocabularies(report: BenchmarkReport, settings: BenchmarkSettings) -> None:
    """Measure vocabularies of our trainer. The corpus is too small to fill the largest of them."""
    lines = settings.texts.beginning(TRAINED_ON)
    sizes = [size // 8 if settings.quick else size for size in VOCABULARIES]
    rows = []
    for size in sizes:
        model = model_io.load(trained_models.bnlm(lines, size))
        trained = len(model.pieces)
        if trained < 0.9 * size:
            model = enlarged(model, lines, size)
        tokenizer = Tokenizer(model)
        row = [f"{len(model.pieces):,}", f"{trained:,}"]
        for alpha in TASKS.values():
            found = []
            for _ in range(settings.repeats + 1):
                texts = settings.texts.take(settings.slice_size)
                found.append(encode_rate(tokenizer, texts, alpha=alpha))
            row.append(f"{statistics.median(found[1:]):.1f}")
        rows.append(row)
    heads = ["pieces", "of them trained", *(f"{task}, MB/s" for task in TASKS)]
    report.table("Vocabularies; what is not trained are common pairs of pieces", heads, rows)


def enlarged(model: Model, lines: Sequence[str], size: int) -> Model:
    """Return a model with more pieces, up to `size`: the text's commonest pairs of neighbours."""
    pairs: Counter[bytes] = Counter()
    pieces = dict(zip(model.ids.tolist(), model.pieces, strict=True))
    for row in Tokenizer(model).encode_batch(lines):
        pairs.update(pieces[a] + pieces[b] for a, b in pairwise(row.tolist()))
    known = set(model.pieces)
    added = [pair for pair, _ in pairs.most_common() if pair not in known][: size - len(known)]
    # This is the score of a pair that occurs once in the text, so added pieces are used sometimes.
    score = -np.log(sum(pairs.values()))
    scores = np.concatenate([model.scores, np.full(len(added), score)])
    return Model((*model.pieces, *added), scores)


def threads(report: BenchmarkReport, settings: BenchmarkSettings, tokenizer: Tokenizer) -> None:
    """Measure the same work on more threads."""
    counts = [1]
    while counts[-1] * 2 <= (os.cpu_count() or 1):
        counts.append(counts[-1] * 2)
    rows = []
    for task, alpha in TASKS.items():
        found: dict[int, list[float]] = {count: [] for count in counts}
        for _ in range(settings.repeats + 1):
            texts = settings.texts.take(settings.large_size)
            for count in counts:
                found[count].append(encode_rate(tokenizer, texts, alpha=alpha, threads=count))
        for count in counts:
            gain = [a / b for a, b in zip(found[count][1:], found[1][1:], strict=True)]
            rate = statistics.median(found[count][1:])
            rows.append([task, str(count), f"{rate:.1f}", f"{statistics.median(gain):.2f}"])
    report.table("Threads", ["", "threads", "MB/s", "speed-up"], rows)


def odd(report: BenchmarkReport, settings: BenchmarkSettings, tokenizer: Tokenizer) -> None:
    """Measure texts on which some algorithms are slow, against lines of the corpus."""
    size = settings.large_size
    rows = []
    worst = 0.0
    for task, alpha in TASKS.items():
        normal = median_rate(tokenizer, ["\n".join(settings.texts.take(size))], 2, alpha=alpha)
        rows.append([task, "lines of the corpus", f"{normal:.1f}", ""])
        for name, text in odd_texts(settings.texts, size).items():
            rate = median_rate(tokenizer, [text], 2, alpha=alpha)
            worst = max(worst, normal / rate)
            rows.append([task, name, f"{rate:.1f}", f"{normal / rate:.2f}"])
    report.table("Odd texts", ["", "text", "MB/s", "normal over this"], rows)
    report.target("odd", worst)


def peaks(report: BenchmarkReport, settings: BenchmarkSettings) -> None:
    """Measure the memory of one call beyond its result."""
    if not peak_memory.measurable():
        report.table("Memory", ["note"], [["this system does not report it"]])
        return
    size = 2 * settings.large_size
    inputs = {
        "a text for each line": settings.texts.take(size),
        "one text without line ends": [settings.texts.text(size)],
    }
    rows = []
    worst = 0.0
    for task, alpha in TASKS.items():
        for kind, texts in inputs.items():
            for count in (1, 2):
                call = partial(peak_memory.encoding, alpha=alpha, threads=count)
                extra = peak_memory.peak(settings.model, texts, call)
                worst = max(worst, extra)
                rows.append([task, kind, str(count), f"{extra:.1f}"])
    heads = ["", "texts", "threads", "bytes for each byte of text, beyond the result"]
    report.table("Memory", heads, rows)
    report.target("memory", worst)
