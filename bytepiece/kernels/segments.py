"""Segments: the stretches of text that are encoded independently of each other."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64, U8
from bytepiece.kernels.digits import ZEROS
from bytepiece.kernels.jit import Scalar, inlined, inner, kernel, uint


def longest_of(offsets: I64) -> int:
    """Return the length of the longest of some strings that lie end to end, to Python."""
    return int(np.diff(offsets).max(initial=0))


@inner
def longest(offsets: I64, low: Scalar, high: Scalar) -> Scalar:
    """Return the length of the longest of the strings low…high − 1 that lie end to end."""
    length = np.int64(0)
    for i in range(low, high):
        length = max(length, offsets[i + 1] - offsets[i])
    return length


_ZEROS = np.array(ZEROS, dtype=np.int32)


class SegmentRun(NamedTuple):
    """Some neighbouring segments of a batch, as samplers need them.

    Args:
        text: uint8[bytes], their text.
        bounds: int64[segments + 1], where each segment begins in `text`, and the end.
        documents: int64[segments], the document of each segment.
        begins: int64[segments], where each segment begins in the text of the batch.
        document_starts: int64[documents], where each document begins in the text of the batch.
    """

    text: npt.NDArray[np.uint8]
    bounds: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]
    begins: npt.NDArray[np.int64]
    document_starts: npt.NDArray[np.int64]


class Segments(NamedTuple):
    """The texts of a batch, laid end to end and cut into segments.

    Args:
        text: uint8[bytes], normalized.
        bounds: int64[segments + 1], where each segment begins in `text`, and the end.
        documents: int64[segments], the document of each segment, ascending.
        special: int32[segments], −1 for a segment of text; for a segment without bytes, the id of
            the special token that it stands for.
        document_starts: int64[documents], where each document's text begins in `text`.
    """

    text: npt.NDArray[np.uint8]
    bounds: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]
    special: npt.NDArray[np.int32]
    document_starts: npt.NDArray[np.int64]

    def stretch(self, low: int, high: int) -> tuple[U8, I64]:
        """Return the text of the segments low…high − 1, and the bounds of these segments in it."""
        bounds = self.bounds[low : high + 1]
        return self.text[bounds[0] : bounds[-1]], bounds - bounds[0]

    def run(self, low: int, high: int) -> SegmentRun:
        """Return the segments low…high − 1."""
        text, bounds = self.stretch(low, high)
        documents, begins = self.documents[low:high], self.bounds[low:high]
        return SegmentRun(text, bounds, documents, begins, self.document_starts)


@inlined
def offset_of(run: SegmentRun, segment: Scalar) -> Scalar:
    """Return where a segment of a run begins in the text of its document, as uint64."""
    return uint(run.begins[segment] - run.document_starts[run.documents[segment]])


@inner
def digit_length(text: U8, start: Scalar, stop: Scalar) -> Scalar:
    """Return the length in bytes of the decimal digit at `start`, or 0 if no digit begins there."""
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
        return 0  # an overlong form, which is not UTF-8
    low, high = 0, len(_ZEROS)  # bisection: _ZEROS[low] <= char < _ZEROS[high]
    while high - low > 1:
        middle = (low + high) // 2
        if _ZEROS[middle] <= char:
            low = middle
        else:
            high = middle
    return length if char - _ZEROS[low] <= 9 else 0


@inner
def _digits_end(text: U8, start: Scalar, stop: Scalar, most: Scalar) -> Scalar:
    """Return where the digits that begin at `start` end, or where at most `most` of them end."""
    position = start
    for _ in range(most):
        length = digit_length(text, position, stop) if position < stop else 0
        if length == 0:
            break
        position += length
    return position


@inner
def segment_end(text: U8, start: Scalar, stop: Scalar, digit_group: Scalar, most: Scalar) -> Scalar:
    """Return where the segment that begins at `start` ends, in a text that ends at `stop`.

    `digit_group` is the most digits in a segment of digits, or 0; see `bytepiece.TextRules`. If
    `most` is above 0, as in training, a segment has at most `most` characters before its newlines,
    and at most 100 newlines.
    """
    position = start
    chars = 0
    while position < stop and text[position] != 0x0A:
        if most > 0 and text[position] & 0xC0 != 0x80:
            if chars == most:
                return position
            chars += 1
        if digit_group > 0 and digit_length(text, position, stop) > 0:
            return position if position > start else _digits_end(text, start, stop, digit_group)
        position += 1
        # Text that is not UTF-8 may contain no byte that begins a character. So bytes are counted,
        # too.
        if most > 0 and position - start > 4 * most:
            return position
    newlines = 0
    while position < stop and text[position] == 0x0A:
        if most > 0 and newlines == 100:
            break
        newlines += 1
        position += 1
    return position


@inner
def segments_of(text: U8, digit_group: Scalar, bounds: I64) -> Scalar:
    """Cut one text into segments; fill `bounds` up to its end, and return how many there are."""
    segments = 0
    bounds[0] = 0
    while bounds[segments] < len(text):
        bounds[segments + 1] = segment_end(text, bounds[segments], len(text), digit_group, 0)
        segments += 1
    return segments


def segment_bounds(
    text: U8, part_bounds: I64, part_special: I32, digit_group: int, most: int = 0
) -> tuple[I64, I64]:
    """Cut parts of a text into segments.

    Args:
        text: uint8[bytes].
        part_bounds: int64[parts + 1], where each part begins, and the end.
        part_special: int32[parts], −1 for a part with text; for a part without bytes, the id of the
            special token that it stands for.
        digit_group: see `bytepiece.TextRules`.
        most: see `segment_end`.

    Returns:
        int64[segments + 1], where each segment begins, and the end; int64[segments], the number of
        the part that each segment lies in.
    """
    # This much room is enough for most texts. If it is too little, the kernel still returns the
    # number of segments, and is called once more.
    count = 4 * len(part_special) + 64
    while True:
        bounds, part_of = np.empty(count + 1, dtype=np.int64), np.empty(count, dtype=np.int64)
        room = count
        count = _segment_bounds(text, part_bounds, part_special, digit_group, most, bounds, part_of)
        if count <= room:
            return bounds[: count + 1], part_of[:count]


@kernel
def _segment_bounds(
    text: U8,
    part_bounds: I64,
    part_special: I32,
    digit_group: Scalar,
    most: Scalar,
    bounds: I64,
    part_of: I64,
) -> Scalar:
    """Store the segments that there is room for, and return the number of all segments."""
    count = 0
    for part in range(len(part_special)):
        position, stop = part_bounds[part], part_bounds[part + 1]
        special = part_special[part] >= 0
        while position < stop or special:
            if count < len(part_of):
                bounds[count] = position
                part_of[count] = part
            count += 1
            position = segment_end(text, position, stop, digit_group, most)
            if special:
                break
    if count < len(bounds):
        bounds[count] = part_bounds[len(part_special)]
    return count
