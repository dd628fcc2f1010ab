"""The cost of texts in columns and of ids in files, compared with plain `encode_batch`."""

import gc
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.support.harness import BenchmarkReport, BenchmarkSettings, megabytes
from bytepiece import Tokenizer
from bytepiece.adapters.base import timed
from bytepiece.encoding.encoded import Encoded
from bytepiece.integrations.arrow import ParquetWriter, encode_column
from bytepiece.token_files import TokenFileWriter

Way = Callable[[Tokenizer, Sequence[str], dict[str, Any]], Callable[[], object]]
"""Prepares texts, which is not measured, and returns the call to measure."""

PLAIN = "list of str"
OPTIONS: dict[str, dict[str, Any]] = {"best path": {}, "alpha 0.1": {"alpha": 0.1, "seed": 0}}
CHUNK_ROWS = 1000
"""Rows of a chunk, for a column of several chunks."""
BATCHES = 20
"""Calls of `encode_batch` for one file. A large corpus also takes many calls."""


def run(settings: BenchmarkSettings) -> BenchmarkReport:
    """Measure everything, print it, and return the report."""
    report = BenchmarkReport("arrow", settings)
    tokenizer = Tokenizer(settings.model)
    with tempfile.TemporaryDirectory() as name:
        columns_in, files_out = columns(), files(Path(name) / "x")
        for title, options in OPTIONS.items():
            costs = compare(
                report, settings, tokenizer, f"Columns in, {title}", columns_in, options
            )
            report.target("glue", max(costs.values(), default=None))
        for title, options in OPTIONS.items():
            compare(report, settings, tokenizer, f"Files out, {title}", files_out, options, BATCHES)
    return report


def compare(
    report: BenchmarkReport,
    settings: BenchmarkSettings,
    tokenizer: Tokenizer,
    title: str,
    ways: dict[str, Way],
    options: dict[str, Any],
    slices: int = 1,
) -> dict[str, float]:
    """Let the ways take turns on one thread; in each repeat all of them get the same new texts.

    Args:
        report: gets the table.
        settings: the texts and the number of repeats.
        tokenizer: the tokenizer that encodes.
        title: the table's title.
        ways: the ways by their names, with `PLAIN` among them.
        options: options of `encode_batch`.
        slices: the number of slices of text for each repeat.

    Returns:
        for each way except `PLAIN`, how much more time it takes than `PLAIN`, in percent.
    """
    found: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for repeat in range(settings.repeats + 1):  # the first repeat is the warm-up
        texts = settings.texts.take(slices * settings.slice_size)
        first = repeat % len(names)
        for name in names[first:] + names[:first]:
            call = ways[name](tokenizer, texts, options)
            gc.collect()
            found[name].append(megabytes(texts) / timed(call).seconds)
    rates = {name: values[1:] for name, values in found.items()}
    costs = {
        name: statistics.median(
            100 * (plain / rate - 1) for plain, rate in zip(rates[PLAIN], values, strict=True)
        )
        for name, values in rates.items()
    }
    report.table(
        title,
        ["", "best MB/s", "median MB/s", "more time than encode_batch of a list of str"],
        [
            [name, f"{max(v):.3g}", f"{statistics.median(v):.3g}", f"{costs[name]:+.1f} %"]
            for name, v in rates.items()
        ],
        rates=rates,
    )
    del costs[PLAIN]
    return costs


def columns() -> dict[str, Way]:
    """Return ways to encode a column, for each kind of column that an installed library makes."""
    ways: dict[str, Way] = {PLAIN: _plain}
    makers: dict[str, tuple[str, Callable[[Any, Sequence[str]], Any]]] = {
        "pyarrow string": ("pyarrow", lambda lib, texts: lib.array(texts)),
        "pyarrow string, in chunks": ("pyarrow", _chunked),
        "pyarrow binary": ("pyarrow", lambda lib, texts: lib.array(texts).cast(lib.binary())),
        "polars": ("polars", lambda lib, texts: lib.Series(texts)),
    }
    for name, (library, make) in makers.items():
        try:
            ways[name] = _column_way(make, import_module(library))
        except ImportError:
            print(f"{library} is not installed\n")
    return ways


def _plain(
    tokenizer: Tokenizer, texts: Sequence[str], options: dict[str, Any]
) -> Callable[[], object]:
    return lambda: tokenizer.encode_batch(texts, **options)


def _chunked(arrow: Any, texts: Sequence[str]) -> Any:
    return arrow.chunked_array(
        [texts[i : i + CHUNK_ROWS] for i in range(0, len(texts), CHUNK_ROWS)]
    )


def _column_way(make: Callable[[Any, Sequence[str]], Any], library: Any) -> Way:
    """Return the way from a column of texts to a column of ids."""

    def way(
        tokenizer: Tokenizer, texts: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        column = make(library, texts)
        return lambda: encode_column(tokenizer, column, **options)

    return way


def files(path: Path) -> dict[str, Way]:
    """Return ways to encode into a file; each file is flushed to the disk, then renamed."""

    def tokens(layout: Any) -> Way:
        def write(tokenizer: Tokenizer, parts: Iterator[Encoded]) -> None:
            with TokenFileWriter(path, tokenizer.vocab_size, layout) as writer:
                for rows in parts:
                    writer.append(rows)

        return _in_batches(write)

    def parquet(_: Tokenizer, parts: Iterator[Encoded]) -> None:
        with ParquetWriter(path) as writer:
            for rows in parts:
                writer.append(rows.to_arrow())

    return {
        PLAIN: _in_batches(lambda _, parts: [len(rows) for rows in parts]),
        "megatron": tokens("megatron"),
        "npy": tokens("npy"),
        "parquet": _in_batches(parquet),
    }


def _in_batches(use: Callable[[Tokenizer, Iterator[Encoded]], object]) -> Way:
    """Return the way that encodes texts in several batches and hands them to `use`."""

    def way(
        tokenizer: Tokenizer, texts: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        size = -(-len(texts) // BATCHES)
        batches = [texts[low : low + size] for low in range(0, len(texts), size)]
        return lambda: use(tokenizer, (tokenizer.encode_batch(b, **options) for b in batches))

    return way
