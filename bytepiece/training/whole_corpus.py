"""The whole corpus, read once more after the pieces were found in a sample of it."""

from collections.abc import Callable

import numpy as np

from bytepiece._arrays import I64
from bytepiece.errors import CorpusError
from bytepiece.training.checkpoint import Checkpoint
from bytepiece.training.corpus_reader import START, Block, CorpusReader
from bytepiece.training.corpus_sample import (
    arrays_of,
    chunks,
    position_of,
    reading_progress,
)
from bytepiece.training.progress import Progress

_HEAVIEST = 1 << 48
"""The largest weight of a corpus: the sum of its bytes, each times its weight in units. All numbers
that are computed from the counts then fit in 64 bits."""


def check_weight(reader: CorpusReader) -> None:
    """Check that the counts of a corpus fit in 64 bits.

    Raises:
        CorpusError: if the weights of the corpus are too large.
    """
    if reader.weight > _HEAVIEST:
        raise CorpusError(
            f"weights make the corpus more than {_HEAVIEST // reader.unit} bytes; use smaller ones"
        )


def counts_in_all(
    name: str,
    reader: CorpusReader,
    pieces: int,
    count: Callable[[list[Block]], I64],
    checkpoint: Checkpoint,
    progress: Progress,
) -> I64:
    """Read the whole corpus once more, and return the count of each piece in it.

    Args:
        name: the name of this step in the checkpoint.
        reader: the reader of the corpus.
        pieces: the number of pieces.
        count: returns int64[pieces], the counts in some blocks.
        checkpoint: keeps the counts so far.
        progress: called with the bytes counted.
    """
    counts, after = np.zeros(pieces, dtype=np.int64), START
    if (kept := checkpoint.load(name)) is not None:
        counts, after = counts + kept["counts"], position_of(kept)
    for chunk in chunks(reader, after, reading_progress("scoring", reader, progress)):
        counts += count(chunk)
        so_far = {"counts": counts, **arrays_of(reader.position)}
        checkpoint.save(name, lambda so_far=so_far: so_far)  # type: ignore[misc]
    progress("scoring", reader.size, reader.size)
    return counts
