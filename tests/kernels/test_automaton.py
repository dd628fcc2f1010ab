"""The automaton finds, at each position, all pieces that end there, and nothing else."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import JIT, texts_over

from bytepiece.kernels import automaton, trie

BYTES = [bytes([byte]) for byte in range(256)]
KEYS = st.sets(texts_over(b"ab\x00\xff", 2, 9) | st.binary(min_size=2, max_size=4), max_size=40)


def bounds_of(segments):
    return np.cumsum([0, *map(len, segments)], dtype=np.int64)


def scanned(built, segments):
    """Return, for each byte of the segments, the numbers and lengths of the pieces in its chain."""
    text = np.frombuffer(b"".join(segments), dtype=np.uint8)
    matches = np.empty(len(text), dtype=np.uint32)
    automaton.scan(built, text, bounds_of(segments), matches)
    chains = []
    for match in matches.tolist():
        group, chain = match, []
        while True:
            entries = range(3 * (group >> 2), 3 * (group >> 2) + 3)
            chain += [(int(built.pieces[e]), int(built.lengths[e])) for e in entries]
            if not group & 1:
                break
            group = int(built.following[group >> 2])
        chains.append(chain)
    return chains


def check(pieces, segments, built=None):
    """Compare the automaton with a search for every suffix of every prefix of a segment."""
    built = built or automaton.build([*BYTES, *pieces])
    number = {piece: 256 + i for i, piece in enumerate(pieces)}
    none = 256 + len(pieces)
    chains = iter(scanned(built, segments))
    for segment in segments:
        for end in range(1, len(segment) + 1):
            starts = range(max(0, end - built.deepest), end - 1)
            expected = [segment[s:end] for s in starts if segment[s:end] in number]
            chain = next(chains)
            found = [(n, length) for n, length in chain if n != none]
            assert found == [(number[piece], len(piece)) for piece in expected]
            # The entries that fill a group up are no longer than its first piece.
            assert len(chain) == 3 * max(1, -(-len(expected) // 3))
            assert all(length <= end for _, length in chain)


@given(KEYS, st.lists(texts_over(b"ab\x00\xff", 0, 30), min_size=1, max_size=6))
def test_all_pieces_are_found_in_random_segments(keys, segments):
    check(sorted(keys), segments)


LARGE = [4096, 8 * 4096 - 1, 8 * 4096 + 1, 70_000] if JIT else []


@pytest.mark.parametrize("longest", [3, 60, 9_000])
@pytest.mark.parametrize("size", [48, 49, 63, 64, 65, 200, 1_000, *LARGE])
def test_lanes_see_nothing_before_their_segment_and_all_of_it(size, longest):
    """Runs of one byte keep lanes from agreeing for as long as the longest piece."""
    random = np.random.default_rng(size * longest)
    text = bytes(random.choice([*b"aaaaaaaaaab"], size).tolist())
    text = text[: size // 2] + b"a" * (size // 4) + text[size // 2 + size // 4 :]
    cuts = np.cumsum(random.integers(0, longest + 1, size)).tolist()
    bounds = [0, *(cut for cut in cuts if cut < size), size]
    pieces = [b"a" * n for n in (2, 3, 5, 30)] + [b"ab", b"ba", b"aab" * 3, b"a" * 9 + b"b"]
    check(sorted(pieces), [text[low:high] for low, high in pairwise(bounds)])


@given(
    KEYS,
    st.integers(0, 2**32),
    st.sampled_from([1, 5, 60, 5000]),
    st.sampled_from([48, 50, 99, 1100]),
)
def test_all_pieces_are_found_where_lanes_cut_segments(keys, seed, longest, size):
    """The text is long enough for lanes, and its segments are shorter and longer than a lane."""
    random = np.random.default_rng(seed)
    text = bytes(random.choice([*b"aab\x00\xff"], size).tolist())
    cuts = np.cumsum(random.integers(0, longest, size, endpoint=True))
    cuts = [0, *cuts[cuts < len(text)].tolist(), len(text)]
    check(sorted(keys), [text[i:j] for i, j in pairwise(cuts)])


@pytest.mark.parametrize("size", [47, 48, 49, 51, 511, 1023, 1024, 1025, 4096])
def test_a_piece_as_long_as_the_text_before_a_lane(size):
    pieces = [b"a" * n for n in (2, 3, 255, 256, 257, 1024)]
    check(pieces, [b"a" * size, b"ba" + b"a" * 10])


def test_single_bytes_have_entries_of_their_own():
    built = automaton.build([*reversed(BYTES), b"ab"])
    assert built.pieces[-256:].tolist() == list(range(255, -1, -1))
    assert set(built.lengths[-256:].tolist()) == {1}


def test_every_piece_is_a_suffix_of_the_next():
    """The number of groups is proportional to the number of pieces, not to its square."""
    pieces = [b"a" * n for n in range(2, 400 if JIT else 60)]
    built = automaton.build([*BYTES, *pieces])
    assert len(built.lengths) == 3 * (257 + len(pieces)) + 256
    check(pieces, [b"a" * 450, b"baab"], built)


def test_pieces_that_are_left_out_are_not_found():
    pieces = [b"ab", b"abc", b"bc", b"c" * 3]
    whole, ends = trie.build([*BYTES, *pieces])
    ends[[257, 258]] = -1
    lengths = np.array([1] * 256 + [2, 3, 2, 3])
    built = automaton.link(whole, ends, lengths)
    chains = scanned(built, [b"abccc"])
    assert [[n for n, _ in chain if n != 260] for chain in chains] == [[], [256], [], [], [259]]


def test_values_are_arranged_by_entry():
    built = automaton.build([*BYTES, b"ab", b"bab"])
    values = built.by_entry(np.arange(258.0), -1.0)
    assert values.dtype == np.float64
    assert values[3 * 257 : 3 * 259].tolist() == [257.0, 256.0, -1.0, -1.0, -1.0, -1.0]
    assert values[-256:].tolist() == list(range(256))
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 0


def test_a_text_without_bytes_or_segments_is_scanned():
    built = automaton.build([*BYTES, b"ab"])
    for bounds in ([0], [0, 0], [0, 0, 0]):
        nothing = np.empty(0, dtype=np.uint32)
        automaton.scan(built, np.empty(0, dtype=np.uint8), np.array(bounds), nothing)
