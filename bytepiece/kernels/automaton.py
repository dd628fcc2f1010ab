"""The automaton: which pieces end at each position of a text, in one pass over it.

Aho and Corasick's (1975): a trie whose nodes also know where to fall back to when a byte has no
child, the node of their longest proper suffix. After a byte, the automaton stands at the node of
the longest string in the trie that ends there; the pieces that end there are then a chain, each
the longest proper suffix of the one before. Built of reversed pieces and run over reversed text it
finds the pieces that begin at each position.

`nodes` holds four words a node: the base and the parent of the double array (see `bytepiece.kernels.trie`),
the node to fall back to, and that one's base. Nodes are numbered in fours, as their words lie.
The two words that a success needs stand at the child, the two that a failure needs at the node:
each step makes one jump in memory, whatever comes of it.

Chains hold no single bytes, which match everywhere. They are cut into groups of three pieces, the
longest first: the group of a piece is that piece and the next two of its chain. A reference to a
group is its piece's number times four, plus one if the chain goes on after the group;
`bytepiece.kernels.partition.backward` adds two as its mark. Everything is then in proportion to the pieces,
even where each is a suffix of the next. A group that is not full is filled up with entries that
stand for no piece.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64, U8, U32
from bytepiece.kernels import trie as tries
from bytepiece.kernels.jit import FOUR, ONE, THREE, TWO, ZERO, Scalar, at, kernel
from bytepiece.kernels.trie import Trie

D = TypeVar("D", bound=np.generic)

GROUP = 3
"""Pieces in a group. On mixed text with 80 k pieces 3.0 pieces match at a position, one of them a
single byte. For the best path of 2 MB, groups of two take 17 ms, of three 14, of four 20."""

_LANES = 4
_FEW = 1024
"""A text of fewer bytes is not worth cutting into lanes."""


class Automaton(NamedTuple):
    """The pieces of a vocabulary as flat arrays that kernels scan with; see the module.

    Entries of groups are numbered 3 · piece + 0, 1, 2; after the groups of all pieces and one that
    is empty come 256 entries more, those of the single bytes.

    Args:
        nodes: uint32[4 · nodes].
        groups: uint32[nodes], a reference to the group of the longest piece that ends a node.
        following: uint32[pieces + 1], a reference to the group after a group that is not the last.
        lengths: uint16[entries], of each entry's piece; where there is none, that of the group's
            first.
        pieces: uint32[entries], the number of each entry's piece, or of one more than there are.
        deepest: the length of the longest piece.
    """

    nodes: npt.NDArray[np.uint32]
    groups: npt.NDArray[np.uint32]
    following: npt.NDArray[np.uint32]
    lengths: npt.NDArray[np.uint16]
    pieces: npt.NDArray[np.uint32]
    deepest: int

    def by_entry(self, values: npt.NDArray[D], missing: float) -> npt.NDArray[D]:
        """What belongs to the pieces, by entry; read-only.

        Args:
            values: [pieces], of any type.
            missing: for the entries that stand for no piece.
        """
        table = np.append(values, np.array([missing], dtype=values.dtype))
        found: npt.NDArray[D] = table[self.pieces]
        found.flags.writeable = False
        return found


def build(pieces: Sequence[bytes]) -> Automaton:
    """The automaton of some pieces.

    Args:
        pieces: different, each of at most 65535 bytes, all 256 single bytes among them.
    """
    trie, nodes = tries.build(pieces)
    return link(trie, nodes, np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces)))


def link(trie: Trie, ends: npt.NDArray[np.int32], lengths: npt.NDArray[np.int64]) -> Automaton:
    """The automaton of the pieces in a trie.

    Args:
        trie: what it holds beside the pieces does no harm.
        ends: int32[pieces], the node at which each piece ends, or −1 for a piece that is left out.
        lengths: int64[pieces].
    """
    size, count = len(trie.units), len(ends)
    piece_of = np.full(size, count, dtype=np.int32)
    present = np.flatnonzero(ends >= 0)
    piece_of[ends[present]] = present
    entries = GROUP * (count + 1) + 256
    automaton = Automaton(
        np.zeros(4 * size, dtype=np.uint32),
        np.zeros(size, dtype=np.uint32),
        np.zeros(count + 1, dtype=np.uint32),
        np.zeros(entries, dtype=np.uint16),
        np.full(entries, count, dtype=np.uint32),
        int(lengths.max()),
    )
    _connect(trie.units, trie.order, piece_of, lengths, automaton)
    for array in automaton[:-1]:
        array.flags.writeable = False
    return automaton


# In the order of depth: what a node falls back to is shallower, and ready.
# Cost: the sum of the lengths of the keys.
@kernel
def _connect(units: I32, order: I32, piece_of: I32, lengths: I64, automaton: Automaton) -> None:
    nodes, groups = automaton.nodes, automaton.groups
    none = len(lengths)
    # Of each piece: the longest other piece that it ends with, and the reference to its own group.
    shorter = np.empty(none + 1, dtype=np.int64)
    references = np.empty(none + 1, dtype=np.int64)
    shorter[none], references[none] = none, 4 * none
    for node in range(len(units)):
        nodes[4 * node] = 4 * units[node, 0]
        # The root, and a unit that is free, have no parent: a number that is no node's.
        nodes[4 * node + 1] = 4 * (units[node, 1] >> 1) if units[node, 1] >= 0 and node else 1
        groups[node] = 4 * none
    for i in range(1, len(order)):
        node = np.int64(order[i])
        parent = np.int64(units[node, 1] >> 1)
        byte = node - units[parent, 0]
        back = np.int64(0)
        if parent != 0:
            while True:
                parent = np.int64(nodes[4 * parent + 2]) >> 2
                back = units[parent, 0] + byte
                if units[back, 1] >> 1 == parent:
                    break
        nodes[4 * node + 2] = 4 * back
        nodes[4 * node + 3] = 4 * units[back, 0]
        groups[node] = groups[back]
        piece = np.int64(piece_of[node])
        if piece == none:
            continue
        if back == 0:
            entry = GROUP * (none + 1) + byte
            automaton.lengths[entry], automaton.pieces[entry] = 1, piece
            continue
        shorter[piece] = groups[back] >> 2
        member = piece
        for entry in range(GROUP * piece, GROUP * piece + GROUP):
            automaton.lengths[entry] = lengths[piece if member == none else member]
            automaton.pieces[entry] = member
            member = shorter[member]
        automaton.following[piece] = references[member]
        references[piece] = 4 * piece + (member != none)
        groups[node] = references[piece]


@kernel
def _step(
    nodes: U32, text: U8, position: Scalar, node: Scalar, base: Scalar, matches: U32
) -> tuple[Scalar, Scalar, Scalar]:
    """Try the byte at a position: on to the child, or, at the same position, back.

    No branch: the processor would guess wrong in a third of all steps. All are uint64.
    """
    target = base + at(text[position]) * FOUR
    back, back_base = at(nodes[node + TWO]), at(nodes[node + THREE])
    target_base = at(nodes[target])
    success = at(at(nodes[target + ONE]) == node)
    mask = at(-np.int64(success))
    node = back ^ ((back ^ target) & mask)
    base = back_base ^ ((back_base ^ target_base) & mask)
    matches[position] = node
    return position + success, node, base


@kernel
def _scan_on(
    nodes: U32,
    text: U8,
    bounds: I64,
    segment: Scalar,
    position: Scalar,
    node: Scalar,
    base: Scalar,
    stop: Scalar,
    matches: U32,
) -> None:
    """Take steps from a position in a segment on, until another position."""
    while position < at(stop):
        end = at(min(bounds[segment + 1], stop))
        while position < end:
            position, node, base = _step(nodes, text, position, node, base, matches)
        segment += 1
        node, base = ZERO, at(nodes[0])


# Four places of the text are scanned at a time, for a step waits for the memory of the one before
# it: 2 MB of mixed text and 80 k pieces take 12 ms, in one lane 37, in two 19. Where a lane begins
# within a segment, it starts as many bytes before as the longest piece has, which is all that a
# node depends on; what it writes there the lane before it writes over.
@kernel
def _scan_in_lanes(automaton: Automaton, text: U8, bounds: I64, matches: U32) -> None:
    nodes = automaton.nodes
    root_base = at(nodes[0])
    # Of each lane: where it stands, and the ends of its segment and of itself.
    position = np.zeros(_LANES, dtype=np.uint64)
    node = np.zeros(_LANES, dtype=np.uint64)
    base = np.zeros(_LANES, dtype=np.uint64)
    segment = np.zeros(_LANES, dtype=np.int64)
    end = np.zeros(_LANES, dtype=np.int64)
    stop = np.zeros(_LANES, dtype=np.int64)
    current = 0
    for lane in range(_LANES):
        begin = len(text) * lane // _LANES
        stop[lane] = len(text) * (lane + 1) // _LANES
        while bounds[current + 1] <= begin:
            current += 1
        segment[lane], end[lane] = current, min(bounds[current + 1], stop[lane])
        p, n, b = at(max(bounds[current], begin - automaton.deepest)), ZERO, root_base
        while p < at(begin):
            p, n, b = _step(nodes, text, p, n, b, matches)
        position[lane], node[lane], base[lane] = p, n, b
    everywhere = True
    while everywhere:
        p0, p1, p2, p3 = position[0], position[1], position[2], position[3]
        n0, n1, n2, n3 = node[0], node[1], node[2], node[3]
        b0, b1, b2, b3 = base[0], base[1], base[2], base[3]
        # A step takes at most one byte, so none of these leaves its segment.
        for _ in range(
            min(
                end[0] - np.int64(p0),
                end[1] - np.int64(p1),
                end[2] - np.int64(p2),
                end[3] - np.int64(p3),
            )
        ):
            p0, n0, b0 = _step(nodes, text, p0, n0, b0, matches)
            p1, n1, b1 = _step(nodes, text, p1, n1, b1, matches)
            p2, n2, b2 = _step(nodes, text, p2, n2, b2, matches)
            p3, n3, b3 = _step(nodes, text, p3, n3, b3, matches)
        position[0], position[1], position[2], position[3] = p0, p1, p2, p3
        node[0], node[1], node[2], node[3] = n0, n1, n2, n3
        base[0], base[1], base[2], base[3] = b0, b1, b2, b3
        for lane in range(_LANES):
            if position[lane] == at(end[lane]):
                if end[lane] == stop[lane]:
                    everywhere = False
                else:
                    segment[lane] += 1
                    end[lane] = min(bounds[segment[lane] + 1], stop[lane])
                    node[lane], base[lane] = ZERO, root_base
    for lane in range(_LANES):
        _scan_on(
            nodes,
            text,
            bounds,
            segment[lane],
            position[lane],
            node[lane],
            base[lane],
            stop[lane],
            matches,
        )


# Cost: one step a byte to go on, and at most one a byte to go back; 1.6 in all for mixed text.
@kernel
def scan(automaton: Automaton, text: U8, bounds: I64, matches: U32) -> None:
    """Find the pieces of more than one byte that end after each byte of a text.

    Args:
        text: uint8[bytes].
        bounds: int64[segments + 1], where each segment begins, from 0 to the end of the text.
        matches: uint32[bytes], filled with references to groups: of the longest piece that ends
            after each byte of its segment, within the segment.
    """
    nodes = automaton.nodes
    if len(text) < _FEW:
        _scan_on(nodes, text, bounds, np.int64(0), ZERO, ZERO, at(nodes[0]), len(text), matches)
    else:
        _scan_in_lanes(automaton, text, bounds, matches)
    # From nodes to groups: here the loads need not wait for anything, least of all for a branch
    # that was guessed wrong. Looked up by those who use the groups they cost three times as much.
    for i in range(len(text)):
        matches[i] = automaton.groups[matches[i] >> TWO]
