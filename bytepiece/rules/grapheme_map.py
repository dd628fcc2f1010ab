"""SentencePiece's compiled character map, as Hugging Face's `Precompiled` applies it.

SentencePiece replaces the longest match at each place. `Precompiled` looks at whole grapheme
clusters: in a cluster of fewer than six bytes, the shortest match at its beginning replaces the
whole cluster, so that marks may be lost. Other clusters are mapped character by character.
"""

import re
from functools import cache

import numpy as np

from bytepiece.rules.character_classes import (
    CONTROLS,
    FOLLOWING,
    PICTOGRAPHS,
    PRECEDING,
    characters,
    one_of,
)

_SMALL = 6
_KEPT = 1 << 14
"""The most clusters whose replacements are kept."""


class GraphemeMap:
    """A compiled character map as a function of a text.

    Args:
        charsmap: the map, which `check_charsmap` has accepted.
    """

    def __init__(self, charsmap: bytes) -> None:
        size = int.from_bytes(charsmap[:4], "little")
        self._texts = charsmap[4 + size :]
        self._units: list[int] = np.frombuffer(charsmap[4 : 4 + size], dtype="<u4").tolist()
        self._chars = _Replacements(self)
        self._clusters: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """Return the text after the replacements."""
        if _has_only_characters(text):
            return text.translate(self._chars)
        after = []
        for part in _clusters().findall(text):
            if part not in self._clusters:
                if len(self._clusters) >= _KEPT:
                    self._clusters.clear()
                self._clusters[part] = self._after(part)
            after.append(self._clusters[part])
        return "".join(after)

    def clusters(self, text: str) -> list[tuple[int, int]]:
        """Return where the clusters that change lie; none if all are single characters."""
        if _has_only_characters(text):
            return []
        changed = {part for part in set(_clusters().findall(text)) if self(part) != part}
        return [match.span() for match in _clusters().finditer(text) if match[0] in changed]

    def _after(self, cluster: str) -> str:
        if len(cluster.encode()) < _SMALL:
            after = self.replacement(cluster)
            if after is not None:
                return after
        return cluster.translate(self._chars)

    def replacement(self, text: str) -> str | None:
        """Return the replacement of the shortest key that the text begins with."""
        units = self._units
        node = _base(units[0]) if units else 0
        for byte in text.encode() if units else b"":
            node ^= byte
            if not byte or units[node] & 0x800000FF != byte:
                return None
            ends = units[node] & 1 << 8
            node ^= _base(units[node])
            if ends:
                start = units[node] & 0x7FFFFFFF
                return self._texts[start : self._texts.index(b"\0", start)].decode(
                    "utf-8", "replace"
                )
        return None


class _Replacements(dict[int, str]):
    """The replacement of each character, by its code point."""

    def __init__(self, charsmap: GraphemeMap) -> None:
        self._charsmap = charsmap

    def __missing__(self, code: int) -> str:
        after = self._charsmap.replacement(chr(code))
        self[code] = chr(code) if after is None else after
        return self[code]


def _base(unit: int) -> int:
    return unit >> 10 << ((unit & 1 << 9) >> 6)


def _has_only_characters(text: str) -> bool:
    """Return whether each grapheme cluster that can change is a single character."""
    return "\r\n" not in text and characters(FOLLOWING).isdisjoint(text)


@cache
def _clusters() -> re.Pattern[str]:
    """Return a pattern of a grapheme cluster.

    It does not join consonants of Indic scripts or flags: they have too many bytes to be replaced
    as a whole, also if they are taken apart.
    """
    leading, vowel = "\u1100-\u115f\ua960-\ua97c", "\u1160-\u11a7\ud7b0-\ud7c6"
    trailing = "\u11a8-\u11ff\ud7cb-\ud7fb"
    open_syllables = "".join(map(chr, range(0xAC00, 0xD7A4, 28)))
    hangul = (
        f"[{leading}]*(?:[{open_syllables}]?[{vowel}]+|[\uac00-\ud7a3])[{trailing}]*"
        f"|[{leading}]+|[{trailing}]+"
    )
    following, picture, control = map(one_of, (FOLLOWING, PICTOGRAPHS, CONTROLS))
    pictures = f"{picture}(?:{following}*\u200d{picture})*"
    core = f"(?:{hangul}|{pictures}|(?!{control}).)"
    return re.compile(f"\r\n|{control}|{one_of(PRECEDING)}*{core}{following}*", re.DOTALL)
