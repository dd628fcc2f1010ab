"""Which script each character belongs to, and where words begin.

Python knows no script property, so scripts come from the characters' names: the name of a letter
begins with that of its script. Against Unicode's own table (Scripts.txt 14.0) this agrees for all
letters but a few hundred, nearly all of them mathematical ones: they count here as what they look
like, and there as common.
"""

import threading
import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

COMMON = "Common"
"""Spaces, digits, punctuation, symbols: whatever is no letter."""
UNKNOWN = "Unknown"
"""Characters that this Python's Unicode does not know, and private ones."""
INVALID = "not UTF-8"
"""Bytes that are no character; each counts as one."""

MOST_SCRIPTS = 512
"""More than Unicode has; codes are below it."""

_COMMON, _UNKNOWN, _INVALID, _LIKE_PREVIOUS, _NOT_ASKED = 0, 1, 2, MOST_SCRIPTS, MOST_SCRIPTS + 1

_WORDS = {"OLD": 2, "OL": 2, "TAI": 2, "NEW": 3, "LINEAR": 2, "MEROITIC": 2, "INSCRIPTIONAL": 2}
"""Of the scripts whose first word says too little, how many words the script's name has."""
_OTHER_NAMES = {
    "Cjk": "Han",
    "Old Chinese": "Han",
    "Vietnamese": "Han",
    "Hentaigana": "Hiragana",
    "Turned": "Latin",
    "Roman": "Latin",
    "Caron": COMMON,
    "Euler": COMMON,
    "Information": COMMON,
    "Masu": COMMON,
    "Signwriting": "SignWriting",
}
_FOLLOWERS = {
    "COMBINING",
    "IDEOGRAPHIC",
    "KATAKANA-HIRAGANA",
    "MODIFIER",
    "MUSICAL",
    "PHAISTOS",
    "VARIATION",
    "VEDIC",
    "VERTICAL",
    "ZNAMENNY",
}
"""First words of marks and letters that serve several scripts: they are of the one before them."""
_JOINERS = "\u200c\u200d"
"""They stand inside words."""
_WITHOUT_SPACES = {
    "Han",
    "Hiragana",
    "Katakana",
    "Bopomofo",
    "Yi",
    "Tangut",
    "Khitan",
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
"""Scripts that put no spaces between words: what a word is takes a dictionary."""


def script_of(char: str) -> str | None:
    r"""The script of a character; None if it is that of the character before it.

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
    # Letters in other forms, such as full-width ones, count as what they are forms of.
    letters = [c for c in unicodedata.normalize("NFKC", char) if unicodedata.category(c)[0] in "LM"]
    words = unicodedata.name(letters[-1] if letters else char, "").split()
    if not words:  # Tangut ideographs get their names with Python 3.12
        return UNKNOWN
    if words[0] in _FOLLOWERS:
        return None
    name = " ".join(words[: _WORDS.get(words[0], 1)]).title()
    return _OTHER_NAMES.get(name, name)


def has_words(script: str) -> bool:
    """Whether words are runs of letters of this script."""
    return script not in _WITHOUT_SPACES and script not in (COMMON, UNKNOWN, INVALID)


class Characters(NamedTuple):
    """The characters of a text.

    Args:
        scripts: uint16[characters], a code for the script of each.
        lengths: uint8[characters], how many bytes each has.
    """

    scripts: npt.NDArray[np.uint16]
    lengths: npt.NDArray[np.uint8]

    def by_byte(self) -> npt.NDArray[np.uint16]:
        """The code of each byte's script."""
        return np.repeat(self.scripts, self.lengths)


class Scripts:
    """Codes for the scripts that texts turn out to have; threads may share it.

    A character's name is looked up when it is first met, which is what makes this quick.
    """

    def __init__(self) -> None:
        self.names = [COMMON, UNKNOWN, INVALID]
        """Of the scripts, by code."""
        self._codes = np.full(0x110000, _NOT_ASKED, dtype=np.uint16)
        self._lock = threading.Lock()

    def characters(self, text: bytes) -> Characters:
        """The characters of a text; the first one, if it goes by the one before it, is common."""
        chars = text.decode("utf-8", "surrogateescape").encode("utf-32-le", "surrogatepass")
        points = np.frombuffer(chars, dtype="<u4")
        lengths = np.ones(len(points), dtype=np.uint8)
        for first in (0x80, 0x800, 0x10000):
            lengths += points >= first
        lengths[(points >= 0xD800) & (points < 0xE000)] = 1  # stray bytes
        codes = self._codes[points]
        if (codes == _NOT_ASKED).any():
            self._ask(np.unique(points[codes == _NOT_ASKED]).tolist())
            codes = self._codes[points]
        followers = codes == _LIKE_PREVIOUS
        if followers.any():
            leaders = np.where(followers, -1, np.arange(len(codes)))
            leaders = np.maximum.accumulate(leaders)
            codes = np.where(leaders < 0, _COMMON, codes[leaders]).astype(np.uint16)
        return Characters(codes, lengths)

    def _ask(self, points: list[int]) -> None:
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
    """How many words of each script there are: runs of its letters; int64[len(names)]."""
    scripts = characters.scripts
    begins = np.ones(len(scripts), dtype=np.bool_)
    begins[1:] = scripts[1:] != scripts[:-1]
    runs = np.bincount(scripts[begins], minlength=len(names)).astype(np.int64)
    return np.where([has_words(name) for name in names], runs, 0)
