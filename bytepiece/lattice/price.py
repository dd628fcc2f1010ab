"""The price of an alpha in tokens, by the exact law, and the alpha that has a wanted price.

The price is the expected number of tokens, divided by the number of tokens of the best path.
"""

import logging
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import cuts
from bytepiece._checks import check_whole, is_number
from bytepiece._messages import shown
from bytepiece.encoding.batches import chunk_size
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.options import LARGEST_ALPHAS
from bytepiece.encoding.request import Sampling
from bytepiece.encoding.segmentation import NO_MARKS, segment
from bytepiece.errors import ArgumentError
from bytepiece.inputs.arrow import Column
from bytepiece.inputs.series import texts_of
from bytepiece.kernels.partition import MAX_EXPONENT
from bytepiece.kernels.segments import Segments
from bytepiece.kernels.token_counts import expected_counts
from bytepiece.lattice import chain as chains
from bytepiece.lattice.law import law_of
from bytepiece.parallel import ordered_map
from bytepiece.rules.text import Text

logger = logging.getLogger(__name__)

LARGEST_ALPHA = 64.0
"""The search for a price begins here. At this alpha nearly every sample is the best path."""
_SMALLEST_ALPHA = 2.0**-10
"""The smallest alpha above 0 at which the search looks for the price."""
_STEP = math.sqrt(0.5)
_MOST_STEPS = 100
_NEAR, _NEAR_DRAWN = 1e-7, 1e-4
"""How far the price that is found may be from the wanted one, as a share of it: by the exact law,
and by draws."""
_DRAWN = 1 << 20
"""Fewest bytes that are drawn to estimate a price."""


class PricedAlpha(NamedTuple):
    """What samples of some texts cost at an alpha, by the exact law.

    Args:
        alpha: the exponent; None for the best path.
        tokens: the expected number of tokens.
        price: this number divided by the number of tokens of the best path.
        entropy: the entropy of the samples in bits per byte of the (normalized) texts.
    """

    alpha: float | None
    tokens: float
    price: float
    entropy: float


def prices(
    encoder: Encoder, texts: Iterable[Text], alphas: Iterable[float], threads: int = 1
) -> list[PricedAlpha]:
    """Return the price and the entropy of the best path and of some alphas.

    Args:
        encoder: the encoder of the model.
        texts: one text per document.
        alphas: exponents of at least 0.
        threads: how many threads to use; the result does not depend on it.

    Raises:
        ArgumentError: if the texts have no tokens, or if they have too many edges; see
            `bytepiece.lattice.chain.build`.
    """
    given = texts_of(texts)
    best = _tokens(encoder, given, Sampling(), threads)
    segments = segment(given, encoder.model.rules)
    rows = [PricedAlpha(None, best, 1.0, 0.0)]
    for alpha in alphas:
        chain = law_of(encoder, segments, alpha).chain
        bits = chains.entropy(chain) / math.log(2.0)
        tokens = expected_tokens(encoder, segments, alpha, threads)
        rows.append(PricedAlpha(alpha, tokens, tokens / best, bits / len(segments.text)))
    return rows


def alpha_for_tokens(
    encoder: Encoder, texts: Iterable[Text], price: float, sampling: Sampling, threads: int
) -> float | None:
    """Return the largest alpha that has a price; see `bytepiece.Tokenizer.alpha_for_tokens`.

    Args:
        encoder: the encoder of the model.
        texts: one text per document.
        price: the wanted price of all documents together.
        sampling: how samples are drawn; its alpha, seed and epoch have no effect.
        threads: how many threads to use; the result does not depend on it.
    """
    if not is_number(price):
        raise ArgumentError(f"the price must be a number, not {shown(price)}")
    if not abs(price) <= sys.float_info.max:
        raise ArgumentError(f"the price must be a finite number, not {shown(price)}")
    threads = check_whole(threads, "threads", 1)
    given = texts_of(texts)
    best = _tokens(encoder, given, sampling, threads)
    share = float(sampling.sample_prob)
    if price == 1:
        return None
    exact = sampling.sampler == "perfect"
    segments = segment(given, encoder.model.rules)
    sampling = sampling._replace(sample_prob=1.0)

    def priced(alpha: float) -> float:
        if exact:
            tokens = expected_tokens(encoder, segments, alpha, threads)
        else:
            tokens = _tokens(encoder, given, sampling._replace(alpha=alpha), threads)
        return 1.0 + share * (tokens / best - 1.0)

    scores = float(np.abs(encoder.model.scores).max())
    top = LARGEST_ALPHAS.get(sampling.sampler)
    if top is None:
        top = min(LARGEST_ALPHA, MAX_EXPONENT / scores) if scores else LARGEST_ALPHA
    try:
        alpha, found = _largest(priced, price, top, (_NEAR if exact else _NEAR_DRAWN) * price)
    except ArgumentError as error:
        if scores or sampling.sampler in LARGEST_ALPHAS:
            raise
        raise ArgumentError(
            f"{error}. All pieces have the score 0; learn scores with `bytepiece score`, or sample "
            "a share of the documents"
        ) from None
    size = len(segments.text)
    logger.info(
        "alpha %r gives %.4f times the tokens of the best path, by %d bytes", alpha, found, size
    )
    return alpha


