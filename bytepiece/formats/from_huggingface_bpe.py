"""Reading Hugging Face's tokenizer.json with a BPE model, which encodes like `tokenizers`."""

import re
from collections.abc import Mapping
from itertools import chain, groupby
from typing import Any, Literal

import numpy as np

from bytepiece._arrays import I64
from bytepiece.errors import ModelError
from bytepiece.formats.huggingface_steps import (
    FORMS,
    flat_steps,
    normalizer_steps,
    strips_first,
)
from bytepiece.formats.huggingface_tokens import (
    added_tokens,
    flags_of,
    notes_of,
    special_tokens_of,
)
from bytepiece.formats.huggingface_words import WordSteps, space_cut, word_steps_of
from bytepiece.model import MAX_ID, MAX_PIECES, Model
from bytepiece.rules.byte_level import alphabet
from bytepiece.rules.character_map import SPACE
from bytepiece.rules.foreign import HuggingFaceRules
from bytepiece.rules.merges import MAX_MERGES, Merges
from bytepiece.rules.text_rules import TextRules

_BYTE = re.compile("<0x[0-9A-F]{2}>")


def from_document(document: Mapping[str, Any]) -> Model:
    """Return the BPE model in a tokenizer.json.

    The "notes" in the model's record say which settings of the file the model cannot keep.

    Args:
        document: the parsed JSON of the file, whose model is of the type BPE.

    Raises:
        ModelError: if the file breaks a rule of the format, or has a step or a setting that
            bytepiece does not know.
    """
    model = document["model"]
    vocabulary = _vocabulary(model.get("vocab"))
    for name in ("continuing_subword_prefix", "end_of_word_suffix"):
        if model.get(name):
            raise ModelError(f"its {name} {model[name]!r:.30} cannot be read")
    notes = notes_of(document)
    if model.get("dropout"):
        notes.append("encoding without an alpha is never random, whatever the file's dropout is")
    added = added_tokens(document, {id_: name for name, id_ in vocabulary.items()}, notes, True)
    normalizer: list[tuple[Any, ...]] = []
    for step in flat_steps(document.get("normalizer"), "normalizer", "normalizers"):
        normalizer += normalizer_steps(step)
    steps = word_steps_of(document, ("replace", " ", SPACE) in normalizer)
    fallback = _flag(model, "byte_fallback") and not steps.byte_level
    pieces, aliases, byte_ids = _sorted(vocabulary, added, steps, fallback)
    unknown = None if steps.byte_level or fallback else _unknown(model, vocabulary)
    for byte in range(256):
        piece = bytes([byte])
        id_ = byte_ids.get(byte, unknown)
        if piece in pieces:
            if byte in byte_ids:
                aliases[byte_ids[byte]] = piece
        elif id_ is None:
            raise ModelError(f"no piece covers the byte 0x{byte:02x}; some texts have no encoding")
        else:
            pieces[piece] = id_
    if not steps.byte_level and not steps.words:
        steps = steps._replace(words=space_cut(pieces))
    special = dict(added)
    if unknown is not None:
        special.setdefault(unknown, model["unk_token"])
    pairs = _pairs(model.get("merges"), vocabulary, set(byte_ids.values()))
    return Model(
        tuple(pieces),
        np.zeros(len(pieces)),
        np.fromiter(pieces.values(), dtype=np.int64, count=len(pieces)),
        special_tokens_of(special, unknown, flags_of(document)),
        _rules(document, tuple(normalizer), steps, fallback),
        record={"source": "huggingface", "notes": notes},
        aliases=aliases,
        merges=Merges(pairs.astype(np.int32), whole=_flag(model, "ignore_merges")),
    )


def _rules(
    document: Mapping[str, Any],
    normalizer: tuple[tuple[Any, ...], ...],
    steps: WordSteps,
    fallback: bool,
) -> TextRules:
    unknown: Literal["bytes", "token"] | None = "bytes" if fallback else "token"
    unknown = None if steps.byte_level else unknown
    forms = tuple(step[0] for step in normalizer)
    if steps.prefix == "never" and not steps.spaces and set(forms) <= set(FORMS):
        return TextRules(forms, "free", "text", unknown, None, steps.words)
    strips: Literal["never", "once"] = "once" if strips_first(document.get("decoder")) else "never"
    library = HuggingFaceRules(normalizer, steps.prefix, steps.spaces, strips)
    return TextRules((), "free", "text", unknown, library, steps.words)


def _flag(model: Mapping[str, Any], name: str) -> bool:
    value = model.get(name, False)
    if not isinstance(value, bool):
        raise ModelError(f"{name} must be true or false, not {value!r:.30}")
    return value


