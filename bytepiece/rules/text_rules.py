"""`TextRules`: the rules that turn a text into segments."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from bytepiece.errors import ModelError
from bytepiece.rules.foreign import HuggingFaceRules, LibraryRules, SentencePieceRules
from bytepiece.rules.words import MAX_CUTS, WordCut

NormalizationStep = Literal["NFC", "NFD", "NFKC", "NFKD"]
Digits = Literal["free", "each", "groups-of-three"]

_DIGIT_GROUPS = {"free": 0, "each": 1, "groups-of-three": 3}


@dataclass(frozen=True)
class TextRules:
    """The rules that turn a text into segments; each segment is encoded by itself.

    Args:
        normalization: Unicode normalization forms, applied in this order; none by default.
        digits: how Unicode decimal digits are treated. "free": like all other characters. "each":
            every digit is a segment of its own. "groups-of-three": a run of digits is cut from the
            left into groups of three, the last of which may be shorter, and each group is a segment
            of its own.
        segment: "line", a line with all its trailing newlines, or "text", a whole text. No piece
            crosses the end of a segment.
        unknown: how a character without a piece is encoded. None: by single bytes, which are
            pieces like all others. "bytes": by single bytes, which never spell a character that has
            a piece, not even in samples. "token": by the special token with the role unknown. The
            single bytes share its id, and a run of them in a segment becomes one token.
        library: the rules of the library that the model comes from; they replace normalization.
        words: cuts of a text into words, each within the words of the cuts before it. A word is
            then a segment. Empty for no words.
    """

    normalization: tuple[NormalizationStep, ...] = ()
    digits: Digits = "free"
    segment: Literal["line", "text"] = "line"
    unknown: Literal["bytes", "token"] | None = None
    library: LibraryRules | None = None
    words: tuple[WordCut, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.normalization, tuple) or len(self.normalization) > 4:
            raise ModelError("normalization must be a tuple of up to 4 steps, such as ('NFC',)")
        for step in self.normalization:
            if step not in get_args(NormalizationStep):
                known = ", ".join(get_args(NormalizationStep))
                raise ModelError(f"unknown normalization step {step!r:.60}; known are {known}")
        if self.digits not in get_args(Digits):
            known = ", ".join(get_args(Digits))
            raise ModelError(f"unknown rule for digits {self.digits!r:.60}; known are {known}")
        if self.segment not in ("line", "text"):
            raise ModelError(f"unknown segment rule {self.segment!r:.60}; known are line and text")
        if self.unknown not in (None, "bytes", "token"):
            raise ModelError(f"unknown must be null, bytes or token, not {self.unknown!r:.60}")
        if self.library is not None:
            if not isinstance(self.library, (SentencePieceRules, HuggingFaceRules)):
                raise ModelError(f"library must be rules, not {type(self.library).__name__}")
            if self.normalization:
                raise ModelError(
                    "a model with the rules of a library cannot have its own normalization"
                )
        if self.digit_group and self.segment == "text":
            raise ModelError("where digits are cut, a segment is a line, not a text")
        if not isinstance(self.words, tuple) or len(self.words) > MAX_CUTS:
            raise ModelError(f"words must be a tuple of up to {MAX_CUTS} cuts")
        if not all(isinstance(each, WordCut) for each in self.words):
            raise ModelError("words must be a tuple of cuts")
        if self.words and self.segment != "text":
            raise ModelError("where words are segments, the rule for segments is text, not line")

    @property
    def digit_group(self) -> int:
        """The most digits in a segment of digits; 0 if digits are like all other characters."""
        return _DIGIT_GROUPS[self.digits]

    @property
    def own(self) -> bool:
        """Whether bytepiece itself could train a model with these rules."""
        return self.segment == "line" and self.unknown is None and self.library is None
