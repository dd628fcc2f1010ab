"""The vocabulary of a model over characters, as the files of other libraries hold it.

Such a model comes from a file of SentencePiece or Hugging Face. In a `Model`, single bytes stand
for its unknown characters. Here the unknown characters have a score, and bytes have ids of their
own only if the file has byte fallback.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from bytepiece.errors import ModelError
from bytepiece.model import Model, SpecialToken
from bytepiece.rules.character_map import SPACE
from bytepiece.rules.foreign import SentencePieceRules
from bytepiece.rules.text_rules import TextRules

PENALTY = 10.0
"""How far the score of a character without a piece is below the lowest score of a piece, in
nats."""
_NO_TEXT = b"\xff"
"""A byte that no character contains. So it always stands for a part of an unknown character, and
its score is the score of an unknown character."""


class CharacterVocabulary(NamedTuple):
    """The vocabulary of a model over characters.

    Args:
        pieces: the text of each piece that encoding uses, by its id, in the order of the ids.
        scores: the score of each of these pieces, by its id.
        byte_ids: the id of each of the 256 bytes; empty without byte fallback.
        unused: ids that encoding never gives, with the bytes that they are decoded to.
        unknown_score: the score of a character without a piece.
        unknown: the token that stands for such characters; None if the file has no such token.
    """

    pieces: Mapping[int, str]
    scores: Mapping[int, float]
    byte_ids: tuple[int, ...]
    unused: Mapping[int, bytes]
    unknown_score: float
    unknown: SpecialToken | None


def score_of_unknown(scores: Iterable[float]) -> float:
    """Return the score that SentencePiece gives to an unknown character.

    Args:
        scores: the scores of all pieces, except user-defined symbols.
    """
    return float(np.float32(min(scores)) - np.float32(PENALTY))


def symbols_of(rules: TextRules) -> frozenset[str]:
    """Return the texts of the user-defined symbols, with spaces."""
    symbols = rules.library.symbols if isinstance(rules.library, SentencePieceRules) else ()
    return frozenset(symbol.replace(SPACE, " ") for symbol in symbols)


def is_over_characters(model: Model) -> bool:
    """Return whether single bytes of a model stand only for characters without a piece."""
    if model.rules.unknown is None:
        return False
    stand_ins = _stand_ins(model)
    return all(
        byte or _text(piece) is not None
        for piece, byte in zip(model.pieces, stand_ins, strict=True)
    )


def vocabulary_of(model: Model, what: str) -> CharacterVocabulary:
    """Return the vocabulary of a model over characters.

    Args:
        model: the model.
        what: the operation that needs it; the message begins with it.

    Raises:
        ModelError: if the model's pieces are made of bytes, or if it is a BPE model.
    """
    if model.merges is not None:
        raise ModelError(f"{what} is for Unigram models, and this model is BPE")
    if not is_over_characters(model):
        raise ModelError(
            f"{what} is for models made with bytepiece and for models over characters; this one is "
            f"from another library and over bytes: {model.rules.library or model.rules}"
        )
    columns = zip(
        model.ids.tolist(), model.pieces, model.scores.tolist(), _stand_ins(model), strict=True
    )
    pieces: dict[int, str] = {}
    scores: dict[int, float] = {}
    byte_ids: dict[int, int] = {}
    unused = dict(model.aliases)
    for id_, piece, score, stand_in in columns:
        if stand_in:
            byte_ids[piece[0]] = id_
        else:
            pieces[id_], scores[id_] = piece.decode(), score
    fallback = model.rules.unknown == "bytes"
    if fallback:
        # A byte that is a piece has another id for the byte itself.
        for id_, piece in model.aliases.items():
            if len(piece) == 1 and piece[0] not in byte_ids:
                byte_ids[piece[0]] = id_
                del unused[id_]
    return CharacterVocabulary(
        pieces,
        scores,
        tuple(byte_ids[byte] for byte in range(256)) if fallback and len(byte_ids) == 256 else (),
        unused,
        float(model.scores[model.pieces.index(_NO_TEXT)]),
        next((token for token in model.special_tokens if token.role == "unknown"), None),
    )


def _stand_ins(model: Model) -> list[bool]:
    """Return for each piece whether it is a byte that stands for a part of unknown characters."""
    score = model.scores[model.pieces.index(_NO_TEXT)]
    unknown = None
    if model.rules.unknown == "token":
        unknown = model.special_id("unknown")
    return [
        len(piece) == 1
        and (piece >= b"\x80" or (own == score if unknown is None else id_ == unknown))
        for piece, own, id_ in zip(
            model.pieces, model.scores.tolist(), model.ids.tolist(), strict=True
        )
    ]


def _text(piece: bytes) -> str | None:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return None


def model_over_characters(
    vocabulary: CharacterVocabulary,
    special_tokens: tuple[SpecialToken, ...],
    rules: TextRules,
    record: Mapping[str, Any],
) -> Model:
    """Return the model with a vocabulary.

    Raises:
        ModelError: if there is neither a byte nor an unknown token for an unknown character.
    """
    pieces = {
        text.encode(): (id_, vocabulary.scores[id_]) for id_, text in vocabulary.pieces.items()
    }
    aliases = dict(vocabulary.unused)
    for byte in range(256):
        piece = bytes([byte])
        if vocabulary.byte_ids:
            id_ = vocabulary.byte_ids[byte]
        elif vocabulary.unknown is not None:
            id_ = vocabulary.unknown.id
        else:
            raise ModelError("the model has neither byte fallback nor an unknown token")
        if piece in pieces:
            if vocabulary.byte_ids:
                aliases[id_] = piece
        else:
            # The first byte of a character has the character's score. The other bytes are free.
            pieces[piece] = id_, 0.0 if 0x80 <= byte < 0xC0 else vocabulary.unknown_score
    ids, scores = zip(*pieces.values(), strict=True)
    return Model(
        tuple(pieces),
        np.array(scores),
        np.array(ids),
        special_tokens,
        rules,
        record=record,
        aliases=aliases,
    )
