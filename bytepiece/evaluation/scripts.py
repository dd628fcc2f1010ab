"""The script of each character, and the number of words.

Scripts are those of Unicode's script property, which Python does not have and fontTools has.
"""

import threading
import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece.errors import ArgumentError

try:
    from fontTools.unicodedata import script, script_name
except ImportError:
    raise ArgumentError(
        "scripts need fontTools, which is not installed; pip install 'bytepiece[eval]'"
    ) from None

COMMON = "Common"
"""The script of all characters that are not letters: spaces, digits, punctuation, symbols."""
UNKNOWN = "Unknown"
"""The script of characters that this Python's Unicode does not know, and of private ones."""
INVALID = "not UTF-8"
"""The script of bytes that are not UTF-8; each counts as a character."""

MOST_SCRIPTS = 512
"""More scripts than Unicode has. The codes of scripts are below it."""

_COMMON, _UNKNOWN, _INVALID, _LIKE_PREVIOUS, _NOT_LOOKED_UP = (
    0,
    1,
    2,
    MOST_SCRIPTS,
    MOST_SCRIPTS + 1,
)

_JOINERS = "\u200c\u200d"
"""Characters that stand inside words."""
_WITHOUT_SPACES = {
    "Han",
    "Hiragana",
    "Katakana",
    "Bopomofo",
    "Yi",
    "Tangut",
    "Khitan Small Script",
    "Nushu",
    "Thai",
    "Lao",
    "Khmer",
    "Myanmar",
    "Tibetan",
    "Javanese",
    "Balinese",
    "Tai Le",
    "Tai Tham",
    "Tai Viet",
    "New Tai Lue",
}
"""Scripts that put no spaces between words, so that only a dictionary can tell words."""


def script_of(char: str) -> str | None:
    r"""Return the script of a character; None if it has that of the character before it.

    >>> [script_of(char) for char in "aя汉あ7 \u0301"]
    ['Latin', 'Cyrillic', 'Han', 'Hiragana', 'Common', 'Common', None]
    """
    category = unicodedata.category(char)
    if category == "Cs":
        return INVALID
    if category in ("Cn", "Co"):
        return UNKNOWN
    if char in _JOINERS:
        return None
    if category[0] not in "LM":
        return COMMON
    code = script(char)
    # Marks and letters that serve several scripts have the one of the character before them.
    return None if code in ("Zyyy", "Zinh") else script_name(code)


def has_words(script: str) -> bool:
    """Return whether words are runs of letters of this script."""
    return script not in _WITHOUT_SPACES and script not in (COMMON, UNKNOWN, INVALID)


class Characters(NamedTuple):
    """The characters of a text.

    Args:
        scripts: uint16[characters], the code of each character's script.
        lengths: uint8[characters], the number of bytes of each character.
    """

    scripts: npt.NDArray[np.uint16]
    lengths: npt.NDArray[np.uint8]

    def by_byte(self) -> npt.NDArray[np.uint16]:
        """Return the code of each byte's script."""
        return np.repeat(self.scripts, self.lengths)


class Scripts:
    """Codes for the scripts that occur in texts. Threads may share it.

    A character's script is looked up only when the character is first met, which makes this fast.
    """

    def __init__(self) -> None:
        self.names = [COMMON, UNKNOWN, INVALID]
        """The name of each script, by its code."""
        self._codes = np.full(0x110000, _NOT_LOOKED_UP, dtype=np.uint16)
        self._lock = threading.Lock()

    def characters(self, text: bytes) -> Characters:
        """Return the characters of a text.

        If the first one has the script of the character before it, its script is COMMON.
        """
        chars = text.decode("utf-8", "surrogateescape").encode("utf-32-le", "surrogatepass")
        points = np.frombuffer(chars, dtype="<u4")
        lengths = np.ones(len(points), dtype=np.uint8)
        for first in (0x80, 0x800, 0x10000):
            lengths += points >= first
        lengths[(points >= 0xD800) & (points < 0xE000)] = 1  # stray bytes
        codes = self._codes[points]
        if (codes == _NOT_LOOKED_UP).any():
            self._look_up(np.unique(points[codes == _NOT_LOOKED_UP]).tolist())
            codes = self._codes[points]
        followers = codes == _LIKE_PREVIOUS
        if followers.any():
            leaders = np.where(followers, -1, np.arange(len(codes)))
            leaders = np.maximum.accumulate(leaders)
            codes = np.where(leaders < 0, _COMMON, codes[leaders]).astype(np.uint16)
        return Characters(codes, lengths)

    def _look_up(self, points: list[int]) -> None:
        with self._lock:
            for point in points:
                script = script_of(chr(point))
                if script is None:
                    self._codes[point] = _LIKE_PREVIOUS
                    continue
                if script not in self.names:
                    self.names.append(script)
                self._codes[point] = self.names.index(script)


def words(characters: Characters, names: list[str]) -> npt.NDArray[np.int64]:
    """Return int64[len(names)], the number of words of each script: runs of its letters."""
    scripts = characters.scripts
    begins = np.ones(len(scripts), dtype=np.bool_)
    begins[1:] = scripts[1:] != scripts[:-1]
    runs = np.bincount(scripts[begins], minlength=len(names)).astype(np.int64)
    return np.where([has_words(name) for name in names], runs, 0)
