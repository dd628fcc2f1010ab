"""Sizes that an edit may be asked for."""

import operator
from typing import SupportsIndex

from bytepiece.errors import ArgumentError


def size_of(vocab_size: SupportsIndex, least: int, why_least: str, most: int, why_most: str) -> int:
    """A vocabulary size in its range.

    Args:
        why_least, why_most: what the error says of the bounds.
    """
    try:
        size = operator.index(vocab_size)
    except TypeError:
        raise ArgumentError(f"vocab_size must be a whole number, not {vocab_size!r:.30}") from None
    if size < least:
        raise ArgumentError(f"vocab_size must be at least {least}, not {size}: {why_least}")
    if size > most:
        raise ArgumentError(f"vocab_size must be at most {most}, not {size}: {why_most}")
    return size
