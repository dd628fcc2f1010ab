"""The runs in the order of their importance; partial results are useful."""

from benchmarks.language_models.runs import Run
from benchmarks.language_models.vocabularies import NAMES

SEEDS = (1, 2, 3)


def grid(vocabulary: int, budget: str, tokenizers: list[str] | None = None) -> list[Run]:
    """Return the runs of all tokenizers; the first seed of all of them comes first."""
    return [
        Run(tokenizer, vocabulary, budget, seed)
        for seed in SEEDS
        for tokenizer in tokenizers or NAMES
    ]


def default() -> list[Run]:
    """Return all runs."""
    return [*grid(8000, "compute"), *grid(8000, "text")]
