"""Sums over all segmentations of a segment, from which samples and probabilities follow.

The weight of a piece is exp(alpha · score), and the weight of a segmentation is the product of the
weights of its pieces. z[d] is the sum of the weights of all segmentations of the segment's last d
bytes. Distances are always from the segment's end, because the automaton that finds the pieces that
begin at a position runs from right to left.

A weight can be smaller than the smallest float64, and z can be far smaller. So both are kept as a
mantissa and an exponent to the base 2^256: value = mantissa · 2^(256 · exponent). The terms of a
sum are aligned to their largest exponent, which is exact. With a base so large, exponents rarely
differ: nearly every term costs one multiplication and one addition, and no alpha needs a second,
logarithmic method.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I64, U8, U32
from bytepiece.errors import ArgumentError
from bytepiece.kernels.automaton import (
    GROUP,
    Automaton,
    first_entry,
    goes_on,
    next_group,
    single_entry,
)
from bytepiece.kernels.jit import UINT_0, UINT_1, UINT_2, Scalar, inlined, inner, uint

MAX_EXPONENT = float(1 << 30)
"""The largest size of alpha · score, in nats. Beyond it a weight's mantissa would have no correct
digit left, and the exponents of long texts would not fit their integers."""

_BITS = 256
_UP = 2.0**_BITS
_DOWN = 2.0**-_BITS
_HALF_UP = 2.0 ** (_BITS // 2)
_HALF_DOWN = 2.0 ** -(_BITS // 2)

NEVER = uint(1 << 62)
"""A distance that no segment has."""

LOG_BASE = _BITS * math.log(2.0)
"""The logarithm of the base of exponents."""

# ln 2 in two parts. The first has 21 trailing zero bits, so that its multiples are exact.
_LN2_HIGH = 0.693147180369123816490
_LN2_LOW = 1.90821492927058770002e-10


class Weights(NamedTuple):
    """The weight exp(alpha · score) of each entry's piece.

    Args:
        mantissa: float64[entries], in (2^-256, 2^128]; 0 for an entry without a piece. The mantissa
            is stored negative if the exponent is not 0. So kernels load the exponent only where it
            is not 0.
        exponent: int32[entries], to the base 2^256.
        plain: whether all exponents are 0, except that of a single byte whose weight is next to
            nothing: at least 2^512 times smaller than that of any other piece.
    """

    mantissa: npt.NDArray[np.float64]
    exponent: npt.NDArray[np.int32]
    plain: bool


def weights(
    automaton: Automaton, scores: npt.NDArray[np.float64], alpha: float, less: F64 | None = None
) -> Weights:
    """Return the weights exp(alpha · score − less) of the pieces.

    Args:
        automaton: the automaton of the pieces.
        scores: float64[pieces], natural-log probabilities.
        alpha: finite, ≥ 0.
        less: float64[pieces], the amount to subtract for each piece, at least 0; None for zeros.

    Raises:
        ArgumentError: if alpha · score is so large that a sum would be wrong.
    """
    with np.errstate(over="ignore"):
        logs = scores * alpha if less is None else scores * alpha - less
    if not np.all(np.abs(logs) <= MAX_EXPONENT):
        raise ArgumentError(
            f"alpha {alpha:g} is too large for scores down to {scores.min():.6g} "
            f"(alpha · score may reach 2^30); for the best path, leave alpha out"
        )
    # Weights not far above 1 need no exponent, and an exponent would cost them digits.
    exponents = np.where((logs > 0) & (logs <= LOG_BASE / 2), 0.0, np.ceil(logs / LOG_BASE))
    bits = exponents * _BITS
    # If the quotient is rounded, the ceiling may be off by one. The mantissa is then just above 1
    # or at 2^-256, and the sums below have room for both.
    mantissas = np.exp((logs - bits * _LN2_HIGH) - bits * _LN2_LOW)
    return Weights(
        automaton.by_entry(np.where(exponents == 0, mantissas, -mantissas), 0),
        automaton.by_entry(exponents.astype(np.int32), 0),
        not exponents.any() or (less is not None and _only_withheld(exponents, less)),
    )


def _only_withheld(exponents: F64, less: F64) -> bool:
    """Return whether only the pieces from which much is subtracted have exponents."""
    return not exponents[less < 3 * LOG_BASE].any()


def mirror(text: U8, bounds: I64) -> tuple[U8, I64]:
    """Return a text from right to left, and its bounds in that order.

    The bounds say where each segment begins, and where the text ends.
    """
    mirrored = text[::-1].copy()
    mirrored.flags.writeable = (
        False  # like the text itself, so that `scan` is compiled once for both
    )
    return mirrored, len(text) - bounds[::-1]


@inner
def scale(term: Scalar, steps: Scalar) -> Scalar:
    """Return term · 2^(256 · steps), for steps ≤ 1."""
    # Mantissas of terms and sums lie in 2^-384 … 2^267. So a number that is moved down three steps
    # is smaller than half of the last bit of the number that it is added to, and changes nothing.
    if steps == 0:
        return term
    if steps == -1:
        return term * _DOWN
    if steps == -2:
        return term * _DOWN * _DOWN
    if steps == 1:
        return term * _UP
    return 0.0


@inner
def add(total: Scalar, top: Scalar, term: Scalar, exponent: Scalar) -> tuple[Scalar, Scalar]:
    """Return (total, top) plus (term, exponent), aligned to the larger exponent."""
    if exponent <= top:
        return total + scale(term, exponent - top), top
    return scale(total, top - exponent) + term, exponent


@inner
def edge_term(
    automaton: Automaton,
    weights: Weights,
    entry: Scalar,
    z: F64,
    exponents: I64,
    distance: Scalar,
) -> tuple[Scalar, Scalar]:
    """Return weight · z[end], for the entry's piece that begins at a distance and ends at `end`."""
    end = distance - uint(automaton.lengths[entry])
    mantissa = weights.mantissa[entry]
    if mantissa < 0.0:
        return -mantissa * z[end], exponents[end] + weights.exponent[entry]
    return mantissa * z[end], exponents[end]


