"""Where the tokens of an encoding stand in its text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bytepiece._jit import I64
from bytepiece.errors import ArgumentError
from bytepiece.text import Text, split_special, to_bytes

if TYPE_CHECKING:
    from bytepiece.tokenizer import Tokenizer


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
    tokenizer: "Tokenizer", text: Text, ids: Iterable[int], allowed: Mapping[str, int]
) -> Alignment:
    """See `bytepiece.Tokenizer.align`; `allowed` has the special tokens' names and ids."""
    row = np.array(list(ids), dtype=np.int64)
    pieces = [tokenizer.decode_bytes([id_]) for id_ in row.tolist()]
    lengths = np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces))
    raw, marks = _laid_out(text, tokenizer.model.rules.normalization, allowed)
    # Where each token begins, but for the special tokens before it that have a name in the text.
    starts = np.cumsum(lengths) - lengths
    named = 0
    for token in np.flatnonzero(lengths == 0).tolist():
        name = marks.get(int(starts[token]) + named, "")
        if allowed.get(name) == row[token]:
            pieces[token] = name.encode()
            lengths[token] = len(pieces[token])
            named += len(pieces[token])
    if b"".join(pieces) != raw:
        raise ArgumentError("the ids are no encoding of this text with this tokenizer")
    ends = np.cumsum(lengths)
    byte_spans = np.stack([ends - lengths, ends], axis=1)
    given = raw.decode("utf-8", "surrogatepass") if isinstance(text, str) else raw
    return Alignment(given, byte_spans, _in_characters(byte_spans, given))


def _laid_out(
    text: Text, steps: Sequence[str], allowed: Mapping[str, int]
) -> tuple[bytes, dict[int, str]]:
    """The bytes that spans are of, and the special tokens in them by where they begin."""
    if not allowed:
        return to_bytes(text, steps), {}
    parts, marks, length = [], {}, 0
    for part in split_special(text, allowed):
        if isinstance(part, str):
            marks[length] = part
            parts.append(part.encode())
        else:
            parts.append(to_bytes(part, steps))
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
