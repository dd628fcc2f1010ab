"""The options of a training run, checked before the work begins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np

from bytepiece._arrays import offsets_of
from bytepiece.errors import ArgumentError
from bytepiece.kernels.segments import segment_bounds
from bytepiece.model import MAX_ID, STANDARD_SPECIAL_TOKENS, SpecialToken, check_special_tokens
from bytepiece.rules.text import to_bytes
from bytepiece.rules.text_rules import TextRules
from bytepiece.training.options import choice, whole


@dataclass(frozen=True)
class TrainingOptions:
    """The options that decide the result, besides the corpus, the sizes and the memory.

    `bytepiece.train` describes them.

    Raises:
        ArgumentError: if an option is outside its range.
        ModelError: if two special tokens have the same name, or one has no name.
    """

    algorithm: str
    objective: str
    newlines: str
    spaces: str
    sparse: bool
    order: int
    min_count: int
    max_piece_length: int
    ensure_unicode: bool
    rules: TextRules
    pieces: tuple[bytes, ...]
    special_tokens: tuple[SpecialToken, ...]
    pad_to_multiple: int

    def __post_init__(self) -> None:
        for name in ("algorithm", "objective", "newlines", "spaces"):
            choice(name, getattr(self, name))
        if self.algorithm == "unigram" and self.spaces == "superwords":
            raise ArgumentError(
                'spaces="superwords" needs algorithm="merge"; the algorithm is "unigram"'
            )
        for name in ("order", "min_count", "max_piece_length", "pad_to_multiple"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))
        # The names that padding may need are not free for other tokens.
        check_special_tokens(
            [*self.special_tokens, *unused_tokens(MAX_ID >> 1, self.pad_to_multiple - 1)]
        )
        for name in ("sparse", "ensure_unicode"):
            object.__setattr__(self, name, bool(getattr(self, name)))

    def of_algorithm(self) -> dict[str, Any]:
        """Return the options that matter to the algorithm, for a model's record."""
        names = {
            "merge": ["objective", "newlines", "spaces", "max_piece_length"],
            "unigram": ["newlines", "spaces", "sparse", "max_piece_length"],
            "bnlm": ["order", "min_count", "max_piece_length", "ensure_unicode"],
        }[self.algorithm]
        # The first records of the merge trainer did not have "ensure_unicode". It is written only
        # if it is not the default, so that equal runs keep equal records.
        if self.algorithm != "bnlm" and self.ensure_unicode:
            names.append("ensure_unicode")
        return {name: getattr(self, name) for name in names}

    def to_json(self) -> dict[str, Any]:
        """Return all options in JSON types, for a checkpoint."""
        return {
            "algorithm": self.algorithm,
            **self.of_algorithm(),
            "ensure_unicode": self.ensure_unicode,
            "normalization": list(self.rules.normalization),
            "digits": self.rules.digits,
            "pieces": [piece.hex() for piece in self.pieces],
            "special_tokens": [token.name for token in self.special_tokens],
            "pad_to_multiple": self.pad_to_multiple,
        }


def sizes_of(vocab_size: int | Sequence[int], options: TrainingOptions) -> list[int]:
    """Return the vocabulary sizes of a run.

    Raises:
        ArgumentError: if a size is outside its range, or has no room for the pieces and the
            special tokens that the options require.
    """
    several = isinstance(vocab_size, Iterable)
    sizes = [whole("vocab_size", size) for size in (vocab_size if several else [vocab_size])]  # type: ignore[union-attr,arg-type]
    if not sizes:
        raise ArgumentError("vocab_size names no size; give at least one")
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
    """Return the standard special tokens, those with the given names, and the reserved ones."""
    if isinstance(names, str):
        raise ArgumentError("special_tokens must be a list of names, not one text")
    free = [f"<reserved_{i}>" for i in range(whole("reserved", reserved))]
    tokens = list(STANDARD_SPECIAL_TOKENS)
    for name in [*names, *free]:
        tokens.append(SpecialToken(name, len(tokens), "control"))
    check_special_tokens(tokens)
    return tuple(tokens)


def unused_tokens(first: int, number: int) -> list[SpecialToken]:
    """Return special tokens that fill up a vocabulary.

    Args:
        first: the id of the first one; the others follow.
        number: how many tokens to make.
    """
    return [SpecialToken(f"<unused_{i}>", first + i, "control") for i in range(number)]


def pieces_of(
    pieces: Iterable[str | bytes], characters: str, rules: TextRules, max_piece_length: int
) -> tuple[bytes, ...]:
    """Return the pieces and the characters that the vocabulary must have, each once.

    Raises:
        ArgumentError: if one of them can never match a text.
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
            raise ArgumentError(
                f"the piece {piece!r:.60} is not normalized, but texts are; normalize it first"
            )
        if len(raw) > max_piece_length:
            raise ArgumentError(
                f"the piece {piece!r:.60} has {len(raw)} bytes, and max_piece_length is "
                f"{max_piece_length}"
            )
        text = np.frombuffer(raw, dtype=np.uint8)
        ends, plain = offsets_of([len(raw)]), np.full(1, -1, dtype=np.int32)
        bounds, _ = segment_bounds(text, ends, plain, rules.digit_group)
        if len(bounds) > 2:
            raise ArgumentError(
                f"the piece {piece!r:.60} can never match: a line end, or a place where digits are "
                "cut, is within it"
            )
        found[raw] = None
    return tuple(found)
