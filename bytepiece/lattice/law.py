"""The law of a text that a model segments, and the tokens of its paths."""

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I64
from bytepiece.encoding.encoder import Encoder
from bytepiece.kernels.segments import Segments
from bytepiece.lattice import chain as chains
from bytepiece.lattice.without_replacement import Perturbed


def law_of(encoder: Encoder, segments: Segments, alpha: float) -> chains.Law:
    """Build the law of a text at an alpha.

    Raises:
        ArgumentError: if there are too many edges, or if alpha is too large.
    """
    return chains.build(
        encoder.mirrored[0],
        encoder.weights(alpha),
        segments.text,
        segments.bounds,
        encoder.known,
        encoder.unknown is not None and encoder.unknown.whole,
    )


def tokens_of(
    encoder: Encoder, law: chains.Law, bounds: I64, edges: I64
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the ids of a path's tokens, and the position where each token ends.

    Args:
        encoder: the tables of the model.
        law: the law of the text.
        bounds: int64[segments + 1], where each segment of the text begins, and the end.
        edges: the edges of the path.
    """
    ids, ends = encoder.model.ids[law.pieces[edges]], law.chain.ends[edges]
    if encoder.unknown is None:
        return ids, ends
    # In a segment, a run of unknown tokens is one token.
    last = np.ones(len(edges), dtype=np.bool_)
    unknown = ids == encoder.unknown.id
    last[:-1] = ~(unknown[:-1] & unknown[1:]) | np.isin(ends[:-1], bounds)
    return ids[last], ends[last]


def inclusion_of(drawn: Perturbed) -> F64:
    """Return the inclusion probability of each path: that it exceeds the threshold."""
    with np.errstate(over="ignore"):  # an infinite value means probability 1
        return -np.expm1(-np.exp(drawn.log_p - drawn.threshold))
