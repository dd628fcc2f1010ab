"""A report as JSON and as a table for the terminal."""

import dataclasses
import json
from collections.abc import Sequence

from bytepiece.audit.results import Report, Verdict

_VERDICTS = {True: "follows the law", False: "does not", None: "not audited"}
_HEADS = ("sampler", "version", "law", "verdict", "p", "draws", "smallest evidence")


def to_json(report: Report) -> str:
    """Return the whole report as JSON. Its keys are the names of the fields in `results`."""
    return json.dumps(dataclasses.asdict(report), ensure_ascii=False, indent=1, allow_nan=False)


def table(report: Report) -> str:
    """Return a table with a line for each sampler, followed by the notes on samplers."""
    rows = [_HEADS, *map(_row, report.verdicts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    notes = [f"{verdict.sampler}: {verdict.note}" for verdict in report.verdicts if verdict.note]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def _row(verdict: Verdict) -> Sequence[str]:
    p = "—" if verdict.p is None else "< 1e-300" if verdict.p < 1e-300 else f"{verdict.p:.2g}"
    draws = sum(case.draws for case in verdict.cases)
    return (
        verdict.sampler,
        verdict.version or "—",
        verdict.law,
        _VERDICTS[verdict.follows],
        p,
        f"{draws:,}" if draws else "—",
        _evidence(verdict),
    )


def _evidence(verdict: Verdict) -> str:
    found = verdict.evidence
    if found is None:
        return "—"
    text = found.text if len(found.text) <= 20 else f"{found.text[:19]}…"
    return (
        f"{found.draws:,} draws of {text!r}, alpha {found.alpha:g}: {found.worst.shown} "
        f"{found.worst.drawn / found.draws:.2%}, law {found.worst.probability:.2%}"
    )
