"""Measuring libraries side by side: turns on fresh text, their statistics, and the report."""

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
from benchmarks.support.corpora import FreshTexts, utf8_size
from benchmarks.support.targets import TARGETS
from bytepiece import Tokenizer
from bytepiece.adapters.base import Adapter, NotPossibleError, TimedResult, timed

Task = Callable[[Adapter, Sequence[str]], TimedResult]
"""A call to measure: it gives texts to a library."""


@dataclass(frozen=True)
class BenchmarkSettings:
    """The texts, the model and the size of a measurement.

    Args:
        texts: the texts to measure on.
        model: a file in our format or in the original library's.
        quick: whether to take little text and few repeats.
    """

    texts: FreshTexts
    model: Path
    quick: bool

    @property
    def repeats(self) -> int:
        """The number of times that each call is measured."""
        return 3 if self.quick else 7

    @property
    def slice_size(self) -> int:
        """The bytes of fresh text for each repeat."""
        return min(50_000 if self.quick else 2_000_000, self.texts.size)

    @property
    def large_size(self) -> int:
        """The bytes of text for measurements that need many chunks for every thread."""
        return 1_000_000 if self.quick else 10_000_000

    @property
    def vocabulary(self) -> int:
        """The number of pieces of the vocabularies that are trained for the comparison."""
        return 2_000 if self.quick else 32_000


@dataclass
class Entrant:
    """A library with a vocabulary; without an adapter, `note` says why it cannot take part."""

    name: str
    vocabulary: str
    adapter: Adapter | None
    note: str = ""


@dataclass
class Lane:
    """The results of one entrant in one race.

    Args:
        name: the library's name and version.
        vocabulary: the vocabulary's name.
        rates: the work per second in each repeat; empty if the entrant cannot do the task.
        cores: the number of cores that it kept busy in this process. More than 1 would be an
            unfair advantage. It is nearly 0 if the library runs in a process of its own.
        note: what the table says about the entrant.
    """

    name: str
    vocabulary: str
    rates: list[float] = field(default_factory=list)
    cores: float = 0.0
    note: str = ""


def enter(kind: type[Adapter], vocabulary: str, make: Callable[[], Adapter]) -> Entrant:
    """Load a library, or note the reason why it cannot take part.

    Args:
        kind: the library's adapter.
        vocabulary: the vocabulary's name.
        make: loads the library with the vocabulary.
    """
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
    """Close the adapters at the end."""
    try:
        yield entrants
    finally:
        for entrant in entrants:
            if entrant.adapter:
                entrant.adapter.close()


def megabytes(texts: Sequence[str | bytes]) -> float:
    """Return the size of texts in MB; with it as the work of a race, rates are MB/s."""
    return sum(map(utf8_size, texts)) / 1e6


def race(
    entrants: Sequence[Entrant],
    task: Task,
    fresh: Callable[[], Sequence[str]],
    repeats: int,
    work: Callable[[Sequence[str]], float] = megabytes,
) -> list[Lane]:
    """Let entrants take turns at a task; in each repeat all of them get the same new texts.

    Another entrant begins in each repeat, because the first one finds the texts cold in memory.

    Args:
        entrants: the libraries; ours comes first.
        task: the call to measure.
        fresh: returns new texts.
        repeats: the number of repeats after the warm-up.
        work: returns the amount of work in some texts.
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
    """Return the MB/s of one call of our `encode_batch`."""
    run = timed(lambda: tokenizer.encode_batch(texts, **options))
    return megabytes(texts) / run.seconds


def spread(values: Sequence[float]) -> float:
    """Return the largest value minus the smallest, over the median."""
    return (max(values) - min(values)) / statistics.median(values)


def ratios(ours: Lane, theirs: Lane) -> list[float]:
    """Return how many times faster ours is in each repeat.

    Both lanes of a repeat had the same text at nearly the same time.
    """
    return [a / b for a, b in zip(ours.rates, theirs.rates, strict=True)]


def rows_of(lanes: Sequence[Lane], each: Callable[[float], float] = lambda r: r) -> list[list[str]]:
    """Return the rows of a table; the first lane is ours, and `each` converts a rate to show it."""
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
    """Return the heads of the columns of `rows_of`."""
    measured = [f"best {unit}", f"median {unit}", "spread", "cores", "ours is faster by"]
    return ["library", "vocabulary", *measured, "note"]


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that is readable both as plain text and as Markdown."""
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def environment() -> dict[str, Any]:
    """Return the versions and the machine, on which the figures depend besides the code."""
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


class BenchmarkReport:
    """The tables and targets of one part of the benchmarks.

    It prints them as they come, and keeps them for a JSON file.
    """

    def __init__(self, part: str, settings: BenchmarkSettings | None = None) -> None:
        self._part = part
        self._settings = settings
        self._tables: list[dict[str, Any]] = []
        self._targets: list[dict[str, Any]] = []
        self.verdicts: list[str] = []
        """The printed lines about targets."""
        print(f"# {part}\n")

    def table(
        self, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], **kept: Any
    ) -> None:
        """Print a table; `kept` are exact figures for the JSON file only."""
        print(f"## {title}\n\n{markdown(heads, rows)}\n", flush=True)
        cells = [dict(zip(heads, row, strict=True)) for row in rows]
        self._tables.append({"title": title, "rows": cells, **kept})

    def lanes(self, title: str, unit: str, lanes: Sequence[Lane], *, inverse: bool = False) -> None:
        """Print the table of a race; `inverse` shows time per work, not work per time."""
        rows = rows_of(lanes, (lambda r: 1 / r) if inverse else float)
        rates = {f"{x.name}, {x.vocabulary}": x.rates for x in lanes}
        self.table(title, columns(unit), rows, rates=rates)

    def target(self, name: str, measured: float | None) -> None:
        """Print whether a target is met.

        Args:
            name: a key of `TARGETS`.
            measured: the figure; None if it was not measured.
        """
        target = TARGETS[name]
        if measured is None:
            self.verdicts.append(f"bar {target.what}: not measured")
        else:
            self.verdicts.append(target.line(measured))
            met = target.met(measured)
            self._targets.append({**target._asdict(), "measured": measured, "met": met})
        print(self.verdicts[-1] + "\n", flush=True)

    def faster(self, name: str, lanes: Sequence[Lane], rival: str, vocabulary: str = "") -> None:
        """Print whether ours, the first lane, is faster than a rival by the target's factor.

        Args:
            name: a key of `TARGETS`.
            lanes: the results of a race.
            rival: the rival's name, without the version.
            vocabulary: the beginning of the name of the rival's vocabulary.
        """
        for lane in lanes[1:]:
            if (
                lane.rates
                and lane.name.rpartition(" ")[0] == rival
                and lane.vocabulary.startswith(vocabulary)
            ):
                self.target(name, statistics.median(ratios(lanes[0], lane)))
                return
        self.target(name, None)

    def content(self) -> dict[str, Any]:
        """Return everything that was measured, the environment, and the size of the texts."""
        content = {"part": self._part, "environment": environment()}
        if settings := self._settings:
            content["text"] = {
                "bytes": settings.texts.size,
                "passes over it": settings.texts.passes,
                "bytes in a repeat": settings.slice_size,
                "repeats": settings.repeats,
            }
        return {**content, "tables": self._tables, "bars": self._targets}

    def write(self, directory: Path) -> None:
        """Write everything to a JSON file that is named after the part."""
        write_json(directory / f"{self._part}.json", self.content())


def write_json(path: Path, content: Any) -> None:
    """Write results as indented JSON; make the file's folder if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, "utf-8", newline="\n")
