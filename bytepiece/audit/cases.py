"""One case for the report: its tests, and what its draws look like beside the law."""

import math

import numpy as np

from bytepiece.audit import statistics
from bytepiece.audit.counts import F64, I64, Tally
from bytepiece.audit.law import Law, pieces_of
from bytepiece.audit.results import Case, Frequency
from bytepiece.display import printable

_MOST_SHOWN = 30
_CONTEXT = 12
"""Bytes shown on both sides of an edge."""


def case_of(name: str, tally: Tally) -> Case:
    """What came of the draws of one text at one alpha.

    Args:
        name: of the vocabulary.
        tally: of all of them.
    """
    law, draws = tally.law, tally.draws
    tests = statistics.examine(tally)
    least = min((test.p for test in tests.values()), default=1.0)
    variation = noise = kl = most_drawn = None
    if law.paths is not None and tally.paths is not None:
        p, counts = law.paths.p, tally.paths
        variation = statistics.total_variation(counts, p, draws)
        noise = statistics.expected_noise(p, draws)
        divergence = statistics.divergence(counts, p, draws)
        kl = divergence if math.isfinite(divergence) and not tally.impossible else None
        most_drawn = bool(counts.max() == counts[p >= p.max() * (1 - 1e-9)].max())
    else:
        p, counts = law.marginals, tally.edges
    best_first = np.argsort(-p, kind="stable")[:_MOST_SHOWN].tolist()
    return Case(
        name=name,
        text=law.text.decode(),
        alpha=law.alpha,
        draws=draws,
        paths=None if law.paths is None else len(law.paths.p),
        impossible=tally.impossible,
        tests=tests,
        p=min(1.0, least * len(tests)),
        total_variation=variation,
        noise=noise,
        kl=kl,
        best_drawn_most=most_drawn,
        frequencies=tuple(_frequency(law, p, counts, number) for number in best_first),
        worst=_worst(tally, p, counts),
    )


def _worst(tally: Tally, p: F64, counts: I64) -> Frequency:
    if tally.examples:
        pieces, drawn = tally.examples.most_common(1)[0]
        return Frequency(_shown(pieces), 0.0, drawn)
    number = int(np.argmax(statistics.deviations(counts, p, tally.draws)))
    return _frequency(tally.law, p, counts, number)


def _frequency(law: Law, p: F64, counts: I64, number: int) -> Frequency:
    if law.paths is not None:
        shown = _shown(pieces_of(law.text, int(law.paths.masks[number])))
    else:
        start, end, _ = law.edges[number]
        parts = (
            law.text[max(start - _CONTEXT, 0) : start],
            law.text[start:end],
            law.text[end : end + _CONTEXT],
        )
        shown = "{}[{}]{}".format(*map(printable, parts))
    return Frequency(shown, float(p[number]), int(counts[number]))


def _shown(pieces: tuple[bytes, ...] | list[bytes]) -> str:
    return " ".join(map(printable, pieces))
