"""Checks of the numbers that callers give: one message for each kind of mistake."""

import secrets

import numpy as np

from bytepiece.errors import ArgumentError


def unsigned(value: int, bits: int, name: str) -> np.uint64:
    """Return a whole number as the uint64 that kernels take.

    Args:
        value: the argument, an int or a NumPy integer.
        bits: the value must be in 0…2^bits − 1.
        name: the argument's name, for the message.

    Raises:
        ArgumentError: if the value is not a whole number or is outside its range.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ArgumentError(f"{name} must be a whole number, not {value!r:.30}")
    if not 0 <= value < 1 << bits:
        raise ArgumentError(f"{name} must be in 0…2^{bits} − 1, not {value}")
    word: np.uint64 = np.uint64(value)
    return word


def seed_word(seed: int | None) -> np.uint64:
    """Return a seed as the uint64 that kernels take.

    None stands for a fresh seed from the operating system.

    Raises:
        ArgumentError: if the seed is not a whole number in 0…2^64 − 1.
    """
    return unsigned(secrets.randbits(64) if seed is None else seed, 64, "seed")


def check_whole(value: int, name: str, least: int) -> int:
    """Return a whole number as an int; a truth value is not a number.

    Args:
        value: the argument, an int or a NumPy integer.
        name: the argument's name, for the message.
        least: the smallest value allowed.

    Raises:
        ArgumentError: if the value is not a whole number or is below `least`.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ArgumentError(f"{name} must be a whole number of at least {least}, not {value!r:.30}")
    return int(value)


def is_number(value: object) -> bool:
    """Return whether an argument is a number of Python or NumPy; a truth value is not a number."""
    number = isinstance(value, (int, float, np.integer, np.floating))
    return number and not isinstance(value, bool)
