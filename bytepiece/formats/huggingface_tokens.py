"""The tokens of a tokenizer.json beside its pieces, and notes about what a model cannot keep."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from bytepiece.errors import ModelError
from bytepiece.formats.huggingface_steps import decoders_not_read
from bytepiece.model import Flag, Role, SpecialToken

_ROLES: dict[str, Role] = {
    "<s>": "bos",
    "<bos>": "bos",
    "</s>": "eos",
    "<eos>": "eos",
    "<pad>": "pad",
    "[PAD]": "pad",
    "<|begin_of_text|>": "bos",
    "<|end_of_text|>": "eos",
    "<|endoftext|>": "eos",
    "<｜begin▁of▁sentence｜>": "bos",
    "<｜end▁of▁sentence｜>": "eos",
    "<｜▁pad▁｜>": "pad",
}
"""Roles of tokens by their usual names; the file does not say what a token is for."""


def kind_of(model: Mapping[str, Any]) -> object:
    """Return the type of a model; files of some old releases lack the field."""
    if "type" in model:
        return model["type"]
    if "merges" in model:
        return "BPE"
    if "continuing_subword_prefix" in model:
        return "WordPiece"
    return "Unigram" if isinstance(model.get("vocab"), list) else "WordLevel"


def notes_of(document: Mapping[str, Any]) -> list[str]:
    """Return notes about the settings of a file that a model cannot keep."""
    notes: list[str] = []
    for name, note in (
        ("truncation", "texts are not cut off"),
        ("padding", "rows are not filled up"),
        ("post_processor", "special tokens are put around a text where add_bos and add_eos say so"),
    ):
        if document.get(name) is not None:
            notes.append(f"{note}, whatever the file's {name} does")
    if unread := decoders_not_read(document):
        notes.append(f"decoding joins the spelled pieces, without the file's {', '.join(unread)}")
    if document.get("decoder") is None:
        notes.append("decoding joins what the pieces spell, because the file has no decoder")
    return notes


def added_tokens(
    document: Mapping[str, Any],
    name_of: Mapping[int, str],
    notes: list[str],
    kept: bool = False,
) -> dict[int, str]:
    """Return the ids and names of tokens that are found in a text before it is segmented.

    Args:
        document: the parsed file.
        name_of: the vocabulary.
        notes: is given a note for each flag that the model does not keep.
        kept: the model keeps how white space and words beside a token matter.
    """
    entries = document.get("added_tokens") or []
    if not isinstance(entries, list):
        raise ModelError("added_tokens must be a list")
    added: dict[int, str] = {}
    names: set[str] = set()
    flags: dict[str, list[str]] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            raise ModelError(f"the added token {entry!r:.60} must be an object")
        id_, name = entry.get("id"), entry.get("content")
        if type(id_) is not int or not isinstance(name, str) or not name:
            raise ModelError(f"the added token {entry!r:.60} must have an id and a content")
        if id_ in added or name in names:
            raise ModelError(f"the added token {name!r:.60} is given twice, or its id is")
        added[id_] = name
        names.add(name)
        for flag in get_args(Flag):
            if entry.get(flag) and not kept:
                flags.setdefault(flag, []).append(name)
        if kept and entry.get("normalized") and document.get("normalizer") is not None:
            flags.setdefault("normalized", []).append(name)
        if not entry.get("special"):
            flags.setdefault("not special", []).append(name)
        if name_of.get(id_, name) != name:
            raise ModelError(f"the added token {name!r:.60} has the id of another piece")
    for flag, flagged in flags.items():
        note = {
            "lstrip": "white space before these tokens stays",
            "rstrip": "white space after these tokens stays",
            "single_word": "these tokens are found within words, too",
            "normalized": "these tokens are found as they are spelled, not in the normalized text",
            "not special": "these added tokens are special tokens here: found if a call allows it, "
            "and decoded to nothing",
        }[flag]
        more = len(flagged) - 5
        shown = ", ".join(flagged[:5]) + (f" and {more} more" if more > 0 else "")
        notes.append(f"{note}: {shown}")
    return added


def flags_of(document: Mapping[str, Any]) -> dict[str, tuple[Flag, ...]]:
    """Return the flags of the added tokens of a file that `added_tokens` has checked."""
    return {
        entry["content"]: tuple(flag for flag in get_args(Flag) if entry.get(flag))
        for entry in document.get("added_tokens") or []
    }


def special_tokens_of(
    special: Mapping[int, str],
    unknown: int | None,
    flags: Mapping[str, tuple[Flag, ...]] = MappingProxyType({}),
) -> tuple[SpecialToken, ...]:
    """Return the special tokens with these ids, names and flags; one may be the unknown token."""
    taken: set[Role] = set()
    tokens = []
    for id_, name in sorted(special.items()):
        role: Role = "unknown" if id_ == unknown else _ROLES.get(name, "control")
        if role in taken:
            role = "control"
        if role != "control":
            taken.add(role)
        tokens.append(SpecialToken(name, id_, role, flags.get(name, ())))
    return tuple(tokens)
