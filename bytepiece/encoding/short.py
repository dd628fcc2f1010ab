"""One sample of one short text, without the work that only batches need."""

import numpy as np

from bytepiece._arrays import F64, I32, I64, U8, U16, U32, U64
from bytepiece.encoding.perfect import Mirrored, perfect_run
from bytepiece.encoding.walk import Sums
from bytepiece.kernels.automaton import GROUP
from bytepiece.kernels.best_path import Tables, unpacked
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.kernels.partition import Weights
from bytepiece.kernels.segments import SegmentRun, segments_of
from bytepiece.kernels.streams import DRAWS, Streams

_UINT8, _UINT32, _UINT64 = np.dtype(np.uint8), np.dtype(np.uint32), np.dtype(np.uint64)
_INT32, _INT64 = np.dtype(np.int32), np.dtype(np.int64)


# The same kernels run as for a batch, on arrays of the same types, so they are compiled only once.
# Python reverses the text, since the array of a text is read-only, which is a type of its own. All
# arrays of a type are parts of one, because each argument of a kernel takes time.
# Cost: a fifth of `Encoder.encode`: 35 µs for 100 bytes with 80 k pieces instead of 160 or more.
def drawn_text(
    tables: Tables, weights: Weights, text: bytes, digit_group: int, numbers: tuple[int, ...]
) -> I32:
    """Return the ids of one sample of a text, as `bytepiece.encoding.perfect.perfect_ids` draws it.

    Args:
        tables: of the automaton of the reversed pieces; their scores are not used.
        weights: the weights of the pieces.
        text: normalized, at most `bytepiece.kernels.windows.LONG` bytes.
        digit_group: see `bytepiece.TextRules`.
        numbers: the seed, the epoch, the number of the document and that of the sample.
    """
    settings = np.array((*numbers, digit_group, weights.plain), _UINT64)
    length = len(text)
    terms = int(tables.words[0]) + GROUP
    out = np.empty(2 * length, _INT32)
    filled = _drawn_text(
        tables.words,
        tables.lengths,
        weights.mantissa,
        weights.exponent,
        settings,
        np.frombuffer(text + text[::-1], _UINT8),
        np.empty(length, _UINT32),
        np.zeros(length + 1 + DRAWS + terms),
        np.zeros(4 * (length + 1), _INT64),
        out,
    )
    return out[:filled]


@kernel
def _drawn_text(
    words: U32,
    lengths: U16,
    mantissa: F64,
    exponent: I32,
    settings: U64,
    both: U8,
    matches: U32,
    floats: F64,
    zeros: I64,
    integers: I32,
) -> Scalar:
    """Fill the first part of `integers` with the ids, and return how many there are.

    Args:
        words, lengths: see `Tables`.
        mantissa, exponent: see `Weights`.
        settings: uint64[6], the arguments `numbers` and `digit_group` of `drawn_text`, and `plain`
            of the weights.
        both: uint8[2 · bytes], the text, and the text from right to left.
        matches: uint32[bytes], scratch.
        floats: float64[bytes + 1 + DRAWS + deepest + GROUP], zeros: z, uniforms, terms.
        zeros: int64[4 · (bytes + 1)], zeros: the bounds, the exponents, the bounds from right to
            left, and the numbers of the documents, which are all 0.
        integers: int32[2 · bytes], the ids, and how many each segment has.
    """
    automaton, _, ids = unpacked(words, mantissa, lengths)
    length = len(both) >> 1
    text, mirrored, places = both[:length], both[length:], length + 1
    room, exponents = zeros[:places], zeros[places : 2 * places]
    segments = segments_of(text, np.int64(settings[4]), room)
    bounds = room[: segments + 1]
    backwards, none = zeros[2 * places : 2 * places + segments + 1], zeros[3 * places :]
    for i in range(segments + 1):
        backwards[i] = length - bounds[segments - i]
    run = SegmentRun(text, bounds, none[:segments], bounds[:segments], none[:1])
    streams = Streams(settings[0], settings[1], settings[2:3], settings[3], np.int64(1))
    weights = Weights(mantissa, exponent, settings[5] != 0)
    z, uniforms, terms = floats[:places], floats[places : places + DRAWS], floats[places + DRAWS :]
    sums = Sums(mirrored, matches, z, exponents, uniforms, terms)
    out, counts = integers[:length], integers[length:]
    from_right = Mirrored(mirrored, backwards)
    return perfect_run(
        automaton, weights, ids, from_right, sums, run, streams, out, counts, floats[:0]
    )
