"""Dropping the pieces whose loss costs the fewest tokens.

A piece is worth the tokens that would stand in its place (see `bytepiece.training.growth.worths`).
The least worthy go first, some at a time, and leave their counts to the pieces they are then cut
into: what was no loss beside a longer or a shorter piece may be one when that is gone.
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
"""A round drops a sixteenth of the pieces that may go. 32 k pieces of merges along the best paths,
pruned to 16 k, have 4.14 bytes per token; with an eighth 4.13, with a quarter 4.12, all at once
4.08, and with a thirty-second 4.14. Where usage is counted: 4.15, 4.14, 4.13, 4.08 and 4.15."""
_HEAVIEST = 44
"""Bits of the sum of counts from which worths are worked out: these then fit in 64."""

Usage = Callable[[ScoredAutomaton, int], I64]
"""What each of so many pieces counts in a text, along the best paths with this state."""


def shrink(
    weighed: WeighedPieces,
    most: int,
    kept: npt.NDArray[np.bool_],
    usage: Usage | None = None,
    done: Callable[[int, int], object] = ignored,
) -> tuple[I64, WeighedPieces]:
    """Drop all pieces but so many.

    Args:
        weighed: the pieces.
        most: how many may stay, at least as many as the single bytes and those kept.
        kept: bool[pieces], which others are not dropped.
        usage: counts the pieces in a text, and then those go that it misses least. Of such as it
            does without, and where there is none, those of the least worth by their own counts.
        done: is told of the rounds that are done, and of how many there are.

    Returns:
        int64[most], which pieces stay, ascending; and these, with what they inherited.
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
    """How many pieces there are after each round, if so many are not dropped."""
    sizes = []
    while pieces > most:
        pieces = max(most, pieces - max(1, (pieces - kept) // _STEP))
        sizes.append(pieces)
    return sizes


def _in_order(
    weighed: WeighedPieces, state: ScoredAutomaton, kept: npt.NDArray[np.bool_], usage: Usage | None
) -> I64:
    """The pieces, from those that are worth least on; of equals, the last first."""
    pieces = weighed.pieces
    worth = needed = worths(pieces, state, _light(weighed.counts))
    if usage is not None:
        needed = worths(pieces, state, _light(usage(state, len(pieces))))
    needed[kept] = np.iinfo(np.int64).max
    return np.lexsort((-np.arange(len(pieces)), worth, needed))


def _light(counts: I64) -> I64:
    """Counts, all halved as often as it takes to work out worths."""
    excess = max(0, sum(counts.tolist()).bit_length() - _HEAVIEST)
    light: I64 = counts >> excess
    return light


def _without(weighed: WeighedPieces, staying: I64) -> tuple[WeighedPieces, ScoredAutomaton]:
    """Some of the pieces; what the others count goes to those that they are cut into."""
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
    return ScoredAutomaton(automaton, automaton.by_entry(weighed.scores, -math.inf))
