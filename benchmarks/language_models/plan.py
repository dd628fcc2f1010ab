"""The runs in the order of their importance; partial results are useful."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.language_models.runs import Run
from benchmarks.language_models.vocabularies import NAMES, OURS, REFERENCE, SAMPLED

_SEEDS = (1, 2, 3)
_MORE_SEEDS = (4, 5)
_SMALL, _LARGE = 8000, 32000
_WAYS = (
    *(f"perfect +{percent}%" for percent in (2, 5, 10, 20, 60)),
    *("viterbi +10%", "nbest +10%", "nbest +2%"),
    *("perfect +10% until=0.75", "perfect +20% until=0.5"),
    *("perfect +20% p=0.5", "perfect +60% p=0.1", "perfect +60% p=0.3"),
)
_DROPPED = ("sp-bpe", "sp-bpe-words")
_WAYS_OF_BPE = ("perfect +10%", "dropout +10%", "splitting +10%")

Line = Mapping[str, Any]


def runs(lines: Sequence[Line]) -> list[Run]:
    """Return all runs. The first seed of all tokenizers comes before the second.

    Args:
        lines: the results so far. They tell which tokenizers are the best, and without all results
            of the first grid, the runs of the best are left out.
    """
    planned = _grid(list(NAMES), _SMALL, "compute")
    best = _best(lines)
    planned += _grid(list(NAMES), _SMALL, "text")
    if best:
        planned += _grid(list(dict.fromkeys([*best[:3], REFERENCE])), _LARGE, "compute")
    ways = [(SAMPLED, way) for way in _WAYS] + [(k, "dropout +10%") for k in _DROPPED]
    ways += [("hf-bpe-words", way) for way in _WAYS_OF_BPE]
    planned += [Run(k, _SMALL, "compute", seed, way) for seed in _SEEDS for k, way in ways]
    if best:
        finalists = [
            next(key for key in best if (key in OURS) == is_ours) for is_ours in (True, False)
        ]
        planned += _grid(finalists, _SMALL, "compute", _MORE_SEEDS)
    return planned


def quick_runs(lines: Sequence[Line]) -> list[Run]:
    """Return the runs of a minute, whatever the results so far."""
    keys = [(REFERENCE, ""), ("hf-bpe-words", ""), (REFERENCE, "perfect +10% until=0.75")]
    return [Run(key, 1000, "compute", 1, sampling) for key, sampling in keys]


def _grid(
    tokenizers: Sequence[str], vocabulary: int, budget: str, seeds: Sequence[int] = _SEEDS
) -> list[Run]:
    return [Run(key, vocabulary, budget, seed) for seed in seeds for key in tokenizers]


def _best(lines: Sequence[Line]) -> list[str]:
    """Return the tokenizers by their bits per byte in the first grid; none before its end."""
    found: dict[str, dict[int, float]] = {}
    ended = set()
    for line in lines:
        run = line["run"]
        if (run["vocabulary"], run["budget"], run["sampling"]) != (_SMALL, "compute", ""):
            continue
        if "reason" in line:
            ended.add(run["tokenizer"])
        elif "texts" in line:
            text = next(iter(line["texts"].values()))
            rate = sum(text["bits"]) / sum(text["sizes"])
            found.setdefault(run["tokenizer"], {})[run["seed"]] = rate
    ended |= {key for key, rates in found.items() if set(_SEEDS) <= set(rates)}
    if not set(NAMES) <= ended:
        return []
    return sorted(found, key=lambda key: float(np.mean(list(found[key].values()))))
