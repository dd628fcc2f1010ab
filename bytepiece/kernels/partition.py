"""Sums over all segmentations of a segment: the one home of what sampling is made of.

The weight of a piece is exp(alpha · score); z[d] is the sum, over the segmentations of a segment's
last d bytes, of their weights' products. Distances are from the segment's end throughout, for the
automaton that finds the pieces that begin at a position runs from right to left.

A weight can be smaller than the smallest float64 and z is smaller by far, so both are a mantissa
and an exponent to the base 2^256: value = mantissa · 2^(256 · exponent). Terms of a sum are aligned
to their largest exponent, which moves no bit of what they add. Steps so coarse make unequal
exponents rare: the common term costs one multiplication and one addition, and no alpha needs a
second, logarithmic path.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I64, U8, U32
from bytepiece.errors import ArgumentError
from bytepiece.kernels.automaton import GROUP, Automaton
from bytepiece.kernels.jit import ONE, TWO, Scalar, at, kernel

MAX_EXPONENT = float(1 << 30)
"""Largest size of alpha · score, in nats: beyond it a weight's mantissa has no correct digit left
that matters, and exponents of long texts would not fit their integers."""

_BITS = 256
_UP = 2.0**_BITS
_DOWN = 2.0**-_BITS
_HALF_UP = 2.0 ** (_BITS // 2)
_HALF_DOWN = 2.0 ** -(_BITS // 2)

LOG_BASE = _BITS * math.log(2.0)
"""The logarithm of the base of exponents."""

# ln 2 in two parts, the first with 21 trailing zero bits, so that its multiples are exact.
_LN2_HIGH = 0.693147180369123816490
_LN2_LOW = 1.90821492927058770002e-10


class Weights(NamedTuple):
    """exp(alpha · score) of each entry's piece.

    Args:
        mantissa: float64[entries], in (2^-256, 2^128]; its sign is negative where the exponent is
            not 0, so that the exponent is looked at only there; 0 where there is no piece.
        exponent: int32[entries], to the base 2^256.
        plain: whether all exponents are 0.
    """

    mantissa: npt.NDArray[np.float64]
    exponent: npt.NDArray[np.int32]
    plain: bool


def weights(
    automaton: Automaton, scores: npt.NDArray[np.float64], alpha: float, less: F64 | None = None
) -> Weights:
    """The weights exp(alpha · score − less) of the pieces.

    Args:
        scores: float64[pieces], natural-log probabilities.
        alpha: finite, ≥ 0.
        less: float64[pieces], at least 0; None for 0.

    Raises:
        ArgumentError: alpha · score is too large for a sum to be right.
    """
    with np.errstate(over="ignore"):
        logs = scores * alpha if less is None else scores * alpha - less
    if not np.all(np.abs(logs) <= MAX_EXPONENT):
        raise ArgumentError(
            f"alpha {alpha:g} is too large for scores down to {scores.min():.6g} "
            f"(alpha · score may reach 2^30); for the best path, leave alpha out"
        )
    # Weights not far above 1 need no exponent, and would lose digits by one.
    exponents = np.where((logs > 0) & (logs <= LOG_BASE / 2), 0.0, np.ceil(logs / LOG_BASE))
    bits = exponents * _BITS
    # The ceiling may be one off when the quotient is rounded: the mantissa is then just above 1
    # or at 2^-256, which the sums below have room for.
    mantissas = np.exp((logs - bits * _LN2_HIGH) - bits * _LN2_LOW)
    return Weights(
        automaton.by_entry(np.where(exponents == 0, mantissas, -mantissas), 0),
        automaton.by_entry(exponents.astype(np.int32), 0),
        not exponents.any(),
    )


def mirror(text: U8, bounds: I64) -> tuple[U8, I64]:
    """A text from right to left, and where its segments begin then, and the end."""
    mirrored = text[::-1].copy()
    mirrored.flags.writeable = False  # as the text itself: `scan` is compiled once for both
    return mirrored, len(text) - bounds[::-1]


@kernel
def scale(term: Scalar, steps: Scalar) -> Scalar:
    """Return term · 2^(256 · steps), for steps ≤ 1."""
    # Mantissas of terms and sums lie in 2^-384 … 2^267, so one that is moved down three steps is
    # smaller than half a bit of the one that is not.
    if steps == 0:
        return term
    if steps == -1:
        return term * _DOWN
    if steps == -2:
        return term * _DOWN * _DOWN
    if steps == 1:
        return term * _UP
    return 0.0


@kernel
def add(total: Scalar, top: Scalar, term: Scalar, exponent: Scalar) -> tuple[Scalar, Scalar]:
    """Add (term, exponent) to (total, top), aligned to the larger exponent."""
    if exponent <= top:
        return total + scale(term, exponent - top), top
    return scale(total, top - exponent) + term, exponent


@kernel
def edge_term(
    automaton: Automaton,
    weights: Weights,
    entry: Scalar,
    z: F64,
    exponents: I64,
    distance: Scalar,
) -> tuple[Scalar, Scalar]:
    """The weight of an entry's piece that begins at a distance, times z where the piece ends."""
    end = distance - at(automaton.lengths[entry])
    mantissa = weights.mantissa[entry]
    if mantissa < 0.0:
        return -mantissa * z[end], exponents[end] + weights.exponent[entry]
    return mantissa * z[end], exponents[end]


