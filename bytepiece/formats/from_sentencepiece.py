"""Reading SentencePiece's .model files: a model that encodes like `sentencepiece`.

Pieces become bytes, and U+2581 becomes a space. SentencePiece gives every character without a piece
the same score. Here such a character is spelled in single bytes: its first byte has that score, and
the other bytes have the score 0, so that the sum is the same. SentencePiece searches for best paths
over characters. The best paths over bytes are the same, because every piece consists of whole
characters.
"""

import math
from typing import Any

import numpy as np

from bytepiece.errors import ModelError
from bytepiece.formats.character_vocabulary import (
    CharacterVocabulary,
    model_over_characters,
    score_of_unknown,
)
from bytepiece.formats.sentencepiece_merges import with_merges
from bytepiece.model import MAX_PIECES, MAX_SCORE, Model, Role, SpecialToken
from bytepiece.rules.character_map import SPACE
from bytepiece.rules.foreign import SentencePieceRules
from bytepiece.rules.protobuf import field, fields, integer
from bytepiece.rules.sentencepiece_message import (
    ALGORITHMS,
    UNIGRAM,
    ModelField,
    NormalizerField,
    PieceField,
    PieceType,
    SentencePieceEntry,
    TrainerField,
)
from bytepiece.rules.text_rules import TextRules

_BONUS = 0.1
"""The score of a user-defined symbol for each byte after its first."""
_BYTES = {f"<0x{byte:02X}>": byte for byte in range(256)}
_LAST_SETTING = max(TrainerField)
"""The largest number of a setting that is read."""
_UNKNOWN_TEXT = SentencePieceRules.unknown
_NO_END = "the end of this SentencePiece model is missing; fetch it again"
_DAMAGED = "is not a SentencePiece model, or is damaged"


def looks_like(content: bytes) -> bool:
    """Return whether a file may be a .model, which begins with a piece and that piece's text."""
    head = content[:16]
    return head[:1] == b"\n" and b"\n" in head[2:5] and content[:64].lstrip()[:1] != b"{"


def from_bytes(content: bytes) -> Model:
    """Return the model in a .model file.

    The "notes" in the model's record say which settings of the file the model cannot keep.

    Args:
        content: the bytes of the file.

    Raises:
        ModelError: if the file is damaged, or holds a model of another kind.
    """
    entries: list[SentencePieceEntry] = []
    trainer: dict[int, Any] = {}
    normalizer: dict[int, Any] = {}
    notes: list[str] = []
    for number, value in fields(content):
        if number == ModelField.PIECES:
            if len(entries) == MAX_PIECES:
                raise ModelError(f"there are more than {MAX_PIECES} pieces, the most allowed")
            entries.append(_entry(_message(value, "a piece")))
        elif number == ModelField.TRAINER_SPEC:
            trainer |= _settings(_message(value, "the trainer's settings"))
        elif number == ModelField.NORMALIZER_SPEC:
            normalizer |= _settings(_message(value, "the normalizer's settings"))
        elif number == ModelField.DENORMALIZER_SPEC and _settings(
            _message(value, "the denormalizer's settings")
        ).get(NormalizerField.PRECOMPILED_CHARSMAP):
            notes.append("the file's denormalizer is left out, so decoding changes no characters")
    if not trainer:
        raise ModelError(_NO_END)
    kind = ALGORITHMS.get(trainer.get(TrainerField.MODEL_TYPE, UNIGRAM), "unknown")
    if kind not in ("Unigram", "BPE"):
        raise ModelError(
            f"is a SentencePiece {kind} model, and only Unigram and BPE models can be read"
        )
    _check(entries, _flag(trainer, TrainerField.BYTE_FALLBACK, False))
    if not _flag(normalizer, NormalizerField.ESCAPE_WHITESPACES, True):
        raise ModelError("is a SentencePiece model that does not escape spaces; it cannot be read")
    if trainer.get(TrainerField.UNK_SURFACE, _UNKNOWN_TEXT) != _UNKNOWN_TEXT:
        notes.append(f"unknown tokens are decoded to {_UNKNOWN_TEXT.decode()!r}")
    rules = _rules(entries, trainer, normalizer)
    if kind == "BPE":
        # The scores only say which piece comes first. They may have any size.
        alike = [entry._replace(score=0.0) for entry in entries]
        return with_merges(_model(alike, trainer, rules, notes), entries)
    for entry in entries:
        if abs(entry.score) > MAX_SCORE:
            raise ModelError(
                f"the piece {entry.text!r:.60} has the score {entry.score}, which is not a "
                "log-probability"
            )
    return _model(entries, trainer, rules, notes)


