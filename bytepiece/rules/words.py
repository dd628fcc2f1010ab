"""Cuts of a text into words, as the files of BPE models define them. No piece crosses a cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from bytepiece._arrays import U8
from bytepiece.errors import ModelError
from bytepiece.rules.searched_patterns import searched

MAX_CUTS = 16
"""Most cuts of a model."""
Behavior = Literal["isolated", "contiguous", "with-previous", "with-next"]
_KEPT: dict[Behavior, list[int]] = {
    "isolated": [1, 1, 1, 1],
    "contiguous": [0, 1, 1, 0],
    "with-previous": [1, 0, 1, 1],
    "with-next": [1, 1, 0, 1],
}
"""Whether a cut stays after text (0) or a match (1), before text or a match: 00, 01, 10, 11. Two
stretches of text follow each other only if they are matches that are inverted."""


@dataclass(frozen=True)
class WordCut:
    r"""A cut of a text at the matches of a pattern.

    Args:
        pattern: a regular expression; see `bytepiece.rules.word_pattern` and
            `bytepiece.rules.searched_patterns`. `\z` is the end of the text that is cut.
        behavior: "isolated": each match is a word, and so is the text between two matches.
            "contiguous": the same, but matches that follow each other are one word.
            "with-previous" and "with-next": each match is a word together with the text before it
            or after it.
        invert: the text between the matches counts as the matches, and the other way round.
        spelled: the pattern is for the text as Hugging Face's ByteLevel spells it, a character for
            each byte. Words may then end within characters.

    Raises:
        ModelError: if the pattern cannot be used.
    """

    pattern: str
    behavior: Behavior = "isolated"
    invert: bool = False
    spelled: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str):
            raise ModelError(f"a pattern must be a text, not {self.pattern!r:.60}")
        if self.behavior not in get_args(Behavior):
            known = ", ".join(get_args(Behavior))
            raise ModelError(f"unknown behavior {self.behavior!r:.60}; known are {known}")
        for name in ("invert", "spelled"):
            if not isinstance(getattr(self, name), bool):
                raise ModelError(f"{name} must be true or false, not {getattr(self, name)!r:.60}")
        searched(self.pattern)

    @property
    def kept(self) -> U8:
        """Where the cut stays, as the parameter `kept` of `bytepiece.kernels.words.cut`."""
        kept = np.array(_KEPT[self.behavior], dtype=np.uint8)
        return kept[::-1].copy() if self.invert else kept

    def as_list(self) -> list[object]:
        """Return the fields, for JSON."""
        found: list[object] = [self.pattern, self.behavior, self.invert]
        return [*found, True] if self.spelled else found


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""The pattern of GPT-2, which is also that of `ByteLevel` in tokenizer.json."""
CL100K = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""The pattern of GPT-4 and of Llama 3."""
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""The pattern of GPT-4o."""
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""The pattern of Qwen 2 and 3."""
_LLAMA3 = QWEN2.replace(r"\p{N}|", r"\p{N}{1,3}|")
_TEKKEN = O200K.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "").replace("{1,3}", "")
_DEEPSEEK = (
    r"\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
    " ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
)
PUNCTUATION = r"[!-/:-@\[-`{-~\p{P}]"
"""What `Punctuation` in tokenizer.json cuts at."""
_FALCON = [
    (PUNCTUATION, "contiguous", False),
    (GPT2, "isolated", False),
    (r"\p{N}", "contiguous", True),
    ("[0-9][0-9][0-9]", "isolated", True),
]
_NAMES = {
    (GPT2,): "GPT-2",
    (CL100K,): "GPT-4",
    (O200K,): "GPT-4o",
    (_LLAMA3,): "Llama 3",
    (QWEN2,): "Qwen 2",
    (_TEKKEN,): "Mistral's tekken",
    _DEEPSEEK: "DeepSeek V3",
    (" +[^ ]*|[^ ]+",): "SentencePiece",
    (" ?[^(\\s|[.,!?…。，、।۔،])]+",): "BLOOM",
}


def pattern_name(cuts: Sequence[WordCut]) -> str | None:
    """Return the name of the language model whose cuts these are; None if they are others."""
    if [(cut.pattern, cut.behavior, cut.spelled) for cut in cuts] == _FALCON:
        return "Falcon"
    if any(cut.behavior != "isolated" or cut.invert for cut in cuts):
        return None
    return _NAMES.get(tuple(cut.pattern for cut in cuts))


PATTERNS = {"gpt2": GPT2, "cl100k": CL100K, "o200k": O200K, "qwen2": QWEN2}
"""Patterns by the names that callers may use for a file without a pattern."""
