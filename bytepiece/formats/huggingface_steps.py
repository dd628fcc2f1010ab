"""The steps of a tokenizer.json: its normalizer, pre-tokenizer and decoder."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from bytepiece.errors import ModelError
from bytepiece.formats.huggingface_cuts import BYTES, DIGITS, LINES, OLD_DIGITS, OLD_LINES, SPLIT
from bytepiece.rules.character_map import SPACE
from bytepiece.rules.foreign import HuggingFaceRules, Prefix
from bytepiece.rules.text_rules import Digits, NormalizationStep, TextRules


class TokenizerSteps(NamedTuple):
    """What the normalizer, the pre-tokenizer and the decoder of a file do.

    Args:
        normalizer: the normalizer's steps; see `HuggingFaceRules`.
        prefix: where a space is put in front of a text; see `HuggingFaceRules`.
        spaces: U+2581 counts as a space.
        words: every space begins a word, and no piece crosses the end of a word.
        byte_level: pieces are spelled in the ByteLevel alphabet.
        lines: no piece crosses the end of a line.
        digits: which segments digits are; see `TextRules`.
        parted: the text was cut at white space before.
        strips: decoding removes the leading space of the first token.
    """

    normalizer: tuple[tuple[Any, ...], ...]
    prefix: Prefix = "never"
    spaces: bool = False
    words: bool = False
    byte_level: bool = False
    lines: bool = False
    digits: Digits = "free"
    parted: bool = False
    strips: bool = False

    def rules(self, unknown: Literal["bytes", "token"] | None, crossing: bool) -> TextRules:
        """Return the rules of a model with these steps.

        Args:
            unknown: see `TextRules`.
            crossing: some pieces cross the end of a line.
        """
        # If no token crosses the end of a line, lines as segments give the same ids as whole texts
        # as segments, and encoding is faster.
        separable = not crossing and unknown != "token"
        segment: Literal["line", "text"] = "line" if self.lines or separable else "text"
        forms = tuple(step[0] for step in self.normalizer)
        if self.prefix == "never" and not self.spaces and set(forms) <= set(FORMS):
            return TextRules(forms, self.digits, segment, unknown)
        strips: Literal["never", "once"] = "once" if self.strips else "never"
        library = HuggingFaceRules(self.normalizer, self.prefix, self.spaces, strips)
        return TextRules((), self.digits, segment, unknown, library)


FORMS: tuple[str, ...] = get_args(NormalizationStep)
"""The Unicode normalization forms; a step has the same name."""


def steps_of(document: Mapping[str, Any]) -> TokenizerSteps:
    """Return the steps of a parsed file.

    Raises:
        ModelError: if bytepiece does not know one of them.
    """
    normalizer: list[tuple[Any, ...]] = []
    before, cuts = _parted(flat_steps(document.get("normalizer"), "normalizer", "normalizers"))
    for step in before:
        normalizer += normalizer_steps(step)
    # After such a step, U+2581 stands for the space.
    spaces = ("replace", " ", SPACE) in normalizer
    strips = strips_first(document.get("decoder"))
    steps = TokenizerSteps(tuple(normalizer), spaces=spaces, strips=strips)
    if cuts is not None:
        if spaces or document.get("pre_tokenizer") != (SPLIT if cuts else None):
            raise ModelError("its pre_tokenizer does not fit its ByteLevel; it cannot be read")
        [digits] = [rule for rule in DIGITS if DIGITS[rule] == cuts[len(LINES) :]]
        return steps._replace(byte_level=True, lines=bool(cuts), digits=digits)
    for step in flat_steps(document.get("pre_tokenizer"), "pre_tokenizer", "pretokenizers"):
        reader = _PRE_TOKENIZERS.get(step["type"])
        if reader is None or steps.byte_level or steps.words:
            raise ModelError(refusal("pre_tokenizer", step))
        steps = reader(step, steps)
    if steps.parted and not steps.spaces:
        raise ModelError("its pre_tokenizer WhitespaceSplit cannot be read without Metaspace")
    if (steps.lines or steps.digits != "free") and not steps.byte_level:
        raise ModelError("its pre_tokenizer splits texts, but has no ByteLevel; it cannot be read")
    return steps


_Steps = list[dict[str, Any]]


def _parted(steps: _Steps) -> tuple[_Steps, _Steps | None]:
    """Return a normalizer's steps before `ByteLevel` and after it; None if it has no ByteLevel."""
    if BYTES not in steps:
        return steps, None
    place = steps.index(BYTES)
    cuts = steps[place + 1 :]
    if cuts and cuts not in [LINES + digits for digits in DIGITS.values()]:
        raise ModelError(refusal("normalizer", cuts[0]))
    return steps[:place], cuts


def flat_steps(step: Any, where: str, inner: str) -> list[dict[str, Any]]:
    """Return the steps of a sequence, or a single step as a list, or an empty list for None."""
    if step is None:
        return []
    if not isinstance(step, dict) or not isinstance(step.get("type"), str):
        raise ModelError(f"its {where} must be an object with a type")
    if step["type"] != "Sequence":
        return [step]
    steps = step.get(inner)
    if not isinstance(steps, list) or len(steps) > 64:
        raise ModelError(f"its {where} is a Sequence without a list of up to 64 steps")
    for each in steps:
        if not isinstance(each, dict) or not isinstance(each.get("type"), str):
            raise ModelError(f"its {where} holds a step without a type")
        if each["type"] == "Sequence":
            raise ModelError(refusal(where, each))
    return steps


