"""Writing SentencePiece's .model files: a Unigram model that `sentencepiece` loads."""

import math
import os
import warnings
from collections.abc import Iterator

import numpy as np

from bytepiece._files import write_atomically
from bytepiece._logarithms import rounded
from bytepiece.encoding.segmentation import segment
from bytepiece.errors import ModelError
from bytepiece.formats import characters_to_sentencepiece
from bytepiece.model import STANDARD_SPECIAL_TOKENS, Model
from bytepiece.rules.character_map import SPACE
from bytepiece.rules.protobuf import field, integer
from bytepiece.rules.sentencepiece_message import (
    NormalizerField,
    PieceType,
    SentencePieceEntry,
    TrainerField,
    model_message,
)
from bytepiece.rules.text_rules import TextRules

_OWN = [
    SentencePieceEntry("<unk>", 0.0, PieceType.UNKNOWN),
    SentencePieceEntry("<s>", 0.0, PieceType.CONTROL),
    SentencePieceEntry("</s>", 0.0, PieceType.CONTROL),
]
"""SentencePiece's own special tokens, at the ids 0, 1 and 2."""
_TAKEN = {entry.text for entry in _OWN} | {f"<0x{byte:02X}>" for byte in range(256)}
"""Names that SentencePiece gives a meaning of its own."""
_UNLIKELY = -100.0
"""The score of a byte piece after the model's ids. SentencePiece does not use such scores."""
_LONGEST_IN_LITE = 4096
"""The most bytes of a name in the Lite runtime (`kMaxPieceLength`). All pieces are shorter."""


def save(model: Model, path: str | os.PathLike[str], lite: bool = False) -> None:
    """Write a SentencePiece Unigram model with identity normalization and byte fallback.

    SentencePiece encodes most texts like this model, but not all: it adds scores in float32, and
    its lattice is over characters. The file does not normalize. If the model normalizes, normalize
    texts before SentencePiece gets them.

    Ids stay the same. The ids 0, 1 and 2 are <unk>, <s> and </s>, and special tokens with other ids
    become control symbols. SentencePiece needs a byte piece for each of the 256 bytes. A single
    byte that is not a printable ASCII character becomes its byte piece; the other bytes get a byte
    piece after all other entries.

    SentencePiece cannot represent a piece that is not valid UTF-8, that contains NUL or U+2581
    (its space), or that has the name of one of its own tokens. Such a piece becomes an unused
    entry, and a warning says how many there are. A piece across the end of a segment becomes an
    unused entry without a warning, because this library never encodes a text with it either.

    SentencePiece's Lite runtime reads a file only if the 256 byte pieces have consecutive ids. The
    ids of this library's single bytes cannot be these ids, because an ASCII character needs one id
    for itself and another id for its byte piece. With `lite`, the byte pieces therefore follow all
    other entries, and byte b has the id `model.vocab_size + b`. Whole characters keep their ids,
    also the ASCII control characters. The ids of the other single bytes, NUL and 0x80 to 0xFF,
    become unused.

    Args:
        model: the model.
        path: the file.
        lite: whether SentencePiece's Lite runtime must be able to read the file.

    Raises:
        OSError: if the file cannot be written. An older file of that name then stays as it is.
        ModelError: if a piece has one of the ids 0, 1 and 2, or the model has rules that
            SentencePiece does not have.
    """
    if model.rules.unknown is not None:
        write_atomically(path, characters_to_sentencepiece.message_of(model, lite))
        return
    entries, losses = _entries(model, lite)
    for loss in losses:
        warnings.warn(loss, stacklevel=3)
    write_atomically(path, _message(entries))