def expected_tokens(encoder: Encoder, segments: Segments, alpha: float, threads: int = 1) -> float:
    """Return the expected number of tokens of samples by the exact law."""
    unknown = np.zeros(256, dtype=np.bool_)
    if encoder.unknown is not None:
        pieces = zip(encoder.model.pieces, encoder.model.ids.tolist(), strict=True)
        unknown[[piece[0] for piece, id_ in pieces if id_ == encoder.unknown.id]] = True
    automaton, weights = encoder.mirrored[0], encoder.weights(alpha)
    runs = pairwise(cuts(segments.bounds, chunk_size(len(segments.text), threads, 1)))
    counts = ordered_map(
        lambda run: expected_counts(automaton, weights, unknown, segments, *run, encoder.known),
        runs,
        threads,
    )
    # The counts of all segments are added together, so that the sum does not depend on the runs.
    return float(np.concatenate([np.empty(0), *counts]).sum())


def _tokens(
    encoder: Encoder, texts: Sequence[Text] | Column, sampling: Sampling, threads: int
) -> float:
    """Return the mean number of tokens of seeded draws, or the number of the best path's tokens.

    Raises:
        ArgumentError: if there are none, or if a setting is outside its range.
    """
    sampling = sampling._replace(seed=0, epoch=0)
    numbers = np.arange(len(texts), dtype=np.uint64)
    once = sampling._replace(alpha=None)
    streams = once.streams(numbers)
    if sampling.alpha is not None:
        size = sum(map(len, texts))
        streams = sampling.streams(numbers, samples=1 + _DRAWN // max(size, 1))
    rows = encoder.encode(texts, NO_MARKS, sampling.groups(streams), streams, threads)
    if not len(rows.ids):
        raise ArgumentError("the texts have no tokens, so nothing has a price")
    return len(rows.ids) / streams.samples


def _largest(
    priced: Callable[[float], float], wanted: float, top: float, near: float
) -> tuple[float, float]:
    """Return the largest alpha at which the price is the wanted one, and the price found there.

    Args:
        priced: returns the price at an alpha.
        wanted: the wanted price.
        top: the largest alpha to try.
        near: how far the price that is found may be from the wanted one.

    Raises:
        ArgumentError: if there is no such alpha from 0 to `top`.
    """
    # The price usually falls as alpha grows, but not always: its derivative is the covariance of
    # the number of tokens and the score. So the search goes down in small steps to the first pair
    # of neighbours that have the wanted price between them.
    high, above = top, priced(top)
    least, most = above, above
    for low in _falling(top):
        below = priced(low)
        if wanted >= 1 and min(below, above) - near <= wanted <= max(below, above) + near:
            return _between(priced, wanted, near, (low, below), (high, above))
        high, above = low, below
        least, most = min(least, below), max(most, below)
    raise ArgumentError(
        f"a price of {wanted:.9g} is out of reach: it must be at least 1, and with alphas from 0 "
        f"to {top:g} these texts have {least:.6g} to {most:.6g} times the tokens of their best "
        f"paths"
    )


def _falling(top: float) -> Iterator[float]:
    """Yield the alphas at which the search looks, from below `top` down to 0."""
    alpha = top * _STEP
    while alpha > _SMALLEST_ALPHA:
        yield alpha
        alpha *= _STEP
    yield 0.0


def _between(
    priced: Callable[[float], float],
    wanted: float,
    near: float,
    low: tuple[float, float],
    high: tuple[float, float],
) -> tuple[float, float]:
    """Return an alpha that has the wanted price, and its price.

    Args:
        low, high: two alphas with their prices, one at least as large as the wanted one, the other
            at most as large.
        priced, wanted, near: see `_largest`.
    """
    for found in (high, low):
        if abs(found[1] - wanted) <= near:
            return found
    # The Illinois method: a secant through both ends. If an end stays twice, its distance to the
    # wanted price is halved, so that the next secant moves that end.
    (a, above), (b, below) = (high[0], high[1] - wanted), (low[0], low[1] - wanted)
    for _ in range(_MOST_STEPS):
        alpha = (a * below - b * above) / (below - above)
        price = priced(alpha)
        if abs(price - wanted) <= near:
            return alpha, price
        if (price - wanted) * above < 0:
            b, below = a, above
        else:
            below /= 2
        a, above = alpha, price - wanted
    raise ArgumentError(
        f"the price of these texts jumps over {wanted:.9g} near alpha {a:.9g}; ask for another one"
    )
