"""What is asked of an edit: sizes and threads in their ranges."""

import operator
from typing import SupportsIndex

from bytepiece.errors import ArgumentError
from bytepiece.parallel import usable_cores


def size_of(vocab_size: SupportsIndex, least: int, why_least: str, most: int, why_most: str) -> int:
    """A vocabulary size in its range.

    Args:
        why_least, why_most: what the error says of the bounds.
    """
    size = _whole("vocab_size", vocab_size)
    if size < least:
        raise ArgumentError(f"vocab_size must be at least {least}, not {size}: {why_least}")
    if size > most:
        raise ArgumentError(f"vocab_size must be at most {most}, not {size}: {why_most}")
    return size


def threads_of(threads: SupportsIndex | None) -> int:
    """How many threads to use: all cores that this process may use, by default."""
    if threads is None:
        return usable_cores()
    number = _whole("threads", threads)
    if number < 1:
        raise ArgumentError(f"threads must be at least 1, not {number}")
    return number


def _whole(name: str, value: SupportsIndex) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise ArgumentError(f"{name} must be a whole number, not {value!r:.30}") from None
