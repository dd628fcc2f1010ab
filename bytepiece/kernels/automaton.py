"""The automaton finds the pieces that end at each position of a text, in one pass over the text.

It is the automaton of Aho and Corasick (1975), a trie in which each node also has a node to fall
back to when the next byte has no child. A node falls back to the node of the longest proper suffix
of its string. After each byte, the automaton stands at the node of the longest string in the trie
that ends there. The pieces that end there form a chain: each is the longest proper suffix of the
piece before it. An automaton of reversed pieces, run over reversed text, finds the pieces that
begin at each position.

`nodes` holds four words per node: the base and the parent in the double array (see
`bytepiece.kernels.trie`), the node to fall back to, and the base of that node. The number of a node
is the place of its first word, a multiple of four. A step that succeeds needs two words of the
child, and a step that fails needs two words of the node itself, so each step makes one jump in
memory in either case.

Chains leave out single bytes, which match everywhere. A chain is cut into groups of three pieces,
the longest first: the group of a piece holds this piece and the next two of its chain. A reference
to a group is the number of its first piece times four, plus one if the chain goes on after the
group. (`bytepiece.kernels.partition.backward` adds two as a mark.) So the tables grow with the
number of pieces only, even if each piece is a suffix of the next. A group with fewer than three
pieces is filled up with entries that stand for no piece. Kernels walk along a chain with
`first_entry`, `goes_on` and `next_group`; `single_entry` is the entry of a single byte.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64, U8, U32
from bytepiece.kernels import trie as tries
from bytepiece.kernels.jit import (
    UINT_0,
    UINT_1,
    UINT_2,
    UINT_3,
    UINT_4,
    Scalar,
    allocating,
    inlined,
    inner,
    kernel,
    uint,
)
from bytepiece.kernels.trie import Trie

D = TypeVar("D", bound=np.generic)

GROUP = 3
"""The number of pieces in a group. On mixed text with 80 k pieces, 3.0 pieces match at a position,
one of them a single byte. The best path of 2 MB takes 17 ms with groups of two, 14 with groups of
three, 20 with groups of four."""

_LANES = 8
"""How many blocks are scanned at a time."""
_BLOCK = 1 << 12
"""Most bytes of a block."""
_FEW = 48
"""A text with fewer bytes is not cut into blocks, since that would cost more than it saves."""
_NOWHERE = np.uint32(0xFFFFFFFF)
"""Stands for no node."""


class Automaton(NamedTuple):
    """The pieces of a vocabulary as flat arrays for kernels. See the module for the layout.

    An entry is one place in a group. The entries of a piece's group are 3 · piece + 0, 1, 2. After
    the groups of all pieces comes one empty group, and then 256 entries for the single bytes.

    Args:
        nodes: uint32[4 · nodes].
        groups: uint32[nodes], for each node a reference to the group of the longest piece that its
            string ends with.
        following: uint32[pieces + 1], for each group a reference to the group that follows it in
            its chain.
        lengths: uint16[entries], the length of each entry's piece. An entry without a piece has the
            length of the group's first piece.
        pieces: uint32[entries], the number of each entry's piece; an entry without a piece has the
            number of pieces instead.
        deepest: the length of the longest piece.
    """

    nodes: npt.NDArray[np.uint32]
    groups: npt.NDArray[np.uint32]
    following: npt.NDArray[np.uint32]
    lengths: npt.NDArray[np.uint16]
    pieces: npt.NDArray[np.uint32]
    deepest: int

    def by_entry(self, values: npt.NDArray[D], missing: float) -> npt.NDArray[D]:
        """Return a read-only table of values by entry.

        Args:
            values: [pieces], one value per piece, of any type.
            missing: the value of entries without a piece.
        """
        table = np.append(values, np.array([missing], dtype=values.dtype))
        found: npt.NDArray[D] = table[self.pieces]
        found.flags.writeable = False
        return found


def build(pieces: Sequence[bytes], usable: npt.NDArray[np.bool_] | None = None) -> Automaton:
    """Build the automaton of some pieces.

    Args:
        pieces: all different, each of at most 65535 bytes, with all 256 single bytes among them.
        usable: bool[pieces], False for pieces to leave out, which are no single bytes; None for
            all pieces.
    """
    trie, nodes = tries.build(pieces)
    if usable is not None:
        nodes = np.where(usable, nodes, np.int32(-1))
    return link(trie, nodes, np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces)))


def link(trie: Trie, ends: npt.NDArray[np.int32], lengths: npt.NDArray[np.int64]) -> Automaton:
    """Build the automaton of pieces that are in a trie.

    Args:
        trie: it may hold other strings as well.
        ends: int32[pieces], the node at which each piece ends; −1 leaves the piece out.
        lengths: int64[pieces], the length of each piece.
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
    room = np.empty((2, count + 1), dtype=np.int64)
    _connect(trie.units, trie.order, piece_of, lengths, room, automaton)
    for array in automaton[:-1]:
        array.flags.writeable = False
    return automaton


