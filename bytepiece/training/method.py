"""What a trainer does in the steps of a run."""

from collections.abc import Callable
from typing import NamedTuple

from bytepiece.model import Model
from bytepiece.parallel import Engine
from bytepiece.training.checkpoint import Arrays, Checkpoint
from bytepiece.training.corpus_reader import CorpusFacts
from bytepiece.training.corpus_sample import CorpusSample, Parts
from bytepiece.training.learned import Learn
from bytepiece.training.options import JobStage
from bytepiece.training.passes import Count
from bytepiece.training.progress import Progress

PartOfRounds = Callable[
    [JobStage, CorpusSample, CorpusFacts, Engine, Checkpoint, Progress],
    None,
]
"""Does a part of the rounds; see `bytepiece.training.bnlm_trainer.work_on_part`."""


class TrainingMethod(NamedTuple):
    """An algorithm with its options.

    Args:
        memory_per_byte: the bytes of memory for each byte of the sample.
        hold_out: whether some text is held out.
        learn: learns vocabularies from the sample.
        counter: returns what counts the pieces of a vocabulary in the corpus with these facts.
        model: makes a model of a vocabulary with at most a number of pieces.
        parts: see `bytepiece.training.corpus_sample.SampleRules`.
        work_on_part: does a part of the rounds, for the stages "count" and "cut"; None if these are
            not stages of the algorithm.
    """

    memory_per_byte: int
    hold_out: bool
    learn: Learn
    counter: Callable[[CorpusFacts, Arrays], Count]
    model: Callable[[Arrays, CorpusFacts, int], Model]
    parts: Parts | None = None
    work_on_part: PartOfRounds | None = None
