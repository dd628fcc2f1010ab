"""SentencePiece's .model files: a Unigram model that `sentencepiece` loads.

The file is a protocol buffer (sentencepiece_model.proto); the few fields needed are written here,
which spares every user the protobuf package.
"""

import os
import warnings
from collections.abc import Iterator

import numpy as np

from bytepiece._files import write_atomically
from bytepiece.encoding.segmentation import segment
from bytepiece.errors import ModelError
from bytepiece.model import STANDARD_SPECIAL_TOKENS, Model
from bytepiece.rules.protobuf import field, fields, float32, integer
from bytepiece.rules.text_rules import TextRules

_Entry = tuple[str, float, int]

_NORMAL, _UNKNOWN, _CONTROL, _UNUSED, _BYTE = 1, 2, 3, 5, 6
_OWN: list[_Entry] = [("<unk>", 0.0, _UNKNOWN), ("<s>", 0.0, _CONTROL), ("</s>", 0.0, _CONTROL)]
_TAKEN = {name for name, _, _ in _OWN} | {f"<0x{byte:02X}>" for byte in range(256)}


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a SentencePiece Unigram model with identity normalization and byte fallback; atomic.

    It encodes most texts alike, not all: SentencePiece's sums are in float32, and its lattice is
    over characters. It gets texts as they are: those for a model that normalizes must be normalized
    before.

    Ids are kept; 0, 1 and 2 are <unk>, <s> and </s>, and special tokens with other ids become
    control symbols. SentencePiece wants a byte piece for each of the 256 bytes: single bytes that
    are no printable ASCII character become these, and the other bytes get a second entry after all
    others. What it cannot represent (pieces with NUL, with U+2581, which stands for the space
    there, named like one of its own tokens, or that are not valid UTF-8) becomes an unused entry,
    and a warning says how many there are. So do, without one, pieces across the ends of segments,
    which no text gets here either.

    Raises:
        OSError: the file cannot be written.
        ModelError: a piece has one of the ids 0, 1 and 2, or the model's rules are of a kind that
            SentencePiece does not have.
    """
    entries, losses = _entries(model)
    for loss in losses:
        warnings.warn(loss, stacklevel=3)
    write_atomically(path, _message(entries))


def algorithm(message: bytes) -> str:
    """What kind of model a .model file holds: "Unigram", "BPE", "word" or "character".

    Args:
        message: the file's content, which `sentencepiece` has accepted.

    Raises:
        ModelError: it does not say; the file was cut off.
    """
    specs = [spec for number, spec in fields(message) if number == 2]  # trainer_spec
    if not specs:
        raise ModelError("the end of this SentencePiece model is missing; fetch it again")
    told = [each for spec in specs if isinstance(spec, bytes) for each in fields(spec)]
    kinds = [value for number, value in told if number == 3]  # model_type
    return {1: "Unigram", 2: "BPE", 3: "word", 4: "character"}[int(kinds[-1] if kinds else 1)]


def with_spaces_kept(message: bytes) -> bytes:
    """The same model, but it puts no space before a text and leaves spaces in it as they are.

    Args:
        message: the file's content.
    """
    # Of messages end to end, a reader merges the fields, and the last value holds.
    return message + field(3, integer(3, 0) + integer(4, 0))


def _entries(model: Model) -> tuple[list[_Entry], list[str]]:
    """The entries of a model's file by id, and what of the model is lost."""
    model.check_own("SentencePiece's format")
    if model.ids[0] < len(_OWN):
        raise ModelError(f"SentencePiece has its own special tokens at ids below {len(_OWN)}")
    # It knows no segments; where these are no pieces, no path crosses the end of one.
    crossing = _crossing(model)
    spellings: list[str | None] = [None] * model.vocab_size
    names = set(_TAKEN)
    for id_, piece in zip(model.ids.tolist(), model.pieces, strict=True):
        spellings[id_] = None if id_ in crossing else spelling(piece)
        names.add(spellings[id_] or "")
    losses = []
    controls: dict[int, str] = {}
    for token in model.special_tokens:
        if token.id < len(_OWN):
            if token != STANDARD_SPECIAL_TOKENS[token.id]:
                losses.append(f"{token.name!r} is {_OWN[token.id][0]}")
        elif token.name in names or "\0" in token.name:
            losses.append(f"{token.name!r}, a name that it cannot have, is left unused")
        else:
            controls[token.id] = token.name
            names.add(token.name)
    told = [f"In SentencePiece, the special token {loss}" for loss in losses]
    entries, others, unused = list(_OWN), [], 0
    pieces = dict(zip(model.ids.tolist(), model.pieces, strict=True))
    scores = dict(zip(model.ids.tolist(), model.scores.tolist(), strict=True))
    for id_ in range(len(_OWN), model.vocab_size):
        piece, name = pieces.get(id_, b""), spellings[id_]
        if len(piece) == 1:
            byte = f"<0x{piece[0]:02X}>"
            if name is None:
                entries.append((byte, scores[id_], _BYTE))
                continue
            others.append((byte, -100.0, _BYTE))
        if name is not None:
            entries.append((name, scores[id_], _NORMAL))
        elif id_ in controls:
            entries.append((controls[id_], 0.0, _CONTROL))
        else:
            unused += piece != b"" and id_ not in crossing
            free = f"<unused_{id_}>"
            while free in names:
                free += "_"
            entries.append((free, 0.0, _UNUSED))
    if unused:
        told.append(
            f"SentencePiece cannot represent {unused} pieces; left unused (with ensure_unicode, "
            "training makes whole characters only)"
        )
    return entries + others, told


def _crossing(model: Model) -> set[int]:
    """The ids of the pieces that have the end of a segment inside, so that no text gets them."""
    found = segment(model.pieces, TextRules(isolate_digits=model.rules.isolate_digits))
    counts = np.bincount(found.documents, minlength=len(model.pieces))
    return set(model.ids[counts > 1].tolist())


def _message(entries: list[_Entry]) -> Iterator[bytes]:
    for entry, score, kind in entries:
        yield field(1, field(1, entry.encode()) + float32(2, score) + integer(3, kind))
    # trainer_spec: model_type UNIGRAM, vocab_size, no split_by_unicode_script, byte_fallback
    yield field(2, integer(3, 1) + integer(4, len(entries)) + integer(21, 0) + integer(35, 1))
    # normalizer_spec: name, empty precompiled_charsmap, no dummy prefix, white space kept
    yield field(3, field(1, b"identity") + field(2, b"") + integer(3, 0) + integer(4, 0))


def spelling(piece: bytes) -> str | None:
    """The piece as SentencePiece spells it, or None where it must be, or can only be, bytes."""
    try:
        text = piece.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not text or "\0" in text or "\u2581" in text or (len(text) == 1 and text < " "):
        return None
    if text in _TAKEN:
        return None
    return text.replace(" ", "\u2581") if text != "\x7f" else None