# From the segment's end to its beginning: z[d] = Σ weight(piece) · z[d − length of the piece]. That
# is all there is to it where all terms have one exponent, which the place of its last change tells;
# elsewhere terms are aligned.
# Cost: a multiplication and an addition per entry of the groups at each position; 16 bytes of
# memory per byte of the longest segment, and 5 of matches and mirrored text per byte of the text.
@kernel
def backward(
    automaton: Automaton,
    weights: Weights,
    text: U8,
    matches: U32,
    start: Scalar,
    stop: Scalar,
    z: F64,
    exponents: I64,
) -> None:
    """Fill z and exponents for one segment of mirrored text.

    Args:
        automaton: of the reversed pieces.
        text, matches: see `bytepiece.kernels.automaton.scan`. Two is added to a reference where all terms
            that make up z have the exponent of z itself.
        start, stop: of the segment in the mirrored text.
        z: float64[more than the segment's length].
        exponents: int64[more than the segment's length], to the base 2^256.
    """
    lengths, mantissa = automaton.lengths, weights.mantissa
    singles = at(len(lengths) - 256)
    latest, top = 1.0, np.int64(0)
    z[0], exponents[0] = latest, top
    # Where the exponent is what it is since: everywhere, or nowhere.
    since = at(0) if weights.plain else at(stop - start + 1)
    for d in range(1, stop - start + 1):
        distance = at(d)
        byte = at(start) + distance - ONE
        single = singles + at(text[byte])
        group = matches[byte]
        entry = at(GROUP) * at(group >> 2)
        plain = since + at(lengths[entry]) <= distance
        if plain:
            total = 0.0
            while True:
                total += (
                    mantissa[entry] * z[distance - at(lengths[entry])]
                    + mantissa[entry + ONE] * z[distance - at(lengths[entry + ONE])]
                ) + mantissa[entry + TWO] * z[distance - at(lengths[entry + TWO])]
                if group & 1 == 0:
                    break
                group = automaton.following[group >> 2]
                entry = at(GROUP) * at(group >> 2)
            # The single byte comes last: it waits for the position just before.
            total += mantissa[single] * latest
        else:
            total, top = edge_term(automaton, weights, single, z, exponents, distance)
            while True:
                for i in range(GROUP):
                    if mantissa[entry + at(i)] != 0.0:
                        term, exponent = edge_term(
                            automaton, weights, entry + at(i), z, exponents, distance
                        )
                        total, top = add(total, top, term, exponent)
                if group & 1 == 0:
                    break
                group = automaton.following[group >> 2]
                entry = at(GROUP) * at(group >> 2)
        if total < _HALF_DOWN:
            total *= _UP
            top -= 1
            plain = False
        elif total >= _HALF_UP:
            total *= _DOWN
            top += 1
            plain = False
        if top != exponents[distance - ONE] and weights.plain:
            since = distance
        matches[byte] |= np.uint32(2 * plain)
        latest = total
        z[distance], exponents[distance] = total, top
