"""The next vocabulary: pieces that were found useless go, and frequent pairs are joined.

A pair of neighbours along the best paths that counts n saves n tokens if it is joined. A piece is
worth what it counts itself, and an eighth of what it would inherit from longer pieces if these did
not match, for each token that would take its place. Pieces that are worth less than a third of what
the best pairs not yet joined would save make room for them.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I64, U8, U32, offsets_of
from bytepiece.kernels.automaton import GROUP, Automaton, scan
from bytepiece.kernels.best_path import best_path
from bytepiece.kernels.jit import ZERO, Scalar, at, kernel
from bytepiece.kernels.segments import longest
from bytepiece.rules.text import is_utf8
from bytepiece.training.pairs import UNIT, PairSums, ScoredAutomaton, TotalCounts, split_pairs

_INHERITED = 8
"""What is inherited counts so many times less than what is counted."""
_USELESS = 3
"""A piece is useless that is worth so many times less than a pair that is not yet joined."""
_NEWLINE = 0x0A
NEWLINES = ("apart", "end")
"""What `PieceRules.newlines` may be."""


class CountedPieces(NamedTuple):
    """Pieces, the 256 single bytes first.

    Args:
        pieces: different.
        counts: int64[pieces], what each counts; of a piece that was just joined, what it saves.
    """

    pieces: list[bytes]
    counts: npt.NDArray[np.int64]


def beginning(pieces: Iterable[bytes] = ()) -> CountedPieces:
    """The vocabulary to begin with: the single bytes, and these pieces."""
    everything = list(dict.fromkeys([*(bytes([b]) for b in range(256)), *pieces]))
    return CountedPieces(everything, np.full(len(everything), UNIT, dtype=np.int64))


class PieceRules(NamedTuple):
    """Which pieces there may be.

    Args:
        max_piece_length: in bytes.
        newlines: "apart", a piece with a newline has nothing else; "end", it may end with them.
        within_words: whether spaces, of ASCII, may stand at the beginning of a piece only.
        parts: whether a piece may be the beginning of a character; if not, each of more than one
            byte is valid UTF-8.
    """

    max_piece_length: int
    newlines: str
    within_words: bool = False
    parts: bool = True


class GrowthLimits(NamedTuple):
    """How far the next vocabulary may go.

    Args:
        size: how many pieces it may have, at least as many as there are.
        most: how many pairs may be joined, at most.
        least: what a pair must count to be joined.
    """

    size: int
    most: int
    least: int = 2 * UNIT


def advance(
    vocabulary: CountedPieces,
    state: ScoredAutomaton,
    total: TotalCounts,
    limits: GrowthLimits,
    rules: PieceRules,
    kept: frozenset[bytes] = frozenset(),
) -> CountedPieces:
    """The next vocabulary.

    Pieces that the rules do not allow go, and as many pairs more may be joined.

    Args:
        state: the one that the text was counted with.
        total: what was counted in it.
        kept: pieces that are not dropped, beside the single bytes.
    """
    pieces = vocabulary.pieces
    size = limits.size
    going = _going(pieces, rules, kept)
    limits = limits._replace(most=limits.most + int(going.sum()))
    joined, sums = _candidates(pieces, total.pairs, limits, rules, going)
    worth = worths(pieces, state, total.pieces)
    worth[[i for i, piece in enumerate(pieces) if piece in kept]] = np.iinfo(np.int64).max
    worth[going] = -1
    # Pairs are joined as long as there is room, or useless pieces make some.
    useless = np.searchsorted(np.sort(worth), sums // _USELESS)
    crowded = np.arange(1, len(sums) + 1) - useless > size - len(pieces)
    if crowded.any():
        number = int(np.argmax(crowded))
        dropped = number - (size - len(pieces))
    else:
        number = len(sums)
        dropped = int(useless[-1]) if number else int(going.sum())
    staying = np.sort(np.argsort(worth, kind="stable")[dropped:])
    return CountedPieces(
        [pieces[i] for i in staying.tolist()] + joined[:number],
        np.concatenate([total.pieces[staying], sums[:number]]),
    )


def _going(pieces: list[bytes], rules: PieceRules, kept: frozenset[bytes]) -> npt.NDArray[np.bool_]:
    """Whether each piece is one that the rules do not allow, and is not kept."""
    if rules.parts:
        return np.zeros(len(pieces), dtype=np.bool_)
    return np.array([len(p) > 1 and p not in kept and not is_utf8(p) for p in pieces])


def _candidates(
    pieces: list[bytes],
    pairs: PairSums,
    limits: GrowthLimits,
    rules: PieceRules,
    going: npt.NDArray[np.bool_],
) -> tuple[list[bytes], I64]:
    """The pairs that save most, joined, and the tokens they save, in descending order.

    Args:
        going: bool[pieces], whether single bytes take a piece's place: a pair that begins with it
            saves all of them.
    """
    most = limits.most
    keys, sums = pairs.items(limits.least)
    left, right = split_pairs(keys)
    allowed = np.flatnonzero(_allowed(pieces, left, right, rules))
    lengths = np.array([len(piece) for piece in pieces])
    keys, sums = keys[allowed], (sums * np.where(going, lengths, 1)[left])[allowed]
    known = set(pieces)
    looked_at = 2 * most
    complete = False
    while not complete:
        found: dict[bytes, int] = {}
        order = _largest(keys, sums, looked_at)
        complete = len(order) == len(keys)
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
    """Where the largest sums are, in descending order, and in that of the keys where equal."""
    chosen = np.arange(len(sums))
    if number < len(sums):
        least = np.partition(sums, len(sums) - number)[len(sums) - number]
        chosen = np.flatnonzero(sums >= least)
    return chosen[np.lexsort((keys[chosen], -sums[chosen]))]


def _allowed(
    pieces: list[bytes], left: I64, right: I64, rules: PieceRules
) -> npt.NDArray[np.bool_]:
    """Whether pairs may be joined.

    Joined pieces begin where a character begins and end where one ends, or are the beginning of a
    single character: such pieces make up rare characters, and classical Chinese, with many of
    them, takes 2 % fewer tokens. Where parts are not allowed they may still be joined to whole
    characters.
    """
    lengths = np.array([len(piece) for piece in pieces])
    missing = np.array([_missing(piece) for piece in pieces])
    whole = (missing[left] == 0) & (missing[right] == 0)
    inside = (missing[left] > 0) & (missing[right] < 0)
    fits: npt.NDArray[np.bool_] = whole | inside
    fits &= lengths[left] + lengths[right] <= rules.max_piece_length
    if rules.newlines == "apart":
        newline = np.array([piece[-1] == _NEWLINE for piece in pieces])
        fits &= newline[left] == newline[right]
    if rules.within_words:
        begins = np.array([piece[:1].isspace() for piece in pieces])
        blank = np.array([piece.isspace() for piece in pieces])
        fits &= blank[left] | ~begins[right]
    if not rules.parts:
        valid = np.array([is_utf8(piece) for piece in pieces])
        for i in np.flatnonzero(fits & ~(valid[left] & valid[right])).tolist():
            fits[i] = is_utf8(pieces[left[i]] + pieces[right[i]])
    return fits


def _missing(piece: bytes) -> int:
    """How many bytes the piece lacks to end where a character ends; −1: it begins within one."""
    if piece[0] & 0xC0 == 0x80:
        return -1
    tail = 1
    while piece[-tail] & 0xC0 == 0x80:
        tail += 1
    lead = piece[-tail]
    length = 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    return max(length - tail, 0)


def worths(pieces: Sequence[bytes], state: ScoredAutomaton, counts: I64) -> I64:
    """What each piece is worth, int64; single bytes are worth more than any pair.

    Args:
        counts: int64[pieces], what each counts.
    """
    lengths = np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces))
    order = np.argsort(-lengths, kind="stable")
    offsets = offsets_of(lengths)
    flat = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    inherited = np.zeros(len(pieces), dtype=np.int64)
    worth = np.empty(len(pieces), dtype=np.int64)
    _weigh(*state, flat, offsets, order, counts, inherited, worth)
    worth[lengths == 1] = np.iinfo(np.int64).max
    return worth


# Longer pieces first: what a piece inherits is complete before it is handed on.
# Cost: that of the best paths of all pieces; 32 k take 20 ms.
@kernel
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
    """Cut each piece as if it were not there; what it counts goes to the pieces it is cut into."""
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
        via[stop - start] = _last_but_whole(automaton, scores, flat, matches, start, stop, best)
        tokens = 0
        position = at(stop - start)
        while position > ZERO:
            entry = at(via[position])
            inherited[automaton.pieces[entry]] += value
            tokens += 1
            position -= at(automaton.lengths[entry])
        worth[piece] = (counts[piece] + inherited[piece] // _INHERITED) * (tokens - 1)


@kernel
def _last_but_whole(
    automaton: Automaton,
    scores: F64,
    text: U8,
    matches: U32,
    start: Scalar,
    stop: Scalar,
    best: F64,
) -> Scalar:
    """The last entry of a string's best path that is not the whole string at once."""
    length = stop - start
    top, last = -np.inf, np.int64(0)
    group = np.int64(matches[stop - 1])
    while True:
        for entry in range(GROUP * (group >> 2), GROUP * (group >> 2) + GROUP):
            begin = length - np.int64(automaton.lengths[entry])
            if begin > 0 and best[begin] + scores[entry] > top:
                top, last = best[begin] + scores[entry], np.int64(entry)
        if group & 1 == 0:
            break
        group = np.int64(automaton.following[group >> 2])
    single = len(automaton.lengths) - 256 + np.int64(text[stop - 1])
    return single if best[length - 1] + scores[single] > top else last
