"""Work spread over threads; the results come back in the order of the work."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

from bytepiece._quotas import quotas

T = TypeVar("T")
R = TypeVar("R")


def ordered_map(function: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Yield function(item) for each item, in the order of the items, from up to `threads` threads.

    At most two items per thread are taken in advance, so that neither items nor results pile up.
    Threads save time only if the function releases the interpreter lock.
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
    """Applies a stage of the work to shards: in threads, processes, or on other machines.

    A stage is a pure function of a shard. It can be pickled: it is a module's function, or a
    `functools.partial` of one. The results may come in any order.
    """

    def __call__(self, stage: Callable[[T], R], shards: Iterable[T], /) -> Iterator[R]:
        """Yield the result for each shard."""
        ...


def in_threads(threads: int) -> Engine:
    """Return an engine that works in this number of threads of this process."""
    return partial(ordered_map, threads=threads)


def usable_cores() -> int:
    """Return the number of cores that this process may use.

    They are the cores of its affinity mask, but in a container no more than its quota of processor
    time, rounded down. With more threads than that, all threads would be stopped again and again.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *map(int, quotas())]))
