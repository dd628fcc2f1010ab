"""Work in threads whose results come back in the order of the work, whoever did it."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ordered_map(function: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Yield function(item) for each item, in order, computed by up to `threads` threads.

    Items are taken as they are needed, at most two per thread ahead, so neither they nor the
    results pile up. The function must release the interpreter lock to gain anything.
    """
    if threads == 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="bytepiece")
    try:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Engine(Protocol):
    """Applies a stage to shards, wherever that is done; the results may come in any order.

    A stage is a pure function of the shard that can be pickled: a function of a module, or a
    `functools.partial` of one.
    """

    def __call__(self, stage: Callable[[T], R], shards: Iterable[T], /) -> Iterator[R]:
        """The results for all shards."""
        ...


def in_threads(threads: int) -> Engine:
    """An engine of so many threads of this process."""
    return partial(ordered_map, threads=threads)


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
