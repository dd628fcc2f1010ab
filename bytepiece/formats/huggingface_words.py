"""The pre-tokenizer of a tokenizer.json with a BPE model: how it cuts a text into words."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from bytepiece.errors import ModelError
from bytepiece.formats.huggingface_steps import flat_steps, refusal, truth_of
from bytepiece.rules.character_map import SPACE
from bytepiece.rules.foreign import Prefix
from bytepiece.rules.words import GPT2, PUNCTUATION, Behavior, WordCut

_BEHAVIORS: dict[object, Behavior] = {
    "Isolated": "isolated",
    "Contiguous": "contiguous",
    "MergedWithPrevious": "with-previous",
    "MergedWithNext": "with-next",
}
_OTHER_HERE = re.compile(r"\{\d*,?\d*\}\+")
"""A quantifier that is possessive in other libraries, and here repeats a repetition."""


class WordSteps(NamedTuple):
    """What the pre-tokenizer of a file does.

    Args:
        words: the cuts.
        prefix: where a space is put in front of a text; see `HuggingFaceRules`.
        spaces: U+2581 counts as a space.
        byte_level: pieces are spelled in the ByteLevel alphabet.
    """

    words: tuple[WordCut, ...] = ()
    prefix: Prefix = "never"
    spaces: bool = False
    byte_level: bool = False


def word_steps_of(document: Mapping[str, Any], spaces: bool) -> WordSteps:
    """Return what the pre-tokenizer of a parsed file does.

    Args:
        document: the file.
        spaces: the normalizer makes U+2581 of spaces.

    Raises:
        ModelError: if bytepiece does not know one of its steps.
    """
    found = WordSteps(spaces=spaces)
    for step in flat_steps(document.get("pre_tokenizer"), "pre_tokenizer", "pretokenizers"):
        reader = _READERS.get(step["type"])
        if reader is None or (found.byte_level and reader in (_byte_level, _metaspace)):
            raise ModelError(refusal("pre_tokenizer", step))
        found = reader(step, found)
    return found


def space_cut(pieces: Iterable[bytes]) -> tuple[WordCut, ...]:
    """Return the cut before each run of spaces, if no piece crosses it.

    The pieces of a whole text are then those of its words.
    """
    if any(re.search(b"[^ ] ", piece) for piece in pieces):
        return ()
    return (WordCut(" +[^ ]*|[^ ]+"),)


def _byte_level(step: dict[str, Any], found: WordSteps) -> WordSteps:
    prefix: Prefix = "always" if truth_of(step, "add_prefix_space", True) else "never"
    if found.spaces or (prefix == "always" and found.words):
        # ByteLevel would put a space before each word, not before the text.
        raise ModelError(refusal("pre_tokenizer", step))
    words = (WordCut(GPT2),) if truth_of(step, "use_regex", True) else ()
    return found._replace(words=(*found.words, *words), prefix=prefix, byte_level=True)


def _metaspace(step: dict[str, Any], found: WordSteps) -> WordSteps:
    if step.get("replacement", SPACE) != SPACE or found.words:
        raise ModelError(refusal("pre_tokenizer", step))
    old = "always" if truth_of(step, "add_prefix_space", True) else "never"
    prefix = step.get("prepend_scheme", old)
    if prefix not in ("always", "first", "never"):
        raise ModelError(refusal("pre_tokenizer", step))
    words = (WordCut(" ", "with-next"),) if truth_of(step, "split", True) else ()
    return found._replace(words=words, prefix=prefix, spaces=True)


def _split(step: dict[str, Any], found: WordSteps) -> WordSteps:
    pattern, named = step.get("pattern"), step.get("behavior")
    behavior = _BEHAVIORS.get(named) if isinstance(named, str) else None
    if behavior is None or not isinstance(pattern, dict) or len(pattern) != 1:
        raise ModelError(refusal("pre_tokenizer", step))
    invert = truth_of(step, "invert", False)
    literal = pattern.get("String")
    if found.spaces:
        # The text has spaces here where it has U+2581 there. So a space is never found there.
        if literal == " ":
            return found
        if literal != SPACE:
            raise ModelError(refusal("pre_tokenizer", step))
        literal = " "
    expression = re.escape(literal) if isinstance(literal, str) else pattern.get("Regex")
    if not isinstance(expression, str) or not expression or _OTHER_HERE.search(expression):
        raise ModelError(refusal("pre_tokenizer", step))
    return found._replace(
        words=(
            *found.words,
            WordCut(_with_words(expression), behavior, invert, found.byte_level),
        )
    )


def _with_words(expression: str) -> str:
    r"""Return an expression in which `\w` and `\b` mean what they mean in Oniguruma.

    It takes the digits and fractions of Latin-1 for parts of words; other libraries do not.
    """
    word = r"[\w²³¹¼½¾]"
    edge = f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
    inner = f"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"
    inside = {r"\w": word, r"\W": r"[^\w²³¹¼½¾]"}
    outside = {**inside, r"\b": edge, r"\B": inner}
    found = []
    for part in re.findall(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", expression, re.DOTALL):
        if part[0] == "[":
            found.append(re.sub(r"\\.", lambda one: inside.get(one[0], one[0]), part))
        else:
            found.append(outside.get(part, part))
    return "".join(found)


def _digits(step: dict[str, Any], found: WordSteps) -> WordSteps:
    behavior: Behavior = "isolated" if truth_of(step, "individual_digits", False) else "contiguous"
    return found._replace(
        words=(*found.words, WordCut(r"\p{N}", behavior, spelled=found.byte_level))
    )


def _punctuation(step: dict[str, Any], found: WordSteps) -> WordSteps:
    behavior = _BEHAVIORS.get(step.get("behavior", "Isolated"))
    if behavior is None:
        raise ModelError(refusal("pre_tokenizer", step))
    return found._replace(
        words=(*found.words, WordCut(PUNCTUATION, behavior, spelled=found.byte_level))
    )


_READERS: dict[str, Callable[[dict[str, Any], WordSteps], WordSteps]] = {
    "ByteLevel": _byte_level,
    "Metaspace": _metaspace,
    "Split": _split,
    "Digits": _digits,
    "Punctuation": _punctuation,
}
