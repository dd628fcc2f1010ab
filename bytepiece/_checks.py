"""Checks of the numbers that callers give: one message for each kind of mistake."""

import os
from typing import Any

import numpy as np

from bytepiece._messages import shown
from bytepiece.errors import ArgumentError


def unsigned(value: int, bits: int, name: str) -> int:
    """Return a whole number that is not negative as an int.

    Args:
        value: the argument, an int or a NumPy integer.
        bits: the value must be in 0…2^bits − 1.
        name: the argument's name, for the message.

    Raises:
        ArgumentError: if the value is not a whole number or is outside its range.
    """
    # A plain int is by far the most common: one call of `encode` for a sample checks four numbers.
    if type(value) is not int and not is_whole(value):
        raise ArgumentError(f"{name} must be a whole number, not {shown(value)}")
    if not 0 <= value < 1 << bits:
        raise ArgumentError(f"{name} must be in 0…2^{bits} − 1, not {shown(value)}")
    return int(value)


def seed_number(seed: int | None) -> int:
    """Return a seed as an int.

    None stands for a fresh seed from the operating system.

    Raises:
        ArgumentError: if the seed is not a whole number in 0…2^64 − 1.
    """
    if seed is None:
        return int.from_bytes(os.urandom(8), "little")
    return unsigned(seed, 64, "seed")


def check_whole(value: int, name: str, least: int) -> int:
    """Return a whole number as an int; a truth value is not a number.

    Args:
        value: the argument, an int or a NumPy integer.
        name: the argument's name, for the message.
        least: the smallest value allowed.

    Raises:
        ArgumentError: if the value is not a whole number or is below `least`.
    """
    if not is_whole(value) or value < least:
        raise ArgumentError(
            f"{name} must be a whole number of at least {least}, not {shown(value)}"
        )
    return int(value)


def is_whole(value: object) -> bool:
    """Return whether an argument is a whole number of Python or NumPy, and no truth value."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def plain(value: Any) -> Any:
    """Return a value with Python's numbers in place of NumPy's, so that it is written alike."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(map(plain, value))
    return value


def is_number(value: object) -> bool:
    """Return whether an argument is a number of Python or NumPy; a truth value is not a number."""
    number = isinstance(value, (int, float, np.integer, np.floating))
    return number and not isinstance(value, bool)
