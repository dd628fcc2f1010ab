"""SentencePiece's .model files: a Unigram model that `sentencepiece` loads.

The file is a protocol buffer (sentencepiece_model.proto); the few fields needed are written here,
which spares every user the protobuf package.
"""

import os
import warnings
from collections.abc import Iterator

from bytepiece.errors import ModelError
from bytepiece.formats.protobuf import field, fields, float32, integer
from bytepiece.model import Model
from bytepiece.model_io import write_atomically

_SPECIALS = 3
_TAKEN = {"<unk>", "<s>", "</s>"} | {f"<0x{byte:02X}>" for byte in range(256)}
_NORMAL, _UNKNOWN, _CONTROL, _UNUSED, _BYTE = 1, 2, 3, 5, 6


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a SentencePiece Unigram model with identity normalization and byte fallback; atomic.

    It encodes most texts alike, not all: SentencePiece's sums are in float32, and its lattice is
    over characters.

    Ids are kept; 0, 1 and 2 are <unk>, <s> and </s>. SentencePiece wants a byte piece for each of
    the 256 bytes: single bytes that are no printable ASCII character become these, and the other
    bytes get a second entry after all others. What it cannot represent (pieces with NUL, with
    U+2581, which stands for the space there, named like one of its own tokens, or that are not
    valid UTF-8) becomes an unused entry,
    and a warning says how many there are.

    Raises:
        OSError: the file cannot be written.
        ModelError: a piece has one of the ids 0, 1 and 2.
    """
    write_atomically(path, _message(model))


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


def _message(model: Model) -> Iterator[bytes]:
    model.check_own("SentencePiece's format")
    if model.ids[0] < _SPECIALS:
        raise ModelError(f"SentencePiece has its own special tokens at ids below {_SPECIALS}")
    entries = [("<unk>", 0.0, _UNKNOWN), ("<s>", 0.0, _CONTROL), ("</s>", 0.0, _CONTROL)]
    scores = dict(zip(model.ids.tolist(), model.scores.tolist(), strict=True))
    pieces = dict(zip(model.ids.tolist(), model.pieces, strict=True))
    others = []
    unused = 0
    taken = set(model.pieces)
    for id_ in range(_SPECIALS, model.vocab_size):
        piece = pieces.get(id_, b"")
        name = spelling(piece)
        if len(piece) == 1:
            byte = f"<0x{piece[0]:02X}>"
            if name is None:
                entries.append((byte, scores[id_], _BYTE))
                continue
            others.append((byte, -100.0, _BYTE))
        if name is None:
            unused += piece != b""
            free = f"<unused_{id_}>"
            while free.encode() in taken:
                free += "_"
            entries.append((free, 0.0, _UNUSED))
        else:
            entries.append((name, scores[id_], _NORMAL))
    if unused:
        warnings.warn(f"SentencePiece cannot represent {unused} pieces; left unused", stacklevel=5)
    entries += others
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