def refusal(where: str, step: Mapping[str, Any]) -> str:
    """Return the message that says that a step cannot be read."""
    settings = {name: value for name, value in step.items() if name != "type"}
    shown = f" {settings}" if settings else ""
    return f"its {where} {step['type']:.30}{shown:.80} cannot be read"


def normalizer_steps(step: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the steps of `HuggingFaceRules` for a step of a normalizer."""
    kind = step["type"]
    if kind in FORMS:
        return [(kind,)]
    if kind in ("Lowercase", "StripAccents"):
        return [({"Lowercase": "lowercase", "StripAccents": "accents"}[kind],)]
    if kind == "Precompiled":
        return [("charsmap", _charsmap(step))]
    if kind == "Strip":
        return [("strip", truth_of(step, "strip_left"), truth_of(step, "strip_right"))]
    if kind == "Prepend" and isinstance(step.get("prepend"), str):
        return [("prepend", step["prepend"])]
    if kind == "Replace" and isinstance(step.get("content"), str):
        pattern = step.get("pattern")
        if pattern == {"Regex": " {2,}"}:
            return [("squeeze", step["content"])]
        if isinstance(pattern, dict) and pattern.keys() == {"String"}:
            (text,) = pattern.values()
            if isinstance(text, str) and text:
                return [("replace", text, step["content"])]
        if isinstance(pattern, dict) and pattern.keys() == {"Regex"}:
            (text,) = pattern.values()
            if isinstance(text, str):
                return [("pattern", text, step["content"])]
    raise ModelError(refusal("normalizer", step))


def _charsmap(step: dict[str, Any]) -> bytes:
    try:
        return b64decode(step.get("precompiled_charsmap") or "", validate=True)
    except (TypeError, ValueError):
        raise ModelError("its precompiled_charsmap is not Base64") from None


def truth_of(step: Mapping[str, Any], name: str, default: bool | None = None) -> bool:
    """Return a setting of a step that must be true or false."""
    value = step.get(name, default)
    if not isinstance(value, bool):
        raise ModelError(f"the {step['type']:.30} of the file needs {name}, true or false")
    return value


def _metaspace(step: dict[str, Any], steps: TokenizerSteps) -> TokenizerSteps:
    if step.get("replacement", SPACE) != SPACE or step.get("str_rep", SPACE) != SPACE:
        raise ModelError(refusal("pre_tokenizer", step))
    # Older files say whether a space is put in front, newer files say where.
    old: Prefix = "always" if truth_of(step, "add_prefix_space", True) else "never"
    prefix = step.get("prepend_scheme", old)
    if prefix not in get_args(Prefix):
        raise ModelError(refusal("pre_tokenizer", step))
    words = truth_of(step, "split", True)
    if steps.parted and not (words and prefix == "always"):
        raise ModelError(
            "its pre_tokenizer WhitespaceSplit can be read only before a Metaspace that splits "
            "and has prepend_scheme always; otherwise nothing marks where a word begins"
        )
    return steps._replace(prefix=prefix, spaces=True, words=words)


def _whitespace_split(step: dict[str, Any], steps: TokenizerSteps) -> TokenizerSteps:
    if steps.spaces:
        raise ModelError(refusal("pre_tokenizer", step))
    return steps._replace(normalizer=(*steps.normalizer, ("words",)), parted=True)


def _byte_level(step: dict[str, Any], steps: TokenizerSteps) -> TokenizerSteps:
    if truth_of(step, "use_regex", True) or steps.spaces:
        raise ModelError(refusal("pre_tokenizer", step))
    prefix: Prefix = "always" if truth_of(step, "add_prefix_space", True) else "never"
    if prefix == "always" and (steps.lines or steps.digits != "free"):
        # ByteLevel would put the space before each line or digit, not before the text.
        raise ModelError(refusal("pre_tokenizer", step))
    return steps._replace(prefix=prefix, byte_level=True)


def _split(step: dict[str, Any], steps: TokenizerSteps) -> TokenizerSteps:
    """Read a step `Split`. Only the two kinds that bytepiece wrote are known."""
    settings = (step.get("pattern"), step.get("behavior"), step.get("invert", False))
    if settings == ({"Regex": OLD_LINES}, "MergedWithPrevious", False):
        return steps._replace(lines=True)
    if settings == ({"Regex": OLD_DIGITS}, "Isolated", False):
        return steps._replace(digits="each")
    raise ModelError(refusal("pre_tokenizer", step))


_PRE_TOKENIZERS: dict[str, Callable[[dict[str, Any], TokenizerSteps], TokenizerSteps]] = {
    "Metaspace": _metaspace,
    "WhitespaceSplit": _whitespace_split,
    "ByteLevel": _byte_level,
    "Split": _split,
}


def strips_first(decoder: Any) -> bool:
    """Return whether the decoder removes the leading space of the first token."""
    for step in flat_steps(decoder, "decoder", "decoders"):
        if step["type"] == "Metaspace":
            old = "always" if step.get("add_prefix_space", True) else "never"
            return bool(step.get("prepend_scheme", old) != "never")
        if step["type"] == "Strip" and step.get("content") == " ":
            return bool(step.get("start") == 1)
    return False


def decoders_not_read(document: Mapping[str, Any]) -> list[str]:
    """Return the types of the decoder's steps that bytepiece does not carry out."""
    known = {"Metaspace", "ByteLevel", "ByteFallback", "Fuse", "Strip", "Replace"}
    types = [step["type"] for step in flat_steps(document.get("decoder"), "decoder", "decoders")]
    return [f"{kind:.30}" for kind in types if kind not in known]
