"""The interface of an adapter: one tokenizer library behind a few calls that can be compared."""

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
    """A library is not installed or cannot do a task; the message says which library and why."""


class TimedResult(NamedTuple):
    """The result of a library's call, in the library's own types, and the seconds it took."""

    result: Any
    seconds: float


def timed(call: Callable[[], Any]) -> TimedResult:
    """Make a call; return its result and its time."""
    begin = time.perf_counter()
    result = call()
    return TimedResult(result, time.perf_counter() - begin)


class Adapter:
    """A library with a vocabulary. Each call runs on one thread, in the library's fastest way.

    `name` is the library's name for readers. `module` is the module to import, `distribution` the
    package to install. `note` says which parts of a model the library could not hold.
    """

    name: ClassVar[str]
    module: ClassVar[str]
    distribution: ClassVar[str]
    note: str = ""

    @classmethod
    def missing(cls) -> str | None:
        """Return None if the library is installed, otherwise how to install it."""
        if util.find_spec(cls.module):
            return None
        return f"not installed; pip install {quote(cls.distribution)}"

    @classmethod
    def version(cls) -> str:
        """Return the installed version."""
        return metadata.version(cls.distribution)

    @classmethod
    def from_model(cls, model: Model) -> "Adapter":  # noqa: ARG003
        """Return the library with the vocabulary and scores of one of this library's models.

        Raises:
            NotPossibleError: if the other library cannot hold them.
        """
        raise NotPossibleError(f"{cls.name} cannot hold a Unigram model over bytes")

    def encode_batch(self, texts: Sequence[str]) -> TimedResult:
        """Encode texts without random choices. A Unigram model takes the best path of each text.

        Without a batch call in the library, this makes one call per text.
        """
        return self.encode_each(texts)

    def sample_batch(self, texts: Sequence[str], alpha: float) -> TimedResult:  # noqa: ARG002
        """Draw a random segmentation of each text, a new one in every call.

        Raises:
            NotPossibleError: if the library cannot sample.
        """
        raise NotPossibleError(f"{self.name} has no sampling with an exponent")

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """Encode or sample texts with one call of the library per text.

        Args:
            texts: the texts.
            alpha: the exponent of sampling; None to encode deterministically.

        Raises:
            NotPossibleError: if the library cannot sample.
        """
        raise NotImplementedError

    def sample(self, text: str, alpha: float, count: int, seed: int) -> TimedResult:  # noqa: ARG002
        """Draw `count` random segmentations of one text.

        Args:
            text: the text.
            alpha: the exponent of sampling.
            count: how many segmentations to draw.
            seed: the seed of the draws, below 2^64. Libraries without seeds ignore it.

        Raises:
            NotPossibleError: if the library cannot sample.
        """
        return self.sample_batch([text] * count, alpha)

    def rows(self, result: Any) -> Sequence[Sequence[int]]:
        """Return the ids of each text.

        Args:
            result: the result of any call above.
        """
        rows: Sequence[Sequence[int]] = result
        return rows

    def flat(self, result: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return int64[tokens], the ids of all texts, and int64[texts], the tokens in each text.

        Args:
            result: the result of any call above.
        """
        rows = self.rows(result)
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        return np.fromiter(chain.from_iterable(rows), np.int64, int(lengths.sum())), lengths

    def piece(self, id_: int) -> bytes:
        """Return the bytes of an id, or b"" if the id stands for no text."""
        raise NotImplementedError

    def pieces(self, result: Any) -> list[list[bytes]]:
        """Return the pieces of each text, as bytes.

        Args:
            result: the result of any call above.
        """
        return [[self.piece(id_) for id_ in row] for row in self.rows(result)]

    def vocabulary(self) -> Sequence[bytes]:
        """Return the piece of each id, as `piece` gives it.

        Raises:
            NotPossibleError: if the library does not give out its vocabulary.
        """
        raise NotPossibleError(f"{self.name} does not give out its vocabulary")

    def decode_batch(self, result: Any) -> list[bytes]:
        """Decode the ids of each text.

        Args:
            result: the result of any call above.
        """
        return [b"".join(row) for row in self.pieces(result)]

    def decode_texts(self, result: Any) -> TimedResult:  # noqa: ARG002
        """Decode the ids of each text to a str, in the library's fastest way.

        Args:
            result: the result of any call above.

        Raises:
            NotPossibleError: if this is not measured for the library.
        """
        raise NotPossibleError(f"the decoder of {self.name} is not measured")

    def reachable(self) -> list[bool] | None:
        """Return for each id whether its piece, as a text of its own, is encoded as this id.

        Ids that stand for no text count as reachable. So do ids for bytes that are not valid UTF-8,
        if the library takes only characters.

        Returns:
            A list with an entry for each id; None where the question has no meaning.
        """
        return None

    def close(self) -> None:
        """Release the resources that the library holds outside this process."""
