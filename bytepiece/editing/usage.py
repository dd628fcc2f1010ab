"""The counts of pieces in a text, which show which pieces the text needs."""

from functools import partial
from typing import Any, NamedTuple

from bytepiece._arrays import I64
from bytepiece.inputs.corpus import Corpus
from bytepiece.inputs.spool import replayable
from bytepiece.parallel import Engine, usable_cores
from bytepiece.rules.text_rules import TextRules
from bytepiece.training.checkpoint import Checkpoint
from bytepiece.training.corpus_reader import Block, CorpusReader
from bytepiece.training.pairs import ScoredAutomaton, count, total
from bytepiece.training.passes import Passes, read_sample
from bytepiece.training.progress import Progress
from bytepiece.training.run import facts_of

_MOST = 1 << 26
"""The largest number of bytes of text that are kept. They are evenly spread over the text, and
every round counts them."""


class TextWindows(NamedTuple):
    """Windows of a text.

    Args:
        windows: all windows, or some that are evenly spread.
        facts: what a model's record says of the text.
    """

    windows: list[Block]
    facts: dict[str, Any]

    def usage(self, state: ScoredAutomaton, pieces: int, *, engine: Engine) -> I64:
        """Return the count of each piece along the best paths. `pieces` is the number of pieces."""
        counted = engine(partial(count, state=state, with_pairs=False), self.windows)
        return total(counted, pieces).pieces


def read_text(corpus: Corpus, rules: TextRules, progress: Progress) -> TextWindows:
    """Read a text in the way that training reads it.

    Raises:
        CorpusError: see `bytepiece.train`.
    """
    with replayable(corpus) as texts:
        reader = CorpusReader(texts, rules.normalization, rules.digit_group, rules.library)
        passes = Passes(reader, None, usable_cores(), Checkpoint(None, {}), progress)
        sample = read_sample(passes, _MOST, hold_out=False)
        return TextWindows(sample.windows, facts_of(texts, reader.facts(), sample.summary()))
