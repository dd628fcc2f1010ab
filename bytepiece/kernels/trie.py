"""The trie holds a set of byte strings, the keys, as paths of nodes, in two flat arrays.

It is a double array (Aoe 1989). The child of `node` by the byte `b` is `target = units[node, 0] +
b` if `units[target, 1] >> 1 == node`; otherwise there is no such child. So a step loads eight
bytes once. The lowest bit of `units[node, 1]` is set if a key ends at the node. Node 0 is the root,
and its child by `b` is node 1 + b. The base of a leaf is 0, so a step from it looks at the root's
children, which are in the cache, and fails.

Nodes are placed breadth first, so that the shallow ones, which are visited most, are neighbours.
Placing them by the probability of the pieces below them was no better: a walk from every byte of
mixed text with 80 k pieces took 48.5 ms instead of 48.6, a scan by the automaton 12.1 instead of
11.9.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64, U8, offsets_of
from bytepiece.kernels.jit import Scalar, kernel, uint


class Trie(NamedTuple):
    """A set of byte strings as flat arrays for kernels. See the module for the layout.

    Args:
        units: int32[nodes, 2], the base, and 2 · parent + 1 if a key ends at the node, else
            2 · parent.
        order: int32[nodes], the nodes in breadth-first order, from the root.
    """

    units: npt.NDArray[np.int32]
    order: npt.NDArray[np.int32]


def build(keys: Sequence[bytes]) -> tuple[Trie, npt.NDArray[np.int32]]:
    """Build the trie of some byte strings.

    Args:
        keys: all different and not empty, in any order.

    Returns:
        the trie, and int32[len(keys)], the node at which each key ends.
    """
    order = sorted(range(len(keys)), key=keys.__getitem__)
    in_order = [keys[i] for i in order]
    flat = np.frombuffer(b"".join(in_order), dtype=np.uint8)
    trie, sorted_nodes = build_sorted(flat, offsets_of(map(len, in_order)))
    nodes = np.empty_like(sorted_nodes)
    nodes[order] = sorted_nodes
    return trie, nodes


def build_sorted(
    flat: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
) -> tuple[Trie, npt.NDArray[np.int32]]:
    """Build the trie of byte strings that are sorted, all different, and laid end to end.

    Args:
        flat: uint8[bytes], the keys' bytes.
        offsets: int64[keys + 1], where each key begins in `flat`, and the end.

    Returns:
        the trie, and int32[keys], the node at which each key ends.
    """
    size = _count_nodes(flat, offsets)
    capacity = size + size // 4 + 1024
    nodes = np.empty(len(offsets) - 1, dtype=np.int32)
    order = np.zeros(size, dtype=np.int32)
    while True:
        units = np.zeros((capacity, 2), dtype=np.int32)
        queue, free = np.zeros((size, 3), dtype=np.int32), np.empty((2, capacity), dtype=np.int32)
        children = np.empty((2, 257), dtype=np.int64)
        used = _place(flat, offsets, queue, free, children, order, units, nodes)
        if used:
            break
        capacity *= 2
    trie = Trie(units[:used].copy(), order)
    for array in trie:
        array.flags.writeable = False
    return trie, nodes


@kernel
def child(units: I32, node: Scalar, byte: Scalar) -> Scalar:
    """Return the child of a node by a byte, or 0 if there is none."""
    target = np.int64(units[uint(node), 0]) + np.int64(byte)
    return target if units[uint(target), 1] >> 1 == node else np.int64(0)


@kernel
def _count_nodes(flat: U8, offsets: I64) -> Scalar:
    """Return the number of nodes.

    The root is one node. Each key adds a node for each of its bytes after the beginning that it
    shares with the key before it.
    """
    nodes = 1
    for k in range(len(offsets) - 1):
        start, length = offsets[k], offsets[k + 1] - offsets[k]
        shared = 0
        if k > 0:
            previous = offsets[k - 1]
            while (
                shared < length
                and shared < start - previous
                and flat[previous + shared] == flat[start + shared]
            ):
                shared += 1
        nodes += length - shared
    return nodes


# Cost: each key's bytes are read twice. The child of a node with one child takes the first free
# unit. For several children, the next 64 free units are tried. If the children do not fit there,
# they go behind all used units. So the search is linear in the number of nodes for all keys. Single
# children later fill the units that are left free.
@kernel
def _place(
    flat: U8,
    offsets: I64,
    queue: I32,
    free: I32,
    children: I64,
    order: I32,
    units: I32,
    key_nodes: I32,
) -> Scalar:
    """Fill `order`, `units` and `key_nodes`.

    Args:
        flat, offsets: as for `build_sorted`.
        queue: int32[nodes, 3], scratch, zeros: for each node its range of keys and its depth.
        free: int32[2, capacity], scratch: for each free unit the next one and the one before.
        children: int64[2, 257], scratch: for each child of a node its byte and its first key.
        order: int32[nodes], to be filled.
        units: int32[capacity, 2], zeros, to be filled.
        key_nodes: int32[keys], to be filled with the node at which each key ends.

    Returns:
        the number of units used, or 0 if there are too few.
    """
    # The parent of a free unit is −1. Free units form a list in ascending order that begins at
    # `head`. The units from `end` on were never used.
    capacity = len(units)
    after, before = free[0], free[1]
    for i in range(capacity):
        units[i, 1] = -1
        after[i] = i + 1
        before[i] = i - 1
    units[0, 0], units[0, 1] = 1, 0
    head = 257  # 0 is the root, and 1…256 are reserved for its children
    end = 257
    labels, firsts = children[0], children[1]
    queue[0, 1] = len(offsets) - 1
    tail = 1
    for item in range(len(queue)):
        low, high = np.int64(queue[item, 0]), np.int64(queue[item, 1])
        depth, node = np.int64(queue[item, 2]), np.int64(order[item])
        if low < high and offsets[low + 1] - offsets[low] == depth:
            key_nodes[low] = node
            units[node, 1] |= 1
            low += 1
        count = 0
        last = np.int64(-1)
        for k in range(low, high):
            label = np.int64(flat[offsets[k] + depth])
            if label != last:
                labels[count], firsts[count] = label, k
                last = label
                count += 1
        if count == 0:
            continue
        firsts[count] = high

        base = np.int64(1)
        if node != 0:
            place = np.int64(head)
            fits = False
            for _ in range(64):
                if place + 256 >= capacity:
                    return 0
                base = place - labels[0]
                fits = True
                for i in range(1, count):
                    if units[base + labels[i], 1] != -1:
                        fits = False
                        break
                if fits:
                    break
                place = np.int64(after[place])
            if not fits:
                base = max(end, head) - labels[0]
                if base + 512 >= capacity:
                    return 0
            units[node, 0] = base

        for i in range(count):
            target = base + labels[i]
            units[target, 1] = node * 2
            if node != 0:
                following, preceding = np.int64(after[target]), np.int64(before[target])
                before[following] = preceding
                if target == head:
                    head = following
                else:
                    after[preceding] = following
            end = max(end, target + 1)
            queue[tail, 0], queue[tail, 1] = firsts[i], firsts[i + 1]
            queue[tail, 2], order[tail] = depth + 1, target
            tail += 1
    # Every base + 255 must be a unit, so that no step has to check bounds.
    return end + 256
