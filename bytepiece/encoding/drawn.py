"""What encoding a run of segments gives: ids, and perhaps their log-probabilities."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32
from bytepiece.kernels.jit import Scalar, inlined, kernel
from bytepiece.kernels.segments import SegmentRun
from bytepiece.kernels.streams import DRAWS, Streams, fill_uniforms, place_of


class Drawn(NamedTuple):
    """The ids of a run of segments.

    Args:
        ids: int32[tokens], segment after segment, and sample after sample within a segment.
        counts: int32[segments · samples], the number of ids of each sample of each segment.
        log_p: float64[segments · samples], the log-probability of each of them; None if the way to
            encode does not compute it.
    """

    ids: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]
    log_p: npt.NDArray[np.float64] | None = None


def room(run: SegmentRun, streams: Streams) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return room for one token per byte and sample, and for the counts of tokens.

    The system provides memory only for the part that is written to.
    """
    counts = np.empty(len(run.documents) * streams.samples, dtype=np.int32)
    return np.empty(len(run.text) * streams.samples, dtype=np.int32), counts


@inlined
def uniform_of(words: tuple[Scalar, ...], offset: Scalar, draw: Scalar, uniforms: F64) -> Scalar:
    """Return a draw of a segment. Draws are asked for in their order, from 0 on.

    Args:
        words, offset: see `bytepiece.kernels.streams.uniforms`.
        draw: the number of the draw.
        uniforms: float64[DRAWS], scratch.
    """
    if draw % DRAWS == 0:
        fill_uniforms(words, offset, np.uint64(draw), DRAWS, uniforms)
    return uniforms[place_of(draw % DRAWS)]


@kernel
def score(numbers: I32, counts: I32, values: F64, ids: I32, sums: F64) -> None:
    """Add up a value of each piece, and replace the numbers of the pieces by their ids.

    Args:
        numbers: int32[tokens], the numbers of pieces; ids afterwards.
        counts: int32[rows], how many of them each row has.
        values: float64[pieces].
        ids: int32[pieces].
        sums: float64[rows], to be filled.
    """
    done = 0
    for row in range(len(counts)):
        total = 0.0
        for place in range(done, done + counts[row]):
            number = numbers[place]
            total += values[number]
            numbers[place] = ids[number]
        sums[row] = total
        done += counts[row]
