"""One round of growth: the next vocabulary drops useless pieces and joins frequent pairs.

If two neighbours on the best paths have the count n as a pair, joining them saves n tokens. The
worth of a piece is the number of tokens that its loss adds. It is the product of two numbers: how
many more tokens spell the piece without it, and the piece's count. This count includes an eighth of
the count that the piece would inherit from longer pieces if these did not match. A piece makes room
for a pair that is not yet joined if the piece is worth less than a third of what the pair saves.
On the way to few pieces, it makes room if it is worth less than what the pair saves.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I64, U8, U32, offsets_of
from bytepiece.kernels.automaton import (
    GROUP,
    Automaton,
    first_entry,
    goes_on,
    next_group,
    scan,
    single_entry,
)
from bytepiece.kernels.best_path import best_path
from bytepiece.kernels.jit import UINT_0, Scalar, allocating, inner, uint
from bytepiece.kernels.segments import longest
from bytepiece.rules.text import is_utf8
from bytepiece.training.pairs import (
    COUNT_OF_ONE,
    NEWLINE,
    PairSums,
    ScoredAutomaton,
    TotalCounts,
    split_pairs,
)
from bytepiece.training.word_kinds import join_within_word, shapes_of

_INHERITED = 8
"""An inherited count weighs an eighth as much as a piece's own count."""
USELESS = 3
"""Usually, a piece is useless if it is worth less than a third of a pair not yet joined."""
_LENGTH_BY_LEAD = np.repeat([1, 2, 3, 4], [0xC0, 0x20, 0x10, 0x10])
"""The number of bytes of a character, by its first byte."""
NEWLINES = ("apart", "end")
"""The values of `PieceRules.newlines`."""


class CountedPieces(NamedTuple):
    """Pieces and their counts. The 256 single bytes come first.

    Args:
        pieces: all different.
        counts: int64[pieces], the count of each piece; for a piece that was just joined, the
            tokens that it saves.
    """

    pieces: list[bytes]
    counts: npt.NDArray[np.int64]


def initial_pieces(pieces: Iterable[bytes] = ()) -> CountedPieces:
    """Return the vocabulary to begin with: the single bytes and the given pieces."""
    everything = list(dict.fromkeys([*(bytes([b]) for b in range(256)), *pieces]))
    return CountedPieces(everything, np.full(len(everything), COUNT_OF_ONE, dtype=np.int64))


class PieceRules(NamedTuple):
    """The rules that say which pieces are allowed.

    Args:
        max_piece_length: in bytes.
        newlines: "apart": a piece that contains a newline contains only newlines; "end": a piece
            may end with newlines.
        spaces: "across": spaces are allowed anywhere in a piece; "words": a piece lies within one
            word, see `bytepiece.training.words`; "superwords": the counts of pairs decide, see
            `bytepiece.training.pairs.count`.
        parts: whether a piece may be the beginning of a character. If not, every piece of more
            than one byte is valid UTF-8.
    """

    max_piece_length: int
    newlines: str
    spaces: str = "across"
    parts: bool = True


class GrowthLimits(NamedTuple):
    """The limits of one round.

    Args:
        size: the largest number of pieces afterwards, not below the number before.
        most: the largest number of pairs to join.
        useless: a piece is useless if this many times its worth is less than what a pair saves.
        least: the smallest count of a pair to join.
    """

    size: int
    most: int
    useless: int = USELESS
    least: int = 2 * COUNT_OF_ONE


