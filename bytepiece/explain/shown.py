"""Pieces as people see them: nothing invisible, stable colours, and the columns they take."""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

from bytepiece.display import printable

_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that Python calls printable although nothing is to be seen of them."""

_PALETTE = (
    *(114, 115, 116, 117, 146, 147, 150, 151, 152, 153, 174, 175, 176, 180, 181, 182),
    *(183, 186, 187, 189, 194, 195, 210, 211, 215, 216, 218, 222, 223, 224, 225, 229),
)
"""Light colours of the 256 that terminals have. Black text can be read on each of them."""
_HUES = 0.6180339887498949
"""Steps of the golden ratio around the circle keep the hues of neighbouring ids apart."""


def shown(piece: bytes) -> str:
    r"""Return a piece as visible text; different pieces give different texts.

    It is `bytepiece.display.printable`, with two differences. Variation selectors, fillers and
    blanks of other scripts are shown as escapes. A combining mark at the beginning stands on ◌, so
    that it does not move to the character before.

    >>> print(shown(b" a"), shown("\u0301a".encode()), shown("\ufe0f".encode()))
    ▁a ◌́a \ufe0f
    """
    text = _HIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", printable(piece))
    return "◌" + text if text and unicodedata.category(text[0])[0] == "M" else text


def hue(id_: int) -> int:
    """Return the hue of an id in degrees, the same in every run."""
    return int(id_ * _HUES % 1.0 * 360)


def palette_colour(id_: int) -> int:
    """Return the number of an id's colour among the 256 of a terminal, the same in every run."""
    return _PALETTE[int(id_ * _HUES % 1.0 * len(_PALETTE))]


def width(text: str) -> int:
    """Return the number of columns that a text takes in a terminal.

    >>> width("the"), width("今天"), width("e\u0301"), width("👍")
    (3, 4, 1, 2)
    """
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff":
        return 0  # a mark, or the second or third letter of a Korean syllable
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def joined(text: bytes, ends: Sequence[int]) -> list[tuple[int, int, str]]:
    """Find the characters whose bytes lie in several tokens.

    Args:
        text: the text.
        ends: where each token ends.

    Returns:
        for each run of tokens that share characters: the number of the first, one more than the
        number of the last, and the text of the run. The bytes of the run are valid UTF-8.

    >>> joined("a今b".encode(), [1, 3, 4, 5])
    [(1, 3, '今')]
    """
    starts = [0, *ends]
    runs = []
    first = 0
    for token, end in enumerate(ends):
        if end < len(text) and text[end] & 0xC0 == 0x80:
            continue  # a character goes on
        if token > first:
            with suppress(UnicodeDecodeError):
                runs.append((first, token + 1, text[starts[first] : end].decode()))
        first = token + 1
    return runs


def clipped(text: str, columns: int) -> str:
    """Return a text, or as much of it as fits into the columns with "…" behind it.

    >>> clipped("harbour", 7), clipped("harbour", 4), clipped("今天天气", 4)
    ('harbour', 'har…', '今…')
    """
    if width(text) <= columns:
        return text
    kept, taken = "", 1
    for char in text:
        taken += width(char)
        if taken > columns:
            break
        kept += char
    return kept + "…"


def sure(p: float) -> str:
    """Return a probability in percent, in at most three characters. Only 1 is 100, and only 0 is 0.

    >>> [sure(p) for p in (0.0, 1e-9, 0.5, 0.126, 0.999, 1.0)]
    ['0', '<1', '50', '13', '>99', '100']
    """
    if p in (0.0, 1.0):
        return f"{100 * p:.0f}"
    return "<1" if p < 0.005 else ">99" if p > 0.995 else f"{100 * p:.0f}"


def atoms(text: bytes) -> list[tuple[int, int]]:
    """Return the places of the characters of a text. A stray byte counts as a character.

    >>> atoms("a今".encode() + bytes([255]))
    [(0, 1), (1, 4), (4, 5)]
    """
    ends = [0]
    for char in text.decode("utf-8", "surrogateescape"):
        ends.append(ends[-1] + (1 if "\udc80" <= char <= "\udcff" else len(char.encode())))
    return [*pairwise(ends)]
