"""The exact law of a text's segmentations, P(path) ∝ exp(alpha · Σ score(piece)).

This is the law of Kudo's subword regularization (https://arxiv.org/abs/1804.10959). This module
computes it from a mapping of pieces to scores, in slow and plain Python. It does not use the
samplers' kernels, because an audit must not trust the code that it audits.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I64, U64
from bytepiece.adapters.base import NotPossibleError
from bytepiece.formats.to_sentencepiece import spelling
from bytepiece.lattice.chain import Chain, reach

Scores = Mapping[bytes, float]

MOST_ENUMERATED = 4096
"""The most paths of a text that are enumerated."""
MASK_BITS = 64
"""The number of bits of a path's mask. Only shorter texts have enumerated paths."""
_UNKNOWN_PENALTY = 10.0
"""How far the score of an unknown character is below the lowest score of a piece, in nats
(`kUnkPenalty` in SentencePiece)."""
_TIE = 1e-4
"""The smallest difference between two paths' scores that counts, in nats. Sums in float32 may
reverse the order of two paths that are closer."""


class Edge(NamedTuple):
    """A piece at a place of the text, from byte `start` up to byte `end`, and its score."""

    start: int
    end: int
    score: float


def byte_edges(text: bytes, scores: Scores, cuts: frozenset[int] = frozenset()) -> list[Edge]:
    """Return the edges of the lattice over bytes, by their starts and then by their ends.

    Args:
        text: the text to segment.
        scores: the score of each piece.
        cuts: the positions that no piece may cross, such as the two sides of a group of digits.
    """
    return unit_edges(text, range(len(text) + 1), scores, None, cuts)


def digit_cuts(text: bytes, group: int) -> frozenset[int]:
    """Return the positions on both sides of every group of decimal digits.

    Args:
        text: the text.
        group: the most digits in a group, counted from the left; 0 for no groups.
    """
    cuts = set()
    position = before = 0
    for char in text.decode("utf-8"):
        after = position + len(char.encode())
        if group and char.isdecimal():
            if before % group == 0:
                cuts.add(position)
            before += 1
        elif before:
            cuts.add(position)
            before = 0
        position = after
    return frozenset(cuts | {position} if before else cuts)


def character_edges(text: bytes, scores: Scores, lite: bool = False) -> list[Edge]:
    """Return the edges of the lattice over characters that SentencePiece builds after an export.

    The lattice has only the pieces that the export can represent. A character without a piece of
    its own gets an unknown edge. Its score is 10 nats below the lowest score of a piece, and
    SentencePiece spells the character in bytes (`PopulateNodes` in its unigram_model.cc).

    Args:
        text: the text to segment.
        scores: the score of each piece.
        lite: whether the model is exported for SentencePiece's Lite runtime.

    Raises:
        NotPossibleError: if the text contains the character U+2581, which stands for a space in
            SentencePiece.
    """
    if "\u2581" in text.decode("utf-8"):
        raise NotPossibleError("SentencePiece takes U+2581 in a text for a space")
    normal = {piece: score for piece, score in scores.items() if spelling(piece, lite)}
    unknown = min(normal.values()) - _UNKNOWN_PENALTY
    return unit_edges(text, character_bounds(text), normal, unknown)


def character_bounds(text: bytes) -> list[int]:
    """Return where each character begins, and the end of the text."""
    bounds = [0]
    for char in text.decode("utf-8"):
        bounds.append(bounds[-1] + len(char.encode()))
    return bounds


def unit_edges(
    text: bytes,
    bounds: Sequence[int],
    pieces: Scores,
    unknown: float | None,
    cuts: frozenset[int] = frozenset(),
) -> list[Edge]:
    """Return the edges of a lattice over units, such as characters.

    A unit without a piece of its own gets an edge, too.

    Args:
        text: the text to segment.
        bounds: where each unit begins, and the end of the text.
        pieces: the score of each piece.
        unknown: the score of a unit without a piece; None for no such edge.
        cuts: the positions that no piece may cross.
    """
    longest = max(map(len, pieces))
    edges = []
    for number, start in enumerate(bounds[:-1]):
        unit = text[start : bounds[number + 1]]
        if unknown is not None and unit not in pieces:
            edges.append(Edge(start, start + len(unit), unknown))
        for end in bounds[number + 1 :]:
            if end > start + longest:
                break
            if text[start:end] in pieces:
                edges.append(Edge(start, end, pieces[text[start:end]]))
            if end in cuts:
                break
    return edges


class EnumeratedPaths(NamedTuple):
    """The paths of a text that can be drawn.

    Args:
        masks: uint64[paths], ascending. Bit i of a path's mask is set if a piece ends at byte i.
        p: float64[paths], the probability of each path.
        scores: float64[paths], the sum of scores of each path.
        tokens: int64[paths], the number of pieces of each path.
    """

    masks: U64
    p: F64
    scores: F64
    tokens: I64


class ListedPath(NamedTuple):
    """A path that can be drawn: its mask, see `EnumeratedPaths`, and its probability."""

    mask: int
    p: float


class Moments(NamedTuple):
    """The mean, the variance, and the third and the fourth central moment of a random number."""

    mean: float
    variance: float
    third: float
    fourth: float