def algorithm(content: bytes) -> str:
    """Return the kind of model in a .model file: "Unigram", "BPE", "word" or "character".

    Args:
        content: the bytes of a file that `sentencepiece` has accepted.

    Raises:
        ModelError: if the end of the file, which says the kind of model, is missing.
    """
    specs = [spec for number, spec in fields(content) if number == ModelField.TRAINER_SPEC]
    if not specs:
        raise ModelError(_NO_END)
    settings = [each for spec in specs if isinstance(spec, bytes) for each in fields(spec)]
    kinds = [value for number, value in settings if number == TrainerField.MODEL_TYPE]
    return ALGORITHMS[int(kinds[-1] if kinds else UNIGRAM)]


def with_spaces_kept(content: bytes) -> bytes:
    """Return a .model file changed so that it keeps all spaces and puts none before a text.

    Args:
        content: the bytes of the file before the change.
    """
    # A reader merges all messages of settings in the file. The last value of a setting counts.
    flags = (NormalizerField.ADD_DUMMY_PREFIX, NormalizerField.REMOVE_EXTRA_WHITESPACES)
    settings = b"".join(integer(flag, False) for flag in flags)
    return content + field(ModelField.NORMALIZER_SPEC, settings)


def _message(value: object, what: str) -> bytes:
    """Return the value of a field that must be bytes."""
    if not isinstance(value, bytes):
        raise ModelError(f"{_DAMAGED}: {what} is a number")
    return value


def _settings(message: bytes) -> dict[int, Any]:
    # Unknown settings are left out: a hostile file may hold any number of them.
    return {number: value for number, value in fields(message) if number <= _LAST_SETTING}


def _entry(message: bytes) -> SentencePieceEntry:
    found: dict[int, Any] = {
        PieceField.PIECE: b"",
        PieceField.SCORE: 0.0,
        PieceField.TYPE: int(PieceType.NORMAL),
    }
    for number, value in fields(message):
        if number in found:
            if type(value) is not type(found[number]):
                raise ModelError(f"{_DAMAGED}: a piece of no type")
            found[number] = value
    raw, score, kind = found.values()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ModelError(f"the piece {raw!r:.60} is not valid UTF-8") from None
    if not text or "\0" in text:
        raise ModelError(f"the piece {text!r:.60} is empty or holds a NUL")
    if not math.isfinite(score):
        raise ModelError(f"the piece {text!r:.60} has the score {score}, which is no number")
    if not PieceType.NORMAL <= kind <= PieceType.BYTE:
        raise ModelError(f"the piece {text!r:.60} is of the unknown type {kind}")
    if kind == PieceType.BYTE and text not in _BYTES:
        raise ModelError(f"the byte piece {text!r:.60} names no byte")
    return SentencePieceEntry(text, score, kind)


def _check(entries: list[SentencePieceEntry], byte_fallback: bool) -> None:
    """Raise ModelError if SentencePiece would not load such a vocabulary."""
    if len({entry.text for entry in entries}) < len(entries):
        seen: set[str] = set()
        twice = next(e.text for e in entries if e.text in seen or seen.add(e.text))  # type: ignore[func-returns-value]
        raise ModelError(f"the piece {twice!r:.60} occurs twice")
    kinds = [entry.kind for entry in entries]
    unknown_tokens, byte_pieces = kinds.count(PieceType.UNKNOWN), kinds.count(PieceType.BYTE)
    if unknown_tokens != 1:
        raise ModelError(f"there are {unknown_tokens} unknown tokens, and there must be one")
    if PieceType.NORMAL not in kinds:
        raise ModelError("no piece has a score")
    if byte_pieces != (256 if byte_fallback else 0):
        raise ModelError(
            f"there are {byte_pieces} byte pieces, and byte fallback is "
            f"{'on' if byte_fallback else 'off'}"
        )
    if byte_fallback and not any(
        entry.text == SPACE and entry.kind in (PieceType.NORMAL, PieceType.USER_DEFINED)
        for entry in entries
    ):
        raise ModelError(
            "is a SentencePiece model that spells the space with three bytes, because it has no "
            f"piece {SPACE}; it cannot be read"
        )


