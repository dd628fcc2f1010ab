"""The steps of a tokenizer.json that take a text to what its model segments."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from bytepiece.errors import ModelError
from bytepiece.kernels.digits import DIGIT_RANGES
from bytepiece.rules.foreign import SPACE, HuggingFaceRules, Prefix
from bytepiece.rules.text_rules import NormalizationStep, TextRules


class Steps(NamedTuple):
    r"""What the normalizer and the pre-tokenizer do.

    Args:
        normalizer: see `HuggingFaceRules`.
        prefix: see there.
        spaces: U+2581 and the space are one.
        words: every space begins a word, and no piece goes beyond it.
        byte_level: pieces are in the ByteLevel alphabet.
        lines: no piece goes beyond the end of a line.
        digits: every digit is by itself.
        strips: decoding takes a space off.
    """

    normalizer: tuple[tuple[Any, ...], ...]
    prefix: Prefix = "never"
    spaces: bool = False
    words: bool = False
    byte_level: bool = False
    lines: bool = False
    digits: bool = False
    strips: bool = False

    def rules(self, unknown: Literal["bytes", "token"] | None, crossing: bool) -> TextRules:
        """The rules for text.

        Args:
            unknown: see `TextRules`.
            crossing: some pieces go beyond the end of a line.
        """
        # Lines are as good as texts, and quicker, where no token goes from one into the next.
        alike = not crossing and unknown != "token"
        segment: Literal["line", "text"] = "line" if self.lines or alike else "text"
        forms = tuple(step[0] for step in self.normalizer)
        if self.prefix == "never" and not self.spaces and set(forms) <= set(FORMS):
            return TextRules(forms, self.digits, segment, unknown)
        strips: Literal["never", "once"] = "once" if self.strips else "never"
        library = HuggingFaceRules(self.normalizer, self.prefix, self.spaces, strips)
        return TextRules((), self.digits, segment, unknown, library)


FORMS: tuple[str, ...] = get_args(NormalizationStep)


def steps_of(document: Mapping[str, Any]) -> Steps:
    """The steps of a parsed file.

    Raises:
        ModelError: one of them is not known here.
    """
    normalizer: list[tuple[Any, ...]] = []
    for step in _flat(document.get("normalizer"), "normalizer", "normalizers"):
        normalizer += _normalizer(step)
    spaces = ("replace", " ", SPACE) in normalizer
    # After the steps U+2581 is the space in any case.
    steps = Steps(tuple(normalizer), spaces=spaces)
    for step in _flat(document.get("pre_tokenizer"), "pre_tokenizer", "pretokenizers"):
        reader = _PRE_TOKENIZERS.get(step["type"])
        if reader is None or steps.byte_level or steps.words:
            raise ModelError(_unknown("pre_tokenizer", step))
        steps = reader(step, steps)
    if (steps.lines or steps.digits) and not steps.byte_level:
        raise ModelError("its pre_tokenizer splits texts, and is no ByteLevel; it cannot be read")
    return steps._replace(strips=_strips(document.get("decoder")))


def _flat(step: Any, where: str, inner: str) -> list[dict[str, Any]]:
    """The steps of a sequence, or the one step that there is, or none."""
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
            raise ModelError(_unknown(where, each))
    return steps


def _unknown(where: str, step: Mapping[str, Any]) -> str:
    said = {name: value for name, value in step.items() if name != "type"}
    shown = f" {said}" if said else ""
    return f"its {where} {step['type']:.30}{shown:.80} is none that can be read"


def _normalizer(step: dict[str, Any]) -> list[tuple[Any, ...]]:
    kind = step["type"]
    if kind in FORMS:
        return [(kind,)]
    if kind == "Precompiled":
        return [("charsmap", _charsmap(step))]
    if kind == "Strip":
        return [("strip", _truth(step, "strip_left"), _truth(step, "strip_right"))]
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
    raise ModelError(_unknown("normalizer", step))


def _charsmap(step: dict[str, Any]) -> bytes:
    try:
        return b64decode(step.get("precompiled_charsmap") or "", validate=True)
    except (TypeError, ValueError):
        raise ModelError("its precompiled_charsmap is not Base64") from None


def _truth(step: Mapping[str, Any], name: str, default: bool | None = None) -> bool:
    value = step.get(name, default)
    if not isinstance(value, bool):
        raise ModelError(f"the {step['type']:.30} of the file needs {name}, true or false")
    return value


def _metaspace(step: dict[str, Any], steps: Steps) -> Steps:
    if step.get("replacement", SPACE) != SPACE or step.get("str_rep", SPACE) != SPACE:
        raise ModelError(_unknown("pre_tokenizer", step))
    # Older files say whether, and newer ones where.
    old: Prefix = "always" if _truth(step, "add_prefix_space", True) else "never"
    prefix = step.get("prepend_scheme", old)
    if prefix not in get_args(Prefix):
        raise ModelError(_unknown("pre_tokenizer", step))
    return steps._replace(prefix=prefix, spaces=True, words=_truth(step, "split", True))


def _byte_level(step: dict[str, Any], steps: Steps) -> Steps:
    if _truth(step, "use_regex", True) or steps.spaces:
        raise ModelError(_unknown("pre_tokenizer", step))
    prefix: Prefix = "always" if _truth(step, "add_prefix_space", True) else "never"
    if prefix == "always" and (steps.lines or steps.digits):
        # It would come before each stretch.
        raise ModelError(_unknown("pre_tokenizer", step))
    return steps._replace(prefix=prefix, byte_level=True)


def _split(step: dict[str, Any], steps: Steps) -> Steps:
    """The two splits that our own models need, and are written with."""
    said = (step.get("pattern"), step.get("behavior"), step.get("invert", False))
    if said == ({"Regex": r"\n+"}, "MergedWithPrevious", False):
        return steps._replace(lines=True)
    if said == ({"Regex": _DIGITS}, "Isolated", False):
        return steps._replace(digits=True)
    raise ModelError(_unknown("pre_tokenizer", step))


_PRE_TOKENIZERS: dict[str, Callable[[dict[str, Any], Steps], Steps]] = {
    "Metaspace": _metaspace,
    "ByteLevel": _byte_level,
    "Split": _split,
}
_DIGITS = "".join(["[", *(f"\\x{{{low:X}}}-\\x{{{high:X}}}" for low, high in DIGIT_RANGES), "]"])


def _strips(decoder: Any) -> bool:
    """Whether the decoder takes off the first space."""
    for step in _flat(decoder, "decoder", "decoders"):
        if step["type"] == "Metaspace":
            old = "always" if step.get("add_prefix_space", True) else "never"
            return bool(step.get("prepend_scheme", old) != "never")
        if step["type"] == "Strip" and step.get("content") == " ":
            return bool(step.get("start") == 1)
    return False


def decoders_not_read(document: Mapping[str, Any]) -> list[str]:
    """The types of the decoder's steps that change what ids are decoded to, and are not known."""
    known = {"Metaspace", "ByteLevel", "ByteFallback", "Fuse", "Strip", "Replace"}
    types = [step["type"] for step in _flat(document.get("decoder"), "decoder", "decoders")]
    return [f"{kind:.30}" for kind in types if kind not in known]
