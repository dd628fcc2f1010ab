"""Sets of characters, as a regular expression names them."""

from collections.abc import Iterable
from functools import cache

import numpy as np

from bytepiece._arrays import I64
from bytepiece.rules.character_classes import WHITE
from bytepiece.rules.unicode_categories import CATEGORIES, category_runs

ALL = 0x110000
"""One more than the largest code point."""
INVALID = 0x10FFFF
"""The code point that stands for a byte that is not part of a valid character. It is unassigned and
will stay so, and no text uses it."""
_ALIKE = {"s": "\u017f", "k": "\u212a"}
"""Letters beyond ASCII that differ from a letter of ASCII only in case."""


class CharacterSet:
    """A set of code points. Immutable.

    Args:
        bounds: int64[even], ascending: where a run of members begins, where it ends, and so on.
    """

    def __init__(self, bounds: I64) -> None:
        self.bounds = bounds

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> "CharacterSet":
        """Return the set of some ranges, each from its first up to its last code point."""
        events = sorted(
            change for low, high in ranges for change in ((low, 1), (high + 1, -1)) if low <= high
        )
        bounds: list[int] = []
        depth = 0
        for place, step in events:
            before, depth = depth, depth + step
            if (before == 0) != (depth == 0):
                if bounds and bounds[-1] == place:
                    bounds.pop()
                else:
                    bounds.append(place)
        return cls(np.array(bounds, dtype=np.int64))

    def ranges(self) -> list[tuple[int, int]]:
        """Return the first and the last code point of each run of members."""
        return [(low, high - 1) for low, high in self.bounds.reshape(-1, 2).tolist()]

    def holds(self, codes: I64) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
        """Return for each code point whether it is a member."""
        found: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
        found = np.searchsorted(self.bounds, codes, side="right") % 2 == 1
        return found

    def __or__(self, other: "CharacterSet") -> "CharacterSet":
        return CharacterSet.of([*self.ranges(), *other.ranges()])

    def __invert__(self) -> "CharacterSet":
        ends = np.array([0, ALL], dtype=np.int64)
        return CharacterSet(np.setxor1d(self.bounds, ends))

    def disjoint(self, other: "CharacterSet") -> bool:
        """Return whether no code point is in both sets."""
        starts = self.bounds[::2]
        return not (other.holds(starts).any() or self.holds(other.bounds[::2]).any())

    def in_any_case(self) -> "CharacterSet":
        """Return the set with the letters that differ from a letter of ASCII in it only in case.

        >>> CharacterSet.of([(0x73, 0x74)]).in_any_case().ranges()
        [(83, 84), (115, 116), (383, 383)]
        """
        more = []
        for letter in "abcdefghijklmnopqrstuvwxyz":
            alike = [letter, letter.upper(), *_ALIKE.get(letter, ())]
            codes = np.array(list(map(ord, alike)))
            if self.holds(codes).any():
                more += [(code, code) for code in codes.tolist()]
        return CharacterSet.of([*self.ranges(), *more])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CharacterSet) and np.array_equal(self.bounds, other.bounds)

    def __hash__(self) -> int:
        return hash(self.bounds.tobytes())


@cache
def with_property(name: str) -> CharacterSet | None:
    """Return the characters of a general category, such as "L" or "Lu"; None if there is none."""
    wanted = [number for number, each in enumerate(CATEGORIES) if each.startswith(name)]
    if not wanted or not 1 <= len(name) <= 2:
        return None
    starts, numbers = category_runs()
    ends = np.append(starts[1:], ALL) - 1
    inside = np.isin(numbers, wanted)
    return CharacterSet.of(zip(starts[inside].tolist(), ends[inside].tolist(), strict=True))


def _white() -> CharacterSet:
    """Return the white space of Unicode."""
    ranges = []
    at = 0
    while at < len(WHITE):
        step = 2 if WHITE[at + 1 : at + 2] == "-" else 0
        ranges.append((ord(WHITE[at]), ord(WHITE[at + step])))
        at += step + 1
    return CharacterSet.of(ranges)


WHITE_SPACE = _white()
"""White space, `\\s` in a pattern."""
