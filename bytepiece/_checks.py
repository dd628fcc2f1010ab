"""Checks of numbers that callers give."""

import secrets
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from bytepiece.errors import ArgumentError


def unsigned(value: int, bits: int, name: str) -> np.uint64:
    """Return a whole number as kernels take it.

    Args:
        value: the number.
        bits: how many bits it may have.
        name: what the error calls it.

    Raises:
        ArgumentError: if it is not a whole number of that size.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ArgumentError(f"{name} must be a whole number, not {value!r:.30}")
    if not 0 <= value < 1 << bits:
        raise ArgumentError(f"{name} must be in 0…2^{bits} − 1, not {value}")
    word: np.uint64 = np.uint64(value)
    return word


def unsigned_array(values: Iterable[int], name: str) -> npt.NDArray[np.uint64]:
    """Return numbers of 64 bits as kernels take them.

    Raises:
        ArgumentError: if one of them is not a whole number of 64 bits.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        if values.ndim != 1 or (values.size and values.min() < 0):
            raise ArgumentError(f"{name} must be one row of numbers of at least 0")
        return values.astype(np.uint64)
    return np.array([unsigned(value, 64, f"each of {name}") for value in values], dtype=np.uint64)


def seed_word(seed: int | None) -> np.uint64:
    """Return a seed as kernels take it; for None, a fresh one from the operating system.

    Raises:
        ArgumentError: if it is not a whole number of 64 bits.
    """
    return unsigned(secrets.randbits(64) if seed is None else seed, 64, "seed")


def check_whole(value: int, name: str, least: int) -> int:
    """Return a number as an int.

    Raises:
        ArgumentError: if it is not a whole number of at least `least`.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ArgumentError(f"{name} must be a whole number of at least {least}, not {value!r:.30}")
    return int(value)
