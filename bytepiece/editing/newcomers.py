"""Adding pieces and special tokens to a model, after those that it has."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bytepiece.editing.weighed_pieces import normalized
from bytepiece.model import Model, SpecialToken


class Scored(NamedTuple):
    """A piece, and its score on the scale of the model that it is added to."""

    piece: bytes
    score: float


def added(
    model: Model, newcomers: Sequence[Scored | SpecialToken], record: Mapping[str, Any]
) -> Model:
    """A model with newcomers.

    Args:
        model: what it has keeps its id, and scores keep their distances.
        newcomers: what it lacks, in the order of the ids that they get; a special token's own id
            does not matter.
        record: the new model's.
    """
    with_ids = list(enumerate(newcomers, model.vocab_size))
    pieces = [(id_, *one) for id_, one in with_ids if isinstance(one, Scored)]
    tokens = [replace(one, id=id_) for id_, one in with_ids if isinstance(one, SpecialToken)]
    scores = model.scores
    if pieces:
        scores = normalized(np.append(scores, [score for _, _, score in pieces]))
    return Model(
        (*model.pieces, *(piece for _, piece, _ in pieces)),
        scores,
        np.append(model.ids, [id_ for id_, _, _ in pieces]).astype(np.int32),
        (*model.special_tokens, *tokens),
        model.rules,
        record=record,
    )
