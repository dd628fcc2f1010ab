"""From draws to counts: counts of edges, of pairs of neighbouring edges, and of whole paths."""

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

_SHOWN_IMPOSSIBLE = 100
"""The most impossible draws of a batch that are kept as examples."""


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
        law: the law that the draws should follow. If a draw has a boundary at a place where the law
            has none, this boundary is ignored: it lies inside a character spelled in bytes.
        rare: bool[edges], the edges that should hardly ever be drawn.

    Attributes:
        draws: the number of draws.
        impossible: the number of draws that are not a segmentation of the text by the law.
        examples: the pieces of some of these draws, and how often they were drawn.
        edges: int64[edges], how often each edge was drawn.
        pairs: int64[arcs of `pair_chain`], how often a draw began with each edge, and how often
            each pair of neighbouring edges was drawn.
        paths: int64[paths], how often each path was drawn; None if paths are not enumerated.
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
        row, ends, possible = self._laid_out(draws)
        kept = self.law.boundaries[ends] & possible[row]
        row, ends = row[kept], ends[kept]
        first = _firsts(row)
        starts = np.where(first, 0, np.roll(ends, 1))
        keys = starts * (len(self.law.text) + 1) + ends
        edges = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        possible[row[self._keys[edges] != keys]] = False
        kept = possible[row]
        row, ends, edges = row[kept], ends[kept], edges[kept]
        if self.law.paths is not None and self.paths is not None and len(row):
            bits = np.left_shift(np.uint64(1), ends.astype(np.uint64))
            masks = np.bitwise_or.reduceat(bits, np.flatnonzero(_firsts(row)))
            known = self.law.paths.masks
            paths = np.minimum(np.searchsorted(known, masks), len(known) - 1)
            is_path = known[paths] == masks
            self.paths += np.bincount(paths[is_path], minlength=len(known))
            possible[np.flatnonzero(possible)[~is_path]] = False
            kept = possible[row]
            row, edges = row[kept], edges[kept]
        self._count(row, edges)
        self._keep_impossible(draws, possible)

    def _laid_out(self, draws: Draws) -> tuple[I64, I64, Bools]:
        """Return each token's draw and end, and for each draw whether it spells the text."""
        size = len(self.law.text)
        count = len(draws.lengths)
        different, number = np.unique(draws.ids, return_inverse=True)
        pieces = [draws.piece(int(id_)) for id_ in different]
        row = np.repeat(np.arange(count), draws.lengths)
        lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)[number]
        ends = np.cumsum(lengths)
        before = np.concatenate([[0], ends])[np.cumsum(draws.lengths) - draws.lengths]
        ends -= before[row]
        starts = ends - lengths
        # A draw that does not end where the text ends is impossible, whatever its tokens are.
        width = size + 1
        places, place = np.unique(number * width + np.minimum(starts, size), return_inverse=True)
        fits = np.array(
            [self._stands(pieces[where // width], where % width) for where in places.tolist()],
            dtype=np.bool_,
        )
        possible = np.bincount(row, ~fits[place], count) == 0
        possible &= np.bincount(row, lengths, count) == size
        return row, np.minimum(ends, size), possible

    def _stands(self, piece: bytes, start: int) -> bool:
        """Return whether a piece stands at a place of the text; an empty piece does not."""
        return piece != b"" and self.law.text.startswith(piece, start)

    @cached_property
    def _keys(self) -> I64:
        width = len(self.law.text) + 1
        return np.array([e.start * width + e.end for e in self.law.edges], dtype=np.int64)

    def _count(self, row: I64, edges: I64) -> None:
        """Count the edges of possible draws."""
        self.edges += np.bincount(edges, minlength=len(self.edges))
        if not len(row):
            return
        first = _firsts(row)
        # State 0 of the chain of pairs is the beginning, and state 1 + e is edge e.
        state = np.where(first, 0, np.roll(edges, 1) + 1)
        begin = np.where(first, 0, self.law.chain.first[self.law.chain.ends[np.roll(edges, 1)]])
        arcs = self.pair_chain.first[state] + edges - begin
        self.pairs += np.bincount(arcs, minlength=len(self.pairs))
        self.with_rare += len(np.unique(row[self._rare[edges]]))

    def _keep_impossible(self, draws: Draws, possible: Bools) -> None:
        """Count the impossible draws and keep some as examples."""
        wrong = np.flatnonzero(~possible)
        self.impossible += len(wrong)
        stops = np.cumsum(draws.lengths)
        for draw in wrong[:_SHOWN_IMPOSSIBLE].tolist():
            ids = draws.ids[stops[draw] - draws.lengths[draw] : stops[draw]].tolist()
            self.examples[tuple(map(draws.piece, ids))] += 1


def pair_chain(chain: Chain) -> Chain:
    """Return a chain for the same walks. The state of a walk is the edge it took last.

    State 0 is the beginning, before any edge. State 1 + e is edge e.

    An arc leads from an edge to an edge that begins where the first one ends. No arc leads from an
    edge that ends where the text ends.
    """
    after = np.append(0, chain.ends)  # the position of each state
    first_arcs = chain.first[after]
    counts = np.append(chain.first, chain.first[-1])[after + 1] - first_arcs
    first = np.concatenate([[0], np.cumsum(counts)])
    arcs = np.arange(first[-1]) - np.repeat(first[:-1] - first_arcs, counts)
    return Chain(first, (arcs + 1).astype(np.int32), chain.p[arcs], chain.log_p[arcs])


def _firsts(row: I64) -> Bools:
    """Return bool[tokens], True for the first token of each draw."""
    first = np.ones(len(row), dtype=np.bool_)
    first[1:] = row[1:] != row[:-1]
    return first
