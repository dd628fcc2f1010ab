"""Patterns that have no automaton: the package `regex` searches for their matches, slowly."""

import re
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from bytepiece.errors import ArgumentError
from bytepiece.rules.word_automaton import word_automaton
from bytepiece.rules.word_pattern import MAX_PATTERN, PatternError

_SECONDS, _SECONDS_PER_CHARACTER = 5.0, 2e-5
"""How long the search in a text may take. Usual patterns need a tenth of the second number."""
_OTHER = re.compile(r"\\[hHKGyYZQ]|\[:|--|~~|\|\||\(\?[a-z-]*[a-hj-z][a-z-]*[:)]")
"""Parts that mean something else in `regex` than in the libraries, or nothing."""


@lru_cache(maxsize=64)
def searched(pattern: str) -> "SearchedPattern | None":
    """Return a pattern that `regex` has to search for; None if the pattern has an automaton.

    Raises:
        PatternError: if the pattern cannot be used, or if `regex` is not installed.
        ModelError: if the pattern matches the empty text.
    """
    try:
        word_automaton(pattern)
        return None
    except PatternError as error:
        if len(pattern) > MAX_PATTERN or _OTHER.search(pattern):
            raise
        try:
            import regex  # noqa: PLC0415  # few models need it
        except ImportError:
            raise PatternError(
                f"{error}; the package regex can: pip install 'bytepiece[regex]'"
            ) from None
        spelled = re.sub(r"\\.", lambda part: r"\Z" if part[0] == r"\z" else part[0], pattern)
        try:
            found = regex.compile(spelled, regex.V1 | regex.MULTILINE)
        except (regex.error, RecursionError, OverflowError, ValueError):
            raise error from None
        if found.match("") is not None:
            raise PatternError(f"the pattern {pattern!r:.60} matches the empty text") from None
        return SearchedPattern(pattern, found)


class SearchedPattern:
    """A pattern that the package `regex` searches for.

    Args:
        pattern: the pattern, for messages.
        compiled: the pattern as `regex` compiled it.
    """

    def __init__(self, pattern: str, compiled: Any) -> None:
        self._pattern = pattern
        self._compiled = compiled

    def matches(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Yield where each match in a text begins and ends, in bytes.

        Raises:
            ArgumentError: if the search takes too long.
        """
        chars = text.decode("utf-8", "surrogateescape")
        limit = _SECONDS + _SECONDS_PER_CHARACTER * len(chars)
        end = time.monotonic() + limit
        done = size = 0  # characters, and bytes
        try:
            for found in self._compiled.finditer(chars, timeout=limit):
                if found.end() == found.start():
                    continue
                if time.monotonic() > end:
                    raise TimeoutError
                start = size + len(chars[done : found.start()].encode("utf-8", "surrogateescape"))
                size = start + len(found[0].encode("utf-8", "surrogateescape"))
                done = found.end()
                yield start, size
        except TimeoutError:
            raise ArgumentError(
                f"the pattern {self._pattern!r:.60} of this model takes too long in this text"
            ) from None
