"""A caller's request: best paths or samples, the sampler, and the random streams."""

import math
from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I64, U64
from bytepiece._checks import check_whole, is_number, is_whole, seed_number, unsigned
from bytepiece._messages import shown
from bytepiece.encoding.options import (
    LARGEST_ALPHAS,
    MAX_NBEST_SIZE,
    NBEST_SIZE,
    RANGE_STEPS,
    Alpha,
    Sampler,
)
from bytepiece.errors import ArgumentError
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.kernels.streams import DOCUMENT_BLOCK, Streams, document_words, uniforms


class Method(NamedTuple):
    """How to draw a segmentation. See `bytepiece.Tokenizer` for the fields."""

    alpha: float
    sampler: Sampler
    nbest_size: int


class Group(NamedTuple):
    """Documents that are encoded in the same way.

    Args:
        method: how to draw; None for the best path.
        documents: int64[documents], their numbers within the batch, ascending.
    """

    method: Method | None
    documents: I64


class Sampling(NamedTuple):
    """A request for segmentations of documents. See `bytepiece.Tokenizer` for the fields.

    It says everything except which documents to encode. Immutable and picklable.

    >>> Sampling(alpha=0.1, seed=7)._replace(epoch=1).epoch
    1
    """

    alpha: Alpha = None
    sampler: Sampler = "perfect"
    nbest_size: int = NBEST_SIZE
    sample_prob: float = 1.0
    seed: int | None = None
    epoch: int = 0

    def streams(
        self, doc_ids: npt.NDArray[np.uint64], first_sample: int = 0, samples: int = 1
    ) -> Streams:
        """Return the random streams of a batch of documents. If the seed is None, draw a fresh one.

        Raises:
            ArgumentError: if a number is outside its range.
        """
        samples = check_whole(samples, "samples", 1)
        first = unsigned(first_sample, 32, "sample")
        unsigned(first + samples - 1, 32, "sample")
        seed, epoch = seed_number(self.seed), unsigned(self.epoch, 32, "epoch")
        return Streams(np.uint64(seed), np.uint64(epoch), doc_ids, np.uint64(first), samples)

    def groups(self, streams: Streams) -> list[Group]:
        """Sort the documents of a batch by the way in which they are to be encoded.

        Args:
            streams: the random streams of the documents; the numbers of samples have no effect.

        Raises:
            ArgumentError: if a setting is outside its range.
        """
        count = len(streams.doc_ids)
        probability = _checked_probability(self.sample_prob)
        shared = not _is_many(self.alpha)
        if shared:
            method = self._method(self.alpha)  # type: ignore[arg-type]
            if method is None or probability == 1:
                return [Group(method, np.arange(count))]
        draws = np.empty((count, 2), dtype=np.float64)
        _draw(streams.seed, streams.epoch, streams.doc_ids, draws)
        if shared:
            alphas = np.full(count, self.alpha, dtype=np.float64)
        elif isinstance(self.alpha, tuple):
            alphas = _range(self.alpha)[(draws[:, 1] * RANGE_STEPS).astype(np.int64)]
        else:
            alphas = _each(self.alpha, count)  # type: ignore[arg-type]
        alphas = np.where((draws[:, 0] < probability) & (alphas >= 0), alphas, -1.0)
        return [
            Group(self._method(value), np.flatnonzero(alphas == value))
            for value in np.unique(alphas)
        ] or [Group(None, np.arange(0))]

    def check_law(self, groups: Sequence[Group], replace: bool) -> None:
        """Check that every row is a sample whose probability is known.

        Args:
            groups: the documents, as `groups` returns them.
            replace: False if the samples of a document must differ.

        Raises:
            ArgumentError: if rows can be best paths, or if the sampler does not have this law.
        """
        why = "log_probs=True" if replace else "replace=False"
        if any(method is None and len(documents) for method, documents in groups) or (
            self.sample_prob != 1
        ):
            raise ArgumentError(
                f"{why} needs an alpha of at least 0 for each text, and sample_prob 1, since a "
                f"best path is not drawn"
            )
        if self.sampler not in ("perfect", "nbest"):
            raise ArgumentError(
                f'{why} needs the sampler "perfect"; the probability of a path by '
                f'"{self.sampler}" is known only by following all its choices'
            )
        if not replace and self.sampler != "perfect":
            raise ArgumentError(f'{why} needs the sampler "perfect", not "{self.sampler}"')

    def check_unlisted(self) -> None:
        """Check that alpha fits any number of documents.

        Raises:
            ArgumentError: if it lists one value per document.
        """
        if _is_many(self.alpha) and not isinstance(self.alpha, tuple):
            raise ArgumentError("alpha must be a number or a range (low, high) here")

    def _method(self, alpha: float | None) -> Method | None:
        """Return how to draw at an alpha, or None for the best path."""
        if self.sampler not in get_args(Sampler):
            names = ", ".join(f'"{name}"' for name in get_args(Sampler))
            raise ArgumentError(f"sampler must be one of {names}, not {self.sampler!r:.30}")
        size = self.nbest_size
        if not is_whole(size):
            raise ArgumentError(f"nbest_size must be a whole number, not {shown(size)}")
        if not 1 <= size <= MAX_NBEST_SIZE:
            raise ArgumentError(f"nbest_size must be in 1…{MAX_NBEST_SIZE}, not {shown(size)}")
        if alpha is None or checked_alpha(alpha) < 0:
            return None
        largest = LARGEST_ALPHAS.get(self.sampler, math.inf)
        if alpha > largest:
            raise ArgumentError(
                f'with the sampler "{self.sampler}" alpha must be at most {largest:g}, not {alpha}'
            )
        return Method(float(alpha), self.sampler, int(size))


