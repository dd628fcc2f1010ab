"""Tables of the results, with intervals."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from benchmarks.language_models.vocabularies import NAMES, REFERENCE
from benchmarks.support.harness import markdown
from benchmarks.support.intervals import Bits, Interval, bits_per_byte, relative

Line = Mapping[str, Any]

_BUDGETS = {"compute": "after the same compute", "text": "after the same text"}
_TOGETHER = 4
"""The texts in one table."""
_COSTS = ["ids", "bytes per token", "embedding, M", "MB read", "TFLOP", "seconds", "peak MB"]


def report(lines: Sequence[Line], against: str = REFERENCE) -> str:
    """Return all tables as Markdown.

    Args:
        lines: the lines of a file of results.
        against: the tokenizer that the others are compared with.
    """
    parts = ["# Language models on each tokenizer"]
    parts.append(
        'Bits per byte, fewer are better, ± half of the 95 % interval. "against" is the '
        "difference to the first row in percent, paired by seed; a difference in brackets is not "
        "significant."
    )
    done = [line for line in _joined(lines) if "texts" in line]
    done.sort(key=lambda line: str(line["experiment"]))
    for _, one in groupby(done, key=lambda line: line["experiment"]):
        same = list(one)
        shape, size = same[0]["experiment"]["shape"], same[0]["experiment"]["bytes"]
        parts.append(
            f"{size / 1e6:g} MB of {same[0]['experiment']['corpus']} for the reference; "
            f"{shape['layers']} layers of width {shape['width']}."
        )
        for budget, said in _BUDGETS.items():
            of_budget = [line for line in same if line["run"]["budget"] == budget]
            for size in sorted({line["run"]["vocabulary"] for line in of_budget}):
                of_size = [line for line in of_budget if line["run"]["vocabulary"] == size]
                parts += [f"## {size:,} ids, {said}", *_tables(of_size, against)]
    failed = {
        (line["run"]["tokenizer"], line["run"]["vocabulary"]): line["reason"]
        for line in lines
        if "reason" in line
    }
    for line in done:
        failed.pop((line["run"]["tokenizer"], line["run"]["vocabulary"]), None)
    if failed:
        parts.append("Not measured:")
        parts.append("\n".join(f"- {k}, {size:,} ids: {why}" for (k, size), why in failed.items()))
    return "\n\n".join(parts) + "\n"


def _joined(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of runs with the bits of their further tests beside the others."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        one = found.setdefault(str([line["run"], line["experiment"]]), {"texts": {}})
        if "texts" in line:
            found_texts = line["texts"] | one["texts"]
            one |= line
            one["texts"] = found_texts
        elif "further" in line:
            one["texts"] |= line["further"]
    return [line for line in found.values() if "run" in line]


def _tables(lines: Sequence[Line], against: str) -> Iterator[str]:
    """Yield a table of costs and a table of the bits of each text."""
    groups = _groups(lines)
    first = next((key for key in groups if key == (against, "")), next(iter(groups)))
    order = [first, *(key for key in groups if key != first)]
    yield markdown(["tokenizer", *_COSTS], [[_name(key), *_costs(groups[key])] for key in order])
    names = list(dict.fromkeys(name for line in lines for name in line["texts"]))
    for start in range(0, len(names), _TOGETHER):
        some = names[start : start + _TOGETHER]
        rows = []
        for key in order:
            row = [_name(key), str(len(groups[key]))]
            for text in some:
                tokenizer, sampling = key
                base = groups.get((tokenizer, ""), {}) if sampling else groups[first]
                row += _cells(groups[key], base, text)
            rows.append(row)
        heads = [head for name in some for head in (name, "against")]
        yield markdown(["tokenizer", "seeds", *heads], rows)


def _groups(lines: Sequence[Line]) -> dict[tuple[str, str], dict[int, Line]]:
    """Return the lines of each tokenizer and way of sampling, by seed."""
    groups: dict[tuple[str, str], dict[int, Line]] = {}
    for line in lines:
        run = line["run"]
        groups.setdefault((run["tokenizer"], run["sampling"]), {})[run["seed"]] = line
    return groups


def _name(key: tuple[str, str]) -> str:
    tokenizer, sampling = key
    return NAMES.get(tokenizer, tokenizer) + (f", {sampling}" if sampling else "")


def _costs(of_seeds: Mapping[int, Line]) -> list[str]:
    lines = list(of_seeds.values())
    line = lines[0]
    return [
        f"{line['run']['vocabulary']:,}",
        f"{line['bytes per token']:.3f}",
        f"{line['rows'] * line['experiment']['shape']['width'] / 1e6:.2f}",
        f"{np.mean([line['bytes'] for line in lines]) / 1e6:.2f}",
        f"{line['flops'] / 1e12:.1f}",
        f"{np.median([line['seconds'] for line in lines]):.0f}",
        f"{np.median([line['peak memory'] for line in lines]) / 1e6:.0f}",
    ]


def _cells(of_seeds: Mapping[int, Line], base: Mapping[int, Line], text: str) -> list[str]:
    """Return the bits per byte of a text, and the difference to the row of `base`."""
    seeds = [seed for seed, line in of_seeds.items() if text in line["texts"]]
    if not seeds:
        return ["—", "—"]
    cells = [bits_per_byte(*_bits(of_seeds, seeds, text)).shown(".3f")]
    paired = [seed for seed in seeds if text in base.get(seed, {"texts": {}})["texts"]]
    if base is of_seeds or not paired or not _same_documents(of_seeds, base, paired[0], text):
        return [*cells, ""]
    return [*cells, _difference(of_seeds, base, paired, text)]


def _same_documents(
    of_seeds: Mapping[int, Line], base: Mapping[int, Line], seed: int, text: str
) -> bool:
    """Return whether two models were tested on equally many documents.

    Cuts after which a tokenizer spells the next bytes in too many ways are left out.
    """
    one, other = (lines[seed]["texts"][text]["bits"] for lines in (of_seeds, base))
    return len(one) == len(other)


def _difference(
    of_seeds: Mapping[int, Line], base: Mapping[int, Line], paired: Sequence[int], text: str
) -> str:
    found: Interval = relative(*_bits(of_seeds, paired, text), *_bits(base, paired, text))
    shown = f"{found.shown('+.2f')} %"
    return shown if found.is_apart and len(paired) > 1 else f"({shown})"


def _bits(of_seeds: Mapping[int, Line], seeds: Sequence[int], text: str) -> tuple[Bits, Bits]:
    """Return the bits and the bytes of each document, with each seed."""
    texts = [of_seeds[seed]["texts"][text] for seed in seeds]
    return np.array([x["bits"] for x in texts]), np.array([x["sizes"] for x in texts], float)
