"""Special tokens inside a text: which ones count, and where they stand."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

import ahocorasick

from bytepiece._checks import unsigned
from bytepiece.errors import ArgumentError
from bytepiece.rules.text import Text, to_bytes

_MOST_ALTERNATIVES = 64
"""Most names for which a regular expression is used. With three names that all begin with "<", it
goes through 10 MB of text in 17 ms and the automaton in 70. An expression tries the names one
after another wherever one may begin; the automaton's time does not depend on how many they are."""


class SpecialTokens:
    """The special tokens that count as such inside a text, and a matcher that finds them.

    Build it once for a set of names and use it for many texts. Immutable.

    Args:
        ids: the id of each name.

    >>> tokens = SpecialTokens({"<eos>": 2})
    >>> tokens.split("one<eos>two")
    [b'one', '<eos>', b'two']
    """

    def __init__(self, ids: Mapping[str, int]) -> None:
        self.ids = dict(ids)
        self._names = {name.encode("utf-8"): name for name in self.ids if name}
        self._pattern: re.Pattern[bytes] | None = None
        if (
            0 < len(self._names) <= _MOST_ALTERNATIVES
            and len({name[0] for name in self._names}) == 1
        ):
            longest_first = sorted(self._names, key=len, reverse=True)
            self._pattern = re.compile(b"(" + b"|".join(map(re.escape, longest_first)) + b")")
        elif self._names:
            self._automaton = ahocorasick.Automaton()
            for name in self._names:
                self._automaton.add_word(_spelled(name), name)
            self._automaton.make_automaton()

    def __bool__(self) -> bool:
        return bool(self._names)

    def split(self, text: Text) -> list[bytes | str]:
        """Cut a text at the special tokens in it.

        Of the tokens that overlap, the one that begins first is found; of those that begin at the
        same place, the longest.

        Args:
            text: not normalized, since a special token is found as it is spelled.

        Returns:
            what stands before, between and behind special tokens, as bytes, in turn with the names
            of these tokens, as str. The first and the last are bytes, perhaps empty.
        """
        raw = to_bytes(text)
        if self._pattern is not None:
            found = self._pattern.split(raw)
        elif self._names:
            found = self._split_by_automaton(raw)
        else:
            return [raw]
        found[1::2] = map(self._names.__getitem__, found[1::2])
        return found

    def _split_by_automaton(self, raw: bytes) -> list[bytes]:
        found = sorted(
            (last + 1 - len(name), -len(name), name)
            for last, name in self._automaton.iter(_spelled(raw))
        )
        parts: list[bytes] = []
        done = 0
        # Not iter_long: it misses a name that begins inside another one that breaks off.
        for start, negative_length, name in found:
            if start >= done:
                parts += [raw[done:start], name]
                done = start - negative_length
        return [*parts, raw[done:]]


def _spelled(raw: bytes) -> str | bytes:
    """Return bytes in the type that pyahocorasick was built for.

    It takes characters or, if it was built so, bytes. Latin-1 makes one character of each byte, so
    offsets are the same.
    """
    return raw.decode("latin-1") if ahocorasick.unicode else raw


AllowedSpecial = Literal["all"] | Iterable[str] | SpecialTokens
"""Which special tokens count inside a text: all, some names, or names with ids."""

NO_TOKENS = SpecialTokens({})


class TokenMatchers:
    """The matchers of one tokenizer: made when a set of names is first asked for, then kept.

    Args:
        ids: the ids of the model's special tokens by name.
    """

    _KEPT = 8

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._all = SpecialTokens(ids)
        # Replaced as a whole, so that threads may race for it.
        self._latest: dict[frozenset[tuple[str, int]], SpecialTokens] = {}

    def of(self, allowed_special: AllowedSpecial) -> SpecialTokens:
        """Return the tokens that an argument `allowed_special` allows.

        Raises:
            ArgumentError: if it is of another kind, or names a token that the model does not have.
        """
        if isinstance(allowed_special, SpecialTokens):
            return allowed_special
        if allowed_special == "all":
            return self._all
        if isinstance(allowed_special, str) or not isinstance(allowed_special, Iterable):
            raise ArgumentError('allowed_special must be "all" or a collection of names')
        ids: dict[str, int] = {}
        if isinstance(allowed_special, Mapping):
            for name, id_ in allowed_special.items():
                ids[name] = int(unsigned(id_, 24, "the id of a special token"))
        else:
            for name in allowed_special:
                if name not in self._all.ids:
                    raise ArgumentError(f"the model has no special token {name!r}")
                ids[name] = self._all.ids[name]
        if not ids:
            return NO_TOKENS
        key = frozenset(ids.items())
        tokens = self._latest.get(key)
        if tokens is None:
            tokens = SpecialTokens(ids)
            kept = list(self._latest.items())[1 - self._KEPT :]
            self._latest = {**dict(kept), key: tokens}
        return tokens


def in_one_order(allowed_special: AllowedSpecial) -> AllowedSpecial:
    """Return the same special tokens in an order that is the same in every process.

    >>> in_one_order({"<pad>", "<eos>"}), in_one_order({"<b>": 9, "<a>": 8})
    (('<eos>', '<pad>'), {'<a>': 8, '<b>': 9})
    """
    if isinstance(allowed_special, str) or not isinstance(allowed_special, Iterable):
        return allowed_special
    if isinstance(allowed_special, Mapping):
        return dict(sorted(allowed_special.items()))
    return tuple(sorted(allowed_special))
