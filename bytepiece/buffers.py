"""Arrays that grow inside kernels."""

import numpy as np

from bytepiece._jit import Array, Scalar, kernel


# Loops, where slices would do: compiling a slice assignment takes two seconds, for the message
# it might have to raise.
@kernel
def room(out: Array, filled: Scalar, more: Scalar) -> Array:
    """`out`, or a larger copy of it, so that `more` elements fit after the first `filled`."""
    if filled + more <= len(out):
        return out
    larger = np.empty(max(filled + more, len(out) * 2), dtype=out.dtype)
    for i in range(filled):
        larger[i] = out[i]
    return larger


@kernel
def head(out: Array, filled: Scalar) -> Array:
    """A copy of the first `filled` elements of `out`."""
    kept = np.empty(filled, dtype=out.dtype)
    for i in range(filled):
        kept[i] = out[i]
    return kept
