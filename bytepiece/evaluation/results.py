"""What an evaluation finds. docs/evaluation.md says what each number means."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Script:
    """The text's characters of one script.

    Args:
        name: of the script; "Common" for what is no letter.
        bytes: how many there are.
        characters: how many there are.
        words: runs of its letters; None where words are not told apart by spaces.
    """

    name: str
    bytes: int
    characters: int
    words: int | None


@dataclass(frozen=True)
class ScriptUse:
    """How a model encodes the characters of one script.

    Args:
        tokens: that cover them; a token counts for the bytes it covers in equal shares.
        bytes_per_token, tokens_per_character, tokens_per_word: quotients of it; None where there
            is nothing to divide by.
    """

    tokens: float
    bytes_per_token: float | None
    tokens_per_character: float
    tokens_per_word: float | None


@dataclass(frozen=True)
class Measures:
    """One model on the text.

    Args:
        name, format, algorithm: of the model; format is "bytepiece", "original", "SentencePiece"
            or "Hugging Face", algorithm "Unigram", "BPE", "WordPiece", …
        vocab_size: one more than its largest id.
        tokens: of all lines without their line ends.
        bytes_per_token: of all lines without their line ends.
        tokens_with_line_ends, bytes_per_token_with_line_ends: of all the text.
        keeps_line_ends: whether a line end comes back from decoding.
        tokens_per_character: of all lines without their line ends.
        scripts: by the names of the scripts.
        unknown_tokens: tokens that stand for no bytes.
        lossless_lines: how many lines decoding gives back, byte for byte.
        lossless: their share.
        pieces: how many different byte strings the vocabulary has.
        unused: pieces that did not occur in the text.
        unreachable: pieces that no text can make the model use; None where that is not known.
        entropy: of the tokens' distribution, in bits.
        efficiency: that over the logarithm of the vocabulary's size.
        renyi_efficiency: the same with Rényi's entropy of order 2.5.
        notes: what is to be said about the figures.
    """

    name: str
    format: str
    algorithm: str
    vocab_size: int
    tokens: int
    bytes_per_token: float
    tokens_with_line_ends: int
    bytes_per_token_with_line_ends: float
    keeps_line_ends: bool
    tokens_per_character: float
    scripts: Mapping[str, ScriptUse]
    unknown_tokens: int
    lossless_lines: int
    lossless: float
    pieces: int
    unused: tuple[bytes, ...] = field(repr=False)
    unreachable: tuple[bytes, ...] | None = field(repr=False)
    entropy: float
    efficiency: float
    renyi_efficiency: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """Several models on the same text.

    Args:
        bytes: of the text, with line ends.
        lines: those that are not empty.
        line_bytes: of these lines, without line ends.
        characters: of these lines.
        scripts: of these lines, the most frequent first.
        models: in the order given.
        overlap: overlap[i][j] is the share of the pieces of model i that model j has as well.
    """

    bytes: int
    lines: int
    line_bytes: int
    characters: int
    scripts: tuple[Script, ...]
    models: tuple[Measures, ...]
    overlap: tuple[tuple[float, ...], ...]
