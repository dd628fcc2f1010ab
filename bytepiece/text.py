"""From texts to segments: normalization, special tokens, lines and digits."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import ahocorasick
import numpy as np
import numpy.typing as npt

from bytepiece._jit import I32, I64, U8, Scalar, kernel
from bytepiece.columns import Column
from bytepiece.errors import ArgumentError
from bytepiece.model import TextRules
from bytepiece.strings import cuts, offsets_of

Text = str | bytes | bytearray | memoryview

MAX_SEGMENT = (1 << 31) - 2
"""Longest segment in bytes, for its tokens are counted in int32."""
MAX_DOCUMENT = 1 << 32
"""Longest text in bytes, for a segment's offset in one is a word of 32 bits in `bytepiece.rng`."""
_RUN = 1 << 14
"""Bytes of texts that are looked at together, whether they are normalized already."""

# The ten digits of every script follow one another; these are the zeros (Unicode 15.1, category
# Nd). A table of our own: which characters are digits differs between versions of Python.
_ZEROS = np.array(
    [
        0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66,
        0x0CE6, 0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946,
        0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0,
        0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0,
        0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50,
        0x11DA0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6,
        0x1E140, 0x1E2F0, 0x1E4F0, 0x1E950, 0x1FBF0,
    ],
    dtype=np.int32,
)  # fmt: skip
DIGIT_RANGES = tuple((zero, zero + 9) for zero in _ZEROS.tolist())
"""The first and the last digit of each script."""


class Segments(NamedTuple):
    """The texts of a batch, laid end to end and cut into segments.

    Args:
        text: uint8[bytes], normalized.
        bounds: int64[segments + 1], where each segment begins in `text`, and the end.
        documents: int64[segments], the document that each belongs to, ascending.
        special: int32[segments], −1, or the id of the special token that a segment without
            bytes stands for.
        document_starts: int64[documents], where each document's text begins in `text`.
    """

    text: npt.NDArray[np.uint8]
    bounds: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]
    special: npt.NDArray[np.int32]
    document_starts: npt.NDArray[np.int64]

    def stretch(self, low: int, high: int) -> tuple[U8, I64]:
        """The text of the segments low…high − 1, and where in it each begins, and the end."""
        bounds = self.bounds[low : high + 1]
        return self.text[bounds[0] : bounds[-1]], bounds - bounds[0]


def to_bytes(text: Text, normalization: Sequence[str] = ()) -> bytes:
    r"""The UTF-8 bytes of a text, normalized.

    A lone surrogate in a str becomes its three bytes. Bytes that are not valid UTF-8 pass through
    normalization as they are.

    >>> to_bytes("e\u0301"), to_bytes(b"e\xcc\x81\xff", ("NFC",)), to_bytes("\ud800")
    (b'e\xcc\x81', b'\xc3\xa9\xff', b'\xed\xa0\x80')
    """
    if isinstance(text, str):
        if normalization and not text.isascii():
            text = _normalize(text, normalization)
        return text.encode("utf-8", "surrogatepass")
    if not isinstance(text, (bytes, bytearray, memoryview)):
        raise ArgumentError(f"a text must be str or bytes, not {type(text).__name__}")
    raw = bytes(text)
    if normalization and not raw.isascii():
        # Each stray byte becomes a lone surrogate, which no normalization touches.
        chars = _normalize(raw.decode("utf-8", "surrogateescape"), normalization)
        raw = chars.encode("utf-8", "surrogateescape")
    return raw


def _normalize(text: str, normalization: Sequence[str]) -> str:
    if "\n" in text:
        # Nothing is joined across a line end, and a line in its form already costs a tenth.
        return "\n".join([_normalize(line, normalization) for line in text.split("\n")])
    for step in normalization:
        text = unicodedata.normalize(step, text)  # type: ignore[arg-type]
    return text


