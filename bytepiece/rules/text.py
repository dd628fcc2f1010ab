"""Texts as users give them, and the bytes that are encoded."""

import re
import unicodedata
from collections.abc import Sequence
from typing import TypeVar

from bytepiece.errors import ArgumentError

S = TypeVar("S", str, bytes)

_PART = 1 << 20
_ASCII, _ASCII_BYTE = re.compile(r"[\0-\x7f]"), re.compile(rb"[\0-\x7f]")


def is_utf8(text: bytes) -> bool:
    """Return whether bytes are valid UTF-8, that is, whole characters."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


Text = str | bytes | bytearray | memoryview
"""The types that a text may have."""


def to_bytes(text: Text, normalization: Sequence[str] = ()) -> bytes:
    r"""Return the UTF-8 bytes of a text after normalization.

    A lone surrogate in a str becomes its three bytes. Normalization leaves bytes that are not
    valid UTF-8 as they are.

    Args:
        text: a str, or bytes in any form.
        normalization: Unicode normalization forms, applied in this order.

    Raises:
        ArgumentError: if the text is neither str nor bytes.

    >>> to_bytes("e\u0301"), to_bytes(b"e\xcc\x81\xff", ("NFC",)), to_bytes("\ud800")
    (b'e\xcc\x81', b'\xc3\xa9\xff', b'\xed\xa0\x80')
    """
    if isinstance(text, str):
        if normalization and not text.isascii():
            if len(text) > _PART:
                parts = _parts(text, _ASCII)
                return b"".join([_normalized_str(part, normalization) for part in parts])
            return _normalized_str(text, normalization)
        return text.encode("utf-8", "surrogatepass")
    if not isinstance(text, (bytes, bytearray, memoryview)):
        raise ArgumentError(f"a text must be str or bytes, not {type(text).__name__}")
    raw = bytes(text)
    if normalization and not raw.isascii():
        if len(raw) > _PART:
            runs = _parts(raw, _ASCII_BYTE)
            return b"".join([_normalized_bytes(part, normalization) for part in runs])
        return _normalized_bytes(raw, normalization)
    return raw


def _normalized_str(text: str, normalization: Sequence[str]) -> bytes:
    return _normalize(text, normalization).encode("utf-8", "surrogatepass")


def _normalized_bytes(raw: bytes, normalization: Sequence[str]) -> bytes:
    # Each stray byte becomes a lone surrogate; normalization does not change these.
    chars = _normalize(raw.decode("utf-8", "surrogateescape"), normalization)
    return chars.encode("utf-8", "surrogateescape")


def _parts(text: S, one_of_ascii: re.Pattern[S]) -> list[S]:
    """Cut a text that is to be normalized into parts of about `_PART` characters or bytes.

    Normalization takes up to twelve times the memory of its text. A part begins with an ASCII
    character, because no form joins such a character to the text before it.
    """
    parts: list[S] = []
    begin = 0
    while len(text) - begin > _PART:
        found = one_of_ascii.search(text, begin + _PART)
        if found is None:
            break
        parts.append(text[begin : found.start()])
        begin = found.start()
    parts.append(text[begin:])
    return parts


def _normalize(text: str, normalization: Sequence[str]) -> str:
    if "\n" in text:
        # No form joins characters across a line end. Normalizing line by line is faster, because a
        # line that is already in the form costs a tenth.
        return "\n".join([_normalize(line, normalization) for line in text.split("\n")])
    for step in normalization:
        text = unicodedata.normalize(step, text)  # type: ignore[arg-type]
    return text
