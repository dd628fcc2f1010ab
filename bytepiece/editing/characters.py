"""The vocabulary of a model over characters, as edits see it.

Edits count pieces along best paths over bytes. So single bytes without an own score get one that is
below all others. Pieces that stay keep their scores: texts without other pieces are encoded as
before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64
from bytepiece._logarithms import rounded
from bytepiece.editing.newcomers import NewPiece
from bytepiece.editing.weighed_pieces import WeighedPieces, weigh
from bytepiece.formats.character_vocabulary import (
    PENALTY,
    CharacterVocabulary,
    model_over_characters,
    score_of_unknown,
    symbols_of,
    vocabulary_of,
)
from bytepiece.model import Model, SpecialToken


@dataclass(frozen=True)
class EditedCharacters:
    """A model over characters, ready to be edited.

    Args:
        model: the model.
        vocabulary: its vocabulary.
        weighed: the pieces in the order of their ids, and then the other single bytes.
        ids: int64[pieces], the id of each piece; −1 for a byte that is not a piece.
        kept: bool[pieces], the pieces of several bytes that must stay: symbols and, if unknown
            characters would be lost, single characters.
    """

    model: Model
    vocabulary: CharacterVocabulary
    weighed: WeighedPieces
    ids: I64
    kept: npt.NDArray[np.bool_]

    @property
    def fixed(self) -> list[int]:
        """The ids of special tokens and, with byte fallback, of bytes."""
        return [*(token.id for token in self.model.special_tokens), *self.vocabulary.byte_ids]

    @property
    def scored(self) -> dict[bytes, float]:
        """The scores of all pieces except symbols."""
        symbols = symbols_of(self.model.rules)
        scores = self.vocabulary.scores
        return {
            text.encode(): scores[id_]
            for id_, text in self.vocabulary.pieces.items()
            if text not in symbols
        }

    @cached_property
    def words(self) -> bool:
        """Whether no piece has a space after its first character."""
        return not any(" " in text[1:] for text in self.vocabulary.pieces.values())

    def may_have(self, piece: bytes) -> bool:
        """Return whether a new piece may be added."""
        return b"\0" not in piece and not (self.words and b" " in piece[1:])

    def pruned(self, staying: I64, moved: Mapping[int, int], record: Mapping[str, Any]) -> Model:
        """Return the model with some of its pieces.

        Args:
            staying: the places of the pieces that stay.
            moved: the new id of each old id that stays.
            record: the record of the new model.
        """
        old = [int(id_) for id_ in self.ids[staying] if id_ >= 0]
        pieces = {moved[id_]: self.vocabulary.pieces[id_] for id_ in old}
        scores = {moved[id_]: self.vocabulary.scores[id_] for id_ in old}
        tokens = tuple(replace(token, id=moved[token.id]) for token in self.model.special_tokens)
        byte_ids = tuple(moved[id_] for id_ in self.vocabulary.byte_ids)
        return self._with(pieces, scores, tokens, byte_ids, {}, record)

    def extended(
        self, newcomers: Sequence[NewPiece | SpecialToken], record: Mapping[str, Any]
    ) -> Model:
        """Return the model with further pieces and tokens, whose ids follow the old ones."""
        old = self.vocabulary
        pieces, scores = dict(old.pieces), dict(old.scores)
        tokens = list(self.model.special_tokens)
        for id_, one in enumerate(newcomers, self.model.vocab_size):
            if isinstance(one, SpecialToken):
                tokens.append(replace(one, id=id_))
            else:
                pieces[id_], scores[id_] = one.piece.decode(), float(rounded(one.score))
        return self._with(pieces, scores, tuple(tokens), old.byte_ids, old.unused, record)

    @property
    def names(self) -> dict[bytes | str, int]:
        """The ids of pieces by piece, and of special tokens and bytes by name, such as <0x41>."""
        vocabulary = self.vocabulary
        return {
            **{text.encode(): id_ for id_, text in vocabulary.pieces.items()},
            **{token.name: token.id for token in self.model.special_tokens},
            **{f"<0x{byte:02X}>": id_ for byte, id_ in enumerate(vocabulary.byte_ids)},
        }

    def _with(
        self,
        pieces: Mapping[int, str],
        scores: Mapping[int, float],
        tokens: tuple[SpecialToken, ...],
        byte_ids: tuple[int, ...],
        unused: Mapping[int, bytes],
        record: Mapping[str, Any],
    ) -> Model:
        symbols = symbols_of(self.model.rules)
        vocabulary = CharacterVocabulary(
            pieces,
            scores,
            byte_ids,
            unused,
            score_of_unknown(s for id_, s in scores.items() if pieces[id_] not in symbols),
            next((token for token in tokens if token.role == "unknown"), None),
        )
        return model_over_characters(vocabulary, tokens, self.model.rules, record)


def edited_characters(model: Model, what: str) -> EditedCharacters:
    """Return a model over characters, ready to be edited.

    Args:
        model: the model.
        what: the edit; an error begins with it.

    Raises:
        ModelError: if the model's pieces are made of bytes.
    """
    vocabulary = vocabulary_of(model, what)
    symbols = symbols_of(model.rules)
    texts = list(vocabulary.pieces.values())
    pieces = [text.encode() for text in texts]
    scores = np.array(list(vocabulary.scores.values()))
    is_symbol = np.array([text in symbols for text in texts])
    # A symbol's score is a bonus, not the logarithm of a probability.
    scores[is_symbol] = scores[~is_symbol].max()
    known = set(pieces)
    bytes_ = [piece for byte in range(256) if (piece := bytes([byte])) not in known]
    every = [*pieces, *bytes_]
    lowest = float(scores.min()) - PENALTY
    lost = [not vocabulary.byte_ids and len(text) == 1 for text in texts]
    kept = (is_symbol | lost) & [len(piece) > 1 for piece in pieces]
    return EditedCharacters(
        model,
        vocabulary,
        weigh(every, np.append(scores, [lowest] * len(bytes_)), 1.0),
        np.append(np.array(list(vocabulary.pieces), dtype=np.int64), [-1] * len(bytes_)),
        np.append(kept, [False] * len(bytes_)),
    )
