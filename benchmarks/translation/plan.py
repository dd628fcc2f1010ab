"""The runs in their order, and the file of their results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.support.result_lines import lines_of


class TranslationRun(NamedTuple):
    """One training of a network, and the scores of its translations.

    Args:
        pair: the name of the pair of languages.
        system: see `systems.SYSTEMS`.
        more: the wanted price, 0.1 for 10 % more tokens; 0 for systems that do not sample.
        seed: of the network, of the order of batches, and of the samples.
        part: "dev", or "test", which is scored with greedy and with beam search.
    """

    pair: str
    system: str
    more: float
    seed: int
    part: str


Results = dict[TranslationRun, dict[str, Any]]

NOT_SAMPLED = ("none", "sentencepiece", "bpe")
"""The systems that encode training text by the best path."""

GROUPS = (
    ("none", "perfect"),
    ("sentencepiece", "sentencepiece-sampling"),
    ("viterbi", "nbest"),
    ("bpe", "bpe-dropout"),
)
"""The systems in the order of the plan; the runs of a group on test follow its runs on dev."""

PRICES = (0.05, 0.1, 0.2, 0.6)
"""The prices that are tried on dev if no others are given."""

DEV_SEED = 0
"""The seed of the runs that choose a price. Test has other seeds, so that no seed is favoured."""


@dataclass(frozen=True)
class Plan:
    """The runs of one pair of languages.

    Args:
        pair: its name.
        systems: the systems to take.
        prices: the prices that are tried on dev.
        seeds: the seeds on test.
    """

    pair: str
    systems: Sequence[str]
    prices: Sequence[float] = PRICES
    seeds: Sequence[int] = (1, 2, 3)

    def runs(self, results: Results) -> Iterator[tuple[int, TranslationRun]]:
        """Yield the number and the run of each line of the plan that can be done now.

        The numbers do not depend on the results, so that processes can share the plan. A run on
        test can be done if all runs of its system on dev are there.
        """
        number = 0
        for group in GROUPS:
            for system in group:
                for run in self._dev(system):
                    yield number, run
                    number += 1
            for seed in self.seeds:
                for system in group:
                    more = self.chosen(system, results)
                    if system in self.systems and more is not None:
                        yield number, TranslationRun(self.pair, system, more, seed, "test")
                    number += 1

    def chosen(self, system: str, results: Results) -> float | None:
        """Return the price with the best chrF2 on dev; None if it is not known yet."""
        if system in NOT_SAMPLED:
            return 0.0
        runs = self._dev(system)
        if not runs or not all(run in results for run in runs):
            return None
        scores = {run.more: results[run]["dev"]["chrf"] for run in runs if "dev" in results[run]}
        return max(scores, key=lambda more: scores[more]) if scores else None

    def _dev(self, system: str) -> list[TranslationRun]:
        if system not in self.systems or system in NOT_SAMPLED[1:]:
            return []
        prices = (0.0,) if system in NOT_SAMPLED else self.prices
        return [TranslationRun(self.pair, system, more, DEV_SEED, "dev") for more in prices]


def results_of(path: Path) -> Results:
    """Return the runs of a file of results, and their figures."""
    fields = TranslationRun._fields
    return {TranslationRun(*(line[key] for key in fields)): line for line in lines_of(path)}
