"""The trie holds the keys that it was built from, and no others."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import JIT, texts_over

from bytepiece.kernels import trie

MANY = 80_000 if JIT else 3_000


def keys_in(built):
    """Return the node of each key, read from the arrays from every node up to the root."""
    units = built.units.astype(np.int64)
    bases, parents = units[:, 0].tolist(), (units[:, 1] >> 1).tolist()
    names = {0: b""}

    def name(node):
        chain = []
        while node not in names:
            chain.append(node)
            node = parents[node]
        for node in reversed(chain):
            label = node - bases[parents[node]]
            names[node] = names[parents[node]] + bytes([label])
        return names[chain[0] if chain else node]

    # A free unit has the parent -1.
    ends = np.flatnonzero((units[:, 1] & 1 == 1) & (units[:, 1] > 0))
    return {name(node): node for node in ends.tolist()}


def walk(built, key):
    """Return the node that the kernels reach by the bytes of a key, or 0."""
    node = 1 + key[0]
    for byte in key[1:]:
        node = trie.child(built.units, node, byte)
        if node == 0:
            break
    return int(node)


def with_bytes(keys):
    """Return keys with all single bytes among them, as in a model, in no particular order."""
    return list({*keys, *(bytes([b]) for b in range(256))})


def check(keys):
    """Build a trie, check that it holds these keys, and return it with their nodes."""
    built, nodes = trie.build(keys)
    assert keys_in(built) == dict(zip(keys, nodes.tolist(), strict=True))
    # A step must never read beyond the arrays.
    assert built.units[:, 0].max() + 255 < len(built.units)
    assert not built.units.flags.writeable
    assert not built.order.flags.writeable
    return built, nodes


@given(st.sets(texts_over(b"ab\x00\xff", 1, 7) | st.binary(min_size=1, max_size=4), max_size=60))
def test_random_keys_are_found(keys):
    keys = with_bytes(keys)
    built, nodes = check(keys)
    assert [walk(built, key) for key in keys] == nodes.tolist()


@given(
    st.sets(texts_over(b"ab", 1, 6), min_size=1, max_size=20),
    st.lists(texts_over(b"abc", 1, 8), max_size=20),
)
def test_other_strings_are_not_found(keys, probes):
    built, _ = trie.build(with_bytes(keys))
    prefixes = {key[:n] for key in with_bytes(keys) for n in range(1, len(key) + 1)}
    for probe in probes:
        node = walk(built, probe)
        assert (node != 0) == (probe in prefixes)
        if node:
            assert bool(built.units[node, 1] & 1) == (len(probe) == 1 or probe in keys)


@given(st.sets(texts_over(b"ab\xff", 1, 5), max_size=20))
def test_the_order_of_nodes_is_breadth_first(keys):
    built, _ = trie.build(with_bytes(keys))
    parents, depths = built.units[:, 1] >> 1, {0: 0}
    assert built.order[0] == 0
    for node in built.order[1:].tolist():
        depths[node] = depths[int(parents[node])] + 1
    assert list(depths.values()) == sorted(depths.values())
    prefixes = {key[:n] for key in with_bytes(keys) for n in range(len(key) + 1)}
    assert len(depths) == len(built.order) == len(prefixes)


@pytest.mark.parametrize("length", [2, 17, 1024])
def test_a_chain_of_only_children(length):
    key = bytes(i * 7 % 256 for i in range(length))
    built, nodes = check(with_bytes([key]))
    assert walk(built, key) in nodes
    assert walk(built, key + b"a") == 0


def test_every_prefix_of_a_long_key_is_a_key():
    check(with_bytes(b"a" * n for n in range(1, 200)))


def test_as_many_keys_as_a_large_vocabulary():
    random_ = random.Random(1)
    syllables = [random_.randbytes(random_.choice([1, 2, 2, 3])) for _ in range(400)]
    keys = {
        b"".join(random_.choices(syllables, k=random_.choice([1, 2, 2, 3]))) for _ in range(MANY)
    }
    keys = with_bytes(keys)
    built, nodes = check(keys)
    some = random_.sample(range(len(keys)), 500)
    assert [walk(built, keys[i]) for i in some] == nodes[some].tolist()


def test_arrays_grow_when_many_nodes_have_many_children(monkeypatch):
    """If the children of a node lie far apart, the gaps between them fit no other such node."""
    attempts = []
    place = trie._place

    def counting(*arguments):
        attempts.append(place(*arguments))
        return attempts[-1]

    monkeypatch.setattr(trie, "_place", counting)
    random_ = random.Random(2)
    pairs = [bytes([i, j]) for i in range(256) for j in range(16 if JIT else 1)]
    check(with_bytes(pair + bytes([b]) for pair in pairs for b in random_.sample(range(256), 12)))
    assert attempts[0] == 0
    assert attempts[-1] > 0


def test_a_trie_of_single_bytes_only():
    _, nodes = check(with_bytes([]))
    assert sorted(nodes.tolist()) == list(range(1, 257))
