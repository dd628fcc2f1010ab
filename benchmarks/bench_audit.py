"""The audit of every sampler, and a test of the audit itself.

    python -m benchmarks.bench_audit                 all samplers, ours and rivals'
    python -m benchmarks.bench_audit power           broken samplers, and 200 audits of a right one

The first command runs with three seeds. It writes audit.json and audit.html for the first seed, and
audit_seeds.json for all of them. The second command writes audit_power.json. Install the rivals as
`python -m benchmarks --help` says; the report names each missing library.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.support import ROOT
from benchmarks.support.broken_samplers import BROKEN, RIGHT
from benchmarks.support.harness import environment, markdown
from benchmarks.support.weak_random_numbers import GOOD, WEAK
from bytepiece._files import write_atomically
from bytepiece.audit.page import page
from bytepiece.audit.results import THRESHOLD, Verdict
from bytepiece.audit.run import audit
from bytepiece.audit.samplers import FOR_BPE, NAMED_SAMPLERS
from bytepiece.audit.summary import table, to_json

RESULTS = ROOT / "benchmarks" / "results"
POWER_DRAWS = 1_000_000
_HEADS = ("sampler", "p", "refuted", "by the case", "draws")
NULL_AUDITS, NULL_DRAWS, NULL_LEVEL = 200, 3_000, 0.05


def everyone(seeds: Sequence[int], draws: int, output: Path) -> None:
    """Audit every sampler with each seed; write the page of the first seed."""
    named = [name for name in NAMED_SAMPLERS if name not in FOR_BPE]
    reports = [audit(samplers=named, draws=draws, seed=seed) for seed in seeds]
    first = reports[0]
    print(table(first))
    rows = [
        [verdicts[0].sampler, *map(_outcome, verdicts)]
        for verdicts in zip(*(report.verdicts for report in reports), strict=True)
    ]
    print(markdown(["sampler", *(f"seed {seed}" for seed in seeds)], rows))
    minutes = ", ".join(f"{report.seconds / 60:.1f}" for report in reports)
    print(f"{draws} draws of a short text; minutes: {minutes}")
    write_atomically(output / "audit.json", [to_json(first).encode(), b"\n"])
    write_atomically(output / "audit.html", [page(first).encode()])
    found = {
        "environment": environment(),
        "draws": draws,
        "seeds": list(seeds),
        "verdicts": {name: outcomes for name, *outcomes in rows},
        "seconds": [report.seconds for report in reports],
    }
    _write(output / "audit_seeds.json", found)


def _outcome(verdict: Verdict) -> str:
    if verdict.p is None:
        return "not audited"
    return f"{'follows' if verdict.follows else 'does not'}, p {verdict.p:.2g}"


def _write(path: Path, found: dict[str, Any]) -> None:
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    write_atomically(path, [text.encode()])


def power(seed: int, draws: int, output: Path) -> None:
    """Audit samplers with a fault, samplers without, and our own sampler 200 times."""
    begin = time.perf_counter()
    verdicts = audit(samplers=[*BROKEN, RIGHT, WEAK, GOOD], draws=draws, seed=seed).verdicts
    print(markdown(_HEADS, list(map(_row, verdicts))))
    ps = [
        audit(samplers=["perfect"], draws=NULL_DRAWS, seed=number).verdicts[0].p or 0.0
        for number in range(seed, seed + NULL_AUDITS)
    ]
    found = {
        "environment": environment(),
        "draws": draws,
        "verdicts": [dict(zip(_HEADS, _row(v), strict=True)) for v in verdicts],
        "null": _null(ps),
        "seconds": time.perf_counter() - begin,
    }
    print(json.dumps(found["null"], indent=1))
    print(f"{found['seconds']:.0f} s")
    _write(output / "audit_power.json", found)


def _row(verdict: Verdict) -> Sequence[str]:
    evidence = verdict.evidence
    case = f"{evidence.text:.20}, alpha {evidence.alpha:g}" if evidence else "—"
    return (
        verdict.sampler,
        f"{verdict.p:.2g}",
        "no" if verdict.follows else "yes",
        case,
        str(evidence.draws) if evidence else "—",
    )


def _null(ps: Sequence[float]) -> dict[str, int]:
    """Count how often the audit flags a right sampler, and how often it may flag it."""
    return {
        "audits of perfect": len(ps),
        "draws of each": NULL_DRAWS,
        "below the threshold": sum(p < THRESHOLD for p in ps),
        f"below {NULL_LEVEL}": sum(p < NULL_LEVEL for p in ps),
        f"at most, 99 times in 100, if {NULL_LEVEL} of them were": _most(len(ps), NULL_LEVEL),
    }


def _most(audits: int, rate: float) -> int:
    """Return the number that a binomial count does not exceed, 99 times in 100."""
    total, number = 0.0, -1
    while total < 0.99:
        number += 1
        total += math.comb(audits, number) * rate**number * (1 - rate) ** (audits - number)
    return number


def main() -> None:
    """Run the chosen part."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_audit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", choices=["everyone", "power"], default="everyone")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--draws", type=int, help="the number of draws of a short text")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if arguments.part == "power":
        power(arguments.seeds[0], arguments.draws or POWER_DRAWS, arguments.output)
    else:
        everyone(arguments.seeds, arguments.draws or 300_000, arguments.output)


if __name__ == "__main__":
    main()
