"""Two threads of one process against two processes: the cost of sharing an interpreter."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from benchmarks.support.harness import BenchmarkSettings, encode_rate
from bytepiece import Tokenizer


def threads_against_processes(
    settings: BenchmarkSettings, alpha: float | None
) -> dict[str, list[float]]:
    """Measure the speed-ups of two threads, and of two processes, over one thread alone.

    In each repeat the same text is encoded three times: by one process alone, by two processes at
    the same time (each encodes all of it), and by two threads. Our tokenizer has no cache that
    would make the later times faster.

    Returns:
        the speed-ups of each repeat, and the ratios of the two.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    workers = []
    for _ in range(2):
        here, there = context.Pipe()
        arguments = (there, barrier, settings.model, alpha)
        process = context.Process(target=_serve, args=arguments, daemon=True)
        process.start()
        there.close()  # otherwise a worker that fails would leave this process waiting
        workers.append((process, here))
    found: dict[str, list[float]] = {
        "two threads": [],
        "two processes": [],
        "threads over processes": [],
    }
    pipes = [here for _, here in workers]
    for _ in range(settings.repeats + 1):  # the first repeat is the warm-up
        texts = settings.texts.take(settings.large_size)
        alone = _ask(pipes[:1], texts, threads=1)[0]
        both = _ask(pipes, texts, threads=1)
        threaded = _ask(pipes[:1], texts, threads=2)[0]
        found["two threads"].append(threaded / alone)
        found["two processes"].append(sum(both) / alone)
        found["threads over processes"].append(
            found["two threads"][-1] / found["two processes"][-1]
        )
    for process, here in workers:
        here.send(None)
        process.join()
    return {name: values[1:] for name, values in found.items()}


def _ask(pipes: Sequence[Connection], texts: list[str], threads: int) -> list[float]:
    """Let each worker encode the texts at the same time, and return their rates in MB/s."""
    for pipe in pipes:
        pipe.send((texts, threads, len(pipes) > 1))
    return [pipe.recv() for pipe in pipes]


def _serve(pipe: Any, barrier: Barrier, model: Path, alpha: float | None) -> None:
    """Encode texts from a pipe until None comes, and send the rates back."""
    tokenizer = Tokenizer(model)
    while (request := pipe.recv()) is not None:
        texts, threads, together = request
        if together:
            barrier.wait(timeout=60)
        pipe.send(encode_rate(tokenizer, texts, alpha=alpha, threads=threads))
