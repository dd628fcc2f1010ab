"""Numbers from callers, checked."""

import secrets
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from bytepiece.errors import ArgumentError


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
