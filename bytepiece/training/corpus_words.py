"""The different words of a corpus, which is read once. Its text is not kept."""

from functools import partial
from typing import NamedTuple

import numpy as np

from bytepiece.errors import CorpusError
from bytepiece.training.checkpoint import Arrays, Checkpoint
from bytepiece.training.corpus_reader import OTHER_CORPUS, START, Block, CorpusReader, Position
from bytepiece.training.corpus_sample import (
    EMPTY,
    MOST_HELD_OUT,
    WindowChooser,
    arrays_of,
    chunks,
    parted,
    position_of,
    reading_progress,
    windows_of,
)
from bytepiece.training.growth import PieceRules
from bytepiece.training.progress import Progress
from bytepiece.training.sampled_counts import SampledCounts
from bytepiece.training.units import blocks_of_words, parts_in


class CorpusWords(NamedTuple):
    """The different words of a corpus, or a sample of them.

    Args:
        blocks: each word is a segment, and its count is its weight.
        rate: 1 if all words are there. Otherwise words with a smaller count are a sample, and count
            as often as this; see `bytepiece.training.sampled_counts`.
        size: how many bytes of the corpus are these words.
        held_out: stretches of the corpus whose words are not counted.
        room: see `CorpusSample`.
    """

    blocks: list[Block]
    rate: int
    size: int
    held_out: list[Block]
    room: int

    @property
    def whole(self) -> bool:
        """Whether all words are there."""
        return self.rate == 1


def read_words(
    reader: CorpusReader, rules: PieceRules, most: int, checkpoint: Checkpoint, progress: Progress
) -> CorpusWords:
    """Read a corpus, and count its different words, as many as fit.

    Args:
        reader: the reader of the corpus.
        rules: which pieces are allowed. No piece crosses the end of a word.
        most: the largest number of bytes that the words and their counts may take.
        checkpoint: keeps the words.
        progress: called with the number of bytes read.

    Raises:
        CorpusError: if the corpus is empty, or differs from the checkpoint's corpus.
    """
    kept = checkpoint.load("words")
    words, held_out = SampledCounts(most, kept), WindowChooser(MOST_HELD_OUT)
    after, number = START, 0
    if kept is not None:
        held_out.load(kept, "held")
        after, number = position_of(kept), int(kept["windows"][0])
    finished = checkpoint.load("corpus")
    unsaved = 0

    def save() -> None:
        state = partial(_state, words, held_out, number, reader.position)
        if finished is None:
            checkpoint.save("words", state)

    for chunk in chunks(reader, after, reading_progress("reading", reader, progress)):
        for window in windows_of(chunk):
            learned_from, rest = parted(window, number)
            number += 1
            words.add(parts_in(learned_from, rules))
            if rest is not None:
                held_out.add(rest)
            unsaved += len(window.text)
        # The words are saved when so much text was read that saving takes less time than reading.
        if unsaved >= words.size:
            save()
            unsaved = 0
    if not number:
        raise CorpusError(EMPTY)
    if unsaved:
        save()
    if finished is None:
        checkpoint.save("corpus", lambda: arrays_of(reader.position))
    elif position_of(finished) != reader.position:
        raise CorpusError(OTHER_CORPUS)
    progress("reading", reader.size, reader.size)
    found = words.strings()
    size = int(np.dot(np.diff(found.offsets), found.counts)) // reader.unit
    found = found._replace(counts=np.maximum(found.counts, words.rate))
    return CorpusWords(blocks_of_words(found), words.rate, size, held_out.windows(), most)


def _state(
    words: SampledCounts, held_out: WindowChooser, number: int, position: Position
) -> Arrays:
    return {
        **words.arrays(),
        **held_out.since(0, "held"),
        **arrays_of(position),
        "windows": np.array([number], dtype=np.int64),
    }
