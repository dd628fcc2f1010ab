"""What the rounds of a trainer find in a sample, in a form that a checkpoint can keep."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64, offsets_of
from bytepiece.parallel import Engine
from bytepiece.training.checkpoint import Arrays, Checkpoint
from bytepiece.training.corpus_reader import CorpusFacts
from bytepiece.training.corpus_sample import (
    CorpusSample,
    SampleSummary,
    block_arrays,
    blocks_from,
)
from bytepiece.training.progress import Progress


class Learned(NamedTuple):
    """The result of a trainer's rounds.

    Args:
        vocabularies: for each size, the pieces and their counts, in arrays of the trainer's own.
        counted: whether the counts are those in the whole corpus. If not, the pieces are still to
            be counted there.
        sample: what the model's record needs of the sample.
    """

    vocabularies: list[Arrays]
    counted: bool
    sample: SampleSummary

    def arrays(self) -> Arrays:
        """Return everything in arrays for a checkpoint."""
        size, whole, held_out = self.sample
        state = [len(self.vocabularies), self.counted, size, whole]
        named = {
            f"{number}-{name}": array
            for number, vocabulary in enumerate(self.vocabularies)
            for name, array in vocabulary.items()
        }
        return {
            "state": np.array(state, dtype=np.int64),
            **block_arrays("held", held_out),
            **named,
        }

    @classmethod
    def of(cls, arrays: Arrays) -> "Learned":
        """Return what is in arrays that `arrays` made."""
        vocabularies, counted, size, whole = arrays["state"].tolist()
        found: list[dict[str, npt.NDArray[Any]]] = [{} for _ in range(vocabularies)]
        for key, array in arrays.items():
            number, _, name = key.partition("-")
            if number.isdigit():
                found[int(number)][name] = array
        summary = SampleSummary(size, bool(whole), blocks_from("held", arrays))
        return cls([*found], bool(counted), summary)


def piece_arrays(pieces: Sequence[bytes], counts: I64) -> Arrays:
    """Return pieces and their counts in arrays for a checkpoint."""
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    flat = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    return {"flat": flat, "lengths": lengths, "counts": counts}


def pieces_from(arrays: Arrays) -> list[bytes]:
    """Return the pieces in arrays that `piece_arrays` made."""
    flat, ends = arrays["flat"].tobytes(), offsets_of(arrays["lengths"]).tolist()
    return [flat[a:b] for a, b in pairwise(ends)]


Learn = Callable[[CorpusSample, CorpusFacts, Engine, Checkpoint, Progress], Learned]
"""The rounds of a trainer: called with a sample, the facts of its corpus, an engine that works in
this process, a checkpoint and a function that gets reports. It can be pickled."""
