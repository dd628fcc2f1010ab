"""Measuring side by side: turns on fresh text, what they add up to, and the report of it."""

import contextlib
import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numba
import numpy as np

import bytepiece
from benchmarks.bars import BARS
from benchmarks.corpora import Fresh, utf8_size
from bytepiece import Tokenizer
from bytepiece.adapters.base import Adapter, NotPossibleError, TimedResult, timed

Task = Callable[[Adapter, Sequence[str]], TimedResult]


@dataclass(frozen=True)
class Setting:
    """What to measure on. `model` is a file in our format or the original one's."""

    texts: Fresh
    model: Path
    quick: bool

    @property
    def repeats(self) -> int:
        """How often each thing is measured."""
        return 3 if self.quick else 7

    @property
    def slice_size(self) -> int:
        """Bytes of fresh text for each repeat."""
        return min(50_000 if self.quick else 2_000_000, self.texts.size)

    @property
    def large_size(self) -> int:
        """Bytes of text where slices are too small: many chunks for every thread."""
        return 1_000_000 if self.quick else 10_000_000

    @property
    def vocabulary(self) -> int:
        """How many pieces the vocabularies have that are trained for the comparison."""
        return 2_000 if self.quick else 32_000


@dataclass
class Entrant:
    """A library with a vocabulary; or, without adapter, why there is none."""

    name: str
    vocabulary: str
    adapter: Adapter | None
    note: str = ""


@dataclass
class Lane:
    """One entrant's results in one race: work per second in each repeat, none if it had to pass.

    `cores` is how many of this process it kept busy: 1, and more would be an unfair advantage.
    """

    name: str
    vocabulary: str
    rates: list[float] = field(default_factory=list)
    cores: float = 0.0
    note: str = ""


def enter(kind: type[Adapter], vocabulary: str, make: Callable[[], Adapter]) -> Entrant:
    """Load a library, or note why it cannot take part."""
    reason = kind.missing()
    if reason is None:
        try:
            adapter = make()
        except NotPossibleError as error:
            reason = str(error)
        else:
            return Entrant(f"{kind.name} {kind.version()}", vocabulary, adapter, adapter.note)
    return Entrant(kind.name, vocabulary, None, reason)


@contextlib.contextmanager
def closing(entrants: list[Entrant]) -> Iterator[list[Entrant]]:
    """Close what the adapters hold open, at the end."""
    try:
        yield entrants
    finally:
        for entrant in entrants:
            if entrant.adapter:
                entrant.adapter.close()


def megabytes(texts: Sequence[str | bytes]) -> float:
    """The work in some texts: a rate is then MB/s."""
    return sum(map(utf8_size, texts)) / 1e6


def race(
    entrants: Sequence[Entrant],
    task: Task,
    fresh: Callable[[], Sequence[str]],
    repeats: int,
    work: Callable[[Sequence[str]], float] = megabytes,
) -> list[Lane]:
    """Let entrants take turns at a task, in each repeat all of them on the same new texts.

    Each repeat begins with another one: who comes first finds the texts cold in memory.
    """
    lanes = [Lane(e.name, e.vocabulary, note=e.note) for e in entrants]
    running = []
    warm_up = fresh()
    for entrant, lane in zip(entrants, lanes, strict=True):
        if entrant.adapter:
            try:
                task(entrant.adapter, warm_up)
            except NotPossibleError as error:
                lane.note = str(error)
            else:
                running.append((entrant.adapter, lane))
    for repeat in range(repeats):
        texts = fresh()
        first = repeat % max(len(running), 1)
        for adapter, lane in running[first:] + running[:first]:
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            seconds = task(adapter, texts).seconds
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            lane.rates.append(work(texts) / seconds)
            lane.cores += cpu / wall / repeats
    return lanes


def encode_rate(tokenizer: Tokenizer, texts: Sequence[str | bytes], **options: Any) -> float:
    """MB/s of one call of our `encode_batch`."""
    run = timed(lambda: tokenizer.encode_batch(texts, **options))
    return megabytes(texts) / run.seconds


def spread(values: Sequence[float]) -> float:
    """How far apart the values are, as a part of their median."""
    return (max(values) - min(values)) / statistics.median(values)


def ratios(ours: Lane, theirs: Lane) -> list[float]:
    """How many times faster ours is, repeat by repeat: the same text at nearly the same time."""
    return [a / b for a, b in zip(ours.rates, theirs.rates, strict=True)]


