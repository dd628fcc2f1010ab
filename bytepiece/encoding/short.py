"""One sample of one short text, without the work that only batches need."""

import numpy as np

from bytepiece._arrays import F64, I32, U8, U16, U32, U64
from bytepiece.encoding.perfect import Mirrored, perfect_run
from bytepiece.kernels.best_path import Tables, unpacked
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.kernels.partition import Weights
from bytepiece.kernels.segments import SegmentRun, segments_of
from bytepiece.kernels.streams import Streams

_BYTE, _ID, _WORD = np.dtype(np.uint8), np.dtype(np.int32), np.dtype(np.uint64)


# The same kernels run as for a batch, on arrays of the same types, so they are compiled only once.
# The text is reversed by Python, since an array that a kernel makes could be written to, which is
# another type. One array holds all numbers, because each argument of a kernel takes time.
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
    settings = np.array((*numbers, digit_group, weights.plain), _WORD)
    out = np.empty(len(text), _ID)
    filled = _drawn_text(
        tables.words,
        tables.lengths,
        weights.mantissa,
        weights.exponent,
        settings,
        np.frombuffer(text, _BYTE),
        np.frombuffer(text[::-1], _BYTE),
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
    text: U8,
    mirrored: U8,
    out: I32,
) -> Scalar:
    automaton, _, ids = unpacked(words, mantissa, lengths)
    room = np.empty(len(text) + 1, dtype=np.int64)
    segments = segments_of(text, np.int64(settings[4]), room)
    bounds = room[: segments + 1]
    backwards = len(text) - bounds[::-1]
    first = np.zeros(1, dtype=np.int64)
    documents = np.zeros(segments, dtype=np.int64)
    run = SegmentRun(text, bounds, documents, bounds[:segments], first)
    streams = Streams(settings[0], settings[1], settings[2:3], settings[3], np.int64(1))
    counts = np.empty(segments, dtype=np.int32)
    log_z = np.empty(0, dtype=np.float64)
    weights = Weights(mantissa, exponent, settings[5] != 0)
    both = Mirrored(mirrored, mirrored, backwards)
    return perfect_run(automaton, weights, ids, both, run, streams, out, counts, log_z)
