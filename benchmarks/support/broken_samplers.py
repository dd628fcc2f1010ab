"""Samplers with a deliberate fault each, for the audit to find; real samplers have such faults.

All of them walk through the lattice edge by edge, and their probabilities are nearly right.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bytepiece._arrays import F64
from bytepiece.adapters.base import timed
from bytepiece.audit.counts import Draws
from bytepiece.audit.law import ReferenceLaw, byte_edges
from bytepiece.audit.samplers import AuditedSampler, LoadedSampler, piece_scores
from bytepiece.model import Model

_DROPPED = 0.01
"""The part of the draws in which a candidate is overlooked."""
_OFF = 1.02
"""The wrong alpha over the right one."""


def edges_by_place(places: list[int]) -> list[list[int]]:
    """Return the numbers of the edges at each place, given the place of each edge."""
    found: list[list[int]] = [[] for _ in range(max(places) + 1)]
    for edge, place in enumerate(places):
        found[place].append(edge)
    return found


def softmax(terms: F64) -> F64:
    """Return probabilities in proportion to exp(term)."""
    weights = np.exp(terms - terms.max())
    return weights / weights.sum()


def chances(
    law: ReferenceLaw,
    alpha: float,
    choose: Callable[[F64], F64] = softmax,
    kept: Callable[[float], float] = float,
) -> F64:
    """Return each edge's probability at the boundary where it begins, by sums from the right.

    Args:
        law: the law with the lattice to walk through.
        alpha: the exponent.
        choose: returns the probabilities of the candidates at a boundary, shortest candidate first,
            given the logarithms of their weights.
        kept: returns the value that is stored for the logarithm of a sum.
    """
    log_z = [0.0] * (len(law.text) + 1)
    p = np.zeros(len(law.edges))
    for start, here in reversed(list(enumerate(edges_by_place([e.start for e in law.edges])))):
        edges = [law.edges[e] for e in here]
        terms = np.array([alpha * edge.score + log_z[edge.end] for edge in edges])
        log_z[start] = kept(float(np.logaddexp.reduce(terms)))
        p[here] = choose(terms)
    return p


def alpha_off(law: ReferenceLaw) -> F64:
    """Return the probabilities for an exponent that is 2 % too large."""
    return chances(law, law.alpha * _OFF)


def half_precision(law: ReferenceLaw) -> F64:
    """Return the probabilities if logarithms of sums are stored in 16 bits."""
    return chances(law, law.alpha, kept=lambda log: float(np.float16(log)))


def one_overlooked(law: ReferenceLaw) -> F64:
    """Return the probabilities if an edge of many paths is overlooked once in a hundred times."""
    p = chances(law, law.alpha)
    for edge, marginal in enumerate(law.marginals):
        if 0.2 <= marginal <= 0.8 and p[edge] < 1.0:
            others = np.array([e.start == law.edges[edge].start for e in law.edges])
            others[edge] = False
            p[others] *= 1.0 + _DROPPED * p[edge] / (1.0 - p[edge])
            p[edge] *= 1.0 - _DROPPED
            break
    return p


def diluted(law: ReferenceLaw) -> F64:
    """Return the probabilities if a candidate competes only with the candidate that is held.

    A right sampler compares it with the sum of all candidates so far. Longer candidates come first.
    """

    def choose(terms: F64) -> F64:
        held = np.zeros(len(terms))
        held[-1] = 1.0
        for new in reversed(range(len(terms) - 1)):
            gives_way = 0.5 * (1.0 + np.tanh(0.5 * (terms[new] - terms)))
            gives_way[: new + 1] = 0.0
            held[new] = held @ gives_way
            held[new + 1 :] *= 1.0 - gives_way[new + 1 :]
        return held

    return chances(law, law.alpha, choose)


def alpha_again(law: ReferenceLaw) -> F64:
    """Return the probabilities of Hugging Face's recursion, at the boundary where an edge ends.

    It adds up from the left, and multiplies the accumulated term by alpha once more
    (`Lattice::sample` in tokenizers 0.23).
    """
    log_f = [0.0] * (len(law.text) + 1)
    p = np.zeros(len(law.edges))
    for end, here in enumerate(edges_by_place([e.end for e in law.edges])):
        if here:
            before = np.array([log_f[law.edges[e].start] for e in here])
            scores = law.scores[here]
            p[here] = softmax(law.alpha * scores + before)
            log_f[end] = float(np.logaddexp.reduce(law.alpha * (scores + before)))
    return p


def walks(
    law: ReferenceLaw, p: F64, count: int, rng: np.random.Generator, *, backward: bool
) -> Draws:
    """Draw all paths at the same time, edge by edge.

    Args:
        law: the law with the lattice to walk through.
        p: each edge's probability at the boundary where it begins or, if `backward`, where it ends.
        count: the number of paths.
        rng: the source of random numbers.
        backward: whether to walk from the text's end to its beginning.
    """
    size = len(law.text)
    starts = np.array([edge.start for edge in law.edges])
    ends = np.array([edge.end for edge in law.edges])
    origin, target = (size - ends, size - starts) if backward else (starts, ends)
    order = np.argsort(origin, kind="stable")
    first = np.searchsorted(origin[order], np.arange(size + 1))
    sums = np.concatenate([[0.0], np.cumsum(p[order])])
    # The sums of a place begin at the place's number and end at the next number, so that one
    # sorted table holds all places.
    table = origin[order] + np.minimum(sums[1:] - sums[first[origin[order]]], 1.0)
    place = np.zeros(count, dtype=np.int64)
    steps = []
    while (walking := np.flatnonzero(place < size)).size:
        here = place[walking]
        found = np.searchsorted(table, here + rng.random(len(walking)), side="right")
        chosen = order[np.clip(found, first[here], first[here + 1] - 1)]
        step = np.full(count, -1, dtype=np.int64)
        step[walking] = chosen
        place[walking] = target[chosen]
        steps.append(step)
    rows = np.stack(steps[::-1] if backward else steps, axis=1)
    taken = rows >= 0
    return Draws(rows[taken], taken.sum(axis=1), lambda e: law.text[starts[e] : ends[e]], 0.0)


@dataclass(frozen=True)
class Broken(AuditedSampler):
    """A sampler with a fault.

    Args:
        name: the name of the sampler in the report.
        fault: returns each edge's probability at the boundary where it begins or, if `backward`,
            where it ends.
        backward: whether it walks from the text's end to its beginning.
    """

    name: str
    fault: Callable[[ReferenceLaw], F64]
    backward: bool = False
    law = "over bytes"

    def version(self) -> str:
        """Return no version: the sampler belongs to no library."""
        return ""

    def load(self, model: Model) -> LoadedSampler:
        """Return a sampler for a model, like the base class."""
        scores = piece_scores(model)

        @lru_cache(maxsize=1)
        def law(text: str, alpha: float) -> ReferenceLaw:
            raw = text.encode()
            return ReferenceLaw(raw, tuple(byte_edges(raw, scores)), alpha)

        chances_of = lru_cache(maxsize=1)(self.fault)

        def draw(text: str, alpha: float, count: int, seed: int) -> Draws:
            rng = np.random.default_rng(seed)
            lattice = law(text, alpha)
            run = timed(
                lambda: walks(lattice, chances_of(lattice), count, rng, backward=self.backward)
            )
            drawn: Draws = run.result
            return drawn._replace(seconds=run.seconds)

        return LoadedSampler(draw, law)


BROKEN = (
    Broken("alpha 2 % too large", alpha_off),
    Broken("log sums in 16 bits", half_precision),
    Broken("1 % overlooked", one_overlooked),
    Broken("alpha once more", alpha_again, backward=True),
    Broken("diluted", diluted),
)
RIGHT = Broken("right", lambda law: chances(law, law.alpha))
"""The same walk without a fault. It shows that the faults are all that is wrong with the others."""
