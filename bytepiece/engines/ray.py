"""An engine on a cluster of Ray."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from bytepiece.engines.stages import needed_package, outcome_of

T = TypeVar("T")
R = TypeVar("R")

_WAITING = 1000
"""The largest number of shards that are handed to Ray before their results are there."""
_RETRIES = 100
"""How often Ray applies a stage again if the worker or its node dies."""


class RayEngine:
    """Applies stages in the workers of a Ray cluster.

    The cluster is the one that the program is connected to, or the one of the environment variable
    RAY_ADDRESS, or else a new one on this machine. All workers must see the files of the corpus and
    the directory of the checkpoint under the same names.

    Args:
        cpus: how many cores Ray reserves for each shard.

    >>> from bytepiece.engines import RayEngine
    >>> engine = RayEngine()
    >>> # bytepiece.train("corpus/", engine=engine, checkpoint="/shared/kept", memory="8G")
    """

    def __init__(self, cpus: float = 1) -> None:
        self._cpus = cpus

    def __call__(self, stage: Callable[[T], R], shards: Iterable[T], /) -> Iterator[R]:
        """Yield the result for each shard, in any order.

        Raises:
            ArgumentError: if Ray is not installed.
            BytepieceError: if the stage raises one.
        """
        ray = needed_package("ray")
        if not ray.is_initialized():
            ray.init()
        options = {"num_cpus": self._cpus, "max_retries": _RETRIES}
        task = ray.remote(**options)(outcome_of)
        kept, items = ray.put(pickle.dumps(stage)), iter(shards)
        waiting: list[Any] = []
        while True:
            new = islice(items, _WAITING - len(waiting))
            waiting += [task.remote(kept, item) for item in new]
            if not waiting:
                return
            done, waiting = ray.wait(waiting)
            for one in ray.get(done):
                yield one.given()
