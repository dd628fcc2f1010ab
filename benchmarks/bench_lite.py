"""How far the samples of SentencePiece's Lite runtime are from the law, and why.

    python -m benchmarks.bench_lite

It compares how often each segmentation of a short text is drawn with the exact law, in total
variation. The runtime gets 1 / alpha, or alpha unchanged, or the multiple of 1 / alpha that fits
best. The same algorithm in NumPy, with other random numbers, shows that the algorithm is the cause.
It takes two minutes. Install the runtime by `python -m bytepiece.adapters.sentencepiece_lite`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support import ROOT
from benchmarks.support.harness import environment, markdown
from bytepiece._arrays import F64
from bytepiece._files import write_atomically
from bytepiece.audit.counts import DrawCounts
from bytepiece.audit.law import ReferenceLaw
from bytepiece.audit.samplers import NAMED_SAMPLERS, LoadedSampler
from bytepiece.audit.statistics import expected_noise
from bytepiece.audit.vocabularies import built_in

ALPHAS = (0.1, 0.5, 1.0)
MULTIPLES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_AT_ONCE = 10_000
"""Draws of the NumPy version that are in memory together."""
_COLUMNS = ("sentencepiece", "1 / alpha", "in NumPy", "alpha unchanged", "best multiple", "noise")


def shares(loaded: LoadedSampler, law: ReferenceLaw, exponent: float, draws: int) -> F64:
    """Return how often each path of the law is drawn, as a share of all draws."""
    counted = DrawCounts(law, np.zeros(len(law.edges), dtype=np.bool_))
    counted.add(loaded.draw(law.text.decode(), exponent, draws, seed=7))
    assert counted.paths is not None
    return counted.paths / draws


def simulated(law: ReferenceLaw, draws: int) -> F64:
    """Return the shares of the paths of the largest score after noise is added to every edge."""
    assert law.paths is not None
    has = np.zeros((len(law.edges), len(law.paths.masks)))
    for path, mask in enumerate(law.paths.masks.tolist()):
        ends = [end for end in range(1, len(law.text) + 1) if mask >> end & 1]
        spans = set(zip([0, *ends], ends, strict=False))
        has[[e for e, edge in enumerate(law.edges) if edge[:2] in spans], path] = 1.0
    rng = np.random.default_rng(11)
    counts = np.zeros(has.shape[1])
    for _ in range(draws // _AT_ONCE):
        noise = rng.gumbel(size=(_AT_ONCE, len(law.edges))) / law.alpha
        counts += np.bincount(((law.scores + noise) @ has).argmax(axis=1), minlength=len(counts))
    return counts / draws


def measured(draws: int) -> list[dict[str, Any]]:
    """Return the total variation of every way to draw, for each text and alpha."""
    found = []
    for vocabulary in built_in():
        lite = NAMED_SAMPLERS["sentencepiece-lite"].load(vocabulary.model)
        theirs = NAMED_SAMPLERS["sentencepiece"].load(vocabulary.model)
        for text in vocabulary.texts:
            for alpha in ALPHAS:
                law = lite.law(text, alpha)
                if law.paths is not None:
                    found.append({"text": text, "alpha": alpha, **_case(law, lite, theirs, draws)})
    return found


def _case(
    law: ReferenceLaw, lite: LoadedSampler, theirs: LoadedSampler, draws: int
) -> dict[str, float]:
    assert law.paths is not None
    p, alpha = law.paths.p, law.alpha

    def far(drawn: F64) -> float:
        return float(np.abs(drawn - p).sum() / 2)

    # The adapter gives the runtime 1 / exponent.
    multiples = {m: far(shares(lite, law, alpha / m, draws)) for m in MULTIPLES}
    best = min(multiples, key=lambda multiple: multiples[multiple])
    return {
        "sentencepiece": far(shares(theirs, law, alpha, draws)),
        "1 / alpha": multiples[1.0],
        "in NumPy": far(simulated(law, draws)),
        "alpha unchanged": far(shares(lite, law, 1 / alpha, draws)),
        "best multiple": multiples[best],
        "noise": expected_noise(p, draws),
        "multiple": best,
    }


def ranges(cases: list[dict[str, Any]]) -> list[list[str]]:
    """Return the rows of a table: the least and the greatest value of all texts, by alpha."""
    rows = []
    for column in _COLUMNS:
        row = [column]
        for alpha in ALPHAS:
            values = [case[column] for case in cases if case["alpha"] == alpha]
            row.append(f"{min(values):.3f} … {max(values):.3f}")
        rows.append(row)
    return rows


def main() -> None:
    """Measure, print a table, and write lite.json."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_lite",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--draws", type=int, default=50_000, help="of each text; default 50,000")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    arguments = parser.parse_args()
    for name in ("sentencepiece", "sentencepiece-lite"):
        if reason := NAMED_SAMPLERS[name].missing():
            parser.error(f"{name} is {reason}")
    cases = measured(arguments.draws)
    heads = ["total variation", *(f"alpha {alpha:g}" for alpha in ALPHAS)]
    print(markdown(heads, ranges(cases)))
    found = {"environment": environment(), "draws": arguments.draws, "cases": cases}
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    write_atomically(arguments.output / "lite.json", [text.encode()])


if __name__ == "__main__":
    main()
