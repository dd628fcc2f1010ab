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

_BYTE, _ID, _MATCH = np.dtype(np.uint8), np.dtype(np.int32), np.dtype(np.uint32)
_WORD, _NUMBER = np.dtype(np.uint64), np.dtype(np.int64)


# The same kernels run as for a batch, on arrays of the same types, so they are compiled only once.
# The text is reversed by Python, since an array of a kernel could be written to, which is another
# type. All arrays of a type are parts of one, because each argument of a kernel takes time.
# Cost: a fifth of `Encoder.encode`: 35 µs for 100 bytes with 80 k pieces instead of 160 or more.
def drawn_text(
    tables: Tables, weights: Weights, text: bytes, digit_group: int, place: tuple[int, ...]
) -> I32:
    """Return the ids of one sample of a text, as `bytepiece.encoding.perfect.perfect_ids` draws it.

    Args:
        tables: of the automaton of the reversed pieces; their scores are not used.
        weights: the weights of the pieces.
        text: normalized, at most `bytepiece.kernels.windows.LONG` bytes.
        digit_group: see `bytepiece.TextRules`.
        place: the seed, the epoch, the number of the document and that of the sample.
    """
    settings = np.array((*place, digit_group, weights.plain), _WORD)
    length = len(text)
    terms = int(tables.words[0]) + GROUP
    numbers = np.empty(2 * length, _ID)
    filled = _drawn_text(
        tables.words,
        tables.lengths,
        weights.mantissa,
        weights.exponent,
        settings,
        np.frombuffer(text + text[::-1], _BYTE),
        np.empty(length, _MATCH),
        np.zeros(length + 1 + DRAWS + terms),
        np.zeros(4 * length + 4, _NUMBER),
        numbers,
    )
    return numbers[:filled]


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
    numbers: I32,
) -> Scalar:
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
    out, counts = numbers[:length], numbers[length:]
    from_right = Mirrored(mirrored, backwards)
    return perfect_run(
        automaton, weights, ids, from_right, sums, run, streams, out, counts, floats[:0]
    )
