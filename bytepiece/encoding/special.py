"""Special tokens inside a text: which ones count, and where they stand."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Literal

import ahocorasick
import numpy as np

from bytepiece._checks import unsigned
from bytepiece.errors import ArgumentError
from bytepiece.rules.character_classes import WHITE

_MOST_ALTERNATIVES = 64
"""The most names that are searched by a regular expression; an automaton searches more names. With
three names that begin with "<", the expression goes through 10 MB of text in 16 ms, the automaton
in 70. But wherever a name may begin, the expression tries the names one after another, while the
automaton's time does not depend on their number. So the expression is used only if all names also
begin with the same byte."""


_WHITE = re.compile(f"[{WHITE}]")
_JOINERS = "\u200c\u200d"


class SpecialTokens:
    """The special tokens that count as such inside a text, and a matcher that finds them.

    Build it once for a set of names and use it for many texts. Immutable.

    Args:
        ids: the id of each name.
        flags: the flags of some names; see `bytepiece.model.SpecialToken`.

    >>> tokens = SpecialTokens({"<eos>": 2})
    >>> tokens.split(b"one<eos>two")
    ([b'one', b'two'], [b'<eos>'])
    """

    def __init__(
        self, ids: Mapping[str, int], flags: Mapping[str, Collection[str]] | None = None
    ) -> None:
        self.ids = {name.encode("utf-8"): id_ for name, id_ in ids.items() if name}
        """The id of each name in UTF-8."""
        given = {} if flags is None else {name: flags[name] for name in ids if flags.get(name)}
        self._flags = {name.encode("utf-8"): frozenset(some) for name, some in given.items()}
        self._bare = {_stripped(name): self.ids[name] for name in self._flags}
        self._pattern: re.Pattern[bytes] | None = None
        one_beginning = len({name[0] for name in self.ids}) == 1
        if one_beginning and len(self.ids) <= _MOST_ALTERNATIVES:
            longest_first = sorted(self.ids, key=len, reverse=True)
            self._pattern = re.compile(b"(" + b"|".join(map(re.escape, longest_first)) + b")")
        elif self.ids:
            self._automaton = ahocorasick.Automaton()
            for name in self.ids:
                self._automaton.add_word(_spelled(name), name)
            self._automaton.make_automaton()

    def __bool__(self) -> bool:
        return bool(self.ids)

    def __reduce__(
        self,
    ) -> tuple[type["SpecialTokens"], tuple[dict[str, int], dict[str, set[str]]]]:
        return SpecialTokens, (
            {name.decode("utf-8"): id_ for name, id_ in self.ids.items()},
            {name.decode("utf-8"): {*some} for name, some in self._flags.items()},
        )

    def id_of(self, covered: bytes) -> int | None:
        """Return the id of a token by the text that it covers; None for another text."""
        found = self.ids.get(covered)
        return self._bare.get(_stripped(covered)) if found is None else found

    def find(self, together: bytes) -> list[tuple[int, int]]:
        """Return where tokens stand in texts that lie end to end: (start, stop) of each.

        Every token that `split` finds in one of the texts shares a byte with one of them. Some of
        them may stand across the end of a text.
        """
        if self._pattern is not None:
            return [match.span() for match in self._pattern.finditer(together)]
        if not self.ids:
            return []
        return [
            (last + 1 - len(name), last + 1)
            for last, name in self._automaton.iter(_spelled(together))
        ]

    def split(self, raw: bytes) -> tuple[list[bytes], list[bytes]]:
        """Cut a text at the special tokens in it.

        If tokens overlap, the token that begins first is found. If tokens begin at the same place,
        the longest of them is found.

        Args:
            raw: the text, not normalized, since a special token is found as it is spelled.

        Returns:
            the stretches of text before, between and behind special tokens, some of them perhaps
            empty; and the text that each of these tokens covers, one fewer than stretches: its
            name, and white space around it if its flags say so.
        """
        if self._flags:
            return self._split_by_flags(raw)
        return self._split(raw)

    def _split_by_flags(self, raw: bytes) -> tuple[list[bytes], list[bytes]]:
        found, covered = [], []
        stretches, names = self._split(raw)
        done = stop = 0  # where the last token ends: with white space, by its name
        for stretch, name in zip(stretches, names, strict=False):
            start = stop + len(stretch)
            stop = start + len(name)
            flags = self._flags.get(name, ())
            if "single_word" in flags and _touches_word(raw, start, stop):
                continue
            low, high = start, stop
            if "lstrip" in flags:
                low = max(done, _white_before(raw, start))
            if "rstrip" in flags:
                high = _white_after(raw, stop)
            found.append(raw[done:low])
            covered.append(raw[max(low, done) : high])
            done = high
        return [*found, raw[done:]], covered

    def _split(self, raw: bytes) -> tuple[list[bytes], list[bytes]]:
        """Cut a text at the names of special tokens, without regard to flags."""
        if self._pattern is not None:
            parts = self._pattern.split(raw)
            return parts[::2], parts[1::2]
        if not self.ids:
            return [raw], []
        found = sorted(
            (last + 1 - len(name), -len(name), name)
            for last, name in self._automaton.iter(_spelled(raw))
        )
        stretches, names = [], []
        done = 0
        # iter_long is not used. It misses a name that begins inside an unfinished longer name.
        for start, negative_length, name in found:
            if start >= done:
                stretches.append(raw[done:start])
                names.append(name)
                done = start - negative_length
        return [*stretches, raw[done:]], names


def _stripped(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape").strip()


def _character(raw: bytes, place: int, before: bool) -> bytes:
    """Return the character that ends or begins at a place; it is empty at the ends of the text."""
    if before:
        start = max(place - 1, 0)
        while start > 0 and place - start < 4 and raw[start] & 0xC0 == 0x80:
            start -= 1
        return raw[start:place]
    stop = min(place + 1, len(raw))
    while stop < len(raw) and stop - place < 4 and raw[stop] & 0xC0 == 0x80:
        stop += 1
    return raw[place:stop]


def _white_before(raw: bytes, place: int) -> int:
    while _WHITE.fullmatch((char := _character(raw, place, True)).decode("utf-8", "replace")):
        place -= len(char)
    return place


def _white_after(raw: bytes, place: int) -> int:
    while _WHITE.fullmatch((char := _character(raw, place, False)).decode("utf-8", "replace")):
        place += len(char)
    return place


def _touches_word(raw: bytes, start: int, stop: int) -> bool:
    r"""Return whether a character beside a stretch matches `\w` of Rust's regular expressions."""
    for beside in (_character(raw, start, True), _character(raw, stop, False)):
        char = beside.decode("utf-8", "replace")
        if char and (unicodedata.category(char[0])[0] in "LM" or char in _JOINERS):
            return True
        if char and unicodedata.category(char[0]) in ("Nd", "Nl", "Pc"):
            return True
    return False