def rows_of(lanes: Sequence[Lane], each: Callable[[float], float] = lambda r: r) -> list[list[str]]:
    """The rows of a table, the first lane being ours; `each` turns a rate into what is shown."""
    rows = []
    for lane in lanes:
        row = [lane.name, lane.vocabulary, "—", "—", "—", "—", "—", lane.note]
        if lane.rates:
            row[2] = f"{each(max(lane.rates)):.3g}"
            row[3] = f"{each(statistics.median(lane.rates)):.3g}"
            row[4] = f"{100 * spread(lane.rates):.0f} %"
            row[5] = f"{lane.cores:.2f}" if lane.cores > 0.5 else "own process"
            found = ratios(lanes[0], lane)
            if lane is not lanes[0]:
                middle, least, most = statistics.median(found), min(found), max(found)
                row[6] = f"{middle:.2f} ({least:.2f}…{most:.2f})"
        rows.append(row)
    return rows


def columns(unit: str) -> list[str]:
    """The heads of the columns of `rows_of`."""
    measured = [f"best {unit}", f"median {unit}", "spread", "cores", "ours is faster by"]
    return ["library", "vocabulary", *measured, "note"]


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that reads well both as plain text and as Markdown."""
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def environment() -> dict[str, Any]:
    """What the figures depend on beside the code."""
    cpu = platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        cpu = next((s.partition(":")[2].strip() for s in lines if s.startswith("model name")), cpu)
    return {
        "bytepiece": bytepiece.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu,
        "cores": os.cpu_count(),
    }


class Report:
    """The tables and bars of one part of the benchmarks, printed as they come and kept for JSON."""

    def __init__(self, part: str, setting: Setting | None = None) -> None:
        self._part = part
        self._setting = setting
        self._tables: list[dict[str, Any]] = []
        self._bars: list[dict[str, Any]] = []
        self.verdicts: list[str] = []
        """What was printed of bars."""
        print(f"# {part}\n")

    def table(
        self, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], **kept: Any
    ) -> None:
        """Print a table; `kept` are exact figures, for JSON only."""
        print(f"## {title}\n\n{markdown(heads, rows)}\n", flush=True)
        cells = [dict(zip(heads, row, strict=True)) for row in rows]
        self._tables.append({"title": title, "rows": cells, **kept})

    def lanes(self, title: str, unit: str, lanes: Sequence[Lane], *, inverse: bool = False) -> None:
        """Print the table of a race; `inverse` shows time per work instead of work per time."""
        rows = rows_of(lanes, (lambda r: 1 / r) if inverse else float)
        rates = {f"{x.name}, {x.vocabulary}": x.rates for x in lanes}
        self.table(title, columns(unit), rows, rates=rates)

    def bar(self, name: str, measured: float | None) -> None:
        """Print whether a bar is met; None if there was nothing to hold against it."""
        bar = BARS[name]
        if measured is None:
            self.verdicts.append(f"bar {bar.what}: not measured")
        else:
            self.verdicts.append(bar.line(measured))
            met = bar.met(measured)
            self._bars.append({**bar._asdict(), "measured": measured, "met": met})
        print(self.verdicts[-1] + "\n", flush=True)

    def faster(self, name: str, lanes: Sequence[Lane], rival: str, vocabulary: str = "") -> None:
        """Print whether ours, the first lane, is as much faster than a rival as the bar says."""
        for lane in lanes[1:]:
            if (
                lane.rates
                and lane.name.startswith(rival)
                and lane.vocabulary.startswith(vocabulary)
            ):
                self.bar(name, statistics.median(ratios(lanes[0], lane)))
                return
        self.bar(name, None)

    def content(self) -> dict[str, Any]:
        """Everything that was measured, and on what."""
        content = {"part": self._part, "environment": environment()}
        if setting := self._setting:
            content["text"] = {
                "bytes": setting.texts.size,
                "passes over it": setting.texts.passes,
                "bytes in a repeat": setting.slice_size,
                "repeats": setting.repeats,
            }
        return {**content, "tables": self._tables, "bars": self._bars}

    def write(self, directory: Path) -> None:
        """Keep everything in a JSON file named after the part."""
        write_json(directory / f"{self._part}.json", self.content())


def write_json(path: Path, content: Any) -> None:
    """Write results for readers as well as programs, into a folder that may be new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, "utf-8", newline="\n")
