"""The check of the vocabulary size that the caller of an edit gives."""

import operator
from typing import SupportsIndex

from bytepiece._messages import shown
from bytepiece.errors import ArgumentError


def size_of(vocab_size: SupportsIndex, least: int, why_least: str, most: int, why_most: str) -> int:
    """Return a vocabulary size.

    Args:
        vocab_size: the size that the caller gives.
        least, most: its bounds.
        why_least, why_most: the reasons for the bounds, for messages.

    Raises:
        ArgumentError: if it is not a whole number within the bounds.
    """
    try:
        size = operator.index(vocab_size)
    except TypeError:
        raise ArgumentError(f"vocab_size must be a whole number, not {shown(vocab_size)}") from None
    if size < least:
        raise ArgumentError(f"vocab_size must be at least {least}, not {shown(size)}: {why_least}")
    if size > most:
        raise ArgumentError(f"vocab_size must be at most {most}, not {shown(size)}: {why_most}")
    return size
