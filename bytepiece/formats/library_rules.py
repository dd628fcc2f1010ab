"""The rules of one library in the terms of another, for files that are written."""

import re
import warnings
from base64 import b64encode
from typing import Any, NamedTuple

from bytepiece.errors import ModelError
from bytepiece.rules.character_classes import WHITE
from bytepiece.rules.character_map import ENDS, SPACE
from bytepiece.rules.foreign import HuggingFaceRules, Prefix, SentencePieceRules
from bytepiece.rules.text_rules import TextRules


class WrittenSteps(NamedTuple):
    """The rules of a model over characters as steps of a tokenizer.json.

    Args:
        normalizer: the steps of the normalizer, as JSON.
        prefix: where `Metaspace` puts a space in front; see `HuggingFaceRules`.
        spaces: pieces are spelled with U+2581 for spaces.
        strips: decoding removes the leading space of the first token.
        parted: `WhitespaceSplit` cuts the text before `Metaspace`.
    """

    normalizer: list[dict[str, Any]]
    prefix: Prefix
    spaces: bool
    strips: bool
    parted: bool = False


def as_sentencepiece(rules: TextRules) -> SentencePieceRules:
    """Return rules as SentencePiece's rules that give the same text for every plain text.

    Raises:
        ModelError: if SentencePiece has no such rules; the message names the step.
    """
    library = rules.library
    if isinstance(library, SentencePieceRules):
        return library
    if library is None or not library.spaces:
        warnings.warn("SentencePiece takes U+2581 in a text for a space", stacklevel=5)
    if library is None:
        return SentencePieceRules(b"", False, False)
    # SentencePiece always writes spaces as U+2581.
    steps = [step for step in library.steps if step != ("replace", " ", SPACE)]
    charsmap: bytes = steps.pop(0)[1] if steps and steps[0][0] == "charsmap" else b""
    if charsmap:
        warnings.warn(
            "SentencePiece normalizes characters within grapheme clusters, too, such as some rare "
            "ones with marks",
            stacklevel=5,
        )
    prepends = bool(steps) and steps[-1] in (("prepend", " "), ("prepend", SPACE))
    if prepends:
        steps.pop()
    has_prefix = library.prefix != "never"
    left = right = squeezes = False
    for step in steps:
        if step[0] == "strip":
            left, right = left or step[1], right or step[2]
        elif step in (("squeeze", " "), ("squeeze", SPACE)):
            squeezes = True
        else:
            raise _cannot(" ".join([step[0], *map(repr, step[1:])]))
    if not steps:
        if has_prefix and not prepends:
            raise _cannot("a space in front only of texts that begin without one")
        return SentencePieceRules(charsmap, prepends, False)
    # The space that is left in front of a text stands for the space that would be added.
    left = left or (squeezes and has_prefix and not prepends)
    if not (left and right and squeezes):
        raise _cannot("to remove some extra spaces and to keep others")
    if kept := _white_after(charsmap):
        if kept != {_NEXT_LINE}:
            raise _cannot("Strip, which removes tabs and other white space, too")
        warnings.warn("SentencePiece keeps U+0085 at the ends of a text", stacklevel=5)
    return SentencePieceRules(charsmap, prepends or has_prefix, True)


def _cannot(what: str) -> ModelError:
    return ModelError(
        f"SentencePiece's format cannot express a step of the normalizer: {what:.120}"
    )


def _white_after(charsmap: bytes) -> set[str]:
    """Return the white space, except the space, that a character map keeps."""
    mapped = HuggingFaceRules((("charsmap", charsmap),), spaces=False)
    white = re.findall(f"[{WHITE}]", "".join(map(chr, range(0x3001))))
    return {char for char in white if mapped.normalize([char.encode()])[0] not in (b"", b" ")}


def as_huggingface(rules: TextRules) -> WrittenSteps:
    """Return rules as steps of a tokenizer.json that give the same text for every plain text.

    Raises:
        ModelError: if there are no such steps; the message names the rule.
    """
    library = rules.library
    if isinstance(library, SentencePieceRules):
        return _from_sentencepiece(library)
    if library is None:
        return WrittenSteps([{"type": form} for form in rules.normalization], "never", False, False)
    parted = library.steps[-1:] == (("words",),)
    steps = [_written(*step) for step in library.steps if step != ("words",)]
    return WrittenSteps(steps, library.prefix, library.spaces, library.strips == "once", parted)


def _from_sentencepiece(rules: SentencePieceRules) -> WrittenSteps:
    if rules.treat_whitespace_as_suffix:
        raise ModelError("tokenizer.json cannot express a space that is put behind a text")
    alone = HuggingFaceRules((("charsmap", rules.charsmap),))
    for symbol in rules.symbols:
        spaced = symbol.replace(SPACE, " ")
        if alone.normalize([spaced.encode()]) != [spaced.encode()] or (
            rules.remove_extra_whitespaces and " " in spaced
        ):
            raise ModelError(
                f"tokenizer.json cannot express the symbol {symbol!r:.60}, which must not be "
                "normalized"
            )
    steps = []
    if rules.charsmap:
        steps.append(_written("charsmap", rules.charsmap))
    if rules.remove_extra_whitespaces:
        # SentencePiece removes spaces and, at the end of a text, U+2581.
        steps.append(_written("pattern", ENDS, ""))
        steps.append(_written("squeeze", " "))
    if rules.add_dummy_prefix:
        steps.append(_written("prepend", SPACE))
    return WrittenSteps(steps, "never", True, rules.strips != "never")


def _written(name: str, *arguments: Any) -> dict[str, Any]:
    """Return a step of `HuggingFaceRules` as JSON."""
    if name == "charsmap":
        table = b64encode(arguments[0]).decode("ascii")
        return {"type": "Precompiled", "precompiled_charsmap": table}
    if name == "squeeze":
        return {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": arguments[0]}
    if name == "replace":
        return {"type": "Replace", "pattern": {"String": arguments[0]}, "content": arguments[1]}
    if name == "strip":
        return {"type": "Strip", "strip_left": arguments[0], "strip_right": arguments[1]}
    if name == "prepend":
        return {"type": "Prepend", "prepend": arguments[0]}
    if name == "pattern":
        return {"type": "Replace", "pattern": {"Regex": arguments[0]}, "content": arguments[1]}
    return {"type": _NAMES.get(name, name)}


_NEXT_LINE = "\x85"
"""A rare control character that SentencePiece's usual character map keeps, unlike all other white
space."""
_NAMES = {"lowercase": "Lowercase", "accents": "StripAccents"}
"""The names of steps that have another name in a file."""
