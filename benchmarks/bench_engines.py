r"""Training on engines: the same model file from threads, jobs, Ray and Spark, and what it costs.

    python -m benchmarks.bench_engines --corpus mix10.txt --copies 14 --memory 256M \
        --engines threads:1 threads:2 jobs:2 ray:1 ray:2 ray:4 spark:2 --kills 3

Each engine trains in a process of its own, on copies of the corpus that are altered in different
ways, so that there are several shards and a sample. The number after the colon is the number of
threads, jobs or workers. --kills kills workers of Ray at random moments. The table shows the
seconds, the memory of the process that directs the work, and whether the model file is the same as
the first one. `pip install ray pyspark` first; Spark also needs Java.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.support.commands import FailedError, run
from benchmarks.support.corpora import copies_of

_PAUSE = 2.0
"""Seconds between two kills, on average."""


def main(arguments: list[str] | None = None) -> int:
    """Train with every engine, and print a table. Return 1 if two models differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=14)
    parser.add_argument("--engines", nargs="+", default=["threads:2", "jobs:2", "ray:2", "spark:2"])
    parser.add_argument("--algorithm", default="merge")
    parser.add_argument("--vocab-size", type=int, default=4000)
    parser.add_argument("--memory", default="256M")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        _train(options.one, options)
        return 0
    digests = set()
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name, "corpus.txt")
        copies_of(options.corpus, options.copies, corpus)
        print(f"{corpus.stat().st_size / 1e6:.0f} MB, {options.algorithm}, {options.memory}")
        print("| engine | seconds | memory of the driver, MB | model |\n| --- | --- | --- | --- |")
        for engine in options.engines:
            model = Path(name, f"{engine}.model".replace(":", "-"))
            given = [*_given(options), "--corpus", str(corpus), "--one", f"{engine}:{model}"]
            try:
                run([sys.executable, "-m", "benchmarks.bench_engines", *given])
            except FailedError as error:
                print(f"| {engine} | failed: {error} | | |", flush=True)
                continue
            digest = hashlib.sha256(model.read_bytes()).hexdigest()[:12]
            digests.add(digest)
            seconds, memory = json.loads(Path(f"{model}.json").read_text("utf-8"))
            print(f"| {engine} | {seconds:.1f} | {memory / 1e3:.0f} | {digest} |", flush=True)
    print("all models are the same" if len(digests) == 1 else "MODELS DIFFER")
    return 0 if len(digests) == 1 else 1


def _given(options: argparse.Namespace) -> list[str]:
    names = ("algorithm", "vocab_size", "memory", "kills")
    return [f"--{name.replace('_', '-')}={getattr(options, name)}" for name in names]


def _train(what: str, options: argparse.Namespace) -> None:
    """Train with one engine, write the model, and print the seconds without the engine's start."""
    import bytepiece  # noqa: PLC0415
    from bytepiece import engines, model_io  # noqa: PLC0415
    from bytepiece.training.options import JobStage  # noqa: PLC0415

    name, number, path = what.split(":", 2)
    workers = int(number)
    files = bytepiece.Files([options.corpus])
    keywords: dict[str, Any] = {
        "algorithm": options.algorithm, "memory": options.memory, "checkpoint": f"{path}.kept",
        "threads": workers,
    }  # fmt: skip
    if name == "ray":
        import ray  # noqa: PLC0415

        ray.init(num_cpus=workers, log_to_driver=False, include_dashboard=False)
        keywords["engine"] = engines.RayEngine()
        threading.Thread(target=_kill_workers, args=(options.kills,), daemon=True).start()
    elif name == "spark":
        from pyspark.sql import SparkSession  # noqa: PLC0415

        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        SparkSession.builder.master(f"local[{workers},9]").getOrCreate()
        keywords["engine"] = engines.SparkEngine()
    begin = time.perf_counter()
    if name == "jobs":
        stages = [JobStage("sample", job, workers) for job in range(workers)]
        stages += [JobStage("rounds")]
        stages += [JobStage("score", job, workers) for job in range(workers)]
        for stage in stages:
            bytepiece.train(files, options.vocab_size, **{**keywords, "engine": stage})
        keywords["engine"] = JobStage("combine")
    model = bytepiece.train(files, options.vocab_size, **keywords)
    seconds = time.perf_counter() - begin
    model_io.save(model, path)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    Path(f"{path}.json").write_text(json.dumps([seconds, memory]), "utf-8")


def _kill_workers(kills: int) -> None:
    """Kill workers of this process's Ray at random moments."""
    rng = random.Random(1)
    while kills:
        time.sleep(2 * _PAUSE * rng.random())
        if found := [pid for pid in _working() if os.getpid() in _ancestors(pid)]:
            with suppress(ProcessLookupError):
                os.kill(rng.choice(found), signal.SIGKILL)
                kills -= 1
                print(f"killed a worker; {kills} kills are left", file=sys.stderr, flush=True)


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
