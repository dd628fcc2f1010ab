"""The rules of other libraries as JSON, for our own model file; tables become text."""

import zlib
from base64 import b64decode, b64encode
from typing import Any

from bytepiece.errors import ModelError
from bytepiece.rules.character_map import MAX_CHARSMAP
from bytepiece.rules.foreign import HuggingFaceRules, LibraryRules, SentencePieceRules

_SENTENCEPIECE = {
    "name",
    "charsmap",
    "add_dummy_prefix",
    "remove_extra_whitespaces",
    "treat_whitespace_as_suffix",
    "symbols",
}
_HUGGINGFACE = {"name", "steps", "prefix", "spaces", "strips"}


def to_document(rules: LibraryRules | None) -> dict[str, Any] | None:
    """Return the value of the field "library" of a model file."""
    if isinstance(rules, SentencePieceRules):
        return {
            "name": "sentencepiece",
            **_fields(rules),
            "charsmap": _packed(rules.charsmap),
            "symbols": list(rules.symbols),
        }
    if isinstance(rules, HuggingFaceRules):
        steps = [
            [_packed(part) if isinstance(part, bytes) else part for part in step]
            for step in rules.steps
        ]
        return {"name": "huggingface", **_fields(rules), "steps": steps}
    return None


def from_document(document: Any) -> LibraryRules | None:
    """Return the rules in the parsed field "library" of a model file.

    Raises:
        ModelError: if the field is neither null nor valid rules.
    """
    if document is None:
        return None
    if isinstance(document, dict):
        name, fields = document.get("name"), document.keys()
        settings = {field: value for field, value in document.items() if field != "name"}
        if name == "sentencepiece" and fields == _SENTENCEPIECE:
            settings["charsmap"] = _unpacked(settings["charsmap"])
            settings["symbols"] = _tuple(settings["symbols"])
            return SentencePieceRules(**settings)
        if name == "huggingface" and fields == _HUGGINGFACE:
            settings["steps"] = tuple(map(_step, _tuple(settings["steps"])))
            return HuggingFaceRules(**settings)
    raise ModelError('"library" must be null or the rules of sentencepiece or huggingface')


def _fields(rules: LibraryRules) -> dict[str, Any]:
    """Return the fields of rules by name."""
    return {name: getattr(rules, name) for name in rules.__match_args__}


def _tuple(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ModelError(f'in "library" {value!r:.60} must be a list')
    return tuple(value)


def _step(entry: Any) -> tuple[Any, ...]:
    step = _tuple(entry)
    if step[:1] == ("charsmap",) and len(step) == 2:
        return "charsmap", _unpacked(step[1])
    return step


def _packed(table: bytes) -> str:
    return b64encode(zlib.compress(table, 9)).decode("ascii")


def _unpacked(text: Any) -> bytes:
    try:
        unpacker = zlib.decompressobj()
        table = unpacker.decompress(b64decode(text, validate=True), MAX_CHARSMAP + 1)
    except (TypeError, ValueError, zlib.error):
        table = None
    if table is None or not unpacker.eof or unpacker.unused_data:
        raise ModelError("a charsmap is not Base64 of zlib's compression of a table")
    return table
