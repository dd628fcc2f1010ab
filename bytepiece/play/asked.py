"""What the page asks for, checked."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from bytepiece._arrays import I64, offsets_of
from bytepiece.errors import ArgumentError
from bytepiece.rules.text import to_bytes

T = TypeVar("T")

MOST_TEXT = 1 << 20
"""The most bytes of a text. Its tokens are counted."""
MOST_SHOWN = 1 << 14
"""The most bytes of a text whose tokens are shown and whose lattice is computed."""


class AskedText(NamedTuple):
    """A text, and how to encode it.

    Args:
        text: the whole text.
        shown: its beginning, which is shown.
        alpha: the exponent of the law, and of samples.
        sampling: the arguments of `encode`; none for the best path.
    """

    text: str
    shown: str
    alpha: float
    sampling: dict[str, Any]


def text_of(asked: dict[str, Any], most: int = MOST_SHOWN) -> AskedText:
    """Return the text of a call.

    Args:
        asked: the call: text, alpha, and sample (whether to draw), seed and epoch as strings, since
            a script's numbers have 53 bits.
        most: the most bytes to show.

    Raises:
        ArgumentError: if the text is too long, or a number outside its range.
    """
    text = asked["text"]
    if not isinstance(text, str):
        raise TypeError("the text is a string")
    raw = to_bytes(text)
    if len(raw) > MOST_TEXT:
        raise ArgumentError(f"the text has more than {MOST_TEXT:,} bytes; take a part of it")
    alpha = float(asked["alpha"])
    if not 0 <= alpha < math.inf:
        raise ArgumentError(f"alpha must be a finite number of at least 0, not {alpha:g}")
    sampling = {}
    if asked["sample"]:
        seed, epoch = (int(str(asked[name])[:24] or "0") for name in ("seed", "epoch"))
        sampling = {"alpha": alpha, "seed": seed, "epoch": epoch}
    return AskedText(text, _beginning(raw, most), alpha, sampling)


def one_of(asked: dict[str, Any], name: str, values: Sequence[T]) -> T:
    """Return the entry of a series whose number a call gives."""
    number = asked[name]
    if not isinstance(number, int) or not 0 <= number < len(values):
        raise ValueError(f"{name} is a number below {len(values)}")
    return values[number]


def _beginning(raw: bytes, most: int) -> str:
    """Return the beginning of a text, in whole lines if it has some, else in whole characters."""
    if len(raw) > most:
        end = raw.rfind(b"\n", most // 2, most) + 1 or most
        while raw[end] & 0xC0 == 0x80:
            end -= 1
        raw = raw[:end]
    return raw.decode("utf-8", "surrogatepass")


def utf16_places(text: str) -> I64:
    """Return int64[characters + 1], where each character begins in the strings of JavaScript."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return offsets_of(1 + (points > 0xFFFF))
