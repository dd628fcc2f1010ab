"""Tables of the results, with intervals."""

from collections import defaultdict
from typing import Any

import numpy as np

from benchmarks.support.harness import markdown
from benchmarks.translation.counts import Counts, chrf_of, unpacked
from benchmarks.translation.plan import Results

_RESAMPLED = 1000
"""Resamples of the bootstrap."""

_Lines = list[dict[str, Any]]


def text_of(results: Results) -> str:
    """Return the tables of all pairs."""
    tables = []
    for pair in dict.fromkeys(run.pair for run in results):
        dev = [line for run, line in results.items() if run.pair == pair and run.part == "dev"]
        systems: dict[str, _Lines] = defaultdict(list)
        for run, line in results.items():
            if run.pair == pair and run.part == "test":
                systems[run.system].append(line)
        tables += [f"## {pair}, dev, one seed, greedy", _dev_table(dev)]
        if systems:
            title = f"## {pair}, test, mean over seeds; 95 % intervals of chrF2, greedy and beam"
            tables += [title, _test_table(systems)]
    return "\n\n".join(tables)


def _dev_table(lines: _Lines) -> str:
    rows = []
    for line in lines:
        cells = ["cannot be reached", "", "", ""]
        if scores := line.get("dev"):
            alpha = "" if line["alpha"] is None else f"{line['alpha']:.3f}"
            cells = [alpha, f"{scores['chrf']:.2f}", f"{scores['bleu']:.2f}", f"{line['cpu']:.0f}"]
        rows.append([line["system"], f"{line['more']:+.0%}", *cells])
    return markdown(["system", "tokens", "alpha", "chrF2", "BLEU", "CPU s"], rows)


def _test_table(systems: dict[str, _Lines]) -> str:
    rows = []
    for system, lines in systems.items():
        row = [system, f"{lines[0]['more']:+.0%}", str(len(lines))]
        for search in ("greedy", "beam"):
            mean = np.mean([line[search]["chrf"] for line in lines])
            bleu = np.mean([line[search]["bleu"] for line in lines])
            row += [f"{mean:.2f}", f"{bleu:.2f}", _compared(lines, systems.get("none"), search)]
        rows.append(row)
    heads = ["greedy chrF2", "BLEU", "over none", "beam chrF2", "BLEU ", "over none "]
    return markdown(["system", "tokens", "seeds", *heads], rows)


def _compared(lines: _Lines, others: _Lines | None, search: str) -> str:
    bases = {line["seed"]: line for line in others or []}
    both = [line for line in lines if line["seed"] in bases]
    if not both or lines is others:
        return ""
    ours, theirs = (
        np.array(
            [unpacked(line[search]["chrf counts"], line[search]["sentences"]) for line in some]
        )
        for some in (both, [bases[line["seed"]] for line in both])
    )
    mean, low, high = difference(ours, theirs, seed=0)
    said = f"{mean:+.2f} ({low:+.2f} … {high:+.2f})"
    return said if low > 0 or high < 0 else f"{said}, not significant"


def difference(ours: Counts, theirs: Counts, seed: int) -> tuple[float, float, float]:
    """Return the mean difference of two systems' chrF2 and its 95 % interval.

    The bootstrap draws sentences and seeds; both systems get the same ones.

    Args:
        ours, theirs: counts, seeds × sentences × counts, of the same seeds and sentences.
        seed: of the bootstrap.
    """
    random = np.random.default_rng(seed)
    seeds, sentences, _ = ours.shape
    often = random.multinomial(sentences, [1 / sentences] * sentences, _RESAMPLED)
    drawn = random.integers(seeds, size=(_RESAMPLED, seeds))

    def scores(counts: Counts) -> Counts:
        return chrf_of(np.stack([often @ each.astype(np.int64) for each in counts], axis=1))

    found = np.take_along_axis(scores(ours) - scores(theirs), drawn, axis=1).mean(axis=1)
    whole = (chrf_of(ours.sum(axis=1)) - chrf_of(theirs.sum(axis=1))).mean()
    low, high = np.percentile(found, [2.5, 97.5])
    return float(whole), float(low), float(high)