@dataclass(frozen=True)
class ReferenceLaw:
    """The law of one text at one alpha.

    Args:
        text: the text, not empty.
        edges: the edges of the lattice, sorted by their starts and then by their ends. From the end
            of each edge, a path leads to the end of the text.
        alpha: the exponent, finite and at least 0.
        nbest_size: the number of best paths that can be drawn (Kudo's l); None if all paths can.
        listed: the paths that can be drawn, by ascending masks, if they have other probabilities
            than by their scores; otherwise None.
    """

    text: bytes
    edges: tuple[Edge, ...]
    alpha: float
    nbest_size: int | None = None
    listed: tuple[ListedPath, ...] | None = None

    @property
    def is_walk(self) -> bool:
        """Whether a draw is a walk along the chain."""
        return self.nbest_size is None and self.listed is None

    @cached_property
    def chain(self) -> Chain:
        """The law of all paths, edge by edge, even if only the best paths can be drawn.

        A position inside an unknown character has no edges.
        """
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
    def scores(self) -> F64:
        """float64[edges], the score of each edge's piece."""
        return np.array([edge.score for edge in self.edges], dtype=np.float64)

    @cached_property
    def marginals(self) -> F64:
        """float64[edges], the probability that a path of the chain has each edge."""
        starts = [edge.start for edge in self.edges]
        probabilities: F64 = reach(self.chain)[starts] * self.chain.p
        return probabilities

    @cached_property
    def boundaries(self) -> npt.NDArray[np.bool_]:
        """bool[bytes + 1], True for positions where an edge ends."""
        places = np.zeros(len(self.text) + 1, dtype=np.bool_)
        places[[edge.end for edge in self.edges]] = True
        return places

    @cached_property
    def path_count(self) -> int:
        """The number of all paths."""
        ways = [0] * len(self.text) + [1]
        for edge in reversed(self.edges):
            ways[edge.start] += ways[edge.end]
        return ways[0]

    @cached_property
    def paths(self) -> EnumeratedPaths | None:
        """The paths that can be drawn; None if the text has too many paths to enumerate.

        Raises:
            NotPossibleError: if only the best paths can be drawn, and it is not known which paths
                these are: the text has too many paths to enumerate, or the last of the best paths
                has the same score as the path after it, within the precision of a float32.
        """
        if self.listed is not None:
            return _as_listed(self.listed)
        if self.path_count > MOST_ENUMERATED or len(self.text) >= MASK_BITS:
            if self.nbest_size is not None:
                raise NotPossibleError(
                    f"the {self.nbest_size} best paths are known for short texts only"
                )
            return None
        found = self._enumerated()
        if self.nbest_size is not None and self.nbest_size < self.path_count:
            best_first = np.argsort(-found.scores, kind="stable")
            last, next_ = found.scores[best_first[[self.nbest_size - 1, self.nbest_size]]]
            if last - next_ < _TIE:
                raise NotPossibleError(
                    f"number {self.nbest_size} of the best paths has an equal, so it is not known "
                    "which of them can be drawn"
                )
            best = np.sort(best_first[: self.nbest_size])
            logs = self.alpha * found.scores[best]
            p = np.exp(logs - _log_sum(logs.tolist()))
            found = EnumeratedPaths(found.masks[best], p, found.scores[best], found.tokens[best])
        return found

    def _enumerated(self) -> EnumeratedPaths:
        """Enumerate all paths of the chain."""
        # For each position, all paths from there to the end of the text: the mask, the logarithm of
        # the probability, the score and the number of pieces. They are built from the right.
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

    def moments(self, values: F64) -> Moments:
        """Return the moments of the sum of the values of a random path's edges.

        Args:
            values: float64[edges], the value of each edge.
        """
        # For each position, the moments of the sum over the rest of the path. Once the next edge is
        # chosen, the sum has a mean of its own, and d is its distance from the mean over all
        # edges. The k-th central moment is the mean of (rest + d)^k, which is multiplied out here;
        # `rest` is the deviation of the edges that follow.
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
                Moments(mean, *map(math.fsum, zip(*terms, strict=True))) if terms else rests[start]
            )
        return rests[0]


def _as_listed(listed: tuple[ListedPath, ...]) -> EnumeratedPaths:
    """Return listed paths; their scores do not matter and are 0."""
    masks, p = zip(*listed, strict=True)
    tokens = [mask.bit_count() for mask in masks]
    return EnumeratedPaths(
        np.array(masks, dtype=np.uint64),
        np.array(p, dtype=np.float64),
        np.zeros(len(listed)),
        np.array(tokens, dtype=np.int64),
    )


def moments_of(values: F64, p: F64) -> Moments:
    """Return the moments of a random number.

    Args:
        values: float64[values], the values that the number can have.
        p: float64[values], the probability of each value.
    """
    mean = float(p @ values)
    deviations = values - mean
    return Moments(mean, *(float(p @ deviations**power) for power in (2, 3, 4)))


def pieces_of(text: bytes, mask: int) -> list[bytes]:
    """Return the pieces of the path that has this mask; see `EnumeratedPaths`."""
    ends = [end for end in range(1, len(text) + 1) if mask >> end & 1]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _log_sum(terms: Sequence[float]) -> float:
    """Return the logarithm of Σ exp(term), without overflow."""
    most = max(terms)
    return most + math.log(math.fsum(math.exp(term - most) for term in terms))