def advance(
    vocabulary: CountedPieces,
    state: ScoredAutomaton,
    total: TotalCounts,
    limits: GrowthLimits,
    rules: PieceRules,
    protected: frozenset[bytes] = frozenset(),
) -> CountedPieces:
    """Return the next vocabulary.

    Pieces that the rules do not allow are dropped. For each of them, one more pair may be joined.

    Args:
        vocabulary: the present vocabulary.
        state: the automaton and the scores with which the text was counted.
        total: the counts of the text.
        limits: the limits of this round.
        rules: which pieces are allowed.
        protected: pieces that are never dropped, besides the single bytes.
    """
    pieces = vocabulary.pieces
    size = limits.size
    leaving = _disallowed(pieces, rules, protected)
    limits = limits._replace(most=limits.most + int(leaving.sum()))
    joined, sums = _candidates(pieces, total.pairs, limits, rules, leaving)
    worth = worths(pieces, state, total.pieces)
    worth[[i for i, piece in enumerate(pieces) if piece in protected]] = np.iinfo(np.int64).max
    worth[leaving] = -1
    # If the pairs run out, useless pieces stay: no later pair needs their room.
    useless = np.full(len(sums), leaving.sum())
    if len(sums) == limits.most:
        useless = np.searchsorted(np.sort(worth), sums // limits.useless)
    # Pairs are joined as long as there is room, or useless pieces make room.
    crowded = np.arange(1, len(sums) + 1) - useless > size - len(pieces)
    if crowded.any():
        number = int(np.argmax(crowded))
        dropped = number - (size - len(pieces))
    else:
        number = len(sums)
        dropped = int(useless[-1]) if number else int(leaving.sum())
    staying = np.sort(np.argsort(worth, kind="stable")[dropped:])
    return CountedPieces(
        [pieces[i] for i in staying.tolist()] + joined[:number],
        np.concatenate([total.pieces[staying], sums[:number]]),
    )


def _disallowed(
    pieces: list[bytes], rules: PieceRules, protected: frozenset[bytes]
) -> npt.NDArray[np.bool_]:
    """Return for each piece whether it must be dropped because the rules do not allow it."""
    if rules.parts:
        return np.zeros(len(pieces), dtype=np.bool_)
    return np.array([len(p) > 1 and p not in protected and not is_utf8(p) for p in pieces])


def _candidates(
    pieces: list[bytes],
    pairs: PairSums,
    limits: GrowthLimits,
    rules: PieceRules,
    leaving: npt.NDArray[np.bool_],
) -> tuple[list[bytes], I64]:
    """Return the joined pairs that save most tokens, and the saved tokens, in descending order.

    Args:
        leaving: bool[pieces], whether a piece is dropped and single bytes take its place. Joining a
            pair that begins with such a piece saves as many tokens as the piece has bytes.
    """
    most = limits.most
    keys, sums = pairs.items(limits.least)
    if leaving.any():
        lengths = np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces))
        sums *= np.where(leaving, lengths, 1)[split_pairs(keys)[0]]
    known = set(pieces)
    looked_at = 4 * most
    complete = False
    while not complete:
        found: dict[bytes, int] = {}
        order = _largest(keys, sums, looked_at)
        complete = len(order) == len(keys)
        order = order[_allowed(pieces, *split_pairs(keys[order]), rules)]
        left, right = split_pairs(keys[order])
        for i, a, b in zip(order.tolist(), left.tolist(), right.tolist(), strict=True):
            string = pieces[a] + pieces[b]
            if string in found:
                found[string] += int(sums[i])
            elif string not in known:
                if len(found) == most:
                    complete = True
                    break
                found[string] = int(sums[i])
        looked_at *= 2
    counts = np.fromiter(found.values(), dtype=np.int64, count=len(found))
    best = np.argsort(-counts, kind="stable")
    strings = list(found)
    return [strings[i] for i in best.tolist()], counts[best]


def _largest(keys: I64, sums: I64, number: int) -> I64:
    """Return the places of the largest sums, in descending order; equal sums are sorted by key."""
    chosen = np.arange(len(sums))
    if number < len(sums):
        least = np.partition(sums, len(sums) - number)[len(sums) - number]
        chosen = np.flatnonzero(sums >= least)
    return chosen[np.lexsort((keys[chosen], -sums[chosen]))]


def _allowed(
    pieces: list[bytes], left: I64, right: I64, rules: PieceRules
) -> npt.NDArray[np.bool_]:
    """Return for each pair whether it may be joined.

    A joined piece begins and ends at a boundary between characters, or it is the beginning of a
    single character. Rare characters can be spelled with such beginnings. Classical Chinese has
    many rare characters, and takes 2 % fewer tokens with these pieces. If the rules do not allow
    parts of characters, a pair of parts may still be joined to whole characters.
    """
    lengths = np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces))
    flat = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    offsets = offsets_of(lengths)
    starts = offsets[:-1]
    last = flat[starts + lengths - 1]
    missing = _missing(flat, starts, lengths)
    whole = (missing[left] == 0) & (missing[right] == 0)
    inside = (missing[left] > 0) & (missing[right] < 0)
    fits: npt.NDArray[np.bool_] = whole | inside
    fits &= lengths[left] + lengths[right] <= rules.max_piece_length
    if rules.newlines == "apart":
        newline = last == NEWLINE
        fits &= newline[left] == newline[right]
    if rules.spaces == "words":
        shapes = shapes_of(flat, offsets)
        fits &= join_within_word(shapes[left], shapes[right])
    if not rules.parts:
        valid = np.array([is_utf8(piece) for piece in pieces])
        for i in np.flatnonzero(fits & ~(valid[left] & valid[right])).tolist():
            fits[i] = is_utf8(pieces[left[i]] + pieces[right[i]])
    return fits


