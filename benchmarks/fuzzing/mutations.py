"""Ways to damage a file: its bytes, the values in its JSON, or the fields of a protocol buffer."""

import json
import random
import struct
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from bytepiece.errors import ModelError
from bytepiece.rules import protobuf

_MOST = 4
"""The largest number of mutations of one file."""
_EXTREMES = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
_TOKENS = (
    *(b"null", b"true", b"[]", b"{}", b'""', b"-1", b"0", b"1e999", b"-1e999", b"NaN", b"1.5"),
    *(b"9223372036854775808", b"4294967296", b"1" * 5000, b'"\\ud800"', b"[" * 20_000, b"\xff"),
    *(b"\0", b"\n", b"\xef\xbb\xbf", b'"format": "bytepiece"', b"<0x41>", b"\xe2\x96\x81"),
)
"""Bytes that are put into a file of text."""
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 256, 2**31, 2**32, 2**63, 2**64, 10**400, 0.5, -0.0, 1e300),
    *("", "a", "<0x41>", "\ud800", "\0", "▁", "<unk>", "x" * 3000, [], {}, [[]], [0], ["a", -1.0]),
    *({"Regex": "("}, {"String": ""}, {"Regex": "(a*)*b"}, float("nan"), float("inf")),
)
"""Values that replace others in JSON."""


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a damaged copy of a file."""
    # A file whose form stays right gets past the first checks.
    if content[:1] in (b"{", b"\n") and rng.random() < 0.7:
        return (_json if content[:1] == b"{" else _message)(content, rng)
    for _ in range(rng.choice((1, 1, 1, 2, 3, _MOST))):
        content = _bytes(content, rng)
    return content


def _bytes(content: bytes, rng: random.Random) -> bytes:
    return rng.choice(_OF_BYTES)(content, rng)


def _flip(content: bytes, rng: random.Random) -> bytes:
    if not content:
        return b"\0"
    raw = bytearray(content)
    # Heads and indexes are at the ends of files.
    size = rng.choice((len(raw), len(raw), min(64, len(raw))))
    for _ in range(rng.choice((1, 1, 1, 8))):
        place = rng.randrange(size)
        raw[rng.choice((place, len(raw) - 1 - place))] ^= 1 << rng.randrange(8)
    return bytes(raw)


def _number(content: bytes, rng: random.Random) -> bytes:
    """Put an extreme number somewhere, in one of the usual widths."""
    width, form = rng.choice(((1, "B"), (2, "H"), (4, "I"), (8, "Q")))
    order = rng.choice("<>")
    number = rng.choice(_EXTREMES) & (1 << 8 * width) - 1
    place = rng.randrange(len(content) + 1) if rng.random() < 0.7 else rng.randrange(64)
    return content[:place] + struct.pack(order + form, number) + content[place + width :]


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _without(content: bytes, rng: random.Random) -> bytes:
    start, size = rng.randrange(len(content) + 1), rng.choice((1, 2, 7, 100, 5000))
    return content[:start] + content[start + size :]


def _repeated(content: bytes, rng: random.Random) -> bytes:
    start, size = rng.randrange(len(content) + 1), rng.choice((1, 4, 40, 1000))
    part = content[start : start + size]
    return content[:start] + part * rng.choice((2, 3, 50)) + content[start + size :]


def _spliced(content: bytes, rng: random.Random) -> bytes:
    """Put a stretch of the file into another place of it."""
    start, place, size = (rng.randrange(len(content) + 1) for _ in range(3))
    part = content[start : start + size % 5000]
    return content[:place] + part + content[place + rng.choice((0, len(part))) :]


def _inserted(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content) + 1)
    given = rng.choice((rng.choice(_TOKENS), rng.randbytes(rng.randrange(1, 40))))
    return content[:place] + given + content[place + rng.choice((0, len(given))) :]


_OF_BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _flip, _flip, _number, _number, _cut, _without, _repeated, _spliced, _inserted),
)


def _json(content: bytes, rng: random.Random) -> bytes:
    """Change values at random places in parsed JSON."""
    try:
        document = json.loads(content)
    except ValueError:
        return _flip(content, rng)
    for _ in range(rng.choice((1, 1, 2, 5))):
        _change(document, rng)
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5)
    return text.encode("utf-8", "surrogatepass")


def _change(document: Any, rng: random.Random) -> None:
    """Change a value that a random walk into the document meets."""
    here = document
    while True:
        keys = list(here) if isinstance(here, dict) else range(len(here))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(here[key], (dict, list)) and here[key] and rng.random() < 0.8:
            here = here[key]
            continue
        # Copies, because a later change must not reach two places, or the next trial.
        other = deepcopy(here[rng.choice(keys)])
        deed = rng.randrange(5)
        if deed == 0:
            del here[key]
        elif deed == 1 and isinstance(here, list):
            here.insert(key, other)
        elif deed == 1:
            here[f"{key}x"] = other
        elif deed == 2:
            here[key] = other
        elif deed == 3 and isinstance(here[key], str):
            here[key] = here[key] + rng.choice(
                ("x", "\0", "\u0301", "▁", "\ud800", "\n", "a" * 999)
            )
        else:
            here[key] = deepcopy(rng.choice(_VALUES))
        return


def _message(content: bytes, rng: random.Random) -> bytes:
    """Change one field of a protocol buffer, or of a message in it; lengths stay right."""
    try:
        found = list(protobuf.fields(content))
    except ModelError:
        return _flip(content, rng)
    place = rng.randrange(len(found))
    number, value = found[place]
    if isinstance(value, bytes) and value[:1] and rng.random() < 0.7:
        value = _message(value, rng)
    else:
        value = rng.choice((b"", b"x" * 3000, -1e39, 0.0, 2**64 - 1, 0, 7, b"\xff", value))
        number = rng.choice((number, number, rng.randrange(1, 60)))
    found[place : place + 1] = [(number, value)] * rng.choice((0, 1, 1, 1, 1, 2))
    return b"".join([_field(*one) for one in found])


def _field(number: int, value: float | bytes) -> bytes:
    if isinstance(value, bytes):
        return protobuf.field(number, value)
    if isinstance(value, int):
        return protobuf.integer(number, value)
    try:
        return protobuf.float32(number, value)
    except OverflowError:
        return protobuf.varint(number << 3 | 5) + b"\0\0\x80\xff"  # −∞
