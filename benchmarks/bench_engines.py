r"""The same result from threads, jobs, Ray and Spark, whoever is killed, and what it costs.

    python -m benchmarks.bench_engines --corpus mix10.txt --copies 14 --memory 256M \
        --engines threads:1 threads:2 jobs:2 ray:1 ray:2 ray:4 spark:2 --kills 20 --driver-kills 10
    python -m benchmarks.bench_engines --corpus mix10.txt --work encode --engines threads:1 ray:2

Each engine works in a process of its own, on copies of the corpus that are altered in different
ways, so that there are several shards and a sample. The number after the colon is the number of
threads, jobs or workers. The work is training, or with --work the evaluation of a model or the
encoding of the corpus. The table shows the seconds without the engine's start, the memory of the
process that directs the work, the bytes that it receives from workers, all together and in the pass
with the most, and a hash of the result, which is always the same.

--kills kills workers of Ray at random moments, and --driver-kills the directing process of Ray and
Spark, which is then started again. The runs are repeated until all kills are done.
`pip install ray pyspark fonttools` first; Spark also needs Java.
"""

import argparse
import json
import os
import pickle
import random
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from benchmarks.support import killed_runs
from benchmarks.support.commands import FailedError, run
from benchmarks.support.corpora import copies_of
from bytepiece.parallel import Engine

T = TypeVar("T")
R = TypeVar("R")

_HEAD = """| engine | seconds | driver, MB | received, MB | most in a pass, MB | kills | result |
| --- | --- | --- | --- | --- | --- | --- |"""


class RunFigures(NamedTuple):
    """What one run needed.

    Args:
        seconds: without the start of the engine.
        memory: the peak of the directing process, in kB.
        received: the bytes of the results that came back in each pass.
        kills: how many workers were killed.
    """

    seconds: float
    memory: int
    received: list[int]
    kills: int


class MeasuredEngine:
    """An engine that counts the bytes of the results that come back.

    Args:
        engine: the engine that applies the stages.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.received: list[int] = []

    def __call__(self, stage: Callable[[T], R], shards: Iterable[T], /) -> Iterator[R]:
        """Yield the result for each shard."""
        place = len(self.received)
        self.received.append(0)
        for result in self._engine(stage, shards):
            self.received[place] += len(pickle.dumps(result))
            yield result


def main(arguments: list[str] | None = None) -> int:
    """Work with every engine, and print a table. Return 1 if one failed or two results differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=14)
    parser.add_argument("--engines", nargs="+", default=["threads:2", "jobs:2", "ray:2", "spark:2"])
    parser.add_argument("--work", choices=_WORK, default="train")
    parser.add_argument("--algorithm", default="merge")
    parser.add_argument("--vocab-size", type=int, default=4000)
    parser.add_argument("--memory", default="256M")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--driver-kills", type=int, default=0)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--pause", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        _work(*options.one.split(":", 2), options)
        return 0
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name, "corpus.txt")
        copies_of(options.corpus, options.copies, corpus)
        print(f"{corpus.stat().st_size / 1e6:.0f} MB, {options.work}", end=", ")
        print(f"{options.algorithm}, {options.memory}\n{_HEAD}", flush=True)
        if options.work != "train":
            folder = Path(name, "small")
            folder.mkdir()
            run(_command(options, options.corpus, "threads:1", folder, work="train"))
            options.model = folder / "model"
        digests: set[str] = set()
        for engine in options.engines:
            try:
                digests |= _rows(engine, corpus, options)
            except FailedError as error:
                print(f"| {engine} | failed: {error} | | | | | |", flush=True)
                digests.add("failed")
    if "failed" in digests:
        print("AN ENGINE FAILED")
        return 1
    print("all results are the same" if len(digests) == 1 else "RESULTS DIFFER")
    return 0 if len(digests) == 1 else 1


def _rows(engine: str, corpus: Path, options: argparse.Namespace) -> set[str]:
    """Print the rows of an engine. Return the hashes of all results."""
    found, digest = _figures(partial(_command, options, corpus, engine))
    digests = {digest}
    _print(engine, found, "", digest)
    left = options.kills if engine.startswith("ray") else 0
    pause = found.seconds / 8
    while left:
        settings = {"kills": left, "pause": pause}
        killed, digest = _figures(partial(_command, options, corpus, engine, **settings))
        digests.add(digest)
        left -= killed.kills
        pause = min(pause, killed.seconds / 8)  # The first run may have been cold.
        _print(engine, killed, f"{killed.kills} workers", digest)
    left = options.driver_kills if engine.startswith(("ray", "spark")) else 0
    rng, seconds = random.Random(1), found.seconds
    while left:
        moments = [seconds * rng.random() for _ in range(min(left, 3))]
        outcome = killed_runs.run(partial(_command, options, corpus, engine), moments)
        digests |= outcome.digests
        left -= len(outcome.kills)
        seconds = seconds if outcome.kills else seconds / 2  # The first run may have been cold.
        seen = " ".join(sorted(one[:12] for one in outcome.digests))
        shown = found._replace(seconds=outcome.seconds)
        _print(engine, shown, f"{len(outcome.kills)} drivers", seen)
    return digests


def _print(engine: str, found: RunFigures, kills: str, digest: str) -> None:
    received = [sum(found.received) / 1e6, max(found.received, default=0) / 1e6]
    numbers = f"{found.seconds:.1f} | {found.memory / 1e3:.0f} | {received[0]:.3f}"
    print(f"| {engine} | {numbers} | {received[1]:.3f} | {kills} | {digest[:12]} |", flush=True)


