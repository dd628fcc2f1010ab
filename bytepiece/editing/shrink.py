"""Dropping the pieces whose loss costs the fewest tokens.

The worth of a piece is the number of tokens that would take its place (see
`bytepiece.training.growth.worths`). Each round drops some of the pieces with the least worth, and
adds their counts to the pieces that they are then cut into. So if each of two pieces could replace
the other, and one is dropped, the other gains worth.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64, offsets_of
from bytepiece._logarithms import logs_of
from bytepiece.editing.weighed_pieces import WeighedPieces, normalized
from bytepiece.kernels.automaton import Automaton, build
from bytepiece.training.growth import worths
from bytepiece.training.pairs import ScoredAutomaton
from bytepiece.training.progress import ignored
from bytepiece.training.pruning import count_paths

_STEP = 16
"""A round drops a sixteenth of the pieces that may be dropped. The figures are bytes per token,
after 32 k pieces of the merge trainer were pruned to 16 k, by the part that each round drops:

    part           1/32    1/16    1/8     1/4     all at once
    by scores      4.14    4.14    4.13    4.12    4.08
    by usage       4.15    4.15    4.14    4.13    4.08
"""
_HEAVIEST = 44
"""The largest number of bits in the sum of counts. The worths that follow then fit in 64 bits."""

Usage = Callable[[ScoredAutomaton, int], I64]
"""A function that returns the count of each piece along the best paths of a text. Its arguments are
the automaton with the scores, and the number of pieces."""


def shrink(
    weighed: WeighedPieces,
    most: int,
    kept: npt.NDArray[np.bool_],
    usage: Usage | None = None,
    done: Callable[[int, int], object] = ignored,
) -> tuple[I64, WeighedPieces]:
    """Drop pieces until a number of them is left.

    Args:
        weighed: the pieces.
        most: how many may stay; not below the number of single bytes and kept pieces.
        kept: bool[pieces], which pieces are not dropped, besides the single bytes.
        usage: counts the pieces in a text. The pieces with the least worth by these counts are
            dropped first. Between pieces of equal worth, and without `usage`, the worth by the
            pieces' own counts decides.
        done: called with the number of finished rounds and the number of all rounds.

    Returns:
        int64[most], the numbers of the pieces that stay, ascending; and these pieces, with the
        counts that they inherited.
    """
    alive = np.arange(len(weighed.pieces))
    state = _state(build(weighed.pieces), weighed)
    sizes = _sizes(len(alive), most, int(kept.sum()))
    for number, size in enumerate(sizes):
        best = _in_order(weighed, state, kept[alive], usage)[-size:]
        staying = np.sort(best)
        alive = alive[staying]
        weighed, state = _without(weighed, staying)
        done(number + 1, len(sizes))
    return alive, weighed


def _sizes(pieces: int, most: int, kept: int) -> list[int]:
    """Return the number of pieces after each round, if `kept` of them are not dropped."""
    sizes = []
    while pieces > most:
        pieces = max(most, pieces - max(1, (pieces - kept) // _STEP))
        sizes.append(pieces)
    return sizes


def _in_order(
    weighed: WeighedPieces, state: ScoredAutomaton, kept: npt.NDArray[np.bool_], usage: Usage | None
) -> I64:
    """Return the pieces in ascending order of worth; among equals, later pieces come first."""
    pieces = weighed.pieces
    worth = needed = worths(pieces, state, _light(weighed.counts))
    if usage is not None:
        needed = worths(pieces, state, _light(usage(state, len(pieces))))
    needed[kept] = np.iinfo(np.int64).max
    return np.lexsort((-np.arange(len(pieces)), worth, needed))


def _light(counts: I64) -> I64:
    """Halve all counts equally often, until their sum has at most `_HEAVIEST` bits."""
    excess = max(0, sum(counts.tolist()).bit_length() - _HEAVIEST)
    light: I64 = counts >> excess
    return light


def _without(weighed: WeighedPieces, staying: I64) -> tuple[WeighedPieces, ScoredAutomaton]:
    """Return the pieces that stay. The others add their counts to the pieces they are cut into."""
    pieces = [weighed.pieces[i] for i in staying.tolist()]
    out = np.ones(len(weighed.pieces), dtype=np.bool_)
    out[staying] = False
    gone = [weighed.pieces[i] for i in np.flatnonzero(out).tolist()]
    before = weighed.counts[staying]
    scores = normalized(weighed.scores[staying])
    automaton = build(pieces)
    inherited = np.zeros(len(pieces), dtype=np.int64)
    count_paths(
        automaton,
        automaton.by_entry(scores, -math.inf),
        np.frombuffer(b"".join(gone), dtype=np.uint8),
        offsets_of(map(len, gone)),
        weighed.counts[out],
        inherited,
    )
    counts = before + inherited
    gained = weighed.exponent * (logs_of(counts) - logs_of(before))
    rest = WeighedPieces(pieces, normalized(scores + gained), counts, weighed.exponent)
    return rest, _state(automaton, rest)


def _state(automaton: Automaton, weighed: WeighedPieces) -> ScoredAutomaton:
    scores = automaton.by_entry(weighed.scores, -math.inf)
    return ScoredAutomaton(automaton, scores, len(weighed.pieces))
