"""One case of the report: the tests, and the frequencies of the draws beside the law."""

import math

import numpy as np

from bytepiece._arrays import F64, I64
from bytepiece.audit import statistics
from bytepiece.audit.counts import DrawCounts
from bytepiece.audit.law import ReferenceLaw, pieces_of
from bytepiece.audit.results import Case, Frequency
from bytepiece.display import printable

_MOST_SHOWN = 30
"""The most frequencies that a case keeps for the page."""
_CONTEXT = 12
"""The number of bytes that are shown on each side of an edge."""


def case_of(name: str, counted: DrawCounts) -> Case:
    """Return the case of one text at one alpha.

    Args:
        name: the name of the vocabulary.
        counted: the counts of all draws of the text.
    """
    law, draws = counted.law, counted.draws
    tests = statistics.examine(counted)
    least = min((test.p for test in tests.values()), default=1.0)
    variation = noise = kl = best_drawn_most = None
    if law.paths is not None and counted.paths is not None:
        p, counts = law.paths.p, counted.paths
        variation = statistics.total_variation(counts, p, draws)
        noise = statistics.expected_noise(p, draws)
        divergence = statistics.divergence(counts, p, draws)
        kl = divergence if math.isfinite(divergence) and not counted.impossible else None
        best_drawn_most = bool(counts.max() == counts[p >= p.max() * (1 - 1e-9)].max())
    else:
        p, counts = law.marginals, counted.edges
    best_first = np.argsort(-p, kind="stable")[:_MOST_SHOWN].tolist()
    return Case(
        name=name,
        text=law.text.decode(),
        alpha=law.alpha,
        draws=draws,
        paths=None if law.paths is None else len(law.paths.p),
        impossible=counted.impossible,
        tests=tests,
        p=min(1.0, least * len(tests)),
        total_variation=variation,
        noise=noise,
        kl=kl,
        best_drawn_most=best_drawn_most,
        frequencies=tuple(_frequency(law, p, counts, number) for number in best_first),
        worst=_worst(counted, p, counts),
    )


def _worst(counted: DrawCounts, p: F64, counts: I64) -> Frequency:
    """Return the most frequent impossible draw, or else the frequency that deviates most."""
    if counted.examples:
        pieces, drawn = counted.examples.most_common(1)[0]
        return Frequency(_shown(pieces), 0.0, drawn)
    number = int(np.argmax(statistics.deviations(counts, p, counted.draws)))
    return _frequency(counted.law, p, counts, number)


def _frequency(law: ReferenceLaw, p: F64, counts: I64, number: int) -> Frequency:
    """Return the frequency of a path by its number, or of an edge if paths are not enumerated."""
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
