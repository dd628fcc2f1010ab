"""Protocol buffers: the little of the wire format that SentencePiece's files need, both ways.

A message is a row of fields: a tag (number · 8 + wire type), then a whole number as a varint, or
four or eight bytes, or a length and as many bytes. What is read is not trusted.
"""

import struct
from collections.abc import Iterator

from bytepiece.errors import ModelError

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT = 10


def fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """The fields of a message by number, in order: whole numbers, float32, and what else as bytes.

    Raises:
        ModelError: the bytes are no message, or end before it does.

    >>> list(fields(integer(3, 300) + float32(2, -1.5) + field(1, b"ab")))
    [(3, 300), (2, -1.5), (1, b'ab')]
    """
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        number, kind = tag >> 3, tag & 7
        if not 1 <= number < 1 << 29:
            raise ModelError("is not a protocol buffer, or a damaged one: a field has no number")
        if kind == _VARINT:
            value, at = _read_varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(message, at)
        elif kind in (_EIGHT, _FOUR):
            size = 8 if kind == _EIGHT else 4
        else:
            raise ModelError(f"is not a protocol buffer, or a damaged one: wire type {kind}")
        if size > len(message) - at:
            raise ModelError("is a protocol buffer whose end is missing; fetch it again")
        content = message[at : at + size]
        at += size
        yield number, struct.unpack("<f", content)[0] if kind == _FOUR else content


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i, byte in enumerate(message[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, at + i + 1
    else:
        if at + _LONGEST_VARINT > len(message):
            raise ModelError("is a protocol buffer whose end is missing; fetch it again")
    raise ModelError("is not a protocol buffer, or a damaged one: a number has more than 64 bits")


def varint(value: int) -> bytes:
    """A whole number ≥ 0."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, content: bytes) -> bytes:
    """A field that is a text, bytes or a message."""
    return varint(number << 3 | _BYTES) + varint(len(content)) + content


def integer(number: int, value: int) -> bytes:
    """A field that is a whole number ≥ 0 or a truth value."""
    return varint(number << 3 | _VARINT) + varint(value)


def float32(number: int, value: float) -> bytes:
    """A field that is a float32."""
    return varint(number << 3 | _FOUR) + struct.pack("<f", value)
