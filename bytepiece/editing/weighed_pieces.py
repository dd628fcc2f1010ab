"""What pieces weigh: their scores, and the counts that these are made of.

A score is the logarithm of a count's power, on a scale on which all probabilities add up to 1. The
exponent is that of the objective in the model's record: see `bytepiece.training.merge_trainer.EXPONENTS`.
Without one, scores are taken for the logarithms of relative counts.
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
"""About what counts add up to that are made of scores: such sums of them as are needed fit in 64
bits, and the rarest pieces' keep four digits."""


class WeighedPieces(NamedTuple):
    """Pieces and what they weigh.

    Args:
        pieces: different, all single bytes among them.
        scores: float64[pieces].
        counts: int64[pieces], at least 1; up to a factor the counts that the scores are made of.
        exponent: what counts are raised to.
    """

    pieces: Sequence[bytes]
    scores: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    exponent: float


def objective_of(model: Model) -> str:
    """What the model's scores are made for, "compression" or "likelihood"."""
    objective = model.record.get("objective")
    return objective if objective in list(EXPONENTS) else "likelihood"


def exponent_of(model: Model) -> float:
    """What counts are raised to in the model's scores."""
    return EXPONENTS[objective_of(model)]


def weighed(model: Model) -> WeighedPieces:
    """The pieces of a model; their counts are its own, if it has some that its scores follow."""
    counts = original.counts_of(model)
    if counts is not None:
        return WeighedPieces(model.pieces, model.scores, counts, 1.0)
    return weigh(model.pieces, model.scores, exponent_of(model))


def weigh(pieces: Sequence[bytes], scores: F64, exponent: float) -> WeighedPieces:
    """Pieces, with counts made of their scores."""
    logs = normalized(scores / exponent).tolist()
    counts = [max(1, round(_TOTAL * math.exp(log))) for log in logs]
    return WeighedPieces(pieces, scores, np.array(counts, dtype=np.int64), exponent)


def normalized(scores: F64) -> F64:
    """Scores, all moved by as much, so that the probabilities add up to 1."""
    top = float(scores.max())
    total = math.fsum(math.exp(score - top) for score in scores.tolist())
    return scores - (top + math.log(total))


def offset(ours: Mapping[bytes, float], theirs: Mapping[bytes, float]) -> float:
    """How much to add to their scores to bring them to our scale.

    The median of what it would be by each piece that both have: of one that only one of them saw
    much of it is far off, which would move a mean.

    Args:
        ours, theirs: scores by piece, with at least one piece in common.
    """
    common = [piece for piece in ours if piece in theirs]
    return float(np.median([ours[piece] - theirs[piece] for piece in common]))