def _flag(settings: dict[int, Any], number: int, default: bool) -> bool:
    value = settings.get(number, int(default))
    if not isinstance(value, int):
        raise ModelError(f"{_DAMAGED}: a setting of no type")
    return bool(value)


def _rules(
    entries: list[SentencePieceEntry], trainer: dict[int, Any], normalizer: dict[int, Any]
) -> SentencePieceRules:
    rules = SentencePieceRules(
        _message(
            normalizer.get(NormalizerField.PRECOMPILED_CHARSMAP, b""), "the table of normalizations"
        ),
        _flag(normalizer, NormalizerField.ADD_DUMMY_PREFIX, True),
        _flag(normalizer, NormalizerField.REMOVE_EXTRA_WHITESPACES, True),
        _flag(trainer, TrainerField.TREAT_WHITESPACE_AS_SUFFIX, False),
        tuple(entry.text for entry in entries if entry.kind == PieceType.USER_DEFINED),
    )
    rules.normalize([b"a"])  # This raises an error if SentencePiece refuses the rules.
    return rules


def _model(
    entries: list[SentencePieceEntry],
    trainer: dict[int, Any],
    rules: SentencePieceRules,
    notes: list[str],
) -> Model:
    pieces: dict[int, str] = {}
    scores: dict[int, float] = {}
    unused: dict[int, bytes] = {}
    byte_ids: dict[int, int] = {}
    specials: list[SpecialToken] = []
    roles = _roles(trainer)
    for id_, (text, score, kind) in enumerate(entries):
        spelled = text.replace(SPACE, " ")
        if kind in (PieceType.UNKNOWN, PieceType.CONTROL):
            role = "unknown" if kind == PieceType.UNKNOWN else roles.get(text, "control")
            specials.append(SpecialToken(text, id_, role))
        elif kind == PieceType.BYTE:
            byte_ids[_BYTES[text]] = id_
        elif kind == PieceType.UNUSED or " " in text:  # Normalized text has no space.
            unused[id_] = spelled.encode()
        elif kind == PieceType.USER_DEFINED:
            bonus = np.float32(_BONUS) * np.float32(len(text.encode()) - 1)
            pieces[id_], scores[id_] = spelled, float(bonus)
        else:
            pieces[id_], scores[id_] = spelled, score
    vocabulary = CharacterVocabulary(
        pieces,
        scores,
        tuple(byte_ids[byte] for byte in range(256)) if byte_ids else (),
        unused,
        score_of_unknown(entry.score for entry in entries if entry.kind == PieceType.NORMAL),
        next(token for token in specials if token.role == "unknown"),
    )
    return model_over_characters(
        vocabulary,
        tuple(specials),
        TextRules(segment="text", unknown="bytes" if byte_ids else "token", library=rules),
        {"source": "sentencepiece", "notes": notes},
    )


def _roles(trainer: dict[int, Any]) -> dict[str, Role]:
    """Return the roles of control symbols by name. The trainer's settings give the names."""
    named: list[tuple[int, bytes, Role]] = [
        (TrainerField.BOS_PIECE, b"<s>", "bos"),
        (TrainerField.EOS_PIECE, b"</s>", "eos"),
        (TrainerField.PAD_PIECE, b"<pad>", "pad"),
    ]
    return {
        _message(trainer.get(number, name), "the name of a token").decode("utf-8", "replace"): role
        for number, name, role in named
    }