def _entries(model: Model, lite: bool) -> tuple[list[SentencePieceEntry], list[str]]:
    """Return the entries of a model's file in the order of their ids, and messages about losses."""
    model.check_own("SentencePiece's format")
    if model.rules.digits == "groups-of-three":
        raise ModelError(
            "SentencePiece cannot cut digits into groups of three from the left, as this model "
            "does; train one with the digits free or each"
        )
    if model.ids[0] < len(_OWN):
        raise ModelError(f"SentencePiece has its own special tokens at ids below {len(_OWN)}")
    # SentencePiece has no segments. Without these pieces, no path crosses the end of a segment.
    crossing = _crossing(model)
    spellings: list[str | None] = [None] * model.vocab_size
    names = set(_TAKEN)
    for id_, piece in zip(model.ids.tolist(), model.pieces, strict=True):
        spellings[id_] = None if id_ in crossing else spelling(piece, lite)
        names.add(spellings[id_] or "")
    longest = _LONGEST_IN_LITE if lite else math.inf
    losses = []
    controls: dict[int, str] = {}
    for token in model.special_tokens:
        if token.id < len(_OWN):
            if token != STANDARD_SPECIAL_TOKENS[token.id]:
                losses.append(f"{token.name!r} is {_OWN[token.id].text}")
        elif token.name in names or "\0" in token.name or len(token.name.encode()) > longest:
            losses.append(f"{token.name!r}, a name that it cannot have, is left unused")
        else:
            controls[token.id] = token.name
            names.add(token.name)
    messages = [f"In SentencePiece, the special token {loss}" for loss in losses]
    entries = list(_OWN)
    unused = 0
    pieces = dict(zip(model.ids.tolist(), model.pieces, strict=True))
    scores = dict(zip(model.ids.tolist(), rounded(model.scores).tolist(), strict=True))
    for id_ in range(len(_OWN), model.vocab_size):
        piece, name = pieces.get(id_, b""), spellings[id_]
        if name is not None:
            entries.append(SentencePieceEntry(name, scores[id_], PieceType.NORMAL))
        elif len(piece) == 1 and not lite:
            entries.append(_byte_piece(piece[0], scores[id_]))
        elif id_ in controls:
            entries.append(SentencePieceEntry(controls[id_], 0.0, PieceType.CONTROL))
        else:
            unused += len(piece) > 1 and id_ not in crossing
            free = characters_to_sentencepiece.unused_name(id_, "", names)
            entries.append(SentencePieceEntry(free, 0.0, PieceType.UNUSED))
    singles = range(256) if lite else [p[0] for p in model.pieces if len(p) == 1 and spelling(p)]
    entries += [_byte_piece(byte, _UNLIKELY) for byte in singles]
    if unused:
        messages.append(
            f"SentencePiece cannot represent {unused} pieces; left unused (with ensure_unicode, "
            "training makes whole characters only)"
        )
    return entries, messages


def _byte_piece(byte: int, score: float) -> SentencePieceEntry:
    """Return the entry of a byte in which SentencePiece spells characters without a piece."""
    return SentencePieceEntry(f"<0x{byte:02X}>", score, PieceType.BYTE)


def _crossing(model: Model) -> set[int]:
    """Return the ids of pieces that cross the end of a segment, and so are never used."""
    found = segment(model.pieces, TextRules(digits=model.rules.digits))
    counts = np.bincount(found.documents, minlength=len(model.pieces))
    return set(model.ids[counts > 1].tolist())


def _message(entries: list[SentencePieceEntry]) -> Iterator[bytes]:
    """Return the parts of a file."""
    return model_message(
        entries,
        integer(TrainerField.VOCAB_SIZE, len(entries))
        + integer(TrainerField.SPLIT_BY_UNICODE_SCRIPT, False)
        + integer(TrainerField.BYTE_FALLBACK, True),
        field(NormalizerField.NAME, b"identity")
        + field(NormalizerField.PRECOMPILED_CHARSMAP, b"")
        + integer(NormalizerField.ADD_DUMMY_PREFIX, False)
        + integer(NormalizerField.REMOVE_EXTRA_WHITESPACES, False),
    )


def spelling(piece: bytes, lite: bool = False) -> str | None:
    """Return a piece as SentencePiece spells it; None if it must be spelled in bytes.

    Args:
        piece: the piece.
        lite: whether the model is written for the Lite runtime; see `save`. Only then a single
            ASCII control character is spelled as itself: otherwise its id is a byte piece's.
    """
    try:
        text = piece.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not text or "\0" in text or SPACE in text or text in _TAKEN:
        return None
    if not lite and len(text) == 1 and (text < " " or text == "\x7f"):
        return None
    return text.replace(" ", SPACE)