# z is filled from the segment's end to its beginning, by the formula
# z[d] = Σ weight(piece) · z[d − length of the piece].
# If all terms of a sum have the same exponent, this formula is all that is needed. They have the
# same exponent if the exponent has not changed within the reach of the longest piece that begins at
# the position. Otherwise the terms are aligned.
# Cost: a multiplication and an addition per entry of the groups at each position; 16 bytes of
# memory per byte of the longest segment, and 5 bytes of matches and mirrored text per byte of the
# text.
@inlined
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
        automaton: the automaton of the reversed pieces.
        weights: the weights of the pieces.
        text, matches: see `bytepiece.kernels.automaton.scan`. If all terms of z at a position have
            the exponent of z itself, two is added to the reference there.
        start, stop: the bounds of the segment in the mirrored text.
        z: float64[more than the segment's length], to be filled with mantissas.
        exponents: int64[more than the segment's length], to be filled, to the base 2^256.
    """
    z[0], exponents[0] = 1.0, 0
    since = UINT_0 if weights.plain else NEVER
    backward_on(automaton, weights, text, matches, start, stop, 0, since, z, exponents)


@inlined
def backward_on(
    automaton: Automaton,
    weights: Weights,
    text: U8,
    matches: U32,
    start: Scalar,
    stop: Scalar,
    done: Scalar,
    since: Scalar,
    z: F64,
    exponents: I64,
) -> Scalar:
    """Do what `backward` does, for the distances after `done`. The others are filled already.

    Args:
        since: the distance at which the exponent changed last, uint64; `NEVER` if weights have
            exponents, so that terms are always aligned.
        automaton, weights, text, matches, start, stop, z, exponents: see `backward`.

    Returns:
        `since` for the distances that follow.
    """
    lengths, mantissa = automaton.lengths, weights.mantissa
    latest: Scalar = z[done]
    top: Scalar = exponents[done]
    for d in range(done + 1, stop - start + 1):
        distance = uint(d)
        byte = uint(start) + distance - UINT_1
        single = single_entry(automaton, text[byte])
        group = matches[byte]
        entry = first_entry(group)
        plain = since + uint(lengths[entry]) <= distance
        if plain:
            total = 0.0
            while True:
                total += (
                    mantissa[entry] * z[distance - uint(lengths[entry])]
                    + mantissa[entry + UINT_1] * z[distance - uint(lengths[entry + UINT_1])]
                ) + mantissa[entry + UINT_2] * z[distance - uint(lengths[entry + UINT_2])]
                if not goes_on(group):
                    break
                group = next_group(automaton, group)
                entry = first_entry(group)
            # The single byte comes last, since its term has to wait for the position just before.
            # A mantissa below 0 belongs to a byte whose term is too small to change the sum.
            total += max(mantissa[single], 0.0) * latest
            if total == 0.0:  # unless it is the only term
                total, top = edge_term(automaton, weights, single, z, exponents, distance)
                plain = False
        else:
            total, top = edge_term(automaton, weights, single, z, exponents, distance)
            while True:
                for i in range(GROUP):
                    if mantissa[entry + uint(i)] != 0.0:
                        term, exponent = edge_term(
                            automaton, weights, entry + uint(i), z, exponents, distance
                        )
                        total, top = add(total, top, term, exponent)
                if not goes_on(group):
                    break
                group = next_group(automaton, group)
                entry = first_entry(group)
        if total < _HALF_DOWN:
            total *= _UP
            top -= 1
            plain = False
        elif total >= _HALF_UP:
            total *= _DOWN
            top += 1
            plain = False
        if top != exponents[distance - UINT_1] and weights.plain:
            since = distance
        matches[byte] |= np.uint32(2 * plain)
        latest = total
        z[distance], exponents[distance] = total, top
    return since
