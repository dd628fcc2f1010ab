"""What an adapter is: one tokenizer library behind the few calls that can be compared."""

import time
from collections.abc import Callable, Sequence
from importlib import metadata, util
from itertools import chain
from shlex import quote
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece.errors import BytepieceError
from bytepiece.model import Model


class NotPossibleError(BytepieceError):
    """A library is not installed or cannot do what is asked; the message says which and why."""


class Run(NamedTuple):
    """What a library returned, in its own types, and how many seconds it alone took."""

    result: Any
    seconds: float


def timed(call: Callable[[], Any]) -> Run:
    """Run it and take the time."""
    begin = time.perf_counter()
    result = call()
    return Run(result, time.perf_counter() - begin)


class Adapter:
    """A library with a vocabulary. Each call runs on one thread, in the fastest way there is.

    `name` is the library's name for readers, `module` what is imported, `distribution` what is
    installed. `note` says what of a model the library could not hold.
    """

    name: ClassVar[str]
    module: ClassVar[str]
    distribution: ClassVar[str]
    note: str = ""

    @classmethod
    def missing(cls) -> str | None:
        """None if the library can be used, or what to do so that it can."""
        if util.find_spec(cls.module):
            return None
        return f"not installed; pip install {quote(cls.distribution)}"

    @classmethod
    def version(cls) -> str:
        """The version that is installed."""
        return metadata.version(cls.distribution)

    @classmethod
    def from_model(cls, model: Model) -> "Adapter":  # noqa: ARG003
        """The library with the vocabulary and scores of a model of ours.

        Raises:
            NotPossibleError: it cannot hold them.
        """
        raise NotPossibleError(f"{cls.name} cannot hold a Unigram model over bytes")

    def encode_batch(self, texts: Sequence[str]) -> Run:
        """The best path, or whatever the library encodes by, of each text.

        One by one, unless the library has a batch call.
        """
        return self.encode_each(texts)

    def sample_batch(self, texts: Sequence[str], alpha: float) -> Run:  # noqa: ARG002
        """A random segmentation of each text, a new one in every call.

        Raises:
            NotPossibleError: the library cannot sample.
        """
        raise NotPossibleError(f"{self.name} has no sampling with an exponent")

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> Run:
        """As the two above, but by one call of the library for each text.

        Raises:
            NotPossibleError: the library cannot sample.
        """
        raise NotImplementedError

    def sample(self, text: str, alpha: float, count: int, seed: int) -> Run:  # noqa: ARG002
        """So many random segmentations of one text.

        Args:
            seed: what decides which, in libraries that take one; below 2^64.

        Raises:
            NotPossibleError: the library cannot sample.
        """
        return self.sample_batch([text] * count, alpha)

    def rows(self, result: Any) -> Sequence[Sequence[int]]:
        """The ids of each text, out of the result of any of the calls above."""
        rows: Sequence[Sequence[int]] = result
        return rows

    def flat(self, result: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The same end to end, int64[tokens], and how many each text has, int64[texts]."""
        rows = self.rows(result)
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        return np.fromiter(chain.from_iterable(rows), np.int64, int(lengths.sum())), lengths

    def piece(self, id_: int) -> bytes:
        """The bytes that an id stands for; none if it stands for no text."""
        raise NotImplementedError

    def pieces(self, result: Any) -> list[list[bytes]]:
        """The pieces of each text, as bytes, out of the result of any of the calls above."""
        return [[self.piece(id_) for id_ in row] for row in self.rows(result)]

    def vocabulary(self) -> Sequence[bytes]:
        """The piece of each id, as `piece` has it.

        Raises:
            NotPossibleError: the library does not tell.
        """
        raise NotPossibleError(f"{self.name} does not tell its vocabulary")

    def decode_batch(self, result: Any) -> list[bytes]:
        """The texts that the library gives back for the result of any of the calls above."""
        return [b"".join(row) for row in self.pieces(result)]

    def come_out(self) -> list[bool] | None:
        """Whether each id's piece, as a text of its own, is encoded as this id.

        None where the question has no meaning. True for ids that stand for no text, or for bytes
        that a library of characters cannot be given.
        """
        return None

    def close(self) -> None:
        """Give back what the library holds outside this process."""
