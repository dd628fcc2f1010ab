"""One sample of one short text, without the work that only batches need."""

import numpy as np

from bytepiece._arrays import F64, I32, U8, U64
from bytepiece.encoding.perfect import Mirrored, perfect_run
from bytepiece.encoding.walk import Sums
from bytepiece.kernels.automaton import GROUP
from bytepiece.kernels.best_path import unpacked
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.kernels.partition import Weights
from bytepiece.kernels.segments import SegmentRun, segments_of
from bytepiece.kernels.streams import DRAWS, Streams
from bytepiece.kernels.views import viewed

_UINT8, _UINT64, _INT32 = np.dtype(np.uint8), np.dtype(np.uint64), np.dtype(np.int32)
_SETTINGS = 6
"""How many numbers the array `room` of `_drawn_text` begins with."""
_ROWS = 6
"""How many rows of bytes + 1 places the array `room` of `_drawn_text` ends with."""


# The same kernels run as for a batch, on arrays of the same types, so they are compiled only once.
# Python reverses the text, since the array of a text is read-only, which is a type of its own. All
# scratch is in one array, because each argument of a kernel takes time.
# Cost: a fifth of `Encoder.encode`: 14 µs for 100 bytes with 80 k pieces.
def drawn_text(
    tables: U64, weights: Weights, text: bytes, digit_group: int, numbers: tuple[int, ...]
) -> I32:
    """Return the ids of one sample of a text, as `bytepiece.encoding.perfect.perfect_ids` draws it.

    Args:
        tables: of the automaton of the reversed pieces, without scores; see
            `bytepiece.kernels.best_path.pack`.
        weights: the weights of the pieces.
        text: normalized, at most `bytepiece.kernels.windows.LONG` bytes.
        digit_group: see `bytepiece.TextRules`.
        numbers: the seed, the epoch, the number of the document and that of the sample.
    """
    length = len(text)
    terms = int(tables[0]) + GROUP
    room = np.zeros(_SETTINGS + DRAWS + terms + _ROWS * (length + 1), _UINT64)
    room[:_SETTINGS] = (*numbers, digit_group, weights.plain)
    both, out = np.frombuffer(text + text[::-1], _UINT8), np.empty(2 * length, _INT32)
    filled = _drawn_text(tables, weights.mantissa, weights.exponent, both, room, out)
    return out[:filled]


@kernel
def _drawn_text(tables: U64, mantissa: F64, exponent: I32, both: U8, room: U64, out: I32) -> Scalar:
    """Fill the first part of `out` with the ids, and return how many there are.

    Args:
        tables: see `bytepiece.kernels.best_path.pack`.
        mantissa, exponent: see `Weights`.
        both: uint8[2 · bytes], the text, and the text from right to left.
        room: uint64[_SETTINGS + DRAWS + deepest + GROUP + _ROWS · (bytes + 1)], first the arguments
            `numbers` and `digit_group` of `drawn_text`, and `plain` of the weights, and then zeros:
            uniforms and terms (float64), and in rows of bytes + 1 places the bounds, the exponents,
            the bounds from right to left, the numbers of the documents, which are all 0 (int64), z
            (float64) and the matches (uint32).
        out: int32[2 · bytes], the ids, and how many each segment has.
    """
    automaton, _, ids = unpacked(tables)
    length = len(both) >> 1
    places = length + 1
    text, mirrored = both[:length], both[length:]
    settings, rows = room[:_SETTINGS], room[len(room) - _ROWS * places :]
    floats = viewed(room[_SETTINGS : len(room) - _ROWS * places], np.float64)
    integers = viewed(rows[: 4 * places], np.int64)
    bounds, exponents = integers[:places], integers[places : 2 * places]
    backwards, none = integers[2 * places : 3 * places], integers[3 * places :]
    z = viewed(rows[4 * places : 5 * places], np.float64)
    matches = viewed(rows[5 * places :], np.uint32)
    segments = segments_of(text, np.int64(settings[4]), bounds)
    bounds, backwards = bounds[: segments + 1], backwards[: segments + 1]
    for i in range(segments + 1):
        backwards[i] = length - bounds[segments - i]
    run = SegmentRun(text, bounds, none[:segments], bounds[:segments], none[:1])
    streams = Streams(settings[0], settings[1], settings[2:3], settings[3], np.int64(1))
    weights = Weights(mantissa, exponent, settings[5] != 0)
    sums = Sums(mirrored, matches[:length], z, exponents, floats[:DRAWS], floats[DRAWS:])
    counts, from_right = out[length:], Mirrored(mirrored, backwards)
    return perfect_run(
        automaton, weights, ids, from_right, sums, run, streams, out[:length], counts, z[:0]
    )