def checked_alpha(alpha: float) -> float:
    """Return alpha, checked to be a finite number.

    Raises:
        ArgumentError: if alpha is not a finite number.
    """
    try:
        if isinstance(alpha, (float, int, np.floating, np.integer)) and math.isfinite(alpha):
            return alpha
    except OverflowError:  # a whole number beyond all floats
        pass
    raise ArgumentError(
        f"alpha must be a finite number, or None for the best path, not {shown(alpha)}"
    )


@kernel
def _draw(seed: Scalar, epoch: Scalar, doc_ids: U64, out: F64) -> None:
    """Fill `out` with two uniform numbers per document, for decisions about it as a whole."""
    for i in range(len(doc_ids)):
        words = document_words(seed, epoch, doc_ids[i], np.uint64(0))
        out[i, 0], out[i, 1] = uniforms(words, np.uint64(0), DOCUMENT_BLOCK)


def _checked_probability(sample_prob: float) -> float:
    if not is_number(sample_prob):
        raise ArgumentError(f"sample_prob must be a number, not {shown(sample_prob)}")
    if not 0 <= sample_prob <= 1:
        raise ArgumentError(f"sample_prob must be in 0…1, not {shown(sample_prob)}")
    return float(sample_prob)


def _range(ends: tuple[float, ...]) -> F64:
    """Return the alphas of a range from which each document draws one."""
    if len(ends) != 2 or not 0 <= checked_alpha(ends[0]) <= checked_alpha(ends[1]):
        raise ArgumentError(
            f"a tuple for alpha is a range (low, high) with 0 ≤ low ≤ high, not {ends!r:.60}; "
            "alphas of each document come in a list or an array"
        )
    return np.linspace(ends[0], ends[1], RANGE_STEPS)


def _is_many(alpha: object) -> bool:
    """Return whether this is more than one alpha."""
    # np.ndim is not used, because it fails with a list of uneven lists.
    if isinstance(alpha, np.ndarray):
        return alpha.ndim > 0
    return isinstance(alpha, Sequence) and not isinstance(alpha, (str, bytes))


def _each(alphas: Sequence[float] | npt.NDArray[np.float64], count: int) -> F64:
    """Return one alpha per document, with −1 for the best path."""
    values = alphas.tolist() if isinstance(alphas, np.ndarray) else alphas
    if len(values) != count or any(np.ndim(value) for value in values):
        raise ArgumentError(f"{len(values)} alphas for {count} texts")
    return np.array([-1.0 if value is None else checked_alpha(value) for value in values])
