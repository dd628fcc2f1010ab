"""Random streams: pure functions of the document, segment and sample that use them.

They depend neither on time nor on the process or thread that uses them.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011)
turns a key of two words and a counter of four words into four random words. All words have 32 bits.
It is used twice:

    document:  philox(counter = (doc_id low, doc_id high, epoch, sample),
                      key = (seed low, seed high))                         = d0 d1 d2 d3
    draws 2i and 2i + 1 of a segment:
               philox(counter = (i, segment, d2, d3), key = (d0, d1))      = w0 w1 w2 w3
    uniforms:  ((w0 · 2^32 + w1) >> 11) · 2^-53  and  ((w2 · 2^32 + w3) >> 11) · 2^-53

Uniforms have 53 bits and lie in [0, 1). `seed` and `doc_id` have 64 bits, `epoch` and `sample` 32.
`segment` has 32 bits: the offset of the segment's first byte in the document's normalized text, not
counting special tokens. Decisions about a document as a whole (`bytepiece.encoding.request`) take
the draws of sample 0, segment 0 and i = 2^32 − 1; no segment is long enough to need that i.
For one seed, different documents, epochs or samples never share a key and a counter. This mapping
is part of the interface: changing it is a breaking change.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64
from bytepiece.kernels.jit import UINT_1, Scalar, inlined, inner, kernel

DRAWS = 32
"""The number of draws that are computed at a time."""

_TOGETHER = 8
"""A multiple of this number of draws is computed, so that the compiler can compute several blocks
at a time."""

DOCUMENT_BLOCK = np.uint64(0xFFFFFFFF)
"""The block of draws that is reserved for decisions about a document as a whole."""

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_ELEVEN = np.uint64(11)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)


@inlined
def philox(
    c0: Scalar, c1: Scalar, c2: Scalar, c3: Scalar, k0: Scalar, k1: Scalar
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Compute Philox4x32-10. Every word is a uint64 below 2^32."""
    for _ in range(10):
        p0 = _MULTIPLIER_0 * c0
        p1 = _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ k0, p1 & _MASK, (p0 >> _SHIFT) ^ c3 ^ k1, p0 & _MASK
        k0 = (k0 + _WEYL_0) & _MASK
        k1 = (k1 + _WEYL_1) & _MASK
    return c0, c1, c2, c3


@inner
def document_words(
    seed: Scalar, epoch: Scalar, doc_id: Scalar, sample: Scalar
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Return the four words that stand for a sample of a document. All arguments are uint64."""
    return philox(doc_id & _MASK, doc_id >> _SHIFT, epoch, sample, seed & _MASK, seed >> _SHIFT)


@inlined
def uniforms(words: tuple[Scalar, ...], segment: Scalar, block: Scalar) -> tuple[Scalar, Scalar]:
    """Return the draws 2 · block and 2 · block + 1 of a segment.

    `segment` and `block` are uint64.
    """
    w0, w1, w2, w3 = philox(block, segment, words[2], words[3], words[0], words[1])
    first = np.float64((w0 << _SHIFT | w1) >> _ELEVEN) * 2.0**-53
    second = np.float64((w2 << _SHIFT | w3) >> _ELEVEN) * 2.0**-53
    return first, second


@kernel
def fill_draws(
    seed: Scalar,
    epoch: Scalar,
    doc_id: Scalar,
    sample: Scalar,
    segment: Scalar,
    first: Scalar,
    out: F64,
) -> None:
    """Fill `out` with the draws `first`, `first` + 1 … of a segment. All numbers are uint64."""
    words = document_words(seed, epoch, doc_id, sample)
    for i in range(len(out)):
        draw = first + np.uint64(i)
        out[i] = uniforms(words, segment, draw >> UINT_1)[np.int64(draw & UINT_1)]


# One loop computes up to sixteen blocks and stores even and odd draws apart, so that the compiler
# can compute several blocks at a time. A draw then takes 1 ns with AVX-512. If blocks are computed
# one after the other, it takes 8.
@inner
def fill_uniforms(
    words: tuple[Scalar, ...], segment: Scalar, first: Scalar, most: Scalar, out: F64
) -> None:
    """Compute up to `DRAWS` draws of a segment.

    Args:
        words, segment: see `uniforms`.
        first: the first draw's number, uint64, a multiple of `DRAWS`.
        most: no more draws than these are needed; a word needs few. At least 1.
        out: float64[DRAWS], to be filled. The draw first + i goes to `place_of(i)`.
    """
    block = first >> UINT_1
    for i in range(min(DRAWS // 2, (most + _TOGETHER) // _TOGETHER * (_TOGETHER // 2))):
        out[i], out[DRAWS // 2 + i] = uniforms(words, segment, block + np.uint64(i))


@inner
def place_of(draw: Scalar) -> Scalar:
    """Return the place of a draw among `DRAWS` draws: even draws come first, then odd draws."""
    return draw >> 1 | (draw & 1) * (DRAWS // 2)


class Streams(NamedTuple):
    """The random streams that the documents of a batch use.

    Args:
        seed: uint64.
        epoch: uint64, below 2^32.
        doc_ids: uint64[documents].
        first_sample: uint64, below 2^32: the number of the first sample drawn.
        samples: the number of samples drawn for each document. Their numbers begin with
            `first_sample`.
    """

    seed: np.uint64
    epoch: np.uint64
    doc_ids: npt.NDArray[np.uint64]
    first_sample: np.uint64
    samples: int


@inner
def sample_words(
    streams: Streams, document: Scalar, sample: Scalar
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Return the words for a sample of a document; `sample` 0 is the first sample drawn."""
    return document_words(
        streams.seed,
        streams.epoch,
        streams.doc_ids[document],
        streams.first_sample + np.uint64(sample),
    )