def _spelled(raw: bytes) -> str | bytes:
    """Return bytes in the type that pyahocorasick was built for.

    Some builds of pyahocorasick take characters, others take bytes. Latin-1 makes one character of
    each byte, so offsets are the same.
    """
    return raw.decode("latin-1") if ahocorasick.unicode else raw


AllowedSpecial = Literal["all"] | Iterable[str] | SpecialTokens
"""Which special tokens count inside a text: all, some names, or names with ids."""

NO_TOKENS = SpecialTokens({})


class TokenMatchers:
    """The matchers of one tokenizer: made when a set of names is first asked for, then kept.

    Args:
        ids: the ids of the model's special tokens by name.
        flags: their flags by name.
    """

    _KEPT = 8

    def __init__(self, ids: Mapping[str, int], flags: Mapping[str, Collection[str]]) -> None:
        self._ids = dict(ids)
        self._flags = dict(flags)
        self._all = SpecialTokens(ids, flags)
        # The dict is replaced as a whole, so that several threads may replace it at once.
        self._latest: dict[frozenset[tuple[str, int]], SpecialTokens] = {}

    def of(self, allowed_special: AllowedSpecial) -> SpecialTokens:
        """Return the tokens that an argument `allowed_special` allows.

        Raises:
            ArgumentError: if the argument has another type, or names a token that the model lacks.
        """
        if type(allowed_special) is tuple and not allowed_special:  # the default, to be quick
            return NO_TOKENS
        if isinstance(allowed_special, np.ndarray):
            allowed_special = allowed_special.tolist()
        if isinstance(allowed_special, SpecialTokens):
            return allowed_special
        if allowed_special == "all":
            return self._all
        if isinstance(allowed_special, str) or not isinstance(allowed_special, Iterable):
            raise ArgumentError('allowed_special must be "all" or a collection of names')
        ids: dict[str, int] = {}
        if isinstance(allowed_special, Mapping):
            for name, id_ in allowed_special.items():
                if not isinstance(name, str):
                    raise ArgumentError(f"the name of a special token is a str, not {name!r:.30}")
                ids[name] = unsigned(id_, 24, "the id of a special token")
        else:
            for name in allowed_special:
                if not isinstance(name, str) or name not in self._ids:
                    raise ArgumentError(f"the model has no special token {name!r}")
                ids[name] = self._ids[name]
        if not ids:
            return NO_TOKENS
        key = frozenset(ids.items())
        tokens = self._latest.get(key)
        if tokens is None:
            tokens = SpecialTokens(ids, self._flags)
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
