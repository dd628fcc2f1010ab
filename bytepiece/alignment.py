"""Where the tokens of an encoding stand in its text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bytepiece._jit import I64
from bytepiece.errors import ArgumentError
from bytepiece.model import TextRules
from bytepiece.text import Text, stretches


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where the tokens of an encoding stand in its text.

    Args:
        text: what the spans are of: the text as it was given or, if the model normalizes,
            normalized; str if it was given as str, otherwise bytes.
        byte_spans: int64[tokens, 2], the first byte of each token, in UTF-8, and the one after its
            last.
        char_spans: int64[tokens, 2], the same in characters. A token that begins or ends within a
            character has it in its span. Of bytes that are not valid UTF-8 each is a character.
    """

    text: str | bytes
    byte_spans: npt.NDArray[np.int64]
    char_spans: npt.NDArray[np.int64]


def align(
    text: Text,
    ids: Iterable[int],
    bytes_of: Mapping[int, bytes],
    unknown: int | None,
    rules: TextRules,
    allowed: Mapping[str, int],
) -> Alignment:
    """See `bytepiece.Tokenizer.align`.

    Args:
        text, ids: see there.
        bytes_of: what each id stands for; nothing, for a special token.
        unknown: the id that stands for characters without a piece.
        rules: the model's.
        allowed: names and ids of the special tokens that count in the text.

    Raises:
        ArgumentError: the ids are no encoding of this text.
        KeyError: an id stands for nothing known.
    """
    row = list(ids)
    raw, marks = _laid_out(text, rules, allowed)
    added = dict.fromkeys(allowed.values(), b"")  # tokens that the model has not may be allowed
    pieces = [bytes_of[id_] if id_ in bytes_of else added[id_] for id_ in row]
    characters: frozenset[bytes] | None = None
    position = 0
    for token, (id_, piece) in enumerate(zip(row, pieces, strict=True)):
        if id_ == unknown:
            if characters is None:
                characters = _characters(bytes_of, unknown)
            following = pieces[token + 1] if token + 1 < len(row) else b""
            pieces[token] = _unknown(raw, position, characters, following)
        elif not piece and allowed.get(name := marks.get(position, "")) == id_:
            pieces[token] = name.encode()
        position += len(pieces[token])
    if b"".join(pieces) != raw:
        raise ArgumentError("the ids are no encoding of this text with this tokenizer")
    ends = np.cumsum(np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces)))
    byte_spans = np.stack([np.append([0], ends)[:-1], ends], axis=1)
    given = raw.decode("utf-8", "surrogatepass") if isinstance(text, str) else raw
    return Alignment(given, byte_spans, _in_characters(byte_spans, given))


def _characters(bytes_of: Mapping[int, bytes], unknown: int) -> frozenset[bytes]:
    """The characters that have a piece of their own."""
    pieces = (piece for id_, piece in bytes_of.items() if id_ != unknown)
    return frozenset(piece for piece in pieces if len(piece) <= 4)


def _unknown(raw: bytes, start: int, characters: frozenset[bytes], following: bytes) -> bytes:
    """The characters without a piece that begin there, up to where the next piece can begin."""
    stop = start
    while stop < len(raw):
        after = stop + 1
        while after < len(raw) and raw[after] & 0xC0 == 0x80:
            after += 1
        if raw[stop:after] in characters:
            break
        if stop > start and following and raw.startswith(following, stop):
            break
        stop = after
    return raw[start:stop]


def _laid_out(
    text: Text, rules: TextRules, allowed: Mapping[str, int]
) -> tuple[bytes, dict[int, str]]:
    """The bytes that spans are of, and the special tokens in them by where they begin."""
    parts, marks, length = [], {}, 0
    for part in stretches(text, rules, allowed):
        if isinstance(part, str):
            marks[length] = part
        parts.append(part.encode() if isinstance(part, str) else part)
        length += len(parts[-1])
    return b"".join(parts), marks


def _in_characters(spans: I64, text: str | bytes) -> I64:
    if text.isascii():
        return np.array(spans)
    if isinstance(text, str):
        chars, surrogate = text.encode("utf-32-le", "surrogatepass"), 3
    else:  # a stray byte becomes a lone surrogate
        decoded = text.decode("utf-8", "surrogateescape")
        chars, surrogate = decoded.encode("utf-32-le", "surrogatepass"), 1
    codes = np.frombuffer(chars, dtype="<u4")
    sizes = 1 + (codes > 0x7F).astype(np.int64) + (codes > 0x7FF) + (codes > 0xFFFF)
    sizes[(codes >= 0xD800) & (codes <= 0xDFFF)] = surrogate
    ends = np.cumsum(sizes)
    first = np.searchsorted(ends, spans[:, 0], side="right")
    last = np.searchsorted(ends, spans[:, 1], side="left") + 1
    last = np.where(spans[:, 1] > spans[:, 0], last, first)
    found: I64 = np.stack([first, last], axis=1)
    return found
