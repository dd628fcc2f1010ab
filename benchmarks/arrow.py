"""What it costs that texts come in columns and ids go into files, beside plain `encode_batch`."""

import gc
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.harness import Report, Setting, megabytes
from bytepiece import Tokenizer
from bytepiece.adapters.base import timed
from bytepiece.encoding.encoded import Encoded
from bytepiece.integrations.arrow import ParquetWriter, encode_column
from bytepiece.token_files import TokenFileWriter

Way = Callable[[Tokenizer, Sequence[str], dict[str, Any]], Callable[[], object]]
"""Prepares texts, without the clock, and gives the call that is measured."""

PLAIN = "list of str"
OPTIONS: dict[str, dict[str, Any]] = {"best path": {}, "alpha 0.1": {"alpha": 0.1, "seed": 0}}
CHUNK = 1000
"""Rows of a chunk, where a column comes in many."""
BATCHES = 20
"""Calls of `encode_batch` for one file, as a corpus needs many."""


def run(setting: Setting) -> Report:
    """Measure, print and collect."""
    report = Report("arrow", setting)
    tokenizer = Tokenizer(setting.model)
    with tempfile.TemporaryDirectory() as name:
        columns_in, files_out = columns(), files(Path(name) / "x")
        for title, options in OPTIONS.items():
            costs = compare(report, setting, tokenizer, f"Columns in, {title}", columns_in, options)
            report.bar("glue", max(costs.values(), default=None))
        for title, options in OPTIONS.items():
            compare(report, setting, tokenizer, f"Files out, {title}", files_out, options, BATCHES)
    return report


def compare(
    report: Report,
    setting: Setting,
    tokenizer: Tokenizer,
    title: str,
    ways: dict[str, Way],
    options: dict[str, Any],
    slices: int = 1,
) -> dict[str, float]:
    """Let the ways take turns, on one thread, in each repeat all of them on the same new texts.

    Returns:
        how much more time each takes than the first one, in percent.
    """
    found: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for repeat in range(setting.repeats + 1):  # the first is the warm-up
        texts = setting.texts.take(slices * setting.slice_size)
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
    """The kinds of columns that the libraries which are there make."""
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
    return arrow.chunked_array([texts[i : i + CHUNK] for i in range(0, len(texts), CHUNK)])


def _column_way(make: Callable[[Any, Sequence[str]], Any], library: Any) -> Way:
    """From a column to a column."""

    def way(
        tokenizer: Tokenizer, texts: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        column = make(library, texts)
        return lambda: encode_column(tokenizer, column, **options)

    return way


def files(path: Path) -> dict[str, Way]:
    """Encoding into files, each synchronized with the disk and named in the end."""

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
    def way(
        tokenizer: Tokenizer, texts: Sequence[str], options: dict[str, Any]
    ) -> Callable[[], object]:
        size = -(-len(texts) // BATCHES)
        batches = [texts[low : low + size] for low in range(0, len(texts), size)]
        return lambda: use(tokenizer, (tokenizer.encode_batch(b, **options) for b in batches))

    return way
