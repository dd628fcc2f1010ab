"""The rules of SentencePiece and Hugging Face: how they normalize a text and how they decode.

A model that is read from another library's file keeps that library's rules. The rules turn a text
into the bytes that are segmented. In these bytes a space is a space, not U+2581.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

from bytepiece._arrays import I64
from bytepiece.errors import ModelError
from bytepiece.rules.character_classes import MARKS, WHITE, characters
from bytepiece.rules.character_map import SPACE, SentencePieceNormalizer, check_charsmap
from bytepiece.rules.grapheme_map import GraphemeMap
from bytepiece.rules.origins import (
    Edit,
    Step,
    by_byte,
    of_edits,
    of_matches,
    of_parts,
    of_step,
    replace_invalid,
    trace,
)
from bytepiece.rules.patterns import compiled
from bytepiece.rules.protobuf import integer
from bytepiece.rules.sentencepiece_message import NormalizerField

if TYPE_CHECKING:
    from bytepiece.kernels.normalizing import CharacterTables
    from bytepiece.rules.character_tables import LibraryTables

MAX_SYMBOLS = 1 << 16
"""Most symbols of `SentencePieceRules`."""
MAX_STEPS = 64
"""Most steps of `HuggingFaceRules`."""
MAX_GROWTH = 1024
"""All replacements together may make a text at most this many times as long."""

Prefix = Literal["always", "first", "never"]
"""Where a text gets a space in front; see `HuggingFaceRules`."""


@dataclass(frozen=True)
class SentencePieceRules:
    """SentencePiece's normalization; the `sentencepiece` package itself does the work.

    Args:
        charsmap: the compiled character map, `precompiled_charsmap` in a .model file: it says
            which characters become which. Empty for none.
        add_dummy_prefix: put a space before a text that is not empty.
        remove_extra_whitespaces: remove spaces at both ends of a text, and replace each run of
            spaces by one space.
        treat_whitespace_as_suffix: put the space after the text instead of before it.
        symbols: stretches of text that stay as they are.
    """

    charsmap: bytes = b""
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True
    treat_whitespace_as_suffix: bool = False
    symbols: tuple[str, ...] = ()

    unknown = b" \xe2\x81\x87 "
    """The bytes that an unknown token is decoded to."""

    def __post_init__(self) -> None:
        check_charsmap(self.charsmap)
        for name in ("add_dummy_prefix", "remove_extra_whitespaces", "treat_whitespace_as_suffix"):
            if not isinstance(getattr(self, name), bool):
                raise ModelError(f"{name} must be true or false, not {getattr(self, name)!r:.60}")
        if not isinstance(self.symbols, tuple) or len(self.symbols) > MAX_SYMBOLS:
            raise ModelError(f"symbols must be up to {MAX_SYMBOLS} texts")
        for symbol in self.symbols:
            if not isinstance(symbol, str) or not symbol or "\0" in symbol:
                raise ModelError(f"a symbol must be a text without NUL, not {symbol!r:.60}")
            _check_unicode(symbol)
        if len(set(self.symbols)) < len(self.symbols):
            raise ModelError("a symbol occurs twice")

    @property
    def strips(self) -> Literal["never", "once", "all"]:
        """How many tokens at the beginning of a text lose their leading space in decoding.

        "once": only the first token that has a leading space. "all": every token up to the first
        token that is more than a space. After a token that is only a space, the next token loses
        its space, too.
        """
        if self.remove_extra_whitespaces:
            return "all"
        return "once" if self.add_dummy_prefix else "never"

    def normalize(self, stretches: Sequence[bytes]) -> list[bytes]:
        """Return the normalized stretches of one text.

        The space before a text goes before its first stretch that is not empty.

        Args:
            stretches: the text, cut at its special tokens.
        """
        return [
            normalizer(stretch) if stretch else stretch
            for stretch, normalizer in zip(stretches, self._chosen(stretches), strict=True)
        ]

    def trace(self, stretches: Sequence[bytes]) -> list[tuple[bytes, I64]]:
        """Return the normalized stretches of one text, each with the origins of its bytes.

        See `bytepiece.rules.origins`.
        """
        traced = []
        for stretch, normalizer in zip(stretches, self._chosen(stretches), strict=True):
            after, origins = normalizer.trace(stretch)
            traced.append((after, by_byte(stretch, after, origins)))
        return traced

    def _chosen(self, stretches: Sequence[bytes]) -> list[SentencePieceNormalizer]:
        """Return the normalizer of each stretch."""
        plain, with_space = self._normalizers
        chosen = [plain] * len(stretches)
        filled = [i for i, stretch in enumerate(stretches) if stretch]
        if filled and self.add_dummy_prefix:
            chosen[filled[-1 if self.treat_whitespace_as_suffix else 0]] = with_space
        return chosen

    @cached_property
    def _normalizers(self) -> tuple[SentencePieceNormalizer, SentencePieceNormalizer]:
        """A normalizer that adds no space to a text, and one that adds it."""
        flags = integer(NormalizerField.REMOVE_EXTRA_WHITESPACES, self.remove_extra_whitespaces)
        plain, with_space = (
            SentencePieceNormalizer(
                self.charsmap,
                flags + integer(NormalizerField.ADD_DUMMY_PREFIX, space),
                self.treat_whitespace_as_suffix,
                self.symbols,
            )
            for space in (False, True)
        )
        return plain, with_space

    @cached_property
    def tables(self) -> "CharacterTables | None":
        """The tables by which a kernel normalizes; None if only `normalize` can do it."""
        # Imported here, because it imports Numba.
        from bytepiece.rules.character_tables import character_tables  # noqa: PLC0415

        return character_tables(self.charsmap, self.symbols)

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits, the same for equal rules."""
        return _fingerprint(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # The normalizers and the tables are left out: they are built again when they are needed.
        return SentencePieceRules, tuple(getattr(self, name) for name in self.__match_args__)

    def __repr__(self) -> str:
        names = (
            "add_dummy_prefix",
            "remove_extra_whitespaces",
            "treat_whitespace_as_suffix",
        )
        shown = [name for name in names if getattr(self, name)]
        if self.charsmap:
            shown.insert(0, f"charsmap of {len(self.charsmap)} bytes")
        if self.symbols:
            shown.append(f"{len(self.symbols)} symbols")
        return f"SentencePiece: {', '.join(shown) or 'nothing'}"


@dataclass(frozen=True)
class HuggingFaceRules:
    """The normalizer and the pre-tokenizer of a tokenizer.json, for the steps that bytepiece knows.

    Args:
        steps: the normalizer's steps in the order of their application. A step is one of
            ("NFC",), ("NFD",), ("NFKC",), ("NFKD",): a Unicode normalization form;
            ("charsmap", bytes): SentencePiece's map, applied by grapheme clusters;
            ("squeeze", text): the text replaces each run of two or more spaces;
            ("replace", old, new);
            ("pattern", pattern, new): replace each match of a regular expression;
            ("lowercase",): make each character lower case by itself;
            ("accents",): remove combining marks;
            ("words",): put a space before each word, and remove all other white space;
            ("strip", left, right): remove white space at these ends;
            ("prepend", text): put the text before a text that is not empty.
        prefix: where a text that does not begin with a space gets one in front: "always" (also
            after a special token), "first" (only at the beginning of the text) or "never".
        spaces: U+2581 counts as a space.
        strips: "once" if decoding removes the leading space of the first token.
    """

    steps: tuple[tuple[Any, ...], ...] = ()
    prefix: Prefix = "never"
    spaces: bool = True
    strips: Literal["never", "once"] = "never"

    unknown = b""
    """The bytes that an unknown token is decoded to."""

    def __post_init__(self) -> None:
        if not isinstance(self.steps, tuple) or len(self.steps) > MAX_STEPS:
            raise ModelError(f"steps must be up to {MAX_STEPS} tuples")
        growth = 1.0
        for step in self.steps:
            _check_step(step)
            if step[0] in ("squeeze", "replace", "pattern"):
                least = {"squeeze": 2, "replace": len(step[1]), "pattern": 1}[step[0]]
                growth *= max(1.0, len(step[-1]) / least)
        if growth > MAX_GROWTH:
            raise ModelError(f"its replacements make a text more than {MAX_GROWTH} times as long")
        if self.prefix not in ("always", "first", "never"):
            raise ModelError(f"prefix must be always, first or never, not {self.prefix!r:.60}")
        if not isinstance(self.spaces, bool):
            raise ModelError(f"spaces must be true or false, not {self.spaces!r:.60}")
        if self.strips not in ("never", "once"):
            raise ModelError(f"strips must be never or once, not {self.strips!r:.60}")

    def normalize(self, stretches: Sequence[bytes]) -> list[bytes]:
        """Return the normalized stretches of one text.

        Args:
            stretches: the text, cut at its special tokens.
        """
        return [
            self._normalize(stretch, i == 0) if stretch else stretch
            for i, stretch in enumerate(stretches)
        ]

    def trace(self, stretches: Sequence[bytes]) -> list[tuple[bytes, I64]]:
        """Return the normalized stretches of one text, each with the origins of its bytes.

        See `bytepiece.rules.origins`.
        """
        traced = []
        for i, stretch in enumerate(stretches):
            steps: list[Step] = [partial(self._traced, step) for step in self._all(i == 0)]
            traced.append(trace(stretch, [replace_invalid, *steps] if self._changes else []))
        return traced

    @property
    def _changes(self) -> bool:
        """Whether these rules change texts."""
        return bool(self.steps) or self.spaces or self.prefix != "never"

    def _all(self, first: bool) -> tuple[tuple[Any, ...], ...]:
        """Return the steps for a stretch of a text, and those of the pre-tokenizer after them."""
        steps = self.steps
        if self.spaces:
            steps += (("replace", SPACE, " "),)
        if self.prefix == "always" or (self.prefix == "first" and first):
            steps += (("space",),)
        return steps

    def _normalize(self, raw: bytes, first: bool) -> bytes:
        if not self._changes:
            return raw
        text = raw.decode("utf-8", "replace")
        for step in self._all(first):
            text = self._apply(text, *step)
        return text.encode()

    def _traced(self, step: tuple[Any, ...], text: str) -> tuple[str, I64]:
        """Return the text after a step, and the origins of its characters.

        Every step works: `of_step` needs to know nothing about it. A step that replaces a pattern,
        or counts places itself, has a line here, since its origins are then exact.
        """
        name, *arguments = step
        after = self._apply(text, *step)
        if name == "charsmap":
            charsmap = self._charsmaps[arguments[0]]
            clusters = charsmap.clusters(text)
            if clusters:
                return after, of_parts(charsmap, text, after, clusters)
        if name == "words":
            return after, of_edits(len(text), _edits_of_words(text))
        if name == "replace" and len(arguments[0]) == len(arguments[1]) == 1:
            return after, of_edits(len(text), ())
        if name in ("squeeze", "replace", "pattern"):
            pattern = " {2,}" if name == "squeeze" else re.escape(arguments[0])
            found = compiled(arguments[0]) if name == "pattern" else pattern
            return after, of_matches(text, found, len(arguments[-1]))
        return after, of_step(lambda part: self._apply(part, *step), text, after)

    def _apply(self, text: str, name: str, *arguments: Any) -> str:
        if name == "charsmap":
            return self._charsmaps[arguments[0]](text)
        if name == "squeeze":
            return re.sub(" {2,}", lambda _: arguments[0], text)
        if name == "pattern":
            return compiled(arguments[0]).sub(lambda _: arguments[1], text)
        if name == "lowercase":
            return "".join(map(str.lower, text))  # a whole text has another small sigma
        if name == "accents":
            marks = characters(MARKS)
            return text if marks.isdisjoint(text) else "".join(c for c in text if c not in marks)
        if name == "words":
            words = re.findall(f"[^{WHITE}]+", text)
            return "".join(word if word.startswith(SPACE) else SPACE + word for word in words)
        if name == "replace":
            return text.replace(*arguments)
        if name == "strip":
            # Python's `strip` removes four more characters.
            text = re.sub(rf"\A[{WHITE}]+", "", text) if arguments[0] else text
            return re.sub(rf"(?<![{WHITE}])[{WHITE}]+\Z", "", text) if arguments[1] else text
        if name == "prepend":
            return arguments[0] + text if text else text
        if name == "space":
            return " " + text if text and not text.startswith(" ") else text
        return unicodedata.normalize(name, text)  # type: ignore[arg-type]

    @cached_property
    def tables(self) -> "LibraryTables | None":
        """The tables by which a kernel normalizes; None if only `normalize` can do it."""
        # Imported here, because it imports Numba.
        from bytepiece.rules.character_tables import library_tables  # noqa: PLC0415

        return library_tables(self.steps) if self.spaces else None

    @cached_property
    def _charsmaps(self) -> dict[bytes, GraphemeMap]:
        return {step[1]: GraphemeMap(step[1]) for step in self.steps if step[0] == "charsmap"}

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits, the same for equal rules."""
        return _fingerprint(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return HuggingFaceRules, (self.steps, self.prefix, self.spaces, self.strips)

    def __repr__(self) -> str:
        shown = [
            f"charsmap of {len(step[1])} bytes"
            if step[0] == "charsmap"
            else " ".join([step[0], *map(repr, step[1:])])
            for step in self.steps
        ]
        shown.append(f"prefix {self.prefix}")
        return f"Hugging Face: {', '.join(shown)}"


LibraryRules = SentencePieceRules | HuggingFaceRules
"""The rules of one of the other libraries."""


def _fingerprint(rules: LibraryRules) -> str:
    fields = [type(rules).__name__, *(getattr(rules, name) for name in rules.__match_args__)]
    return hashlib.sha256(json.dumps(fields, default=bytes.hex).encode()).hexdigest()


def _edits_of_words(text: str) -> list[Edit]:
    """Return the edits that put U+2581 before each word and remove all other white space."""
    edits = []
    done = 0
    for word in re.finditer(f"[^{WHITE}]+", text):
        edits.append((done, word.start(), 0 if word[0].startswith(SPACE) else 1))
        done = word.end()
    return [*edits, (done, len(text), 0)]


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ModelError(f"{text!r:.60} is not valid Unicode") from None


_STEP_ARGUMENTS: dict[str, tuple[type, ...]] = {
    "NFC": (),
    "NFD": (),
    "NFKC": (),
    "NFKD": (),
    "charsmap": (bytes,),
    "squeeze": (str,),
    "replace": (str, str),
    "pattern": (str, str),
    "lowercase": (),
    "accents": (),
    "words": (),
    "strip": (bool, bool),
    "prepend": (str,),
}


def _check_step(step: object) -> None:
    if not isinstance(step, tuple) or not step or not isinstance(step[0], str):
        raise ModelError(f"a step must be a tuple that begins with its name, not {step!r:.60}")
    name, *arguments = step
    if name not in _STEP_ARGUMENTS or tuple(map(type, arguments)) != _STEP_ARGUMENTS[name]:
        raise ModelError(f"unknown step {step!r:.60}; known are {', '.join(_STEP_ARGUMENTS)}")
    if name == "charsmap":
        check_charsmap(arguments[0])
    for argument in arguments:
        if isinstance(argument, str):
            _check_unicode(argument)
    if name == "pattern":
        compiled(arguments[0])
    if name == "replace" and not arguments[0]:
        raise ModelError("a step replaces the empty text")
