"""BPE: the tables of a model with merges, and the deterministic encoding of its words."""

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64, U8, U32, U64, offsets_of
from bytepiece.encoding.prejoined import prejoined_characters
from bytepiece.kernels.byte_pairs import (
    NO_PAIR,
    NO_PIECE,
    BytePairs,
    fill_pairs,
    fill_words,
    split_pairs,
)
from bytepiece.kernels.segments import Segments
from bytepiece.kernels.word_joins import Joins, fill_filter, join_words, last_joins
from bytepiece.model import Model
from bytepiece.rules.joins import joined_numbers

_SHIFT = np.uint64(32)


def byte_pairs(model: Model) -> BytePairs:
    """Return the tables of a model that has merges, with all pairs and no table of words."""
    tables = _tables(model)
    words = _words(tables.text, tables.bounds, _characters(model))
    return tables._replace(pairs=_pairs(*_triples(model, tables)), words=words)


def joins(model: Model) -> Joins:
    """Return the tables of a model that has merges, for deterministic encoding."""
    merges = model.merges
    assert merges is not None  # for the type checker
    every = _tables(model)
    lefts, rights, values = _triples(model, every)
    tables = every._replace(
        pairs=_pairs(lefts, rights, values),
        words=_words(every.text, every.bounds, _characters(model)),
    )
    prejoined = np.zeros(1 << 16, dtype=np.uint32)
    lasts = np.empty(len(model.pieces), dtype=np.int64)
    last_joins(Joins(tables, prejoined, np.full(1, NO_PAIR, dtype=np.uint64)), lasts)
    if not tables.characters:
        # Bytes of a character may be left alone, and bytes alone begin otherwise than a character.
        # So the other pairs are left out only if words begin as bytes.
        kept = lasts[(values & np.uint64(NO_PIECE)).astype(np.int64)] == rights
        lefts, rights, values = lefts[kept], rights[kept], values[kept]
        tables = tables._replace(pairs=_pairs(lefts, rights, values))
        prejoined = prejoined_characters(tables, lefts, rights, values)
    bits = np.zeros(max(_room(4 * len(lefts)) >> 6, 1), dtype=np.uint64)
    fill_filter(lefts, rights, bits)
    words = every.words
    if not merges.whole:
        # A word that is a piece is usually encoded as this piece, but not always.
        alone = (lasts >= 0) | (_characters(model) > 0)
        if merges.ranks is not None:
            alone |= (merges.ranks < 0) & (np.diff(every.bounds) > 1)
        words = _words(every.text, every.bounds, alone.astype(np.uint8))
    return Joins(tables._replace(words=words), prejoined, bits)


def _tables(model: Model) -> BytePairs:
    """Return the tables of a model without pairs, in which each piece is a word."""
    text = np.frombuffer(b"".join(model.pieces), dtype=np.uint8)
    bounds = offsets_of(map(len, model.pieces))
    number_of = {piece: number for number, piece in enumerate(model.pieces) if len(piece) == 1}
    singles = np.array([number_of[bytes([byte])] for byte in range(256)], dtype=np.uint32)
    every = _words(text, bounds, np.ones(len(model.pieces), dtype=np.uint8))
    characters = int(model.rules.unknown is not None)
    return BytePairs(text, bounds, singles, every, np.empty(0, dtype=np.uint64), characters)


def _triples(model: Model, tables: BytePairs) -> tuple[I64, I64, U64]:
    """Return the pairs that are joined: two pieces, and a rank with the piece that they become."""
    merges = model.merges
    assert merges is not None  # for the type checker
    if merges.pairs is None:
        assert merges.ranks is not None  # for the type checker
        return _of_ranks(tables, merges.ranks)
    numbers = np.searchsorted(model.ids, merges.pairs)
    lefts, rights = (np.ascontiguousarray(column) for column in numbers.T)
    joined = joined_numbers(numbers, model.pieces).astype(np.uint64)
    return lefts, rights, np.arange(len(joined), dtype=np.uint64) << _SHIFT | joined


def splits_of(model: Model) -> tuple[I64, I64, I64]:
    """Return all ways to cut a piece into two pieces: the two, and the piece, ascending."""
    lefts, rights, values = _of_ranks(_tables(model), np.zeros(len(model.pieces), dtype=np.int32))
    return lefts, rights, (values & np.uint64(NO_PIECE)).astype(np.int64)


def made_pieces(model: Model) -> npt.NDArray[np.bool_]:
    """Return which pieces samples of a BPE model may use: all, or those that its merges make.

    A word begins as bytes or characters, so these are made, too.
    """
    assert model.merges is not None  # for the type checker
    if model.merges.unmade:
        return np.ones(len(model.pieces), dtype=np.bool_)
    lefts, rights, values = _triples(model, _tables(model))
    joined = (values & np.uint64(NO_PIECE)).astype(np.int64)
    made = np.array([len(piece) == 1 for piece in model.pieces]) | (_characters(model) > 0)
    before = 0
    while made.sum() > before:
        before = made.sum()
        made[joined[made[lefts] & made[rights]]] = True
    return made


def _characters(model: Model) -> U8:
    """Return which pieces are one character of several bytes, with which a word can begin."""
    wanted = np.zeros(len(model.pieces), dtype=np.uint8)
    if model.rules.unknown is not None:
        wanted[:] = [len(piece) > 1 and _is_character(piece) for piece in model.pieces]
    return wanted


def _is_character(piece: bytes) -> bool:
    return len(piece) <= 4 and piece[0] >= 0xC0 and all(byte & 0xC0 == 0x80 for byte in piece[1:])


def _words(text: U8, bounds: I64, wanted: U8) -> U64:
    words = np.zeros(2 * _room(int(wanted.sum())), dtype=np.uint64)
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


def joined_ids(joins: Joins, ids: U32, segments: Segments, low: int, high: int) -> tuple[I32, I32]:
    """Encode the segments low…high − 1 by BPE.

    Args:
        joins: the tables of the model.
        ids: uint32[pieces], the id of each piece.
        segments: the text.
        low, high: the number of the first segment, and one more than the number of the last.

    Returns:
        int32[tokens], the ids, segment after segment; int32[high − low], the number of ids of each.
    """
    text, bounds = segments.stretch(low, high)
    out = np.empty(len(text), dtype=np.int32)
    counts = np.empty(len(bounds) - 1, dtype=np.int32)
    filled = join_words(joins, ids, text, bounds, out, counts)
    return out[:filled], counts
