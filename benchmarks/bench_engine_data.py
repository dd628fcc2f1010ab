"""What encoding costs in Ray Data and Spark, compared with `encode_batch` on as many cores.

    python -m benchmarks.bench_engine_data --model ours.model --corpus mix100.txt --copies 4

Each engine reads documents of eight lines from 32 Parquet files, encodes them with two workers, and
writes the ids to Parquet files. The same job with a column of fixed numbers in place of the ids
shows what the engine takes for itself: for reading, copying between processes, and writing. The
share of the ideal is the time of `encode_batch` with two threads, divided by the time that encoding
adds to the job. `pip install "ray[data]" pyspark` first; Spark also needs Java.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.support.harness import BenchmarkReport
from bytepiece import Tokenizer
from bytepiece.integrations.batches import Encode

_LINES = 8
"""Lines of a document: about 1 kB."""
_FILES = 32
_CORES = 2
_IDS = 140
"""Ids of a document in the job without encoding, about as many as a document has."""
_ALPHAS = {"best path": None, "alpha 0.3": 0.3}

Batch = pa.Table | pa.RecordBatch
Stage = Callable[[Batch], Batch]
Job = Callable[[list[str], Stage, str], None]


class FixedIds:
    """Does what `Encode` does, with the same ids for each document."""

    def __call__(self, batch: Batch) -> Batch:
        """Return a batch with a column of ids."""
        one = pa.array([range(_IDS)], pa.list_(pa.int32()))
        ids = one.take(pa.array([0] * len(batch)))
        return type(batch).from_arrays([ids], names=["input_ids"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--engines", nargs="+", choices=_ENGINES, default=[*_ENGINES])
    given = parser.parse_args()
    tokenizer = Tokenizer.load(given.model)
    report = BenchmarkReport("engine data")
    with tempfile.TemporaryDirectory() as name:
        files = _documents(given.corpus, given.copies, Path(name))
        rows = []
        for title, alpha in _ALPHAS.items():
            encode = Encode(tokenizer, alpha=alpha, seed=7, doc_ids="number")
            alone = _alone(tokenizer, files, alpha)
            rows.append((f"encode_batch, {title}", f"{alone:.1f}", "", ""))
            for engine in given.engines:
                output = str(Path(name, f"{engine} {title}"))
                whole, rest = _ENGINES[engine](files, [encode, FixedIds()], output)
                share = f"{alone / (whole - rest):.0%}"
                rows.append((f"{engine}, {title}", f"{whole:.1f}", f"{rest:.1f}", share))
        heads = ("what", "seconds", "without encoding", "share of the ideal")
        size = given.copies * given.corpus.stat().st_size
        report.table(f"{size / 1e6:.0f} MB of text", heads, rows)


def _documents(corpus: Path, copies: int, folder: Path) -> list[str]:
    """Write the documents of some copies of a text to Parquet files of nearly the same size."""
    lines = corpus.read_text("utf-8").split("\n")
    texts = ["\n".join(lines[low : low + _LINES]) for low in range(0, len(lines), _LINES)] * copies
    step = -(-len(texts) // _FILES)
    files = []
    for low in range(0, len(texts), step):
        part = texts[low : low + step]
        files.append(str(folder / f"{low:012}.parquet"))
        numbers = pa.array(range(low, low + len(part)), pa.int64())
        pq.write_table(pa.table({"text": part, "number": numbers}), files[-1], row_group_size=2000)
    return files


def _alone(tokenizer: Tokenizer, files: Iterable[str], alpha: float | None) -> float:
    """Return the seconds that `encode_batch` takes for all files but the first, without reading."""
    tokenizer.encode_batch(["warm up"], alpha=alpha)
    seconds = []
    for file in files:
        table = pq.read_table(file)
        begin = time.perf_counter()
        tokenizer.encode_batch(
            table["text"], alpha=alpha, seed=7, doc_ids=table["number"], threads=_CORES
        )
        seconds.append(time.perf_counter() - begin)
    return sum(seconds[1:])


def _seconds(job: Job, files: list[str], stages: Iterable[Stage], output: str) -> list[float]:
    """Return the seconds that each stage takes for all files, less those for the first one.

    So the start of the engine and of its workers does not count.
    """
    found = []
    for number, stage in enumerate(stages):
        times = []
        for part in (files[:1], files[:1], files):  # the first run is cold
            begin = time.perf_counter()
            job(part, stage, f"{output}-{number}-{len(times)}")
            times.append(time.perf_counter() - begin)
        found.append(times[2] - times[1])
    return found


def _ray(files: list[str], stages: Iterable[Stage], output: str) -> list[float]:
    import ray  # noqa: PLC0415

    def job(part: list[str], stage: Stage, to: str) -> None:
        rows = ray.data.read_parquet(part)
        rows.map_batches(stage, batch_format="pyarrow", batch_size=None).write_parquet(to)

    ray.init(num_cpus=_CORES, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        return _seconds(job, files, stages, output)
    finally:
        ray.shutdown()


def _spark(files: list[str], stages: Iterable[Stage], output: str) -> list[float]:
    from pyspark.sql import SparkSession  # noqa: PLC0415

    def job(part: list[str], stage: Stage, to: str) -> None:
        frame = spark.read.parquet(*part)
        frame.mapInArrow(lambda batches: map(stage, batches), "input_ids array<int>").write.parquet(
            to
        )

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = {"spark.ui.enabled": "false", "spark.driver.memory": "3g"}
    spark = SparkSession.builder.master(f"local[{_CORES}]").config(map=settings).getOrCreate()
    try:
        return _seconds(job, files, stages, output)
    finally:
        spark.stop()


_ENGINES = {"Ray Data": _ray, "Spark": _spark}


if __name__ == "__main__":
    main()
