"""BPE: the tables of a model with merges, and the deterministic encoding of its words."""

import numpy as np

from bytepiece._arrays import I32, I64, U8, U32, U64, offsets_of
from bytepiece.kernels.byte_pairs import (
    NO_PAIR,
    BytePairs,
    fill_pairs,
    fill_words,
    join_words,
    last_pairs,
    split_pairs,
)
from bytepiece.kernels.segments import Segments
from bytepiece.model import Model

_SHIFT = np.uint64(32)


def byte_pairs(model: Model) -> BytePairs:
    """Return the tables of a model that has merges."""
    merges = model.merges
    assert merges is not None  # for the type checker
    text = np.frombuffer(b"".join(model.pieces), dtype=np.uint8)
    bounds = offsets_of(map(len, model.pieces))
    count = len(model.pieces)
    number_of = {piece: number for number, piece in enumerate(model.pieces)}
    singles = np.array([number_of[bytes([byte])] for byte in range(256)], dtype=np.uint32)
    every = _words(text, bounds, np.ones(count, dtype=np.uint8))
    characters = int(model.rules.unknown is not None)
    tables = BytePairs(text, bounds, singles, every, np.empty(0, dtype=np.uint64), characters)
    if merges.pairs is None:
        assert merges.ranks is not None  # for the type checker
        triples = _of_ranks(tables, merges.ranks)
    else:
        numbers = np.searchsorted(model.ids, merges.pairs)
        lefts, rights = (np.ascontiguousarray(column) for column in numbers.T)
        pieces = model.pieces
        joined = [
            number_of[pieces[left] + pieces[right]]
            for left, right in zip(lefts.tolist(), rights.tolist(), strict=True)
        ]
        ranks = np.arange(len(joined), dtype=np.uint64)
        triples = lefts, rights, ranks << _SHIFT | np.array(joined, dtype=np.uint64)
    tables = tables._replace(pairs=_pairs(*triples))
    if merges.whole:
        return tables
    # A word that is a piece is usually encoded as this piece, but not always.
    unaided = tables._replace(words=_words(text, bounds, _characters(model)))
    _, counts = _joined(unaided, np.arange(count, dtype=np.uint32), text, bounds)
    alone = counts == 1
    if merges.ranks is not None:
        alone |= (merges.ranks < 0) & (np.diff(bounds) > 1)
    return tables._replace(words=_words(text, bounds, alone.astype(np.uint8)))


def joins(tables: BytePairs) -> BytePairs:
    """Return tables that join words alike, without the pairs that BPE never joins.

    A word that begins as characters may leave bytes of a character behind, and bytes alone begin
    otherwise. So such tables keep all pairs.
    """
    if tables.characters:
        return tables
    count = len(tables.bounds) - 1
    every = _words(tables.text, tables.bounds, np.ones(count, dtype=np.uint8))
    lefts, rights = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    values = np.empty(count, dtype=np.uint64)
    found = last_pairs(tables._replace(words=every), lefts, rights, values)
    return tables._replace(pairs=_pairs(lefts[:found], rights[:found], values[:found]))


def _characters(model: Model) -> U8:
    """Return which pieces are one character of several bytes, with which a word can begin."""
    wanted = np.zeros(len(model.pieces), dtype=np.uint8)
    if model.rules.unknown is not None:
        wanted[:] = [len(piece) > 1 and _is_character(piece) for piece in model.pieces]
    return wanted


def _is_character(piece: bytes) -> bool:
    return len(piece) <= 4 and piece[0] >= 0xC0 and all(byte & 0xC0 == 0x80 for byte in piece[1:])


def _words(text: U8, bounds: I64, wanted: U8) -> U64:
    words = np.zeros(_room(int(wanted.sum())), dtype=np.uint64)
    fill_words(text, bounds, wanted, words)
    return words


def _pairs(lefts: I64, rights: I64, values: U64) -> U64:
    pairs = np.full(2 * _room(len(lefts)), NO_PAIR, dtype=np.uint64)
    fill_pairs(lefts, rights, values, pairs)
    return pairs


def _room(entries: int) -> int:
    """Return the size of a hash table that is at most half full."""
    return 1 << max(4, (2 * entries).bit_length())


def _of_ranks(tables: BytePairs, ranks: I32) -> tuple[I64, I64, U64]:
    """Return all pairs of pieces that spell a piece: two pieces, and a rank with a piece."""
    count = 0
    while True:
        lefts, rights = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        values = np.empty(count, dtype=np.uint64)
        found = split_pairs(tables, ranks, lefts, rights, values)
        if found <= count:
            return lefts, rights, values
        count = found


def _joined(tables: BytePairs, ids: U32, text: U8, bounds: I64) -> tuple[I32, I32]:
    out = np.empty(len(text), dtype=np.int32)
    counts = np.empty(len(bounds) - 1, dtype=np.int32)
    filled = join_words(tables, ids, text, bounds, out, counts)
    return out[:filled], counts


def joined_ids(
    tables: BytePairs, ids: U32, segments: Segments, low: int, high: int
) -> tuple[I32, I32]:
    """Encode the segments low…high − 1 by BPE.

    Args:
        tables: the tables of the model.
        ids: uint32[pieces], the id of each piece.
        segments: the text.
        low, high: the number of the first segment, and one more than the number of the last.

    Returns:
        int32[tokens], the ids, segment after segment; int32[high − low], the number of ids of each.
    """
    return _joined(tables, ids, *segments.stretch(low, high))
