"""An engine on a cluster of Spark."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

from bytepiece.engines.stages import needed_package, outcome_of

T = TypeVar("T")
R = TypeVar("R")


class SparkEngine:
    """Applies stages in the executors of Spark.

    The session is the active one, or a new one with Spark's own settings. All executors must see
    the files of the corpus and the directory of the checkpoint under the same names. Spark applies
    a stage again if an executor dies; in local mode it does so only with local[N,RETRIES].

    >>> from bytepiece.engines import SparkEngine
    >>> engine = SparkEngine()
    >>> # bytepiece.train("corpus/", engine=engine, checkpoint="/shared/kept", memory="8G")
    """

    def __call__(self, stage: Callable[[T], R], shards: Iterable[T], /) -> Iterator[R]:
        """Yield the result for each shard.

        Raises:
            ArgumentError: if PySpark is not installed.
            BytepieceError: if the stage raises one.
        """
        session = needed_package("pyspark.sql").SparkSession.builder.getOrCreate()
        items = list(shards)
        if items:
            numbered = session.sparkContext.parallelize(items, len(items))
            for one in numbered.map(partial(outcome_of, pickle.dumps(stage))).collect():
                yield one.given()
