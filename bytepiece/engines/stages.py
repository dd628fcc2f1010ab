"""Outcomes of stages: a result, or an error of ours, which a cluster would wrap in its own."""

import pickle
from importlib import import_module
from typing import Any, NamedTuple

from bytepiece.errors import ArgumentError, BytepieceError


class StageOutcome(NamedTuple):
    """What became of a stage.

    Args:
        result: its result.
        error: the error that it raised, or None.
    """

    result: Any
    error: BytepieceError | None

    def given(self) -> Any:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.result


def outcome_of(stage: bytes, shard: Any) -> StageOutcome:
    """Apply a pickled stage to a shard.

    The stage arrives pickled, because arrays that Ray hands over are read-only, and kernels would
    be compiled once more for these.
    """
    try:
        return StageOutcome(pickle.loads(stage)(shard), None)
    except BytepieceError as error:
        return StageOutcome(None, error)


def needed_package(name: str) -> Any:
    """Import and return a package that only an engine needs.

    Raises:
        ArgumentError: if it is missing.
    """
    try:
        return import_module(name)
    except ImportError:
        extra = "spark" if name.startswith("pyspark") else name
        raise ArgumentError(
            f"this engine needs a package that is not there; pip install 'bytepiece[{extra}]'"
        ) from None
