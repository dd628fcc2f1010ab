"""What other libraries do with a text before they segment it, and with ids when they decode.

A model that comes from one of them goes by that library's rules. They take a text to the bytes
that are segmented, where a space is a space and not U+2581.
"""

import hashlib
import json
import re
import struct
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from bytepiece.errors import ModelError
from bytepiece.rules.protobuf import field, float32, integer

SPACE = "\u2581"
"""What these libraries spell a space with."""
WHITE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)
WHITE += "\u2028\u2029\u202f\u205f\u3000"
"""Unicode's white space, which Hugging Face's Strip takes off; Python's `strip` knows four more."""
MAX_CHARSMAP = 1 << 24
"""Most bytes of a table of normalizations."""
MAX_SYMBOLS = 1 << 16
MAX_STEPS = 64
MAX_GROWTH = 1024
"""How many times as long replacements may make a text, one after the other."""

Prefix = Literal["always", "first", "never"]
_UNKNOWN, _NORMAL, _SYMBOL = 2, 1, 4


@dataclass(frozen=True)
class SentencePieceRules:
    """SentencePiece's normalization, which the `sentencepiece` package itself carries out.

    Args:
        charsmap: which characters become which, compiled, as `precompiled_charsmap` in its files;
            empty for none.
        add_dummy_prefix: a space is put before a text that is not empty.
        remove_extra_whitespaces: spaces at either end of a text go, and runs of them become one.
        treat_whitespace_as_suffix: the space is put after the text instead.
        symbols: stretches of text that are left as they are.
    """

    charsmap: bytes = b""
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True
    treat_whitespace_as_suffix: bool = False
    symbols: tuple[str, ...] = ()

    unknown = b" \xe2\x81\x87 "
    """What an unknown token is decoded to."""

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
        """Whether decoding takes a space off: of the first token that has one, or of all till text.

        A token that is only a space is then no text, and with "all" the next loses its own as well.
        """
        if self.remove_extra_whitespaces:
            return "all"
        return "once" if self.add_dummy_prefix else "never"

    def normalize(self, stretches: Sequence[bytes]) -> list[bytes]:
        """Normalize the stretches of one text that stand between special tokens.

        The space that goes before a text goes before the first stretch that is not empty.
        """
        filled = [i for i, stretch in enumerate(stretches) if stretch]
        normalized = list(stretches)
        without, with_it = self._processors
        for i in filled:
            wanted = i == filled[-1 if self.treat_whitespace_as_suffix else 0]
            processor = with_it if wanted and self.add_dummy_prefix else without
            normalized[i] = processor(stretches[i])
        return normalized

    @cached_property
    def _processors(self) -> tuple["_Normalizer", "_Normalizer"]:
        """Without the space before the text, and with it."""
        flags = integer(4, self.remove_extra_whitespaces)
        suffix = self.treat_whitespace_as_suffix
        without, with_it = (
            _Normalizer(self.charsmap, flags + integer(3, dummy), suffix, self.symbols)
            for dummy in (False, True)
        )
        return without, with_it

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits, the same for equal rules."""
        return _fingerprint(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the processors, which are built again where they are needed.
        return SentencePieceRules, tuple(getattr(self, name) for name in self.__match_args__)

    def __repr__(self) -> str:
        names = (
            "add_dummy_prefix",
            "remove_extra_whitespaces",
            "treat_whitespace_as_suffix",
        )
        said = [name for name in names if getattr(self, name)]
        if self.charsmap:
            said.insert(0, f"charsmap of {len(self.charsmap)} bytes")
        if self.symbols:
            said.append(f"{len(self.symbols)} symbols")
        return f"SentencePiece: {', '.join(said) or 'nothing'}"


@dataclass(frozen=True)
class HuggingFaceRules:
    """The normalizer and the pre-tokenizer of a tokenizer.json, as far as they are known here.

    Args:
        steps: in this order: ("NFC",) and the other forms; ("charsmap", bytes); ("squeeze", text),
            which puts a text in place of runs of two or more spaces; ("replace", text, text);
            ("strip", left, right); ("prepend", text), if there is any text.
        prefix: where a text gets a space in front unless it begins with one: "always" (also after a
            special token), "first" (only where the text begins) or "never".
        spaces: U+2581 and the space are one.
        strips: decoding takes the space off with which the first token begins.
    """

    steps: tuple[tuple[Any, ...], ...] = ()
    prefix: Prefix = "never"
    spaces: bool = True
    strips: Literal["never", "once"] = "never"

    unknown = b""
    """What an unknown token is decoded to."""

    def __post_init__(self) -> None:
        if not isinstance(self.steps, tuple) or len(self.steps) > MAX_STEPS:
            raise ModelError(f"steps must be up to {MAX_STEPS} tuples")
        growth = 1.0
        for step in self.steps:
            _check_step(step)
            if step[0] in ("squeeze", "replace"):
                least = 2 if step[0] == "squeeze" else len(step[1])
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
        """Normalize the stretches of one text that stand between special tokens."""
        return [
            self._normalize(stretch, i == 0) if stretch else stretch
            for i, stretch in enumerate(stretches)
        ]

    def _normalize(self, raw: bytes, first: bool) -> bytes:
        if not self.steps and not self.spaces and self.prefix == "never":
            return raw
        text = raw.decode("utf-8", "replace")
        for step in self.steps:
            text = self._stepped(text, *step)
        if self.spaces:
            text = text.replace(SPACE, " ")
        wanted = self.prefix == "always" or (self.prefix == "first" and first)
        if wanted and text and not text.startswith(" "):
            text = " " + text
        return text.encode()

    def _stepped(self, text: str, name: str, *arguments: Any) -> str:
        if name == "charsmap":
            return self._charsmaps[arguments[0]](text.encode()).decode("utf-8", "replace")
        if name == "squeeze":
            return re.sub(" {2,}", lambda _: arguments[0], text)
        if name == "replace":
            return text.replace(*arguments)
        if name == "strip":
            text = text.lstrip(WHITE) if arguments[0] else text
            return text.rstrip(WHITE) if arguments[1] else text
        if name == "prepend":
            return arguments[0] + text if text else text
        return unicodedata.normalize(name, text)  # type: ignore[arg-type]

    @cached_property
    def _charsmaps(self) -> dict[bytes, "_Normalizer"]:
        # No dummy prefix, no extra spaces removed, spaces not escaped.
        flags = integer(3, 0) + integer(4, 0) + integer(5, 0)
        maps = {step[1] for step in self.steps if step[0] == "charsmap"}
        return {charsmap: _Normalizer(charsmap, flags, False, ()) for charsmap in maps}

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits, the same for equal rules."""
        return _fingerprint(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return HuggingFaceRules, (self.steps, self.prefix, self.spaces, self.strips)

    def __repr__(self) -> str:
        said = [
            f"charsmap of {len(step[1])} bytes"
            if step[0] == "charsmap"
            else " ".join([step[0], *map(repr, step[1:])])
            for step in self.steps
        ]
        said.append(f"prefix {self.prefix}")
        return f"Hugging Face: {', '.join(said)}"


class _Normalizer:
    """A function from bytes to bytes: SentencePiece's normalization by such a specification."""

    def __init__(self, charsmap: bytes, flags: bytes, suffix: bool, symbols: Sequence[str]) -> None:
        with warnings.catch_warnings():
            # Its bindings warn when they are imported, in newer Pythons.
            warnings.simplefilter("ignore")
            # Here, for most models can do without.
            import sentencepiece  # noqa: PLC0415

        filler = "a"  # it wants a piece that is no symbol
        while filler in symbols:
            filler += "a"
        pieces = [("<unk>", _UNKNOWN), (filler, _NORMAL), *((name, _SYMBOL) for name in symbols)]
        message = b"".join(
            field(1, field(1, name.encode()) + float32(2, 0.0) + integer(3, kind))
            for name, kind in pieces
            if name != "<unk>" or kind == _UNKNOWN
        )
        message += field(2, integer(3, 1) + integer(24, suffix))
        message += field(3, field(2, charsmap) + flags)
        self._processor: Any = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(message)
        except RuntimeError as error:
            said = " ".join(str(error).split())
            raise ModelError(f"sentencepiece cannot use these rules: {said:.120}") from None

    def __call__(self, text: bytes | str) -> bytes:
        normalized: bytes = self._processor.Normalize(text)
        return normalized.replace(SPACE.encode(), b" ")


Rules = SentencePieceRules | HuggingFaceRules


def _fingerprint(rules: Rules) -> str:
    said = [type(rules).__name__, *(getattr(rules, name) for name in rules.__match_args__)]
    return hashlib.sha256(json.dumps(said, default=bytes.hex).encode()).hexdigest()


def check_charsmap(charsmap: bytes) -> None:
    """See that looking characters up in a compiled table never leads out of it.

    It is a number of bytes, a double array of so many (Darts'), and the texts that its values are
    places in, each with a NUL after it.

    Raises:
        ModelError: it is no such table.
    """
    if not isinstance(charsmap, bytes):
        raise ModelError(f"a charsmap must be bytes, not {type(charsmap).__name__}")
    if not charsmap:
        return
    if len(charsmap) > MAX_CHARSMAP:
        raise ModelError(f"a charsmap has more than {MAX_CHARSMAP} bytes, the most allowed")
    size = struct.unpack_from("<I", charsmap)[0] if len(charsmap) >= 4 else 0
    texts = charsmap[4 + size :]
    if size < 1024 or size % 1024 or not texts or texts[-1]:
        raise ModelError("the charsmap, the table of normalizations, is damaged")
    units = np.frombuffer(charsmap, dtype="<u4", count=size // 4, offset=4).astype(np.int64)
    nodes = np.flatnonzero(units >> 31 == 0)
    found = units[nodes]
    below = nodes ^ (found >> 10 << ((found & 1 << 9) >> 6))
    ending = below[found & 1 << 8 != 0]
    if (below | 0xFF).max(initial=0) >= len(units) or np.any(
        (units[ending] & 0x7FFFFFFF) >= len(texts)
    ):
        raise ModelError("the charsmap, the table of normalizations, is damaged")


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ModelError(f"{text!r:.60} is not valid Unicode") from None


_ARGUMENTS: dict[str, tuple[type, ...]] = {
    "NFC": (),
    "NFD": (),
    "NFKC": (),
    "NFKD": (),
    "charsmap": (bytes,),
    "squeeze": (str,),
    "replace": (str, str),
    "strip": (bool, bool),
    "prepend": (str,),
}


def _check_step(step: object) -> None:
    if not isinstance(step, tuple) or not step or not isinstance(step[0], str):
        raise ModelError(f"a step must be a tuple that begins with its name, not {step!r:.60}")
    name, *arguments = step
    if name not in _ARGUMENTS or tuple(map(type, arguments)) != _ARGUMENTS[name]:
        raise ModelError(f"unknown step {step!r:.60}; known are {', '.join(_ARGUMENTS)}")
    if name == "charsmap":
        check_charsmap(arguments[0])
    for argument in arguments:
        if isinstance(argument, str):
            _check_unicode(argument)
    if name == "replace" and not arguments[0]:
        raise ModelError("a step replaces the empty text")
