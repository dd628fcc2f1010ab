"""Two threads of one process against two processes: what sharing an interpreter costs."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from benchmarks.harness import Setting, encode_rate
from bytepiece import Tokenizer


def compare(setting: Setting, alpha: float | None) -> dict[str, list[float]]:
    """Speed-ups over one thread alone, of two threads and of two processes at the same time.

    In each repeat the same text is encoded by one process alone, by two at once, each all of it,
    and by two threads. Our tokenizer has no cache that would make the second time easier.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    workers = []
    for _ in range(2):
        here, there = context.Pipe()
        arguments = (there, barrier, setting.model, alpha)
        process = context.Process(target=_serve, args=arguments, daemon=True)
        process.start()
        there.close()  # so that a worker that fails ends the wait for its answer
        workers.append((process, here))
    found: dict[str, list[float]] = {
        "two threads": [],
        "two processes": [],
        "threads over processes": [],
    }
    pipes = [here for _, here in workers]
    for _ in range(setting.repeats + 1):  # the first is the warm-up
        texts = setting.texts.take(setting.large_size)
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
    for pipe in pipes:
        pipe.send((texts, threads, len(pipes) > 1))
    return [pipe.recv() for pipe in pipes]


def _serve(pipe: Any, barrier: Barrier, model: Path, alpha: float | None) -> None:
    tokenizer = Tokenizer(model)
    while (request := pipe.recv()) is not None:
        texts, threads, together = request
        if together:
            barrier.wait(timeout=60)
        pipe.send(encode_rate(tokenizer, texts, alpha=alpha, threads=threads))
