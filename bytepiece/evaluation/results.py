"""The results of an evaluation. docs/evaluation.md explains each number."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Script:
    """The characters of one script in the text.

    Args:
        name: the name of the script; "Common" for characters that are not letters.
        bytes: the number of bytes.
        characters: the number of characters.
        words: the number of words, which are runs of letters; None if the script has no spaces
            between words.
    """

    name: str
    bytes: int
    characters: int
    words: int | None


@dataclass(frozen=True)
class ScriptUse:
    """How a model encodes the characters of one script.

    Args:
        tokens: the number of tokens that cover these characters. A token of n bytes gives each of
            its bytes 1/n of a token.
        bytes_per_token, tokens_per_character, tokens_per_word: quotients with `tokens`; None
            where the script has no tokens or no words.
    """

    tokens: float
    bytes_per_token: float | None
    tokens_per_character: float
    tokens_per_word: float | None


@dataclass(frozen=True)
class Measures:
    """How one model encodes the text.

    Args:
        name: the name of the model.
        format: "bytepiece", "original", "SentencePiece" or "Hugging Face".
        algorithm: "Unigram", "BPE", "WordPiece", …
        vocab_size: one more than the largest id.
        tokens: the number of tokens of all lines without their line ends.
        bytes_per_token: for all lines without their line ends.
        tokens_with_line_ends, bytes_per_token_with_line_ends: for the whole text.
        keeps_line_ends: whether decoding gives back a line end.
        tokens_per_character: for all lines without their line ends.
        scripts: the model's use of each script, by the name of the script.
        unknown_tokens: the number of tokens that stand for no bytes.
        lossless_lines: the number of lines that decoding gives back byte for byte.
        lossless: the share of these lines.
        pieces: the number of different byte strings in the vocabulary.
        unused: the pieces that do not occur in the encoded text.
        unreachable: the pieces that the model uses in no text; None where this is not known.
        entropy: the entropy of the tokens' distribution, in bits.
        efficiency: the entropy divided by the logarithm of the vocabulary's size.
        renyi_efficiency: the efficiency computed with Rényi's entropy of order 2.5.
        notes: warnings about the figures.
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
    """The measures of several models on the same text.

    Args:
        bytes: the bytes of the text, with line ends.
        lines: the number of lines that are not empty.
        line_bytes: the bytes of these lines, without line ends.
        characters: the number of characters in these lines.
        scripts: the scripts of these lines, the most frequent first.
        models: the measures of each model, in the order of the call.
        overlap: `overlap[i][j]` is the share of the pieces of model i that model j also has.
    """

    bytes: int
    lines: int
    line_bytes: int
    characters: int
    scripts: tuple[Script, ...]
    models: tuple[Measures, ...]
    overlap: tuple[tuple[float, ...], ...]
