"""Random streams that are pure functions of where they are used, never of when or by whom.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011)
turns a key of two and a counter of four 32-bit words into four random ones. It is used twice:

    document:  philox(counter = (doc_id low, doc_id high, epoch, sample),
                      key = (seed low, seed high))                         = d0 d1 d2 d3
    draws 2i and 2i + 1 of a segment:
               philox(counter = (i, segment, d2, d3), key = (d0, d1))      = w0 w1 w2 w3
    uniforms:  ((w0 · 2^32 + w1) >> 11) · 2^-53  and  ((w2 · 2^32 + w3) >> 11) · 2^-53

so they have 53 bits and lie in [0, 1). `seed` and `doc_id` have 64 bits, `epoch` and `sample` 32;
`segment` has 32: the offset of the segment's first byte in the document's (normalized) text,
special tokens not counted. What is decided for a document as a whole (`bytepiece.per_document`)
takes the draws of sample 0, segment 0 and i = 2^32 − 1, which no segment is long enough to need.
For one seed, documents, epochs and samples that differ never share a
key and a counter. This mapping is part of the interface: changing it is a breaking change.
"""

import secrets
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from bytepiece._jit import F64, ONE, Scalar, inlined, kernel
from bytepiece.errors import ArgumentError

DRAWS = 32
"""How many draws are computed at a time."""

DOCUMENT_BLOCK = np.uint64(0xFFFFFFFF)
"""The block of draws that is kept for the document as a whole."""

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_ELEVEN = np.uint64(11)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)


def unsigned(value: int, bits: int, name: str) -> np.uint64:
    """A number as kernels take it.

    Raises:
        ArgumentError: it is no whole number of so many bits.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ArgumentError(f"{name} must be a whole number, not {value!r:.30}")
    if not 0 <= value < 1 << bits:
        raise ArgumentError(f"{name} must be in 0…2^{bits} − 1, not {value}")
    word: np.uint64 = np.uint64(value)
    return word


def unsigned_array(values: Iterable[int], name: str) -> npt.NDArray[np.uint64]:
    """Many numbers of 64 bits as kernels take them.

    Raises:
        ArgumentError: one is none.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        if values.ndim != 1 or (values.size and values.min() < 0):
            raise ArgumentError(f"{name} must be one row of numbers of at least 0")
        return values.astype(np.uint64)
    return np.array([unsigned(value, 64, f"each of {name}") for value in values], dtype=np.uint64)


def seed_word(seed: int | None) -> np.uint64:
    """A seed as kernels take it; a fresh one from the operating system for None.

    Raises:
        ArgumentError: it is no whole number of 64 bits.
    """
    return unsigned(secrets.randbits(64) if seed is None else seed, 64, "seed")


@inlined
def philox(
    c0: Scalar, c1: Scalar, c2: Scalar, c3: Scalar, k0: Scalar, k1: Scalar
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Philox4x32-10; every word is a uint64 below 2^32."""
    for _ in range(10):
        p0 = _MULTIPLIER_0 * c0
        p1 = _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ k0, p1 & _MASK, (p0 >> _SHIFT) ^ c3 ^ k1, p0 & _MASK
        k0 = (k0 + _WEYL_0) & _MASK
        k1 = (k1 + _WEYL_1) & _MASK
    return c0, c1, c2, c3


@kernel
def document_words(
    seed: Scalar, epoch: Scalar, doc_id: Scalar, sample: Scalar
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """The four words that stand for a sample of a document; all arguments are uint64."""
    return philox(doc_id & _MASK, doc_id >> _SHIFT, epoch, sample, seed & _MASK, seed >> _SHIFT)


@inlined
def uniforms(words: tuple[Scalar, ...], segment: Scalar, block: Scalar) -> tuple[Scalar, Scalar]:
    """Draws 2 · block and 2 · block + 1 of a segment; segment and block are uint64."""
    w0, w1, w2, w3 = philox(block, segment, words[2], words[3], words[0], words[1])
    first = np.float64((w0 << _SHIFT | w1) >> _ELEVEN) * 2.0**-53
    second = np.float64((w2 << _SHIFT | w3) >> _ELEVEN) * 2.0**-53
    return first, second


# Sixteen blocks in one loop, and their draws stored apart, so that the compiler computes several
# at a time: 1 ns a draw with AVX-512, where one block after the other takes 8.
@kernel
def fill_uniforms(words: tuple[Scalar, ...], segment: Scalar, first: Scalar, out: F64) -> None:
    """Compute `DRAWS` draws of a segment.

    Args:
        words, segment: see `uniforms`.
        first: the first draw's number, uint64, a multiple of `DRAWS`.
        out: float64[DRAWS], filled; the draw first + i is at `place_of(i)`.
    """
    block = first >> ONE
    for i in range(DRAWS // 2):
        out[i], out[DRAWS // 2 + i] = uniforms(words, segment, block + np.uint64(i))


@kernel
def place_of(draw: Scalar) -> Scalar:
    """Where a draw, counted from the first one filled, stands: even ones before odd ones."""
    return draw >> 1 | (draw & 1) * (DRAWS // 2)
