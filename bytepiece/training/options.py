"""What can be chosen about training, checked before the work begins."""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np

from bytepiece._arrays import offsets_of
from bytepiece.errors import ArgumentError
from bytepiece.kernels.segments import segment_bounds
from bytepiece.model import (
    MAX_ID,
    MAX_PIECE_LENGTH,
    MAX_SPECIAL_TOKENS,
    STANDARD_SPECIAL_TOKENS,
    SpecialToken,
    check_special_tokens,
)
from bytepiece.rules.text import to_bytes
from bytepiece.rules.text_rules import TextRules
from bytepiece.training import ngrams
from bytepiece.training.growth import NEWLINES
from bytepiece.training.merge_trainer import EXPONENTS

SMALLEST_VOCABULARY = 256 + len(STANDARD_SPECIAL_TOKENS)

_RANGES = {
    "vocab_size": (SMALLEST_VOCABULARY, MAX_ID + 1),
    "threads": (1, 1024),
    "order": (2, ngrams.MAX_ORDER),
    "min_count": (1, 1 << 62),
    "max_piece_length": (1, MAX_PIECE_LENGTH),
    "reserved": (0, MAX_SPECIAL_TOKENS // 2),
    "pad_to_multiple": (1, MAX_SPECIAL_TOKENS // 2),
}


@dataclass(frozen=True)
class Options:
    """What the result depends on beside the corpus, the sizes and the memory; see `train`.

    Raises:
        ArgumentError, ModelError: an argument is outside its range.
    """

    algorithm: str
    objective: str
    newlines: str
    within_words: bool
    order: int
    min_count: int
    max_piece_length: int
    ensure_unicode: bool
    rules: TextRules
    pieces: tuple[bytes, ...]
    special_tokens: tuple[SpecialToken, ...]
    pad_to_multiple: int

    def __post_init__(self) -> None:
        one_of("algorithm", self.algorithm, ("em", "bnlm"))
        one_of("objective", self.objective, tuple(EXPONENTS))
        one_of("newlines", self.newlines, NEWLINES)
        for name in ("order", "min_count", "max_piece_length", "pad_to_multiple"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))
        # Names that padding may need are not free for others.
        check_special_tokens(
            [*self.special_tokens, *unused_tokens(MAX_ID >> 1, self.pad_to_multiple - 1)]
        )
        for name in ("within_words", "ensure_unicode"):
            object.__setattr__(self, name, bool(getattr(self, name)))

    def of_algorithm(self) -> dict[str, Any]:
        """Those that matter to the algorithm, for a model's record."""
        names = {
            "em": ["objective", "newlines", "within_words", "max_piece_length"],
            "bnlm": ["order", "min_count", "max_piece_length", "ensure_unicode"],
        }[self.algorithm]
        # Records of "em" did not have this, which is not its default, and stay as they are.
        if self.algorithm == "em" and self.ensure_unicode:
            names.append("ensure_unicode")
        return {name: getattr(self, name) for name in names}

    def to_json(self) -> dict[str, Any]:
        """All of them in JSON types, for a checkpoint."""
        return {
            "algorithm": self.algorithm,
            **self.of_algorithm(),
            "ensure_unicode": self.ensure_unicode,
            "normalization": list(self.rules.normalization),
            "isolate_digits": self.rules.isolate_digits,
            "pieces": [piece.hex() for piece in self.pieces],
            "special_tokens": [token.name for token in self.special_tokens],
            "pad_to_multiple": self.pad_to_multiple,
        }


def whole(name: str, value: SupportsIndex) -> int:
    """A whole number in the range of the argument of that name."""
    low, high = _RANGES[name]
    try:
        number = operator.index(value)
    except TypeError:
        raise ArgumentError(f"{name} must be a whole number, not {value!r:.30}") from None
    if not low <= number <= high:
        raise ArgumentError(f"{name} must be at least {low} and at most {high}, not {number}")
    return number


def one_of(name: str, value: str, known: Sequence[str]) -> str:
    """A value that is one of a few."""
    if value not in known:
        choices = " or ".join(f'"{one}"' for one in known)
        raise ArgumentError(f"{name} must be {choices}, not {value!r:.30}")
    return value


def sizes_of(vocab_size: int | Sequence[int], options: Options) -> list[int]:
    """The vocabulary sizes that are asked for, each with room for what has to be in it."""
    several = isinstance(vocab_size, Iterable)
    sizes = [whole("vocab_size", size) for size in (vocab_size if several else [vocab_size])]  # type: ignore[union-attr,arg-type]
    if not sizes:
        raise ArgumentError("vocab_size names no size")
    long_pieces = sum(len(piece) > 1 for piece in options.pieces)
    least = 256 + len(options.special_tokens) + long_pieces
    if min(sizes) < least:
        raise ArgumentError(
            f"vocab_size {min(sizes)} is too small for 256 single bytes, "
            f"{len(options.special_tokens)} special tokens and {long_pieces} pieces that are asked "
            f"for; {least} is the least"
        )
    return sizes


def special_tokens_of(names: Iterable[str], reserved: SupportsIndex) -> tuple[SpecialToken, ...]:
    """The standard special tokens, those of these names, and so many for later use."""
    if isinstance(names, str):
        raise ArgumentError("special_tokens must be a list of names, not one text")
    free = [f"<reserved_{i}>" for i in range(whole("reserved", reserved))]
    tokens = list(STANDARD_SPECIAL_TOKENS)
    for name in [*names, *free]:
        tokens.append(SpecialToken(name, len(tokens), "control"))
    check_special_tokens(tokens)
    return tuple(tokens)


def unused_tokens(first: int, number: int) -> list[SpecialToken]:
    """So many special tokens that fill a vocabulary up, with ids from this one on."""
    return [SpecialToken(f"<unused_{i}>", first + i, "control") for i in range(number)]


def pieces_of(
    pieces: Iterable[str | bytes], characters: str, rules: TextRules, max_piece_length: int
) -> tuple[bytes, ...]:
    """The pieces, and the characters, that have to be in the vocabulary, each once.

    Raises:
        ArgumentError: one can never match a text.
    """
    if isinstance(pieces, (str, bytes)):
        raise ArgumentError("user_pieces must be a list of texts, not one text")
    if not isinstance(characters, str):
        raise ArgumentError(f"required_chars must be a text, not {type(characters).__name__}")
    found: dict[bytes, None] = {}
    for piece in [*pieces, *characters]:
        if not isinstance(piece, (str, bytes)) or not piece:
            raise ArgumentError(f"user_pieces must be texts that are not empty, not {piece!r:.60}")
        raw = to_bytes(piece, rules.normalization)
        if raw != to_bytes(piece):
            raise ArgumentError(f"the piece {piece!r:.60} is not normalized as texts are")
        if len(raw) > max_piece_length:
            raise ArgumentError(
                f"the piece {piece!r:.60} has {len(raw)} bytes, and max_piece_length is "
                f"{max_piece_length}"
            )
        text = np.frombuffer(raw, dtype=np.uint8)
        ends, plain = offsets_of([len(raw)]), np.full(1, -1, dtype=np.int32)
        bounds, _ = segment_bounds(text, ends, plain, rules.isolate_digits)
        if len(bounds) > 2:
            raise ArgumentError(
                f"the piece {piece!r:.60} can never match: a line end, or a digit that is "
                "isolated, is within it"
            )
        found[raw] = None
    return tuple(found)
