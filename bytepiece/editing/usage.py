"""What pieces count in a text: which of them it needs."""

from dataclasses import dataclass
from typing import Any

from bytepiece._jit import I64
from bytepiece.errors import CorpusError
from bytepiece.model import TextRules
from bytepiece.parallel import ordered_map
from bytepiece.training.corpus import Block, Corpus, Reader
from bytepiece.training.em import sample, windows_of
from bytepiece.training.pairs import State, count, total
from bytepiece.training.progress import Progress
from bytepiece.training.spool import replayable

_MOST = 1 << 26
"""Bytes of text that are kept, evenly spread over all of it: they are counted in each round."""


@dataclass(frozen=True)
class Text:
    """Windows of a text.

    Args:
        windows: all of it, or evenly spread.
        details: what a model's record says of it.
    """

    windows: list[Block]
    details: dict[str, Any]

    @classmethod
    def read(cls, corpus: Corpus, rules: TextRules, progress: Progress) -> "Text":
        """Read a corpus; see `bytepiece.train`."""
        with replayable(corpus) as texts:
            reader = Reader(texts, rules.normalization, rules.isolate_digits)
            windows, _ = sample(windows_of(reader), _MOST)
        if not windows:
            raise CorpusError("the corpus is empty: there is no text in it to count pieces in")
        size = sum(len(window.text) for window in windows)
        return cls(
            windows,
            {
                "sampled_bytes": size,
                "corpus_bytes": reader.size,
                "corpus_sha256": reader.digest,
            },
        )

    def usage(self, state: State, pieces: int, *, threads: int) -> I64:
        """What each of so many pieces counts along the best paths."""
        counts = ordered_map(lambda window: count(window, state, False), self.windows, threads)
        return total(counts, pieces).pieces