# Nodes are visited in the order of their depth, since a node falls back to one that is less deep.
# Cost: the sum of the lengths of the keys.
@kernel
def _connect(
    units: I32, order: I32, piece_of: I32, lengths: I64, room: I64, automaton: Automaton
) -> None:
    """Fill the arrays of an automaton; `room` is int64[2, pieces + 1], scratch."""
    nodes, groups = automaton.nodes, automaton.groups
    none = len(lengths)
    # For each piece: the longest other piece that it ends with, and the reference to its own group.
    shorter, references = room[0], room[1]
    shorter[none], references[none] = none, 4 * none
    for node in range(len(units)):
        nodes[4 * node] = 4 * units[node, 0]
        # The root and free units have no parent. They get a number that belongs to no node.
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


@inlined
def first_entry(reference: Scalar) -> Scalar:
    """Return the first entry of a group; the other two follow it."""
    return uint(GROUP) * uint(reference >> 2)


@inlined
def goes_on(reference: Scalar) -> Scalar:
    """Return whether the chain goes on after a group."""
    return reference & 1 != 0


@inlined
def next_group(automaton: Automaton, reference: Scalar) -> Scalar:
    """Return the reference to the group that follows a group in its chain."""
    return automaton.following[reference >> 2]


@inlined
def single_entry(automaton: Automaton, byte: Scalar) -> Scalar:
    """Return the entry of a single byte."""
    return uint(len(automaton.lengths) - 256) + uint(byte)


@inner
def _step(
    nodes: U32, text: U8, position: Scalar, node: Scalar, base: Scalar, matches: U32
) -> tuple[Scalar, Scalar, Scalar]:
    """Take one step with the byte at a position.

    The step leads to the child and the next position. Without a child, it leads to the node to fall
    back to and stays at the position. The code has no branch here, because the processor would
    mispredict it in a third of all steps. All numbers are uint64.

    Returns:
        the next position, the node and its base.
    """
    target = base + uint(text[position]) * UINT_4
    back, back_base = uint(nodes[node + UINT_2]), uint(nodes[node + UINT_3])
    target_base = uint(nodes[target])
    success = uint(uint(nodes[target + UINT_1]) == node)
    mask = uint(-np.int64(success))
    node = back ^ ((back ^ target) & mask)
    base = back_base ^ ((back_base ^ target_base) & mask)
    matches[position] = node
    return position + success, node, base


