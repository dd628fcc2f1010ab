"""Sums over all segmentations of a segment: the one home of what sampling is made of.

The weight of a piece is exp(alpha · score); z[p] is the sum, over the segmentations of the text
from position p to the segment's end, of their weights' products. A weight can be smaller than the
smallest float64 and z is smaller by far, so both are a mantissa and an exponent to the base
2^256: value = mantissa · 2^(256 · exponent). Terms of a sum are aligned to their largest exponent,
which moves no bit of what they add. Steps so coarse make unequal exponents rare: the common
term costs one multiplication and one addition, and no alpha needs a second, logarithmic path.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._jit import F64, I64, U8, Scalar, at, kernel
from bytepiece.errors import ArgumentError
from bytepiece.trie import Trie, child

MAX_EXPONENT = float(1 << 30)
"""Largest size of alpha · score, in nats: beyond it a weight's mantissa has no correct digit left
that matters, and exponents of long texts would not fit their integers."""

_BITS = 256
_UP = 2.0**_BITS
_DOWN = 2.0**-_BITS
_HALF_UP = 2.0 ** (_BITS // 2)
_HALF_DOWN = 2.0 ** -(_BITS // 2)

# ln 2 in two parts, the first with 21 trailing zero bits, so that its multiples are exact.
_LN2_HIGH = 0.693147180369123816490
_LN2_LOW = 1.90821492927058770002e-10


class Weights(NamedTuple):
    """exp(alpha · score) at the node where each piece ends.

    Args:
        mantissa: float64[nodes], in (2^-256, 1]; its sign is negative where the exponent is not 0,
            so that the exponent is looked at only there; 0 where no piece ends.
        exponent: int32[nodes], to the base 2^256.
    """

    mantissa: npt.NDArray[np.float64]
    exponent: npt.NDArray[np.int32]


def weights(
    scores: npt.NDArray[np.float64],
    nodes: npt.NDArray[np.int32],
    size: int,
    alpha: float,
) -> Weights:
    """The weights exp(alpha · score) of the pieces.

    Args:
        scores: float64[pieces], natural-log probabilities.
        nodes: int32[pieces], where each piece ends.
        size: how many nodes there are.
        alpha: finite, ≥ 0.

    Raises:
        ArgumentError: alpha · score is too large for a sum to be right.
    """
    with np.errstate(over="ignore"):
        logs = scores * alpha
    if not np.all(np.abs(logs) <= MAX_EXPONENT):
        raise ArgumentError(
            f"alpha {alpha:g} is too large for scores down to {scores.min():.6g} "
            f"(alpha · score may reach 2^30); for the best path, leave alpha out"
        )
    exponents = np.ceil(logs / (_BITS * np.log(2.0)))
    bits = exponents * _BITS
    # The ceiling may be one off when the quotient is rounded: the mantissa is then just above 1
    # or at 2^-256, which the sums below have room for.
    mantissas = np.exp((logs - bits * _LN2_HIGH) - bits * _LN2_LOW)
    table = Weights(np.zeros(size), np.zeros(size, dtype=np.int32))
    table.mantissa[nodes] = np.where(exponents == 0, mantissas, -mantissas)
    table.exponent[nodes] = exponents
    for array in table:
        array.flags.writeable = False
    return table


@kernel
def scale(term: Scalar, steps: Scalar) -> Scalar:
    """Return term · 2^(256 · steps), for steps ≤ 1."""
    # Mantissas of terms and sums lie in 2^-384 … 2^140, so one that is moved down three steps is
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
    weights: Weights, node: Scalar, z: F64, z_exponent: I64, end: Scalar
) -> tuple[Scalar, Scalar]:
    """The weight of the piece that ends at `node`, times z at the position where it ends."""
    mantissa = weights.mantissa[at(node)]
    if mantissa > 0.0:
        return mantissa * z[at(end)], z_exponent[at(end)]
    return -mantissa * z[at(end)], z_exponent[at(end)] + weights.exponent[at(node)]


# From the segment's end to its beginning: z[p] = Σ weight(piece) · z[end of piece], the shortest
# piece first. Cost: the trie steps of the best path, a multiplication and an addition per piece
# that matches; memory 16 bytes per byte of the longest segment.
@kernel
def backward(
    trie: Trie, weights: Weights, text: U8, start: Scalar, stop: Scalar, z: F64, z_exponent: I64
) -> None:
    """Fill z (float64) and z_exponent (int64), both scratch longer than the segment."""
    length = stop - start
    z[length] = 1.0
    z_exponent[length] = 0
    for position in range(length - 1, -1, -1):
        first = np.int64(text[at(start + position)])
        end = position + 1
        total, top = edge_term(weights, np.int64(1 + first), z, z_exponent, end)
        if end < length:
            node = np.int64(trie.pairs[at(first << 8 | text[at(start + end)])])
            while node:
                end += 1
                if trie.units[at(node), 1] & 1:
                    term, exponent = edge_term(weights, node, z, z_exponent, end)
                    total, top = add(total, top, term, exponent)
                if end == length:
                    break
                node = child(trie.units, node, text[at(start + end)])
        if total < _HALF_DOWN:
            total *= _UP
            top -= 1
        elif total >= _HALF_UP:
            total *= _DOWN
            top += 1
        z[at(position)] = total
        z_exponent[at(position)] = top
