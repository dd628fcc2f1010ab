"""TextRules: what turns a text into segments."""

from dataclasses import dataclass
from typing import Literal, get_args

from bytepiece.errors import ModelError
from bytepiece.rules.foreign import HuggingFaceRules, Rules, SentencePieceRules

NormalizationStep = Literal["NFC", "NFD", "NFKC", "NFKD"]


@dataclass(frozen=True)
class TextRules:
    """What turns a text into the segments that are encoded one by one.

    Args:
        normalization: Unicode normalization forms, applied in this order; none by default.
        isolate_digits: every Unicode decimal digit is a segment of its own.
        segment: "line", a line with all its trailing newlines, or "text", a whole text; no piece
            crosses its end.
        unknown: what stands for characters that no piece covers. None: nothing, for the 256 single
            bytes are pieces like others. "bytes": single bytes, which spell such characters only,
            and no others, not even in samples. "token": those bytes have the id of the special
            token whose role is unknown, and a run of them in a segment is one token.
        library: the rules of the library that the model comes from, in place of normalization.
    """

    normalization: tuple[NormalizationStep, ...] = ()
    isolate_digits: bool = False
    segment: Literal["line", "text"] = "line"
    unknown: Literal["bytes", "token"] | None = None
    library: Rules | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.normalization, tuple) or len(self.normalization) > 4:
            raise ModelError("normalization must be a tuple of up to 4 steps, such as ('NFC',)")
        for step in self.normalization:
            if step not in get_args(NormalizationStep):
                known = ", ".join(get_args(NormalizationStep))
                raise ModelError(f"unknown normalization step {step!r:.60}; known are {known}")
        if not isinstance(self.isolate_digits, bool):
            raise ModelError(
                f"isolate_digits must be true or false, not {self.isolate_digits!r:.60}"
            )
        if self.segment not in ("line", "text"):
            raise ModelError(f"unknown segment rule {self.segment!r:.60}; known are line and text")
        if self.unknown not in (None, "bytes", "token"):
            raise ModelError(f"unknown must be null, bytes or token, not {self.unknown!r:.60}")
        if self.library is not None:
            if not isinstance(self.library, (SentencePieceRules, HuggingFaceRules)):
                raise ModelError(f"library must be rules, not {type(self.library).__name__}")
            if self.normalization:
                raise ModelError("a model with the rules of a library has no normalization besides")
        if self.isolate_digits and self.segment == "text":
            raise ModelError("where digits are isolated, a segment is a line, not a text")

    @property
    def own(self) -> bool:
        """Whether these are rules such as bytepiece trains with, and none of other libraries."""
        return self.segment == "line" and self.unknown is None and self.library is None