# Blocks of the text are scanned in eight lanes at a time, since each step waits for the memory
# access of the step before it: 1 MB of mixed text with 80 k pieces takes 6.4 ms in eight lanes, 7.3
# in ten, 7.7 in six, 8.0 in four, 10 in three, 13 in two. The lanes do not look where segments end.
# When they began each segment at the root, four lanes took 11.3 ms for the whole scan, not 8.9.
# Lanes are loaded and stored number by number: whole arrays took 4 s longer to compile, not 1.3.
# Lanes in variables only, without arrays, took a tenth longer to scan.
@allocating
def _scan_blocks(nodes: U32, text: U8, size: Scalar, matches: U32) -> None:
    """Scan each block of a text as if nothing came before it.

    Args:
        nodes, text, matches: see `scan`.
        size: the bytes of a block; the last one may have fewer.
    """
    root_base = uint(nodes[0])
    # For each lane: its position, its node with the base, and where its block ends.
    position = np.zeros(_LANES, dtype=np.uint64)
    node = np.zeros(_LANES, dtype=np.uint64)
    base = np.zeros(_LANES, dtype=np.uint64)
    end = np.zeros(_LANES, dtype=np.uint64)
    begin, length = UINT_0, uint(len(text))
    while True:
        for lane in range(_LANES):
            if position[lane] == end[lane]:
                if begin == length:
                    break
                position[lane], node[lane], base[lane] = begin, UINT_0, root_base
                begin = min(begin + size, length)
                end[lane] = begin
        steps = size
        for lane in range(_LANES):
            steps = min(steps, end[lane] - position[lane])
        if steps == 0:
            break
        p0, p1, p2, p3 = position[0], position[1], position[2], position[3]
        p4, p5, p6, p7 = position[4], position[5], position[6], position[7]
        n0, n1, n2, n3 = node[0], node[1], node[2], node[3]
        n4, n5, n6, n7 = node[4], node[5], node[6], node[7]
        b0, b1, b2, b3 = base[0], base[1], base[2], base[3]
        b4, b5, b6, b7 = base[4], base[5], base[6], base[7]
        for _ in range(steps):  # a step takes at most one byte, so no lane leaves its block
            p0, n0, b0 = _step(nodes, text, p0, n0, b0, matches)
            p1, n1, b1 = _step(nodes, text, p1, n1, b1, matches)
            p2, n2, b2 = _step(nodes, text, p2, n2, b2, matches)
            p3, n3, b3 = _step(nodes, text, p3, n3, b3, matches)
            p4, n4, b4 = _step(nodes, text, p4, n4, b4, matches)
            p5, n5, b5 = _step(nodes, text, p5, n5, b5, matches)
            p6, n6, b6 = _step(nodes, text, p6, n6, b6, matches)
            p7, n7, b7 = _step(nodes, text, p7, n7, b7, matches)
        position[0], position[1], position[2], position[3] = p0, p1, p2, p3
        position[4], position[5], position[6], position[7] = p4, p5, p6, p7
        node[0], node[1], node[2], node[3] = n0, n1, n2, n3
        node[4], node[5], node[6], node[7] = n4, n5, n6, n7
        base[0], base[1], base[2], base[3] = b0, b1, b2, b3
        base[4], base[5], base[6], base[7] = b4, b5, b6, b7
    for lane in range(_LANES):
        p, n, b = position[lane], node[lane], base[lane]
        while p < end[lane]:
            p, n, b = _step(nodes, text, p, n, b, matches)


# A segment begins at the root, and a block within a segment at the node where the block before it
# ended. From there steps are taken until they come to a node where the scan of the block was, too:
# from there on both agree, usually after a few bytes.
@inner
def _correct(nodes: U32, text: U8, bounds: I64, size: Scalar, matches: U32) -> None:
    """Put right the nodes after the beginnings of segments and blocks; see `_scan_blocks`."""
    for segment in range(len(bounds) - 1):
        position, stop = uint(bounds[segment]), uint(bounds[segment + 1])
        node, base = UINT_0, uint(nodes[0])
        while position < stop:
            place, found = position, matches[position]
            while position == place:
                position, node, base = _step(nodes, text, position, node, base, matches)
            if matches[place] == found:
                position = place - place % size + size  # the next block
                if position < stop:
                    node = uint(matches[position - UINT_1])
                    base = uint(nodes[node])


# Cost: for each byte, one step forward and at most one step back; in all 1.6 steps per byte of
# mixed text.
@kernel
def scan(automaton: Automaton, text: U8, bounds: I64, matches: U32) -> None:
    """Find the pieces of more than one byte that end after each byte of a text.

    Args:
        text: uint8[bytes].
        bounds: int64[segments + 1], where each segment begins, from 0 to the end of the text.
        matches: uint32[bytes], to be filled with references to groups: for each byte, the group of
            the longest piece within the byte's segment that ends with it.
    """
    nodes, size = automaton.nodes, uint(len(text) + 1)
    if len(text) < _FEW:
        matches[:] = _NOWHERE
    else:
        size = uint(min(_BLOCK, (len(text) + _LANES - 1) // _LANES))
        _scan_blocks(nodes, text, size, matches)
    _correct(nodes, text, bounds, size, matches)
    # Replace nodes by groups. These loads wait for nothing here. In the kernels that use the groups
    # they would wait for mispredicted branches, and cost three times as much.
    for i in range(len(text)):
        matches[i] = automaton.groups[matches[i] >> UINT_2]
