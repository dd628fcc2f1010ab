"""The counts of sentences that corpus scores are made of, and the scores of their sums."""

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[Any]

_BETA = 2
"""Recall weighs this many times as much as precision: chrF2."""


def packed(counts: Sequence[Sequence[int]]) -> str:
    """Return the counts of the sentences as a short text."""
    octets = np.array(counts, dtype="<i2").T.tobytes()
    return base64.b85encode(zlib.compress(octets, 9)).decode()


def unpacked(text: str, sentences: int) -> Counts:
    """Return the counts that `packed` was given, sentences × counts."""
    octets = zlib.decompress(base64.b85decode(text))
    return np.frombuffer(octets, dtype="<i2").reshape(-1, sentences).T


def chrf_of(counts: Counts) -> Counts:
    """Return the chrF2 of sums of sentences' counts, as sacrebleu does.

    Args:
        counts: along the last axis the numbers of n-grams in the translation, in the reference and
            in both, for n from 1 to 6.
    """
    found, wanted, both = np.moveaxis(counts.reshape(*counts.shape[:-1], -1, 3), -1, 0)
    used = (found > 0) & (wanted > 0)
    orders = np.maximum(used.sum(axis=-1), 1)
    precision = np.where(used, both / np.maximum(found, 1), 0).sum(axis=-1) / orders
    recall = np.where(used, both / np.maximum(wanted, 1), 0).sum(axis=-1) / orders
    weighted = np.maximum(_BETA**2 * precision + recall, 1e-300)
    return 100 * (1 + _BETA**2) * precision * recall / weighted