def _missing(flat: U8, starts: I64, lengths: I64) -> I64:
    """Return for each piece how many bytes it lacks to end with a whole character.

    The result is −1 for a piece that begins within a character.

    Args:
        flat: the pieces, end to end.
        starts, lengths: where the pieces begin, and their numbers of bytes.
    """
    follows = flat & 0xC0 == 0x80
    places = np.arange(len(flat))
    # The last byte of each piece that begins a character. A piece without one is set to −1 below.
    leads = np.maximum.accumulate(np.where(follows, 0, places))[starts + lengths - 1]
    needed = _LENGTH_BY_LEAD[flat[leads]]
    missing = np.maximum(needed - (starts + lengths - leads), 0)
    return np.where(follows[starts], -1, missing)


def worths(pieces: Sequence[bytes], state: ScoredAutomaton, counts: I64) -> I64:
    """Return the worth of each piece, int64. Single bytes are worth more than any pair.

    Args:
        pieces: all different.
        state: the automaton of the pieces, and their scores.
        counts: int64[pieces], the count of each piece.
    """
    lengths = np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces))
    order = np.argsort(-lengths, kind="stable")
    offsets = offsets_of(lengths)
    flat = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    inherited = np.zeros(len(pieces), dtype=np.int64)
    worth = np.empty(len(pieces), dtype=np.int64)
    arrays = flat, offsets, order, counts, inherited, worth
    _weigh(state.automaton, state.scores, *arrays)
    worth[lengths == 1] = np.iinfo(np.int64).max
    return worth


# Longer pieces come first, so that the inherited count of a piece is complete before it is passed
# on. Cost: the best paths of all pieces; 32 k pieces take 20 ms.
@allocating
def _weigh(
    automaton: Automaton,
    scores: F64,
    flat: U8,
    offsets: I64,
    order: I64,
    counts: I64,
    inherited: I64,
    worth: I64,
) -> None:
    """Cut each piece as if it did not exist, and add its count to the pieces it is cut into."""
    length = longest(offsets, 0, len(order))
    best = np.zeros(length + 1, dtype=np.float64)
    via = np.empty(length + 1, dtype=np.uint32)
    matches = np.empty(len(flat), dtype=np.uint32)
    scan(automaton, flat, offsets, matches)
    for i in range(len(order)):
        piece = order[i]
        start, stop = offsets[piece], offsets[piece + 1]
        value = counts[piece] + inherited[piece]
        if stop - start == 1:
            continue
        best_path(automaton, scores, flat, matches, start, stop, best, via)
        via[stop - start] = last_but_whole(automaton, scores, flat, matches, start, stop, best)
        tokens = 0
        position = uint(stop - start)
        while position > UINT_0:
            entry = uint(via[position])
            inherited[automaton.pieces[entry]] += value
            tokens += 1
            position -= uint(automaton.lengths[entry])
        worth[piece] = (counts[piece] + inherited[piece] // _INHERITED) * (tokens - 1)


@inner
def last_but_whole(
    automaton: Automaton,
    scores: F64,
    text: U8,
    matches: U32,
    start: Scalar,
    stop: Scalar,
    best: F64,
) -> Scalar:
    """Return the last entry of the best path that does not use the whole string as a piece."""
    length = stop - start
    top, last = -np.inf, np.int64(0)
    group = matches[stop - 1]
    while True:
        for i in range(GROUP):
            entry = first_entry(group) + uint(i)
            begin = length - np.int64(automaton.lengths[entry])
            if begin > 0 and best[begin] + scores[entry] > top:
                top, last = best[begin] + scores[entry], np.int64(entry)
        if not goes_on(group):
            break
        group = next_group(automaton, group)
    single = np.int64(single_entry(automaton, text[stop - 1]))
    return single if best[length - 1] + scores[single] > top else last
