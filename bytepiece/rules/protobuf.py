"""Protocol buffers: the part of the wire format that SentencePiece's files use, read and written.

A message is a row of fields. A field is a tag (number · 8 + wire type) and a value: a whole number
as a varint, four bytes, eight bytes, or a length and that number of bytes. Reading trusts nothing
in a message. This code is our own so that users need no protobuf package.
"""

import struct
from collections.abc import Iterator

from bytepiece.errors import ModelError

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT = 10


def fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Yield the fields of a message in order: the number, and the value.

    A varint becomes an int, four bytes become a float32, and all other values are bytes.

    Raises:
        ModelError: if the bytes are not a message, or the end of the message is missing.

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
    """Return a whole number of at least 0 in base 128, the lowest digit first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, content: bytes) -> bytes:
    """Return a field that holds a text, bytes or a message."""
    return varint(number << 3 | _BYTES) + varint(len(content)) + content


def integer(number: int, value: int) -> bytes:
    """Return a field that holds a whole number of at least 0 or a truth value."""
    return varint(number << 3 | _VARINT) + varint(value)


def float32(number: int, value: float) -> bytes:
    """Return a field that holds a float32."""
    return varint(number << 3 | _FOUR) + struct.pack("<f", value)
