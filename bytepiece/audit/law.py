"""The exact law of a text's segmentations, P(path) ∝ exp(alpha · Σ score(piece)).

This is Kudo's subword regularization (https://arxiv.org/abs/1804.10959). It is computed here from
a mapping of pieces to scores, in slow and plain Python, without the kernels of the samplers: an
audit does not trust what it audits.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece.adapters.base import NotPossibleError
from bytepiece.formats.to_sentencepiece import spelling
from bytepiece.lattice.chain import Chain, reach

Scores = Mapping[bytes, float]

MOST_ENUMERATED = 4096
"""The most segmentations of a text that are enumerated."""
_MASK_BITS = 64
_UNKNOWN_PENALTY = 10.0
"""The score of a character without a piece is this far below the worst piece (`kUnkPenalty`)."""
_TIE = 1e-4
"""Sums in float32 may reverse the order of two paths that are closer than this, in nats."""


class Edge(NamedTuple):
    """A piece at a place of the text: from byte `start` to byte `end`."""

    start: int
    end: int
    score: float


def byte_edges(text: bytes, scores: Scores, cuts: frozenset[int] = frozenset()) -> list[Edge]:
    """Return the pieces at every byte of a text.

    Args:
        text: the text to segment.
        scores: the score of each piece.
        cuts: positions that no piece may cross, such as the two sides of an isolated digit.
    """
    longest = max(map(len, scores))
    edges = []
    for start in range(len(text)):
        for end in range(start + 1, min(start + longest, len(text)) + 1):
            piece = text[start:end]
            if piece in scores:
                edges.append(Edge(start, end, scores[piece]))
            if end in cuts:
                break
    return edges


def digit_cuts(text: bytes) -> frozenset[int]:
    """Return the positions on both sides of every decimal digit."""
    cuts = set()
    position = 0
    for char in text.decode("utf-8"):
        after = position + len(char.encode())
        if char.isdecimal():
            cuts |= {position, after}
        position = after
    return frozenset(cuts)


def character_edges(text: bytes, scores: Scores) -> list[Edge]:
    """Return the pieces of whole characters in a text, as SentencePiece finds them after an export.

    Pieces that the export cannot represent are left out. A character without a piece of its own
    gets an unknown edge, 10 nats below the worst piece, and is then spelled in bytes
    (`PopulateNodes` in SentencePiece's unigram_model.cc).

    Raises:
        NotPossibleError: if the text contains SentencePiece's character for the space.
    """
    if "\u2581" in text.decode("utf-8"):
        raise NotPossibleError("SentencePiece takes U+2581 in a text for a space")
    normal = {piece: score for piece, score in scores.items() if spelling(piece) is not None}
    unknown = min(normal.values()) - _UNKNOWN_PENALTY
    bounds = [0]
    for char in text.decode("utf-8"):
        bounds.append(bounds[-1] + len(char.encode()))
    longest = max(map(len, normal))
    edges = []
    for number, start in enumerate(bounds[:-1]):
        single = text[start : bounds[number + 1]]
        if single not in normal:
            edges.append(Edge(start, start + len(single), unknown))
        for end in bounds[number + 1 :]:
            if end > start + longest:
                break
            if text[start:end] in normal:
                edges.append(Edge(start, end, normal[text[start:end]]))
    return edges


class EnumeratedPaths(NamedTuple):
    """All segmentations of a text.

    Args:
        masks: uint64[paths], ascending: bit i is set if a piece ends at byte i.
        p: float64[paths], the probability of each path.
        scores: float64[paths], the sum of scores of each path.
        tokens: int64[paths], the number of pieces of each path.
    """

    masks: npt.NDArray[np.uint64]
    p: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    tokens: npt.NDArray[np.int64]


class Moments(NamedTuple):
    """The mean, variance, and third and fourth central moments of a number that each path has."""

    mean: float
    variance: float
    third: float
    fourth: float


@dataclass(frozen=True)
class ReferenceLaw:
    """The law of one text at one alpha.

    Args:
        text: the text, not empty.
        edges: sorted by their beginnings and then by their ends. From the end of each edge, a path
            leads to the end of the text.
        alpha: the exponent, finite and at least 0.
        size: the number of best paths that can be drawn (Kudo's l); None if all can.
    """

    text: bytes
    edges: tuple[Edge, ...]
    alpha: float
    size: int | None = None

    @cached_property
    def chain(self) -> Chain:
        """The law of all paths, edge by edge. No edge begins inside a character without a piece."""
        length = len(self.text)
        first = np.searchsorted([edge.start for edge in self.edges], np.arange(length + 1))
        log_z = [-math.inf] * length + [0.0]
        log_p = np.empty(len(self.edges), dtype=np.float64)
        for start in reversed(range(length)):
            here = range(first[start], first[start + 1])
            if here:
                terms = [self.alpha * self.edges[e].score + log_z[self.edges[e].end] for e in here]
                log_z[start] = _log_sum(terms)
                log_p[here] = np.array(terms) - log_z[start]
        ends = np.array([edge.end for edge in self.edges], dtype=np.int32)
        return Chain(first.astype(np.int64), ends, np.exp(log_p), log_p)

    @cached_property
    def scores(self) -> npt.NDArray[np.float64]:
        """float64[edges], the score of each edge's piece."""
        return np.array([edge.score for edge in self.edges], dtype=np.float64)

    @cached_property
    def marginals(self) -> npt.NDArray[np.float64]:
        """float64[edges], the probability that a path of the chain has the edge."""
        starts = [edge.start for edge in self.edges]
        probabilities: npt.NDArray[np.float64] = reach(self.chain)[starts] * self.chain.p
        return probabilities

    @cached_property
    def boundaries(self) -> npt.NDArray[np.bool_]:
        """bool[bytes + 1], whether a path can have a boundary at each position."""
        places = np.zeros(len(self.text) + 1, dtype=np.bool_)
        places[[edge.end for edge in self.edges]] = True
        return places

    @cached_property
    def count(self) -> int:
        """The number of segmentations."""
        ways = [0] * len(self.text) + [1]
        for edge in reversed(self.edges):
            ways[edge.start] += ways[edge.end]
        return ways[0]

    @cached_property
    def paths(self) -> EnumeratedPaths | None:
        """All paths that can be drawn; None if there are too many.

        Raises:
            NotPossibleError: if only the best paths can be drawn, but the text is too long to
                enumerate them, or the last of them and the next path have nearly equal scores.
        """
        if self.count > MOST_ENUMERATED or len(self.text) >= _MASK_BITS:
            if self.size is not None:
                raise NotPossibleError(f"the {self.size} best are known of short texts only")
            return None
        found = self._enumerated()
        if self.size is not None and self.size < self.count:
            best_first = np.argsort(-found.scores, kind="stable")
            gap = found.scores[best_first[self.size - 1]] - found.scores[best_first[self.size]]
            if gap < _TIE:
                raise NotPossibleError(f"number {self.size} of the best has an equal")
            best = np.sort(best_first[: self.size])
            logs = self.alpha * found.scores[best]
            p = np.exp(logs - _log_sum(logs.tolist()))
            found = EnumeratedPaths(found.masks[best], p, found.scores[best], found.tokens[best])
        return found

    def _enumerated(self) -> EnumeratedPaths:
        """Enumerate all paths, from the end of the text to its beginning."""
        rests: list[list[tuple[int, float, float, int]]] = [[] for _ in self.text]
        rests.append([(0, 0.0, 0.0, 0)])
        log_p = self.chain.log_p.tolist()
        for (start, end, score), log in zip(reversed(self.edges), reversed(log_p), strict=True):
            for mask, rest_log, rest_score, tokens in rests[end]:
                rests[start].append(
                    (mask | 1 << end, log + rest_log, score + rest_score, tokens + 1)
                )
        masks, logs, scores, counts = zip(*sorted(rests[0]), strict=True)
        return EnumeratedPaths(
            np.array(masks, dtype=np.uint64),
            np.exp(np.array(logs)),
            np.array(scores, dtype=np.float64),
            np.array(counts, dtype=np.int64),
        )

    def moments(self, values: npt.NDArray[np.float64]) -> Moments:
        """Return the moments of the sum of a path's values.

        Args:
            values: float64[edges], the value of each edge.
        """
        # For each position: the moments of the rest of the path. With d the distance of a step's
        # sum from the mean, the k-th central moment is the mean of (rest + d)^k, multiplied out.
        rests = [Moments(0.0, 0.0, 0.0, 0.0)] * (len(self.text) + 1)
        first, p = self.chain.first.tolist(), self.chain.p.tolist()
        for start in reversed(range(len(self.text))):
            here = range(first[start], first[start + 1])
            after = [rests[self.edges[e].end] for e in here]
            sums = [values[e] + rest.mean for e, rest in zip(here, after, strict=True)]
            mean = math.fsum(p[e] * total for e, total in zip(here, sums, strict=True))
            terms = []
            for e, rest, total in zip(here, after, sums, strict=True):
                d = total - mean
                second = rest.variance + d**2
                third = rest.third + 3 * rest.variance * d + d**3
                fourth = rest.fourth + 4 * rest.third * d + 6 * rest.variance * d**2 + d**4
                terms.append((p[e] * second, p[e] * third, p[e] * fourth))
            rests[start] = (
                Moments(mean, *map(math.fsum, zip(*terms, strict=True)))
                if terms
                else (rests[start])
            )
        return rests[0]


def moments_of(values: npt.NDArray[np.float64], p: npt.NDArray[np.float64]) -> Moments:
    """Return the moments of a number whose values have these probabilities."""
    mean = float(p @ values)
    away = values - mean
    return Moments(mean, *(float(p @ away**power) for power in (2, 3, 4)))


def pieces_of(text: bytes, mask: int) -> list[bytes]:
    """Return the pieces of a path that is given by its mask in `EnumeratedPaths`."""
    ends = [end for end in range(1, len(text) + 1) if mask >> end & 1]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _log_sum(terms: Sequence[float]) -> float:
    """Return the logarithm of Σ exp(term)."""
    most = max(terms)
    return most + math.log(math.fsum(math.exp(term - most) for term in terms))
