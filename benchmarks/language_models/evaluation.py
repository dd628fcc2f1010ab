"""Bits that a model needs for documents it has not seen."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.language_models.texts import Tokens
from benchmarks.language_models.transformer import Transformer

_BATCH = 16


def bits_of_documents(
    model: Transformer,
    documents: Sequence[Tokens],
    newline: int,
    context: int,
    uncounted: Sequence[int] | None = None,
) -> list[float]:
    """Return the bits of each document.

    Each document is read alone, after a newline. A document that is longer than the context is
    read in windows, so that the model meets no position that it was not trained on: each further
    window starts half a context later and counts the tokens of its second half.

    Args:
        model: the language model.
        documents: the tokens of each document.
        newline: the token before each document.
        context: the number of tokens that the model was trained with.
        uncounted: the number of first tokens of each document that are only read.
    """
    windows = []
    first_counted = uncounted or [0] * len(documents)
    half = context // 2
    for number, document in enumerate(documents):
        tokens = np.concatenate([[newline], document]).astype(np.int64)
        start, counted = 0, 0
        while counted < len(document):
            window = tokens[start : start + context + 1]
            windows.append((number, window, max(counted, first_counted[number]) - start))
            counted = start + len(window) - 1
            start += half if start or len(document) > context else 0
    windows.sort(key=lambda one: len(one[1]))
    bits = np.zeros(len(documents))
    device = model.embedding.weight.device
    for first in range(0, len(windows), _BATCH):
        batch = windows[first : first + _BATCH]
        longest = max(len(window) for _, window, _ in batch)
        ids = np.full((len(batch), longest), newline)
        for row, (_, window, _) in enumerate(batch):
            ids[row, : len(window)] = window
        found = _bits(model, torch.from_numpy(ids).to(device))
        for row, (number, window, skipped) in enumerate(batch):
            bits[number] += found[row, skipped : len(window) - 1].sum()
    return [round(float(one), 2) for one in bits]


def _bits(model: Transformer, ids: Tensor) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    found: Tensor = model.bits(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
    return found.double().cpu().numpy()
