"""Words: the segments of a text that is cut by the patterns of a BPE model."""

from collections.abc import Sequence

import numpy as np

from bytepiece._arrays import I32, I64, U8, offsets_of
from bytepiece.errors import ArgumentError
from bytepiece.kernels.words import cut
from bytepiece.rules.byte_level import alphabet
from bytepiece.rules.searched_patterns import SearchedPattern, searched
from bytepiece.rules.word_automaton import word_automaton
from bytepiece.rules.words import WordCut

_SPELLED = [char.encode() for char in alphabet()]
_WIDTHS = np.array(list(map(len, _SPELLED)))
_BYTES = np.array([list(spelled.ljust(2, b"\0")) for spelled in _SPELLED], dtype=np.uint8)


def cut_words(cuts: Sequence[WordCut], text: U8, bounds: I64, special: I32) -> tuple[I64, I64]:
    """Cut the parts of a text into words by several cuts, each within the words of those before.

    Args:
        cuts: at least one cut.
        text, bounds, special: as `part_bounds` and `part_special` of `bytepiece.kernels.words.cut`.

    Returns:
        int64[words + 1], where each word begins, and the end; int64[words], the number of the part
        that each word lies in.

    Raises:
        ArgumentError: if a pattern takes more than linear time in this text.
    """
    part_of = np.arange(len(special))
    for each in cuts:
        if each.spelled:
            spelled, places = _spelled(text)
            bounds, inner = _cut(each, spelled, places[bounds], special[part_of])
            bounds = np.searchsorted(places, bounds)
        else:
            bounds, inner = _cut(each, text, bounds, special[part_of])
        part_of = part_of[inner]
    return bounds, part_of


def _cut(each: WordCut, text: U8, bounds: I64, special: I32) -> tuple[I64, I64]:
    pattern = searched(each.pattern)
    if pattern is not None:
        return _cut_by_search(pattern, each.kept, text, bounds, special)
    found = cut(word_automaton(each.pattern), each.kept, text, bounds, special)
    if found is None:
        raise ArgumentError(
            f"the pattern {each.pattern!r:.60} of this model takes too long in this text; cut the "
            "text up first"
        )
    return found


def _spelled(text: U8) -> tuple[U8, I64]:
    """Return a text as ByteLevel spells it, and where each byte's character begins in it."""
    places = offsets_of(_WIDTHS[text])
    spelled = np.empty(places[-1], dtype=np.uint8)
    spelled[places[:-1]] = _BYTES[text, 0]
    wide = _WIDTHS[text] == 2
    spelled[places[:-1][wide] + 1] = _BYTES[text[wide], 1]
    return spelled, places


def _cut_by_search(
    pattern: SearchedPattern, kept: U8, text: U8, bounds: I64, special: I32
) -> tuple[I64, I64]:
    """Do what `bytepiece.kernels.words.cut` does, with a pattern that has no automaton."""
    begins: list[int] = []
    parts: list[int] = []
    for part, id_ in enumerate(special.tolist()):
        low, high = bounds[part : part + 2].tolist()
        ends = [(0, False)] if id_ >= 0 else []
        done = 0
        if id_ < 0:
            for start, stop in pattern.matches(text[low:high].tobytes()):
                ends += [(start, False)] * (start > done) + [(stop, True)]
                done = stop
            ends += [(high - low, False)] * (high - low > done)
        begin, before = low, None
        for end, matched in ends:
            if before is None or kept[before * 2 + matched]:
                begins.append(begin)
                parts.append(part)
            begin, before = low + end, matched
    return np.array([*begins, bounds[-1]]), np.array(parts, dtype=np.int64)
