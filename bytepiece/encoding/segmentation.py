"""From texts to segments: normalization, special tokens, lines and digits."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import I32, I64, U8, offsets_of
from bytepiece.encoding.normalization import end_to_end, laid, normalized
from bytepiece.encoding.special import NO_TOKENS, SpecialTokens
from bytepiece.encoding.word_cuts import cut_words
from bytepiece.errors import ArgumentError
from bytepiece.inputs.arrow import Column
from bytepiece.kernels.segments import Segments, segment_bounds
from bytepiece.rules.text import Text, to_bytes
from bytepiece.rules.text_rules import TextRules

MAX_SEGMENT = (1 << 31) - 2
"""Most bytes of a segment: its tokens are counted in int32."""
MAX_DOCUMENT = 1 << 32
"""Most bytes of a text: the offset of a segment in it is a word of 32 bits in the random
streams."""
_NEWLINE = 10


class Marks(NamedTuple):
    """The special tokens that go around texts, and those that are found inside.

    Args:
        bos: the id that begins every document; None for no such id.
        eos: the id that ends every document; None for no such id.
        allowed: the tokens that count as special inside a text.
    """

    bos: int | None = None
    eos: int | None = None
    allowed: SpecialTokens = NO_TOKENS


NO_MARKS = Marks()


class Parts(NamedTuple):
    """Texts laid end to end and divided into parts.

    A part is a stretch of text, or a special token, which has no bytes here.

    Args:
        text: uint8[bytes], normalized.
        bounds: int64[parts + 1], where each part begins, and the end.
        documents: int64[parts], the document of each part, ascending.
        special: int32[parts], −1, or the id of the special token.
        document_starts: int64[documents], where each document begins in `text`.
    """

    text: U8
    bounds: I64
    documents: I64
    special: I32
    document_starts: I64


def segment(texts: Sequence[Text] | Column, rules: TextRules, marks: Marks = NO_MARKS) -> Segments:
    """Normalize texts, put special tokens in their places, and cut the rest into segments.

    Args:
        texts: one text per document. The texts of a column are not copied unless they must be.
        rules: the rules of the model.
        marks: the special tokens.

    Raises:
        ArgumentError: if a text is neither str nor bytes, or if a text or a line is too long.
    """
    raw, bounds = end_to_end(texts)
    found = marks.allowed.find(raw.tobytes()) if marks.allowed else ()
    parts = (
        _inside(raw, bounds, found, rules, marks) if found else _around(raw, bounds, rules, marks)
    )
    if isinstance(texts, Column) and texts.present is not None:
        kept = texts.present[parts.documents]  # a null has no bytes and gets no marks
        parts = parts._replace(
            documents=parts.documents[kept],
            special=parts.special[kept],
            bounds=np.append(parts.bounds[:-1][kept], parts.bounds[-1:]),
        )
    return _cut(parts, rules)


def segment_stretches(
    stretches: Sequence[bytes], tokens: Sequence[int], rules: TextRules
) -> Segments:
    """Cut the normalized stretches of one text into segments.

    Args:
        stretches: the text before, between and behind special tokens.
        tokens: the ids of these tokens, one fewer than stretches.
        rules: the rules of the model.
    """
    counts = [len(stretches) + len(tokens)]
    return _cut(_taking_turns(*laid(stretches), tokens, counts), rules)


def segments_of_one(text: bytes, rules: TextRules) -> Segments:
    """Cut one text without special tokens into segments, in the least time.

    Args:
        text: the text, normalized by the steps of `rules`, but not by those of a library.
        rules: the rules of the model.
    """
    raw, bounds = np.frombuffer(text, dtype=np.uint8), np.array([0, len(text)])
    if rules.library is not None:
        raw, bounds = normalized(raw, bounds, rules)
    special, zeros = np.array([-1], dtype=np.int32), np.zeros(1, dtype=np.int64)
    if rules.words or rules.segment == "line":
        return _cut(Parts(raw, bounds, zeros, special, zeros), rules)
    count = min(len(raw), 1)
    return Segments(raw, bounds[: count + 1], zeros[:count], special[:count], zeros)


def _cut(parts: Parts, rules: TextRules) -> Segments:
    """Cut parts into segments."""
    buffer, bounds, documents, special, starts = parts
    if rules.words:
        bounds, part_of = cut_words(rules.words, buffer, bounds, special)
    elif rules.segment == "text" or not (rules.digit_group or _NEWLINE in buffer):
        # Nothing ends a segment within a part.
        part_of = np.flatnonzero((np.diff(bounds) > 0) | (special >= 0))
        bounds = np.append(bounds[part_of], len(buffer))
    else:
        bounds, part_of = segment_bounds(buffer, bounds, special, rules.digit_group)
    if len(buffer) > MAX_SEGMENT:
        _check_lengths(bounds, np.append(starts, len(buffer)))
    return Segments(buffer, bounds, documents[part_of], special[part_of], starts)


def stretches(
    text: Text, rules: TextRules, allowed: SpecialTokens
) -> tuple[list[bytes], list[bytes]]:
    """Cut a text at special tokens and normalize the text between them.

    Returns:
        the stretches of text, normalized, and the texts that the tokens between them cover; see
        `SpecialTokens.split`.
    """
    some, names = allowed.split(to_bytes(text))
    if rules.library is not None:
        # All stretches are normalized together, because only one of them gets the space that goes
        # before the text.
        return rules.library.normalize(some), names
    if rules.normalization:
        some = [to_bytes(stretch, rules.normalization) for stretch in some]
    return some, names


def _around(raw: U8, bounds: I64, rules: TextRules, marks: Marks) -> Parts:
    """Lay out texts without special tokens. Each text is one part between its marks."""
    buffer, bounds = normalized(raw, bounds, rules)
    starts, ends = bounds[:-1], bounds[-1:]
    row = [id_ for id_ in (marks.bos, -1, marks.eos) if id_ is not None]
    # Filled by hand, since NumPy's tile and column_stack take a tenth of a short text's time.
    special = np.empty((len(starts), len(row)), dtype=np.int32)
    special[:] = row
    documents = np.arange(len(starts), dtype=np.int64)
    if len(row) > 1:
        documents = documents.repeat(len(row))
        # A mark is a part without bytes, before or behind the text.
        begins = [starts, bounds[1:]] if marks.eos is not None else [starts]
        begins = [starts, *begins] if marks.bos is not None else begins
        bounds = np.append(np.column_stack(begins), ends)
    return Parts(buffer, bounds, documents, special.ravel(), starts)


def _inside(
    raw: U8, bounds: I64, found: Sequence[tuple[int, int]], rules: TextRules, marks: Marks
) -> Parts:
    """Lay out texts with special tokens. Each special token is a part of its own.

    Args:
        raw, bounds: the texts, not normalized.
        found: see `SpecialTokens.find`.
    """
    # Only a text that shares bytes with a token that was found can hold tokens.
    first, last = np.searchsorted(bounds, np.array(found).T - [[0], [1]], side="right") - 1
    touched = np.zeros(len(bounds), dtype=np.int64)
    np.add.at(touched, first, 1)
    np.add.at(touched, last + 1, -1)
    texts_of_parts: list[bytes] = []
    names: list[bytes] = []
    counts = []
    for (low, high), touches in zip(pairwise(bounds.tolist()), touched.cumsum(), strict=False):
        text = raw[low:high].tobytes()
        some, between = marks.allowed.split(text) if touches else ([text], [])
        texts_of_parts += some
        names += between
        counts.append(len(some) + len(between))
    tokens = [id_ for name in names if (id_ := marks.allowed.id_of(name)) is not None]
    stretches = np.arange(len(counts)).repeat((np.array(counts) + 1) // 2)
    buffer, bounds = normalized(*laid(texts_of_parts), rules, stretches)
    parts = _taking_turns(buffer, bounds, tokens, counts)
    buffer, bounds, documents, special, starts = parts
    firsts = offsets_of(counts)
    begins, ends = firsts[:-1], firsts[1:]
    for mark, places in ((marks.eos, ends), (marks.bos, begins)):
        if mark is not None:
            special = np.insert(special, places, mark)
            documents = np.insert(documents, places, np.arange(len(counts)))
            bounds = np.insert(bounds, places, bounds[places])
            # Each earlier document has got one mark, so a document begins that many parts later.
            begins = begins + np.arange(len(counts))
    return Parts(buffer, bounds, documents, special, starts)


def _taking_turns(buffer: U8, ends: I64, tokens: Sequence[int], counts: list[int]) -> Parts:
    """Lay out documents in which stretches of text and special tokens take turns.

    Args:
        buffer, ends: the stretches of all documents, normalized; see `laid`.
        tokens: the ids of the special tokens of all documents.
        counts: for each document the number of its stretches and tokens. It begins and ends with a
            stretch.
    """
    firsts = offsets_of(counts)
    documents = np.arange(len(counts)).repeat(counts)
    is_token = (np.arange(firsts[-1]) - firsts[documents]) % 2 == 1
    lengths = np.zeros(len(documents), dtype=np.int64)
    lengths[~is_token] = np.diff(ends)
    special = np.full(len(documents), -1, dtype=np.int32)
    special[is_token] = tokens
    bounds = offsets_of(lengths)
    return Parts(buffer, bounds, documents, special, bounds[firsts[:-1]])


def _check_lengths(bounds: I64, starts: I64) -> None:
    if np.diff(bounds).max() > MAX_SEGMENT:
        raise ArgumentError(f"a line of more than {MAX_SEGMENT} bytes; cut it up first")
    if np.diff(starts).max() > MAX_DOCUMENT:
        raise ArgumentError(f"a text of more than {MAX_DOCUMENT} bytes; cut it up first")
