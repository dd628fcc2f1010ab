"""Alignment: the places of the tokens of an encoding in the text that was given."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64
from bytepiece.encoding.segmentation import stretches
from bytepiece.encoding.special import SpecialTokens
from bytepiece.errors import ArgumentError
from bytepiece.rules.origins import character_bounds, joined, of_form, trace
from bytepiece.rules.text import Text, to_bytes
from bytepiece.rules.text_rules import TextRules
from bytepiece.rules.unknown import Unknown


@dataclass(frozen=True, eq=False)
class Alignment:
    """The places of the tokens of an encoding in its text.

    Spans follow the order of the text and leave no gap. If normalization makes several characters
    together, each of their tokens has the span of everything that they were made from.

    Args:
        text: the text that the spans refer to: the text that was given, or the normalized text; str
            if str was given, otherwise bytes.
        byte_spans: int64[tokens, 2], the place of each token's first byte in the UTF-8 bytes of the
            text, and the place after its last byte.
        char_spans: int64[tokens, 2], the same in characters. If a token begins or ends within a
            character, its span includes this character. A byte that is not valid UTF-8 counts as
            one character.
    """

    text: str | bytes
    byte_spans: npt.NDArray[np.int64]
    char_spans: npt.NDArray[np.int64]


def align(
    text: Text,
    ids: Iterable[int],
    bytes_of: Mapping[int, bytes],
    unknown: Unknown | None,
    rules: TextRules,
    allowed: SpecialTokens,
    normalized: bool,
) -> Alignment:
    """Find the places of tokens. See `bytepiece.Tokenizer.align`.

    Args:
        text: the text.
        ids: an encoding of it.
        bytes_of: the bytes of each id; no bytes for a special token.
        unknown: the token that stands for characters without a piece, if the model has one.
        rules: the rules of the model.
        allowed: the special tokens that count inside the text.
        normalized: give the places in the normalized text.

    Raises:
        ArgumentError: if the ids are not an encoding of this text.
        KeyError: if an id is not in the vocabulary.
    """
    row = list(ids)
    raw, marks, origins = _laid_out(text, rules, allowed, normalized)
    added = dict.fromkeys(allowed.ids.values(), b"")  # the model may lack some of these ids
    pieces = [bytes_of[id_] if id_ in bytes_of else added[id_] for id_ in row]
    places = {} if unknown is None else _unknown_places(row, pieces, raw, marks, allowed, unknown)
    position = 0
    for token, id_ in enumerate(row):
        if token in places:
            pieces[token] = raw[position : places[token]]
        elif position in marks and allowed.id_of(marks[position]) == id_:
            pieces[token] = marks[position]
        position += len(pieces[token])
    if b"".join(pieces) != raw:
        raise ArgumentError("the ids are no encoding of this text with this tokenizer")
    ends = np.cumsum(np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces)))
    byte_spans = np.stack([np.append([0], ends)[:-1], ends], axis=1)
    if origins is not None:
        byte_spans, raw = _in_given(byte_spans, origins), to_bytes(text)
    given = raw.decode("utf-8", "surrogatepass") if isinstance(text, str) else raw
    return Alignment(given, byte_spans, _in_characters(byte_spans, given))


def _unknown_places(
    row: Sequence[int],
    pieces: Sequence[bytes],
    raw: bytes,
    marks: Mapping[int, bytes],
    allowed: SpecialTokens,
    unknown: Unknown,
) -> dict[int, int]:
    """Return where each unknown token ends.

    The ids do not say how much text an unknown token stands for. So each unknown token first gets
    as little text as possible, and more text if the tokens after it do not fit. If the ids encode
    another text, some tokens are missing from the result.
    """
    ends: dict[int, int] = {}
    # Unknown tokens and the ends tried for them. Each of these tokens can still get one character
    # more. No end is tried twice for a token.
    shorter: list[tuple[int, int]] = []
    tried: set[tuple[int, int]] = set()
    token = position = 0
    while token < len(row) or position < len(raw):
        end: int | None = None
        name = marks.get(position, b"")
        if token == len(row):
            pass
        elif allowed.id_of(name) == row[token]:
            end = position + len(name)
            ends[token] = end
        elif row[token] == unknown.id:
            shorter.append((token, position))
        elif raw.startswith(pieces[token], position):
            end = position + len(pieces[token])
        while end is None:
            if not shorter:
                return ends
            token, position = shorter.pop()
            end = None if position in marks else unknown.after(raw, position)
            if (token, end) in tried:
                end = None
            elif end is not None:
                tried.add((token, end))
                shorter.append((token, end))
                ends[token] = end
        token, position = token + 1, end
    return ends


def _laid_out(
    text: Text, rules: TextRules, allowed: SpecialTokens, normalized: bool
) -> tuple[bytes, dict[int, bytes], I64 | None]:
    """Return a text after normalization, and the special tokens in it by their places.

    Also return the origins of its bytes; see `bytepiece.rules.origins`. They are None if spans are
    to be places in the normalized text, or if it is equal to the given text.
    """
    some, names = stretches(text, rules, allowed)
    origins = None
    if not normalized and (rules.library or rules.normalization):
        given, _ = allowed.split(to_bytes(text))
        if given != some:
            origins = joined(_origins(given, rules), names)
    parts, marks = [some[0]], {}
    length = len(some[0])
    for name, stretch in zip(names, some[1:], strict=True):
        marks[length] = name
        parts += [name, stretch]
        length += len(name) + len(stretch)
    return b"".join(parts), marks, origins


def _origins(stretches: list[bytes], rules: TextRules) -> list[I64]:
    """Return the origins of the bytes of each stretch of a text."""
    if rules.library is not None:
        return [origins for _, origins in rules.library.trace(stretches)]
    forms = [of_form(form) for form in rules.normalization]
    return [trace(stretch, forms)[1] for stretch in stretches]


def _in_given(spans: I64, origins: I64) -> I64:
    """Return spans of the normalized text as spans of the given text."""
    starts, ends = spans.T
    # A token has all of the part that its last byte comes from, up to the next larger origin.
    after = np.searchsorted(origins, origins[np.maximum(ends, 1) - 1], side="right")
    after = np.where(ends > starts, np.minimum(after, len(origins) - 1), starts)
    found: I64 = np.stack([origins[starts], origins[after]], axis=1)
    return found


def _in_characters(spans: I64, text: str | bytes) -> I64:
    """Return spans of bytes as spans of characters."""
    if text.isascii():
        return np.array(spans)
    if isinstance(text, str):
        ends = character_bounds(text, 3)[1:]
    else:  # a stray byte becomes a lone surrogate
        ends = character_bounds(text.decode("utf-8", "surrogateescape"), 1)[1:]
    first = np.searchsorted(ends, spans[:, 0], side="right")
    last = np.searchsorted(ends, spans[:, 1], side="left") + 1
    last = np.where(spans[:, 1] > spans[:, 0], last, first)
    found: I64 = np.stack([first, last], axis=1)
    return found