def _vocabulary(entries: Any) -> dict[str, int]:
    if not isinstance(entries, dict) or not entries:
        raise ModelError("is a tokenizer.json without a vocabulary")
    if len(entries) > MAX_PIECES:
        raise ModelError(f"{len(entries)} pieces are more than {MAX_PIECES}, the most allowed")
    if "" in entries or set(map(type, entries.values())) != {int}:
        name, id_ = next((n, i) for n, i in entries.items() if type(i) is not int or not n)
        raise ModelError(f"the entry {name!r:.60} with {id_!r:.30} must be a piece and its id")
    try:
        "".join(entries).encode()
    except UnicodeEncodeError as error:
        raise ModelError(f"a piece is not valid Unicode: {error!s:.80}") from None
    if not 0 <= min(entries.values()) <= max(entries.values()) <= MAX_ID:
        raise ModelError(f"ids must be in 0…{MAX_ID}")
    if len(set(entries.values())) < len(entries):
        raise ModelError("two pieces have the same id")
    return entries


def _unknown(model: Mapping[str, Any], vocabulary: Mapping[str, int]) -> int:
    """Return the id of the unknown token of a model without byte fallback."""
    name = model.get("unk_token")
    if not isinstance(name, str) or name not in vocabulary:
        raise ModelError("has neither ByteLevel, nor byte_fallback, nor an unk_token")
    if not _flag(model, "fuse_unk"):
        raise ModelError(
            "gives each unknown character a token of its own (fuse_unk is false); only a model "
            "with one token for a run of them can be read"
        )
    return vocabulary[name]


def _sorted(
    vocabulary: Mapping[str, int], added: Mapping[int, str], steps: WordSteps, fallback: bool
) -> tuple[dict[bytes, int], dict[int, bytes], dict[int, int]]:
    """Sort the entries of a file.

    Returns:
        the ids of the pieces that encoding uses; ids that it never gives, with their bytes; the id
        of each entry such as <0x41>, by its byte.
    """
    pieces: dict[bytes, int] = {}
    aliases: dict[int, bytes] = {}
    byte_ids: dict[int, int] = {}
    # Each character of the alphabet becomes that with the code of its byte, others become U+FFFF.
    spelled = dict.fromkeys(range(256), "\uffff")
    spelled |= {ord(char): chr(byte) for byte, char in enumerate(alphabet())}
    for name, id_ in vocabulary.items():
        if id_ in added:
            continue
        if steps.byte_level:
            try:
                pieces[name.translate(spelled).encode("latin-1")] = id_
            except UnicodeEncodeError:
                aliases[id_] = name.encode()
        elif fallback and _BYTE.fullmatch(name):
            byte_ids[int(name[3:5], 16)] = id_
        elif steps.spaces and " " in name:
            aliases[id_] = name.encode()
        else:
            pieces[(name.replace(SPACE, " ") if steps.spaces else name).encode()] = id_
    if fallback and len(byte_ids) < 256:
        raise ModelError(
            f"byte_fallback is on, and {256 - len(byte_ids)} of the 256 bytes have no entry such "
            "as <0x41>; it cannot be read"
        )
    if steps.spaces and b" " not in pieces:
        raise ModelError(f"no piece is {SPACE} alone; such a model cannot be read")
    return pieces, aliases, byte_ids


def _pairs(entries: Any, vocabulary: Mapping[str, int], bytes_apart: set[int]) -> I64:
    """Return the ids of the pairs that are joined; files of some releases join them by a space."""
    if not isinstance(entries, list):
        raise ModelError("is a BPE model without a list of merges")
    if len(entries) > MAX_MERGES:
        raise ModelError(f"there are more than {MAX_MERGES} merges, the most allowed")
    for entry in entries:
        if (
            entry.count(" ") != 1
            if type(entry) is str
            else type(entry) is not list or len(entry) != 2
        ):
            raise ModelError(f"the merge {entry!r:.60} must be two pieces")
    # A flat list: the collector of garbage would go through many small ones again and again.
    parts: list[Any] = []
    for in_text, group in groupby(entries, lambda entry: type(entry) is str):
        some = list(group)
        parts += " ".join(some).split(" ") if in_text else chain.from_iterable(some)
    try:
        pairs = np.fromiter(map(vocabulary.__getitem__, parts), np.int64, len(parts))
    except (KeyError, TypeError) as error:
        raise ModelError(f"a merge joins {error!s:.60}, but must be two pieces") from None
    apart = np.isin(pairs, list(bytes_apart)).reshape(-1, 2).any(axis=1)
    if apart.any():
        entry = entries[int(apart.argmax())]
        raise ModelError(f"the merge {entry!r:.60} joins an entry such as <0x41>")
    return pairs.reshape(-1, 2)
