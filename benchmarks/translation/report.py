"""Tables of the results, with intervals."""

from collections import defaultdict
from typing import Any

import numpy as np

from benchmarks.support.harness import markdown
from benchmarks.support.intervals import Interval, interval
from benchmarks.translation.counts import Counts, chrf_of, unpacked
from benchmarks.translation.plan import Results

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
    found = difference(ours, theirs)
    said = f"{found.shown('+.2f')}"
    return said if found.is_apart and len(both) > 1 else f"{said}, not significant"


def difference(ours: Counts, theirs: Counts) -> Interval:
    """Return the mean difference of two systems' chrF2 over the seeds, with its interval.

    Args:
        ours, theirs: counts, seeds × sentences × counts, of the same seeds and sentences.
    """
    return interval(
        lambda chosen: chrf_of(ours[:, chosen].sum(1)) - chrf_of(theirs[:, chosen].sum(1)),
        ours.shape[1],
    )