def split_special(text: Text, names: Iterable[str]) -> list[bytes | str]:
    """Cut a text at the special tokens in it: leftmost first, among those the longest.

    Args:
        text: not normalized yet: a special token is found as it is spelled.
        names: of the special tokens to look for.

    Returns:
        what stands between special tokens, as bytes, and their names, as str; in order.

    >>> split_special("one<eos>two", ["<eos>"])
    [b'one', '<eos>', b'two']
    """
    raw = to_bytes(text)
    # The package is built over characters or, at its builder's wish, over bytes; text in Latin-1
    # makes a character of each byte, so that offsets are the same.
    spell = (lambda b: b.decode("latin-1")) if ahocorasick.unicode else bytes
    automaton = ahocorasick.Automaton()
    for name in names:
        automaton.add_word(spell(name.encode("utf-8")), name)
    if not len(automaton):
        return [raw]
    automaton.make_automaton()
    found = []
    for last, name in automaton.iter(spell(raw)):
        length = len(name.encode("utf-8"))
        found.append((last + 1 - length, -length, name))
    parts: list[bytes | str] = []
    done = 0
    # Not iter_long: it passes over names that begin inside another one that then breaks off.
    for start, negative_length, name in sorted(found):
        if start >= done:
            parts += [raw[done:start], name]
            done = start - negative_length
    parts.append(raw[done:])
    return parts


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


@kernel
def digit_length(text: U8, start: Scalar, stop: Scalar) -> Scalar:
    """The bytes of the decimal digit that begins at `start`, or 0."""
    lead = np.int32(text[start])
    if lead < 0x80:
        return 1 if 0x30 <= lead <= 0x39 else 0
    if lead < 0xC2 or lead > 0xF4:
        return 0
    length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if start + length > stop:
        return 0
    char = lead & (0x7F >> length)
    for i in range(1, length):
        byte = np.int32(text[start + i])
        if byte & 0xC0 != 0x80:
            return 0
        char = char << 6 | byte & 0x3F
    if (length == 3 and char < 0x800) or (length == 4 and char < 0x10000):
        return 0  # overlong: not UTF-8
    low, high = 0, len(_ZEROS)  # bisection: _ZEROS[low] <= char < _ZEROS[high]
    while high - low > 1:
        middle = (low + high) // 2
        if _ZEROS[middle] <= char:
            low = middle
        else:
            high = middle
    return length if char - _ZEROS[low] <= 9 else 0


@kernel
def segment_end(
    text: U8, start: Scalar, stop: Scalar, isolate_digits: bool, most: Scalar
) -> Scalar:
    """Where the segment that begins at `start` ends, in a text that ends at `stop`.

    With `most` above 0, as in training, a segment has at most that many characters before its
    newlines, and at most 100 newlines.
    """
    position = start
    chars = 0
    while position < stop and text[position] != 0x0A:
        if most > 0 and text[position] & 0xC0 != 0x80:
            if chars == most:
                return position
            chars += 1
        if isolate_digits:
            length = digit_length(text, position, stop)
            if length > 0:
                return position if position > start else position + length
        position += 1
        # Text that is not UTF-8 need not contain anything that begins a character.
        if most > 0 and position - start > 4 * most:
            return position
    newlines = 0
    while position < stop and text[position] == 0x0A:
        if most > 0 and newlines == 100:
            break
        newlines += 1
        position += 1
    return position


def segment_bounds(
    text: U8, part_bounds: I64, part_special: I32, isolate_digits: bool, most: int = 0
) -> tuple[I64, I64]:
    """Cut parts of a text into segments.

    Args:
        text: uint8[bytes].
        part_bounds: int64[parts + 1], where each part begins, and the end.
        part_special: int32[parts], −1, or the special token that a part without bytes stands for.
        isolate_digits: see `bytepiece.TextRules`.
        most: see `segment_end`.

    Returns:
        int64[segments + 1], where each segment begins, and the end; int64[segments], its part.
    """
    # Room that is enough for most texts; what is too little becomes just enough.
    count = 4 * len(part_special) + 64
    while True:
        bounds, part_of = np.empty(count + 1, dtype=np.int64), np.empty(count, dtype=np.int64)
        room = count
        count = _segment_bounds(
            text, part_bounds, part_special, isolate_digits, most, bounds, part_of
        )
        if count <= room:
            return bounds[: count + 1], part_of[:count]


@kernel
def _segment_bounds(
    text: U8,
    part_bounds: I64,
    part_special: I32,
    isolate_digits: bool,
    most: Scalar,
    bounds: I64,
    part_of: I64,
) -> Scalar:
    """How many segments there are; as many are stored as there is room for."""
    count = 0
    for part in range(len(part_special)):
        position, stop = part_bounds[part], part_bounds[part + 1]
        special = part_special[part] >= 0
        while position < stop or special:
            if count < len(part_of):
                bounds[count] = position
                part_of[count] = part
            count += 1
            position = segment_end(text, position, stop, isolate_digits, most)
            if special:
                break
    if count < len(bounds):
        bounds[count] = part_bounds[len(part_special)]
    return count
