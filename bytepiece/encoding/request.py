"""What is decided for whole documents: whether one is sampled at all, and with which alpha."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I64, U64
from bytepiece._checks import seed_word, unsigned
from bytepiece.errors import ArgumentError
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.kernels.streams import (
    DOCUMENT_BLOCK,
    Streams,
    document_words,
    uniforms,
)

Sampler = Literal["perfect", "viterbi", "nbest"]
NBEST_SIZE = 64
"""How many paths "nbest" draws from by default."""
MOST_PATHS = 1 << 20
"""The most that it can draw from."""


class Method(NamedTuple):
    """How to draw; see `bytepiece.Tokenizer`."""

    alpha: float
    sampler: Sampler
    nbest_size: int

    @classmethod
    def of(cls, alpha: float | None, sampler: Sampler, nbest_size: int) -> "Method | None":
        """What arguments ask for; None for the best path.

        Raises:
            ArgumentError: an argument is outside its range.
        """
        if sampler not in get_args(Sampler):
            names = ", ".join(f'"{name}"' for name in get_args(Sampler))
            raise ArgumentError(f"sampler must be one of {names}, not {sampler!r:.30}")
        if isinstance(nbest_size, bool) or not isinstance(nbest_size, (int, np.integer)):
            raise ArgumentError(f"nbest_size must be a whole number, not {nbest_size!r:.30}")
        if not 1 <= nbest_size <= MOST_PATHS:
            raise ArgumentError(f"nbest_size must be in 1…{MOST_PATHS}, not {nbest_size!s:.30}")
        if alpha is None or checked_alpha(alpha) < 0:
            return None
        return cls(float(alpha), sampler, int(nbest_size))


def checked_alpha(alpha: float) -> float:
    """The exponent, if it is a finite number.

    Raises:
        ArgumentError: it is none.
    """
    try:
        if isinstance(alpha, (float, int, np.floating, np.integer)) and math.isfinite(alpha):
            return alpha
    except OverflowError:  # a whole number beyond all floats
        pass
    raise ArgumentError(
        f"alpha must be a finite number, or None for the best path, not {alpha!r:.30}"
    )


Alpha = float | tuple[float, float] | Sequence[float] | npt.NDArray[np.float64] | None
"""One for all documents; the ends of a range; or one for each. See `bytepiece.Tokenizer`."""

STEPS = 16
"""How many values of a range are drawn from: each needs a table of weights as long as the
vocabulary, which takes a millisecond for 80 k pieces."""


class Group(NamedTuple):
    """Documents that are encoded the same way.

    Args:
        method: how to draw; None for the best path.
        documents: int64[documents], their numbers within the batch, ascending.
    """

    method: Method | None
    documents: I64


def groups(
    alpha: Alpha, sample_prob: float, sampler: Sampler, nbest_size: int, streams: Streams
) -> list[Group]:
    """Sort the documents of a batch by how they are to be encoded.

    Args:
        alpha, sample_prob, sampler, nbest_size: see `bytepiece.Tokenizer`.
        streams: of the documents; sample numbers play no part.

    Raises:
        ArgumentError: an argument is outside its range.
    """
    count = len(streams.doc_ids)
    probability = _checked_probability(sample_prob)
    shared = not _many(alpha)
    if shared:
        method = Method.of(alpha, sampler, nbest_size)  # type: ignore[arg-type]
        if method is None or probability == 1:
            return [Group(method, np.arange(count))]
    draws = np.empty((count, 2), dtype=np.float64)
    _draw(streams.seed, streams.epoch, streams.doc_ids, draws)
    if shared:
        alphas = np.full(count, alpha, dtype=np.float64)
    elif isinstance(alpha, tuple):
        alphas = _range(alpha)[(draws[:, 1] * STEPS).astype(np.int64)]
    else:
        alphas = _each(alpha, count)  # type: ignore[arg-type]
    alphas = np.where((draws[:, 0] < probability) & (alphas >= 0), alphas, -1.0)
    return [
        Group(Method.of(value, sampler, nbest_size), np.flatnonzero(alphas == value))
        for value in np.unique(alphas)
    ] or [Group(None, np.arange(0))]


def check_not_listed(alpha: Alpha) -> None:
    """See that an alpha is for any number of documents.

    Raises:
        ArgumentError: it is a list, with one for each.
    """
    if _many(alpha) and not isinstance(alpha, tuple):
        raise ArgumentError("alpha must be a number or a range (low, high) here")


@kernel
def _draw(seed: Scalar, epoch: Scalar, doc_ids: U64, out: F64) -> None:
    for i in range(len(doc_ids)):
        words = document_words(seed, epoch, doc_ids[i], np.uint64(0))
        out[i, 0], out[i, 1] = uniforms(words, np.uint64(0), DOCUMENT_BLOCK)


def _checked_probability(sample_prob: float) -> float:
    if isinstance(sample_prob, bool) or not isinstance(
        sample_prob, (int, float, np.integer, np.floating)
    ):
        raise ArgumentError(f"sample_prob must be a number, not {sample_prob!r:.30}")
    if not 0 <= sample_prob <= 1:
        raise ArgumentError(f"sample_prob must be in 0…1, not {sample_prob:g}")
    return float(sample_prob)


def _range(ends: tuple[float, ...]) -> F64:
    if len(ends) != 2 or not 0 <= checked_alpha(ends[0]) <= checked_alpha(ends[1]):
        raise ArgumentError(
            f"a tuple for alpha is a range (low, high) with 0 ≤ low ≤ high, not {ends!r:.60}; "
            "alphas of each document come in a list or an array"
        )
    return np.linspace(ends[0], ends[1], STEPS)


def _many(alpha: object) -> bool:
    """Whether this is more than one alpha; np.ndim fails with a list of uneven lists."""
    if isinstance(alpha, np.ndarray):
        return alpha.ndim > 0
    return isinstance(alpha, Sequence) and not isinstance(alpha, (str, bytes))


def _each(alphas: Sequence[float] | npt.NDArray[np.float64], count: int) -> F64:
    values = alphas.tolist() if isinstance(alphas, np.ndarray) else alphas
    if len(values) != count or any(np.ndim(value) for value in values):
        raise ArgumentError(f"{len(values)} alphas for {count} texts")
    return np.array([-1.0 if value is None else checked_alpha(value) for value in values])


def streams(
    seed: int | None, epoch: int, doc_ids: npt.NDArray[np.uint64], first_sample: int, samples: int
) -> Streams:
    """The streams of a batch of documents; without a seed, with a fresh one.

    Raises:
        ArgumentError: a number is outside its range.
    """
    if samples < 1:
        raise ArgumentError(f"samples must be at least 1, not {samples}")
    first = unsigned(first_sample, 32, "sample")
    unsigned(int(first) + samples - 1, 32, "sample")
    return Streams(
        seed_word(seed),
        unsigned(epoch, 32, "epoch"),
        doc_ids,
        first,
        samples,
    )
