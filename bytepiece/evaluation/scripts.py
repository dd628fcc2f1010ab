"""The script of each character of a text, and the number of words.

A script is the value of Unicode's script property. fontTools has that property; Python does not.
"""

import threading
import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece.errors import ArgumentError

try:
    from fontTools.unicodedata import Scripts, script, script_name
except ImportError:
    raise ArgumentError(
        "scripts need fontTools, which is not installed; pip install 'bytepiece[eval]'"
    ) from None

COMMON_SCRIPT = "Common"
"""The script of all characters that are not letters: spaces, digits, punctuation, symbols."""
UNKNOWN_SCRIPT = "Unknown"
"""The script of private characters, and of characters that this Python does not know."""
INVALID_SCRIPT = "not UTF-8"
"""The script of bytes that are not UTF-8. Each of these bytes counts as a character."""

_WITHOUT_LETTERS = (COMMON_SCRIPT, UNKNOWN_SCRIPT, INVALID_SCRIPT)

SCRIPTS = tuple(
    dict.fromkeys([*_WITHOUT_LETTERS, *sorted(map(str, map(script_name, Scripts.NAMES)))])
)
"""The name of each script, by its code. All processes have the same codes, so they can add up what
they count by code."""
_CODES = {name: code for code, name in enumerate(SCRIPTS)}
_COMMON = 0
"""The code of `COMMON_SCRIPT`."""
_LIKE_PREVIOUS = len(SCRIPTS)
"""The entry of a character that has the script of the character before it."""
_NOT_LOOKED_UP = len(SCRIPTS) + 1
"""The entry of a character whose script has not been looked up yet."""

_JOINERS = "\u200c\u200d"
"""Characters without a script of their own that occur inside words."""
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
"""Scripts without spaces between words. Only a dictionary can tell where their words begin."""


def script_of(char: str) -> str | None:
    r"""Return the script of a character, or None if it has the script of the character before it.

    >>> [script_of(char) for char in "aя汉あ7 \u0301"]
    ['Latin', 'Cyrillic', 'Han', 'Hiragana', 'Common', 'Common', None]
    """
    category = unicodedata.category(char)
    if category == "Cs":
        return INVALID_SCRIPT
    if category in ("Cn", "Co"):
        return UNKNOWN_SCRIPT
    if char in _JOINERS:
        return None
    if category[0] not in "LM":
        return COMMON_SCRIPT
    code = script(char)
    # Marks and letters of several scripts take the script of the character before them.
    return None if code in ("Zyyy", "Zinh") else script_name(code)


def has_words(script: str) -> bool:
    """Return whether words are runs of letters of this script."""
    return script not in _WITHOUT_SPACES and script not in _WITHOUT_LETTERS


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


class ScriptCodes:
    """The codes of the characters' scripts. Threads may share an instance.

    The script of a character is looked up once, at its first occurrence, because a look-up is slow.
    """

    def __init__(self) -> None:
        self._codes = np.full(0x110000, _NOT_LOOKED_UP, dtype=np.uint16)
        self._lock = threading.Lock()

    def characters(self, text: bytes) -> Characters:
        """Return the characters of a text.

        A first character that would take the script of the character before it gets
        `COMMON_SCRIPT`.
        """
        chars = text.decode("utf-8", "surrogateescape").encode("utf-32-le", "surrogatepass")
        points = np.frombuffer(chars, dtype="<u4")
        lengths = np.ones(len(points), dtype=np.uint8)
        for first in (0x80, 0x800, 0x10000):
            lengths += points >= first
        lengths[(points >= 0xD800) & (points < 0xE000)] = 1  # bytes that are not UTF-8
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
                self._codes[point] = _LIKE_PREVIOUS if script is None else _CODES[script]


def words(characters: Characters) -> npt.NDArray[np.int64]:
    """Return int64[len(SCRIPTS)], the words of each script. A word is a run of its letters."""
    scripts = characters.scripts
    begins = np.ones(len(scripts), dtype=np.bool_)
    begins[1:] = scripts[1:] != scripts[:-1]
    runs = np.bincount(scripts[begins], minlength=len(SCRIPTS)).astype(np.int64)
    return np.where([has_words(name) for name in SCRIPTS], runs, 0)
