"""SentencePiece's .model files, in: a Unigram model that encodes as `sentencepiece` does.

Pieces become bytes, with a space for U+2581. What SentencePiece does with a character without a
piece of its own, at one price for all of it, the first byte of its spelling pays; the bytes that
continue a character are free, so that every spelled character costs the same. SentencePiece finds
best paths over characters, and these are the same paths: pieces begin and end with characters.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from bytepiece.errors import ModelError
from bytepiece.model import MAX_PIECES, MAX_SCORE, Model, Role, SpecialToken
from bytepiece.rules.foreign import SPACE, SentencePieceRules
from bytepiece.rules.protobuf import fields
from bytepiece.rules.text_rules import TextRules

_NORMAL, _UNKNOWN, _CONTROL, _USER, _UNUSED, _BYTE = 1, 2, 3, 4, 5, 6
_KINDS = {1: "Unigram", 2: "BPE", 3: "word", 4: "character"}
_PENALTY = 10.0
"""How much less than the least likely piece a character without one scores, in nats."""
_BONUS = 0.1
"""What a user-defined symbol scores for each byte after its first."""
_BYTES = {f"<0x{byte:02X}>": byte for byte in range(256)}
_LAST_SETTING = 48
"""The largest number of a setting that is read."""
_SURFACE = SentencePieceRules.unknown


def looks_like(content: bytes) -> bool:
    """Whether a file may be one of these: it begins with a piece, whose first field is its text."""
    head = content[:16]
    return head[:1] == b"\n" and b"\n" in head[2:5] and content[:64].lstrip()[:1] != b"{"


def from_bytes(content: bytes) -> Model:
    """The model in a .model file.

    What there is no room for is said in the model's record, under "notes".

    Args:
        content: of the file.

    Raises:
        ModelError: the file is damaged, or holds a model of another kind.
    """
    entries: list[_Entry] = []
    trainer: dict[int, Any] = {}
    normalizer: dict[int, Any] = {}
    notes: list[str] = []
    for number, value in fields(content):
        if number == 1:
            if len(entries) == MAX_PIECES:
                raise ModelError(f"there are more than {MAX_PIECES} pieces, the most allowed")
            entries.append(_entry(_message(value, "a piece")))
        elif number == 2:
            trainer |= _settings(_message(value, "the trainer's settings"))
        elif number == 3:
            normalizer |= _settings(_message(value, "the normalizer's settings"))
        elif number == 5 and _settings(_message(value, "the denormalizer's settings")).get(2):
            notes.append("decoding changes no characters, as the file's denormalizer would")
    if not trainer:
        raise ModelError("the end of this SentencePiece model is missing; fetch it again")
    kind = _KINDS.get(trainer.get(3, 1), "unknown")
    if kind != "Unigram":
        raise ModelError(f"is a SentencePiece {kind} model, and only Unigram models can be read")
    _check(entries, _flag(trainer, 35, False))
    if not _flag(normalizer, 5, True):
        raise ModelError("is a SentencePiece model that does not escape spaces; it cannot be read")
    if trainer.get(44, _SURFACE) != _SURFACE:
        notes.append(f"what is unknown is decoded to {_SURFACE.decode()!r}")
    return _model(entries, trainer, _rules(entries, trainer, normalizer), notes)


class _Entry(NamedTuple):
    """An entry of the vocabulary: its text, its score, and its type."""

    text: str
    score: float
    kind: int


def _message(value: object, what: str) -> bytes:
    if not isinstance(value, bytes):
        raise ModelError(f"is no SentencePiece model, or a damaged one: {what} is a number")
    return value


def _settings(message: bytes) -> dict[int, Any]:
    # Without what is not known here, of which a hostile file may hold any number.
    return {number: value for number, value in fields(message) if number <= _LAST_SETTING}


def _entry(message: bytes) -> _Entry:
    found: dict[int, Any] = {1: b"", 2: 0.0, 3: _NORMAL}
    for number, value in fields(message):
        if number in found:
            if type(value) is not type(found[number]):
                raise ModelError("is no SentencePiece model, or a damaged one: a piece of no type")
            found[number] = value
    raw, score, kind = found.values()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ModelError(f"the piece {raw!r:.60} is not valid UTF-8") from None
    if not text or "\0" in text:
        raise ModelError(f"the piece {text!r:.60} is empty or holds a NUL")
    if not math.isfinite(score) or abs(score) > MAX_SCORE:
        raise ModelError(
            f"the piece {text!r:.60} has the score {score}, which is no log-probability"
        )
    if not _NORMAL <= kind <= _BYTE:
        raise ModelError(f"the piece {text!r:.60} is of the unknown type {kind}")
    if kind == _BYTE and text not in _BYTES:
        raise ModelError(f"the byte piece {text!r:.60} names no byte")
    return _Entry(text, score, kind)


def _check(entries: list[_Entry], byte_fallback: bool) -> None:
    """See that the vocabulary is one that SentencePiece would load."""
    if len({entry.text for entry in entries}) < len(entries):
        seen: set[str] = set()
        twice = next(e.text for e in entries if e.text in seen or seen.add(e.text))  # type: ignore[func-returns-value]
        raise ModelError(f"the piece {twice!r:.60} occurs twice")
    kinds = [entry.kind for entry in entries]
    if kinds.count(_UNKNOWN) != 1:
        raise ModelError(f"there are {kinds.count(_UNKNOWN)} unknown tokens, and must be one")
    if _NORMAL not in kinds:
        raise ModelError("there is no piece that has a score")
    if kinds.count(_BYTE) != (256 if byte_fallback else 0):
        raise ModelError(
            f"there are {kinds.count(_BYTE)} byte pieces, and byte fallback is "
            f"{'on' if byte_fallback else 'off'}"
        )
    if byte_fallback and not any(
        entry.text == SPACE and entry.kind in (_NORMAL, _USER) for entry in entries
    ):
        raise ModelError(
            "is a SentencePiece model that spells the space with three bytes, for it has no piece "
            f"{SPACE}; it cannot be read"
        )


def _flag(settings: dict[int, Any], number: int, default: bool) -> bool:
    value = settings.get(number, int(default))
    if not isinstance(value, int):
        raise ModelError("is no SentencePiece model, or a damaged one: a setting of no type")
    return bool(value)


def _rules(
    entries: list[_Entry], trainer: dict[int, Any], normalizer: dict[int, Any]
) -> SentencePieceRules:
    rules = SentencePieceRules(
        _message(normalizer.get(2, b""), "the table of normalizations"),
        _flag(normalizer, 3, True),
        _flag(normalizer, 4, True),
        _flag(trainer, 24, False),
        tuple(entry.text for entry in entries if entry.kind == _USER),
    )
    rules.normalize([b"a"])  # so that rules that cannot be carried out are refused here
    return rules


def _model(
    entries: list[_Entry], trainer: dict[int, Any], rules: SentencePieceRules, notes: list[str]
) -> Model:
    least = np.float32(min(entry.score for entry in entries if entry.kind == _NORMAL))
    unknown_score = float(least - np.float32(_PENALTY))
    pieces: dict[bytes, tuple[int, float]] = {}
    aliases: dict[int, bytes] = {}
    bytes_at: dict[int, int] = {}
    specials: list[SpecialToken] = []
    roles = _roles(trainer)
    for id_, (text, score, kind) in enumerate(entries):
        spelled = text.replace(SPACE, " ").encode()
        if kind in (_UNKNOWN, _CONTROL):
            role = "unknown" if kind == _UNKNOWN else roles.get(text, "control")
            specials.append(SpecialToken(text, id_, role))
        elif kind == _BYTE:
            bytes_at[_BYTES[text]] = id_
        elif kind == _UNUSED or " " in text:  # no normalized text has a space
            aliases[id_] = spelled
        elif kind == _USER:
            bonus = np.float32(_BONUS) * np.float32(len(text.encode()) - 1)
            pieces[spelled] = id_, float(bonus)
        else:
            pieces[spelled] = id_, score
    unknown = next(token.id for token in specials if token.role == "unknown")
    for byte in range(256):
        piece = bytes([byte])
        id_ = bytes_at.get(byte, unknown)
        if piece in pieces:
            if id_ != unknown:
                aliases[id_] = piece
        else:
            pieces[piece] = id_, 0.0 if 0x80 <= byte < 0xC0 else unknown_score
    ids, scores = zip(*pieces.values(), strict=True)
    return Model(
        tuple(pieces),
        np.array(scores),
        np.array(ids),
        tuple(specials),
        TextRules(segment="text", unknown="bytes" if bytes_at else "token", library=rules),
        record={"source": "sentencepiece", "notes": notes},
        aliases=aliases,
    )


def _roles(trainer: dict[int, Any]) -> dict[str, Role]:
    """The roles of control symbols by name; the trainer's settings say what they are called."""
    named: list[tuple[int, bytes, Role]] = [
        (46, b"<s>", "bos"),
        (47, b"</s>", "eos"),
        (48, b"<pad>", "pad"),
    ]
    return {
        _message(trainer.get(number, name), "the name of a token").decode("utf-8", "replace"): role
        for number, name, role in named
    }
