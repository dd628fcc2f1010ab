"""From texts to segments: normalization, special tokens, lines and digits."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from bytepiece._arrays import I64, U8, cuts, offsets_of
from bytepiece.encoding.special import split_special
from bytepiece.errors import ArgumentError
from bytepiece.inputs.arrow import Column
from bytepiece.kernels.segments import Segments, segment_bounds
from bytepiece.rules.text import Text, to_bytes
from bytepiece.rules.text_rules import TextRules

MAX_SEGMENT = (1 << 31) - 2
"""Longest segment in bytes, for its tokens are counted in int32."""
MAX_DOCUMENT = 1 << 32
"""Longest text in bytes, for a segment's offset in one is a word of 32 bits in `bytepiece.kernels.streams`."""
_RUN = 1 << 14
"""Bytes of texts that are looked at together, whether they are normalized already."""


def stretches(text: Text, rules: TextRules, allowed: Iterable[str]) -> list[bytes | str]:
    """A text's stretches between special tokens, normalized, and these tokens' names, in order.

    Args:
        allowed: names of the special tokens that count as such.
    """
    if rules.library is not None:
        # All at once: a space before the text comes before one of its stretches only.
        return rules.library.normalize(split_special(text, allowed))
    if not allowed:
        return [to_bytes(text, rules.normalization)]
    return [
        part if isinstance(part, str) else to_bytes(part, rules.normalization)
        for part in split_special(text, allowed)
    ]


def segment(
    texts: Iterable[Text],
    rules: TextRules,
    *,
    bos: int | None = None,
    eos: int | None = None,
    allowed: dict[str, int] | None = None,
) -> Segments:
    """Normalize texts, put special tokens where they belong, and cut the rest into segments.

    Args:
        texts: one of each document; those of a column are not copied without need.
        rules: the model's.
        bos: the id that begins every document, if one does.
        eos: the id that ends every document, if one does.
        allowed: names and ids of the special tokens that count as such inside a text.

    Raises:
        ArgumentError: a text is neither str nor bytes, or it or a line of it is too long.
    """
    if allowed or rules.library is not None:
        parts: list[bytes] = []
        owners, ids, firsts = [], [], []
        for document, text in enumerate(texts):
            firsts.append(len(parts))
            for part, id_ in _marked(text, rules, bos, eos, allowed or {}):
                parts.append(part)
                owners.append(document)
                ids.append(id_)
        buffer, bounds = _end_to_end(parts)
        documents = np.array(owners, dtype=np.int64)
        special = np.array(ids, dtype=np.int32)
        starts = bounds[np.array(firsts, dtype=np.int64)]
    else:
        buffer, bounds = _laid_out(texts, rules.normalization)
        starts, ends = bounds[:-1], bounds[-1:]
        marks = [bos, -1, eos]
        row = np.array([id_ for id_ in marks if id_ is not None], dtype=np.int32)
        # By hand where NumPy has tile and column_stack: those take a tenth of a short text's time.
        special = np.empty((len(starts), len(row)), dtype=np.int32)
        special[:] = row
        special = special.ravel()
        documents = np.arange(len(starts), dtype=np.int64)
        if len(row) > 1:
            documents = documents.repeat(len(row))
            # A mark is a part without bytes, before the text or behind it.
            begins = [starts, bounds[1:]] if eos is not None else [starts]
            begins = [starts, *begins] if bos is not None else begins
            bounds = np.append(np.column_stack(begins), ends)
    if isinstance(texts, Column) and texts.present is not None:
        kept = texts.present[documents]  # a null has no bytes, and shall have no marks
        documents, special = documents[kept], special[kept]
        bounds = np.append(bounds[:-1][kept], bounds[-1:])
    if rules.segment == "text":
        part_of = np.flatnonzero((np.diff(bounds) > 0) | (special >= 0))
        bounds = np.append(bounds[part_of], len(buffer))
    else:
        bounds, part_of = segment_bounds(buffer, bounds, special, rules.isolate_digits)
    if len(buffer) > MAX_SEGMENT:
        _check_lengths(bounds, np.append(starts, len(buffer)))
    return Segments(buffer, bounds, documents[part_of], special[part_of], starts)


def _laid_out(texts: Iterable[Text], steps: Sequence[str]) -> tuple[U8, I64]:
    """Texts end to end, normalized, and where each begins, and the end."""
    if isinstance(texts, Column):
        return _normalize_all(*texts.flat(), steps)
    # In ASCII there is nothing to normalize; without the call a text costs half as much.
    return _end_to_end(
        [
            text.encode() if type(text) is str and text.isascii() else to_bytes(text, steps)
            for text in texts
        ]
    )


def _normalize_all(text: U8, bounds: I64, steps: Sequence[str]) -> tuple[U8, I64]:
    """Texts that lie end to end, normalized: one by one only where something is to be changed."""
    if not steps or text.max(initial=0) < 0x80:
        return text, bounds
    lengths = np.diff(bounds)
    parts: list[bytes] = []
    for low, high in pairwise(cuts(bounds, _RUN)):
        run = text[bounds[low] : bounds[high]].tobytes()
        chars = run.decode("utf-8", "surrogateescape")
        # Then all parts of it are, too: normal forms are closed under taking parts.
        if not all(unicodedata.is_normalized(step, chars) for step in steps):  # type: ignore[arg-type]
            ends = (bounds[low : high + 1] - bounds[low]).tolist()
            texts = [to_bytes(run[start:end], steps) for start, end in pairwise(ends)]
            lengths[low:high] = list(map(len, texts))
            run = b"".join(texts)
        parts.append(run)
    return np.frombuffer(b"".join(parts), dtype=np.uint8), offsets_of(lengths)


def _end_to_end(parts: Sequence[bytes]) -> tuple[U8, I64]:
    return np.frombuffer(b"".join(parts), dtype=np.uint8), offsets_of(map(len, parts))


def _marked(
    text: Text, rules: TextRules, bos: int | None, eos: int | None, allowed: dict[str, int]
) -> Iterator[tuple[bytes, int]]:
    """A document as stretches of text, with −1, and as special tokens: no text, with their id."""
    if bos is not None:
        yield b"", bos
    for part in stretches(text, rules, allowed):
        if isinstance(part, str):
            yield b"", allowed[part]
        else:
            yield part, -1
    if eos is not None:
        yield b"", eos


def _check_lengths(bounds: I64, starts: I64) -> None:
    if np.diff(bounds).max() > MAX_SEGMENT:
        raise ArgumentError(f"a line of more than {MAX_SEGMENT} bytes; cut it up first")
    if np.diff(starts).max() > MAX_DOCUMENT:
        raise ArgumentError(f"a text of more than {MAX_DOCUMENT} bytes; cut it up first")