def _figures(command: killed_runs.Command) -> tuple[RunFigures, str]:
    """Run a command, and return its figures and the hash of its result."""
    with tempfile.TemporaryDirectory() as name:
        run(command(Path(name)))
        figures = json.loads(Path(name, "model.json").read_text("utf-8"))
        return RunFigures(*figures), killed_runs.digest(Path(name, "model"))


def _command(
    options: argparse.Namespace,
    corpus: Path,
    engine: str,
    folder: Path,
    **changes: Any,
) -> list[str]:
    """Return the command that works with one engine, and leaves the file `model` in a folder."""
    names = ("work", "algorithm", "vocab_size", "memory", "model")
    given = {name: getattr(options, name) for name in names} | changes
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value]
    place = ["--corpus", str(corpus), "--one", f"{engine}:{folder / 'model'}"]
    return [sys.executable, "-m", "benchmarks.bench_engines", *flags, *place]


def _work(name: str, number: str, path: str, options: argparse.Namespace) -> None:
    """Work with one engine; write the result and its figures."""
    workers, killed = int(number), [0]
    engine = _engine(name, workers)
    measured = None if engine is None else MeasuredEngine(engine)
    if options.kills:
        given = (options.kills, options.pause, killed)
        threading.Thread(target=_kill_workers, args=given, daemon=True).start()
    begin = time.perf_counter()
    _WORK[options.work](name, workers, measured, Path(path), options)
    seconds = time.perf_counter() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    received = [] if measured is None else measured.received
    figures = json.dumps([seconds, memory, received, killed[0]])
    Path(f"{path}.json").write_text(figures, "utf-8")


def _engine(name: str, workers: int) -> Engine | None:
    """Start an engine; return None if it is not one of a cluster."""
    from bytepiece import engines  # noqa: PLC0415

    if name == "ray":
        import ray  # noqa: PLC0415

        ray.init(num_cpus=workers, log_to_driver=False, include_dashboard=False)
        return engines.RayEngine()
    if name == "spark":
        from pyspark.sql import SparkSession  # noqa: PLC0415

        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        session = SparkSession.builder.master(f"local[{workers},9]")
        session.config("spark.ui.enabled", "false").getOrCreate()
        return engines.SparkEngine()
    return None


def _train(
    name: str, workers: int, engine: Engine | None, path: Path, options: argparse.Namespace
) -> None:
    import bytepiece  # noqa: PLC0415
    from bytepiece import model_io  # noqa: PLC0415
    from bytepiece.training.options import JobStage  # noqa: PLC0415

    files = bytepiece.Files([options.corpus])
    keywords: dict[str, Any] = {
        "algorithm": options.algorithm, "memory": options.memory, "checkpoint": f"{path}.kept",
        "threads": workers, "engine": engine,
    }  # fmt: skip
    if name == "jobs":
        stages = [JobStage("sample", job, workers) for job in range(workers)]
        stages += [JobStage("rounds")]
        stages += [JobStage("score", job, workers) for job in range(workers)]
        for stage in stages:
            bytepiece.train(files, options.vocab_size, **{**keywords, "engine": stage})
        keywords["engine"] = JobStage("combine")
    model_io.save(bytepiece.train(files, options.vocab_size, **keywords), path)


def _evaluate(
    name: str, workers: int, engine: Engine | None, path: Path, options: argparse.Namespace
) -> None:
    import bytepiece  # noqa: PLC0415
    from bytepiece._files import write_atomically  # noqa: PLC0415
    from bytepiece.evaluation.report import to_json  # noqa: PLC0415

    files, models = bytepiece.Files([options.corpus]), {"small": options.model}
    found = bytepiece.evaluate(models, files, threads=workers, engine=engine)
    write_atomically(path, [to_json(found).encode()])


def _encode(
    name: str, workers: int, engine: Engine | None, path: Path, options: argparse.Namespace
) -> None:
    import bytepiece  # noqa: PLC0415
    from bytepiece._files import write_atomically  # noqa: PLC0415
    from bytepiece.corpus_encoding import encode_files  # noqa: PLC0415
    from bytepiece.parallel import in_threads  # noqa: PLC0415

    tokenizer, files = bytepiece.Tokenizer.load(options.model), bytepiece.Files([options.corpus])
    output = Path(f"{path}.ids")
    settings = {"layout": "megatron", "resume": True, "alpha": 0.2, "seed": 1}
    encode_files(tokenizer, files, output, engine=engine or in_threads(workers), **settings)
    parts = sorted(output.iterdir())
    hashes = "".join(f"{part.name} {killed_runs.digest(part)}\n" for part in parts)
    write_atomically(path, [hashes.encode()])


_WORK = {"train": _train, "eval": _evaluate, "encode": _encode}


def _kill_workers(kills: int, pause: float, killed: list[int]) -> None:
    """Kill workers of this process's Ray at random moments, and count the kills in `killed`."""
    rng = random.Random()
    while killed[0] < kills:
        time.sleep(2 * pause * rng.random())
        if found := [pid for pid in _working() if os.getpid() in _ancestors(pid)]:
            with suppress(ProcessLookupError):
                os.kill(rng.choice(found), signal.SIGKILL)
                killed[0] += 1


def _working() -> list[int]:
    """Return the processes that apply a stage for Ray. Their names tell this."""
    names = {path.parent.name: path for path in Path("/proc").glob("[0-9]*/cmdline")}
    found = []
    for pid, path in names.items():
        with suppress(OSError):
            if path.read_bytes().startswith(b"ray::outcome_of"):
                found.append(int(pid))
    return found


def _ancestors(pid: int) -> set[int]:
    """Return the processes from which a process descends."""
    found = set()
    with suppress(OSError):
        while pid > 1:
            stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
            pid = int(stat.rpartition(")")[2].split()[1])
            found.add(pid)
    return found


if __name__ == "__main__":
    sys.exit(main())
