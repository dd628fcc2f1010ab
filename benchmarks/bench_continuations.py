"""The cost of taking back the end of a prompt, and the number of questions to a language model."""

import math
import statistics
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.support.harness import BenchmarkReport, BenchmarkSettings
from bytepiece import Tokenizer
from bytepiece.adapters.base import timed
from bytepiece.continuations import Continuation, Cover
from bytepiece.errors import ArgumentError

COLUMNS = ["tokens back", "prefix search", "state, ids", "state, mask", "continuations", "pieces"]
LAW = [
    *("tokens back", "covers of", "prompts with too many beginnings"),
    *("rows, median", "rows, 95 %", "ms beside the model's, median", "ms, 95 %"),
]


def run(settings: BenchmarkSettings) -> BenchmarkReport:
    """Measure everything, print it, and return the report."""
    report = BenchmarkReport("continuations", settings)
    tokenizer = Tokenizer(settings.model)
    prompts = [
        tokenizer.encode(text) for text in settings.texts.short(50 if settings.quick else 500)
    ]
    first = timed(lambda: tokenizer.continuations(prompts[0]))
    report.table("The first call", ["ms"], [[f"{first.seconds * 1e3:.3g}"]])
    pieces, law, slowest = [], [], 0.0
    for depth in (1, 2, 3):
        ends = [tokenizer.continuations(prompt, depth)[-1] for prompt in prompts]
        costs = [
            cost(lambda one: one.cover.table.range(one.taken), ends, settings.repeats),
            cost(lambda one: Cover(one.cover.table, one.taken).ids, ends, settings.repeats),
            cost(lambda one: Cover(one.cover.table, one.taken).mask, ends, settings.repeats),
            cost(lambda ids, n=depth: tokenizer.continuations(ids, n), prompts, settings.repeats),
        ]
        slowest = max(slowest, costs[0])
        number = statistics.median(len(one.cover.ids) for one in ends)
        pieces.append([str(depth), *(f"{us:.3g}" for us in costs), f"{number:g}"])
        for kind, tokens in ((f"at most {depth}", depth), ("any number", None)):
            some = [tokenizer.continuations(ids, depth, tokens=tokens)[-1] for ids in prompts[:50]]
            law.append([str(depth), kind, *asked(some, tokenizer.vocab_size)])
    report.table("Which pieces, µs for one prompt", COLUMNS, pieces)
    report.target("prefix search", slowest)
    report.table("The exact law: rows that a language model is asked about", LAW, law)
    return report


def cost(step: Callable[..., object], values: Sequence[object], repeats: int) -> float:
    """Return the microseconds of one call: the median of several rounds over all values."""
    rounds = [timed(lambda: deque(map(step, values), 0)).seconds for _ in range(repeats)]
    return statistics.median(rounds) / len(values) * 1e6


def asked(ends: Sequence[Continuation], vocab_size: int) -> list[str]:
    """Return the rows that a language model is asked about, and our own time for them.

    Returns:
        the number of prompts whose covers begin in too many ways, and for the others the median and
        the 95th percentile of the rows, then those of the milliseconds.
    """
    answers = np.full((64, vocab_size), -math.log(vocab_size))
    rows, times = [], []
    for one in ends:
        calls: list[int] = []

        def log_probs(some: list[list[int]], calls: list[int] = calls) -> np.ndarray:
            calls.append(len(some))
            return answers[: len(some)]

        try:
            times.append(timed(lambda one=one, law=log_probs: one.distribution(law)).seconds * 1e3)
            rows.append(sum(calls))
        except ArgumentError as error:
            if "more than" not in str(error):
                raise
    figures = [
        f"{np.percentile(values, q):.3g}" if values else "—"
        for values in (rows, times)
        for q in (50, 95)
    ]
    return [str(len(ends) - len(rows)), *figures]
