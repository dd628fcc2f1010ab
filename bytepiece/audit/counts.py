"""Counts of draws: how often each edge, each pair of neighbouring edges and each path was drawn."""

from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64
from bytepiece.audit.law import ReferenceLaw
from bytepiece.lattice.chain import Chain

Bools = npt.NDArray[np.bool_]

_MOST_EXAMPLES = 100
"""The most impossible draws of each batch that are kept as examples."""


class Draws(NamedTuple):
    """Segmentations of one text, as a sampler returned them.

    Args:
        ids: int64[tokens], the ids of all draws, end to end.
        lengths: int64[draws], the number of tokens of each draw.
        piece: a function that returns the bytes of an id.
        seconds: the time that drawing took.
    """

    ids: I64
    lengths: I64
    piece: Callable[[int], bytes]
    seconds: float


class DrawCounts:
    """The counts of the draws of one text.

    Args:
        law: the law that the draws should follow. If a draw has a boundary where no path of the law
            has one, the boundary is ignored: it lies inside a character that is spelled in bytes.
        rare: bool[edges], True for edges that should hardly ever be drawn.

    Attributes:
        draws: the number of draws.
        impossible: the number of draws that are not paths of the law.
        examples: the pieces of some impossible draws, and how often each of these was drawn.
        edges: int64[edges], the number of draws with each edge.
        pair_chain: the chain whose steps are pairs of neighbouring edges; see the function
            `pair_chain`.
        pairs: int64[arcs of `pair_chain`], the number of draws with each arc. An arc is a pair of
            neighbouring edges, or an edge at the beginning of the text.
        paths: int64[paths], the number of draws of each path; None if the law has too many paths to
            enumerate.
        with_rare: the number of draws with at least one rare edge.
    """

    def __init__(self, law: ReferenceLaw, rare: Bools) -> None:
        self.law = law
        self.draws = 0
        self.impossible = 0
        self.examples: Counter[tuple[bytes, ...]] = Counter()
        self.edges = np.zeros(len(law.edges), dtype=np.int64)
        self.pair_chain = pair_chain(law.chain)
        self.pairs = np.zeros(len(self.pair_chain.ends), dtype=np.int64)
        self.paths = None if law.paths is None else np.zeros(len(law.paths.p), dtype=np.int64)
        self.with_rare = 0
        self._rare = rare

    def add(self, draws: Draws) -> None:
        """Count more draws."""
        self.draws += len(draws.lengths)
        draw_of, ends, possible = self._located(draws)
        # A draw stays possible only if the law has each of its edges and, if paths are enumerated,
        # the whole path. The tokens of other draws are dropped.
        kept = self.law.boundaries[ends] & possible[draw_of]
        draw_of, ends = draw_of[kept], ends[kept]
        starts = np.where(_is_first(draw_of), 0, np.roll(ends, 1))
        keys = starts * (len(self.law.text) + 1) + ends
        edges = np.minimum(np.searchsorted(self._edge_keys, keys), len(self._edge_keys) - 1)
        possible[draw_of[self._edge_keys[edges] != keys]] = False
        kept = possible[draw_of]
        draw_of, ends, edges = draw_of[kept], ends[kept], edges[kept]
        if self.law.paths is not None and self.paths is not None and len(draw_of):
            bits = np.left_shift(np.uint64(1), ends.astype(np.uint64))
            masks = np.bitwise_or.reduceat(bits, np.flatnonzero(_is_first(draw_of)))
            known = self.law.paths.masks
            paths = np.minimum(np.searchsorted(known, masks), len(known) - 1)
            is_path = known[paths] == masks
            self.paths += np.bincount(paths[is_path], minlength=len(known))
            possible[np.flatnonzero(possible)[~is_path]] = False
            kept = possible[draw_of]
            draw_of, edges = draw_of[kept], edges[kept]
        self._count_edges(draw_of, edges)
        self._keep_impossible(draws, possible)

    def _located(self, draws: Draws) -> tuple[I64, I64, Bools]:
        """Find the place of every token in the text.

        Returns:
            int64[tokens], the number of each token's draw; int64[tokens], the position where each
            token ends; and bool[draws], whether the pieces of each draw spell the text.
        """
        size = len(self.law.text)
        count = len(draws.lengths)
        different, number = np.unique(draws.ids, return_inverse=True)
        pieces = [draws.piece(int(id_)) for id_ in different]
        draw_of = np.repeat(np.arange(count), draws.lengths)
        lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)[number]
        ends = np.cumsum(lengths)
        before = np.concatenate([[0], ends])[np.cumsum(draws.lengths) - draws.lengths]
        ends -= before[draw_of]
        starts = ends - lengths
        # A start behind the end of the text counts as the end. This is harmless: a draw with such a
        # token is longer than the text, and therefore impossible anyway.
        width = size + 1
        keys, key = np.unique(number * width + np.minimum(starts, size), return_inverse=True)
        fits = np.array(
            [self._fits(pieces[k // width], k % width) for k in keys.tolist()], dtype=np.bool_
        )
        possible = np.bincount(draw_of, ~fits[key], count) == 0
        possible &= np.bincount(draw_of, lengths, count) == size
        return draw_of, np.minimum(ends, size), possible

    def _fits(self, piece: bytes, start: int) -> bool:
        """Return whether the text has a piece at a position. An empty piece fits nowhere."""
        return piece != b"" and self.law.text.startswith(piece, start)

    @cached_property
    def _edge_keys(self) -> I64:
        """int64[edges], ascending, the start and the end of each edge as one number."""
        width = len(self.law.text) + 1
        return np.array([e.start * width + e.end for e in self.law.edges], dtype=np.int64)

    def _count_edges(self, draw_of: I64, edges: I64) -> None:
        """Count the edges of possible draws, their pairs, and the draws with a rare edge.

        Args:
            draw_of: int64[tokens], the number of each token's draw.
            edges: int64[tokens], the edge of each token.
        """
        self.edges += np.bincount(edges, minlength=len(self.edges))
        if not len(draw_of):
            return
        first = _is_first(draw_of)
        # State 0 of the chain of pairs is the beginning of the text, and state 1 + e is edge e.
        state = np.where(first, 0, np.roll(edges, 1) + 1)
        begin = np.where(first, 0, self.law.chain.first[self.law.chain.ends[np.roll(edges, 1)]])
        arcs = self.pair_chain.first[state] + edges - begin
        self.pairs += np.bincount(arcs, minlength=len(self.pairs))
        self.with_rare += len(np.unique(draw_of[self._rare[edges]]))

    def _keep_impossible(self, draws: Draws, possible: Bools) -> None:
        """Count the impossible draws and keep some as examples."""
        wrong = np.flatnonzero(~possible)
        self.impossible += len(wrong)
        stops = np.cumsum(draws.lengths)
        for draw in wrong[:_MOST_EXAMPLES].tolist():
            ids = draws.ids[stops[draw] - draws.lengths[draw] : stops[draw]].tolist()
            self.examples[tuple(map(draws.piece, ids))] += 1


def pair_chain(chain: Chain) -> Chain:
    """Return the chain of the same walk whose states are edges instead of positions.

    State 0 is the beginning of the text. State 1 + e means that edge e was the last step. The arcs
    of a state lead to the edges that begin where its edge ends. A state whose edge ends where the
    text ends has no arcs.
    """
    positions = np.append(0, chain.ends)  # the position that each state has reached
    first_arcs = chain.first[positions]
    counts = np.append(chain.first, chain.first[-1])[positions + 1] - first_arcs
    first = np.concatenate([[0], np.cumsum(counts)])
    arcs = np.arange(first[-1]) - np.repeat(first[:-1] - first_arcs, counts)
    return Chain(first, (arcs + 1).astype(np.int32), chain.p[arcs], chain.log_p[arcs])


def _is_first(draw_of: I64) -> Bools:
    """Return bool[tokens], True for the first token of each draw.

    Args:
        draw_of: int64[tokens], the number of each token's draw.
    """
    first = np.ones(len(draw_of), dtype=np.bool_)
    first[1:] = draw_of[1:] != draw_of[:-1]
    return first
