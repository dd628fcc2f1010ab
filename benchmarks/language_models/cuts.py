"""Prompts that are cut at any byte: what their next bytes cost, with tokens taken back."""

import math
import random
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.language_models.transformer import Transformer
from bytepiece import Tokenizer
from bytepiece.errors import ArgumentError

_NEXT = 4
"""The bytes after a cut whose probability is measured, in whatever tokens they come."""
_SHORTEST, _LONGEST = 40, 200
_BACK = (0, 1, 2)


def bits_after_cuts(
    model: Transformer, tokenizer: Tokenizer, lines: Sequence[str], count: int, newline: int
) -> dict[str, dict[str, Any]]:
    """Return the bits of the bytes after cuts, if 0, 1 or 2 tokens of the prompt are taken back.

    All ways to cut the next bytes into tokens count together, so that the figures are comparable.

    Args:
        model: the language model.
        tokenizer: its tokenizer.
        lines: the text; lines of 40 to 200 bytes are taken.
        count: the number of lines, each of which is cut at three places.
        newline: the token before each prompt.
    """

    def log_probs(rows: list[list[int]]) -> Any:
        ids = torch.tensor([[newline, *row] for row in rows], device=model.embedding.weight.device)
        with torch.no_grad():
            logits = model(ids)[:, -1] @ model.embedding.weight.t()
        return logits.float().log_softmax(-1).double().cpu().numpy()

    raw = [line.encode() for line in lines]
    raw = [line for line in raw if _SHORTEST <= len(line) <= _LONGEST]
    raw = raw[:: -(-len(raw) // count)] if raw else []
    draw = random.Random(0)
    bits: dict[int, list[float]] = {back: [] for back in _BACK}
    for line in raw:
        for cut in draw.sample(range(_SHORTEST // 2, len(line) - _NEXT), 3):
            after = line[cut : cut + _NEXT]
            ends = tokenizer.continuations(line[:cut], max(_BACK))
            try:
                found = [-ends[back].log_prob(after, log_probs) / math.log(2) for back in _BACK]
            except (ArgumentError, IndexError):  # too many ways to spell the bytes
                continue
            for back, one in zip(_BACK, found, strict=True):
                bits[back].append(round(one, 3))
    return {
        f"after a cut, {back} back": {"sizes": [_NEXT] * len(of_back), "bits": of_back}
        for back, of_back in bits.items()
        if of_back
    }
