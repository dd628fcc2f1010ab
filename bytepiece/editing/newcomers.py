"""New pieces and special tokens, added to a model after its old ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bytepiece._logarithms import rounded
from bytepiece.editing.weighed_pieces import normalized
from bytepiece.model import Model, SpecialToken


class NewPiece(NamedTuple):
    """A new piece, and its score on the scale of the model that it is added to."""

    piece: bytes
    score: float


def added(
    model: Model, newcomers: Sequence[NewPiece | SpecialToken], record: Mapping[str, Any]
) -> Model:
    """Return a model with new pieces and special tokens.

    Args:
        model: the old model. Its pieces and tokens keep their ids, and all its scores change by the
            same amount, a multiple of 2⁻¹³; see `rounded`.
        newcomers: the new pieces and tokens, in the order of the ids that they get. The id in a
            special token is ignored.
        record: the record of the new model.
    """
    with_ids = list(enumerate(newcomers, model.vocab_size))
    pieces = [(id_, *one) for id_, one in with_ids if isinstance(one, NewPiece)]
    tokens = [replace(one, id=id_) for id_, one in with_ids if isinstance(one, SpecialToken)]
    scores = model.scores
    if pieces:
        new = np.array([score for _, _, score in pieces])
        shift = rounded(normalized(np.append(scores, new))[0] - scores[0])
        scores = np.append(scores + shift, rounded(new + shift))
    return Model(
        (*model.pieces, *(piece for _, piece, _ in pieces)),
        scores,
        np.append(model.ids, [id_ for id_, _, _ in pieces]).astype(np.int32),
        (*model.special_tokens, *tokens),
        model.rules,
        record=record,
    )
