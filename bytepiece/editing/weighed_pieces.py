"""The weights of pieces: their scores, and the counts that the scores follow from.

A score is the logarithm of a power of a count, on a scale on which all probabilities add up to 1.
The objective in the model's record gives the exponent (`merge_trainer.EXPONENTS`). Without an
objective, scores are taken as the logarithms of relative counts.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64
from bytepiece.formats import original
from bytepiece.model import Model
from bytepiece.training.merge_trainer import EXPONENTS

_TOTAL = 1 << 44
"""If counts are made from scores, their sum is about this number. All further sums then fit in 64
bits, and the counts of the rarest pieces keep four digits."""


class WeighedPieces(NamedTuple):
    """Pieces, their scores and their counts.

    Args:
        pieces: all different, with all single bytes among them.
        scores: float64[pieces].
        counts: int64[pieces], at least 1. The scores follow from them, up to a common factor.
        exponent: the power of the counts in the probabilities.
    """

    pieces: Sequence[bytes]
    scores: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    exponent: float


def objective_of(model: Model) -> str:
    """Return the objective of the model's scores, "compression" or "likelihood"."""
    objective = model.record.get("objective")
    return objective if objective in list(EXPONENTS) else "likelihood"


def exponent_of(model: Model) -> float:
    """Return the power of the counts in the model's probabilities."""
    return EXPONENTS[objective_of(model)]


def weighed(model: Model) -> WeighedPieces:
    """Return the pieces of a model. Use the model's counts if its scores follow from them."""
    counts = original.counts_of(model)
    if counts is not None:
        return WeighedPieces(model.pieces, model.scores, counts, 1.0)
    return weigh(model.pieces, model.scores, exponent_of(model))


def weigh(pieces: Sequence[bytes], scores: F64, exponent: float) -> WeighedPieces:
    """Return pieces with counts that are made from their scores."""
    logs = normalized(scores / exponent).tolist()
    counts = [max(1, round(_TOTAL * math.exp(log))) for log in logs]
    return WeighedPieces(pieces, scores, np.array(counts, dtype=np.int64), exponent)


def normalized(scores: F64) -> F64:
    """Return scores, all moved by the same amount, whose probabilities add up to 1."""
    top = float(scores.max())
    total = math.fsum(math.exp(score - top) for score in scores.tolist())
    return scores - (top + math.log(total))


def offset(ours: Mapping[bytes, float], theirs: Mapping[bytes, float]) -> float:
    """Return the amount to add to the other model's scores, to bring them to the first's scale.

    It is the median of the differences, over the pieces that both models have. A mean would suffer
    from pieces that are frequent in only one model's text, because their differences are large.

    Args:
        ours, theirs: the score of each piece, in the first and the other model; at least one piece
            is in both.
    """
    common = [piece for piece in ours if piece in theirs]
    return float(np.median([ours[piece] - theirs[piece] for piece in common]))
