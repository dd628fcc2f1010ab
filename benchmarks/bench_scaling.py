"""How our cost grows: with the text, the vocabulary, the threads, and on texts made to be bad."""

import os
import statistics
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks import memory, models
from benchmarks.bench_speed import ALPHA, TRAINED_ON
from benchmarks.corpora import odd_texts
from benchmarks.harness import Report, Setting, encode_rate
from bytepiece import Model, Tokenizer, model_io

TASKS = {"best path": None, f"alpha {ALPHA}": ALPHA}
VOCABULARIES = (8_000, 16_000, 32_000, 64_000, 128_000, 320_000)


def run(setting: Setting) -> Report:
    """Measure, print and collect."""
    report = Report("scaling", setting)
    tokenizer = Tokenizer(setting.model)
    lengths(report, setting, tokenizer)
    vocabularies(report, setting)
    threads(report, setting, tokenizer)
    odd(report, setting, tokenizer)
    peaks(report, setting)
    return report


def rates(
    tokenizer: Tokenizer, texts: Sequence[str | bytes], repeats: int, **options: object
) -> float:
    """The median MB/s of one text after another, each in a call of its own; the first warms up."""
    found = [
        statistics.harmonic_mean([encode_rate(tokenizer, [text], **options) for text in texts])
        for _ in range(repeats + 1)
    ]
    return statistics.median(found[1:])


def lengths(report: Report, setting: Setting, tokenizer: Tokenizer) -> None:
    """One text without line ends, longer and longer."""
    rows = []
    for power in range(3, 7 if setting.quick else 9):
        size = 10**power
        texts = [setting.texts.text(size) for _ in range(max(1, setting.slice_size // size))]
        repeats = 1 if size > setting.large_size else setting.repeats
        found = [rates(tokenizer, texts, repeats, alpha=alpha) for alpha in TASKS.values()]
        rows.append([f"{size:,}", *(f"{rate:.1f}" for rate in found)])
    heads = ["bytes", *(f"{task}, MB/s" for task in TASKS)]
    report.table("One text without line ends", heads, rows)


def vocabularies(report: Report, setting: Setting) -> None:
    """Vocabularies of our trainer, from small to larger than the corpus has pieces for."""
    lines = setting.texts.beginning(TRAINED_ON)
    sizes = [size // 8 if setting.quick else size for size in VOCABULARIES]
    rows = []
    for size in sizes:
        model = model_io.load(models.bnlm(lines, size))
        trained = len(model.pieces)
        if trained < 0.9 * size:
            model = enlarged(model, lines, size)
        tokenizer = Tokenizer(model)
        row = [f"{len(model.pieces):,}", f"{trained:,}"]
        for alpha in TASKS.values():
            found = []
            for _ in range(setting.repeats + 1):
                texts = setting.texts.take(setting.slice_size)
                found.append(encode_rate(tokenizer, texts, alpha=alpha))
            row.append(f"{statistics.median(found[1:]):.1f}")
        rows.append(row)
    heads = ["pieces", "of them trained", *(f"{task}, MB/s" for task in TASKS)]
    report.table("Vocabularies; what is not trained are common pairs of pieces", heads, rows)


def enlarged(model: Model, lines: Sequence[str], size: int) -> Model:
    """A model with as many more pieces as the text has pairs for: the commonest neighbours."""
    pairs: Counter[bytes] = Counter()
    pieces = dict(zip(model.ids.tolist(), model.pieces, strict=True))
    for row in Tokenizer(model).encode_batch(lines):
        pairs.update(pieces[a] + pieces[b] for a, b in pairwise(row.tolist()))
    known = set(model.pieces)
    added = [pair for pair, _ in pairs.most_common() if pair not in known][: size - len(known)]
    # As probable as one occurrence in the text, so that it is used now and then.
    score = -np.log(sum(pairs.values()))
    scores = np.concatenate([model.scores, np.full(len(added), score)])
    return Model((*model.pieces, *added), scores)


def threads(report: Report, setting: Setting, tokenizer: Tokenizer) -> None:
    """The same work on more threads."""
    counts = [1]
    while counts[-1] * 2 <= (os.cpu_count() or 1):
        counts.append(counts[-1] * 2)
    rows = []
    for task, alpha in TASKS.items():
        found: dict[int, list[float]] = {count: [] for count in counts}
        for _ in range(setting.repeats + 1):
            texts = setting.texts.take(setting.large_size)
            for count in counts:
                found[count].append(encode_rate(tokenizer, texts, alpha=alpha, threads=count))
        for count in counts:
            gain = [a / b for a, b in zip(found[count][1:], found[1][1:], strict=True)]
            rate = statistics.median(found[count][1:])
            rows.append([task, str(count), f"{rate:.1f}", f"{statistics.median(gain):.2f}"])
    report.table("Threads", ["", "threads", "MB/s", "speed-up"], rows)


def odd(report: Report, setting: Setting, tokenizer: Tokenizer) -> None:
    """Texts that are hard on algorithms, against lines of the corpus."""
    size = setting.large_size
    rows = []
    worst = 0.0
    for task, alpha in TASKS.items():
        normal = rates(tokenizer, ["\n".join(setting.texts.take(size))], 2, alpha=alpha)
        rows.append([task, "lines of the corpus", f"{normal:.1f}", ""])
        for name, text in odd_texts(setting.texts, size).items():
            rate = rates(tokenizer, [text], 2, alpha=alpha)
            worst = max(worst, normal / rate)
            rows.append([task, name, f"{rate:.1f}", f"{normal / rate:.2f}"])
    report.table("Odd texts", ["", "text", "MB/s", "normal over this"], rows)
    report.bar("odd", worst)


def peaks(report: Report, setting: Setting) -> None:
    """Memory of one call beyond its result."""
    if not memory.measurable():
        report.table("Memory", ["note"], [["this system does not tell"]])
        return
    size = 2 * setting.large_size
    inputs = {
        "a text for each line": setting.texts.take(size),
        "one text without line ends": [setting.texts.text(size)],
    }
    rows = []
    worst = 0.0
    for task, alpha in TASKS.items():
        for kind, texts in inputs.items():
            for count in (1, 2):
                call = partial(memory.encoding, alpha=alpha, threads=count)
                extra = memory.peak(setting.model, texts, call)
                worst = max(worst, extra)
                rows.append([task, kind, str(count), f"{extra:.1f}"])
    heads = ["", "texts", "threads", "bytes for each byte of text, beyond the result"]
    report.table("Memory", heads, rows)
    report.bar("memory", worst)
