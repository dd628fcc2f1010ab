"""The original BytePiece library's model: JSON of base64(piece) → [id, text, count].

A score is log(count) − log(sum of counts). The ids 0, 1 and 2 are <pad>, <bos> and <eos>; texts
are normalized to NFC, and digits are not isolated: that is what the original tokenizer does with
every such file, so it is what these files mean.
"""

import json
import math
import os
from base64 import b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bytepiece._files import write_atomically
from bytepiece._logarithms import logs_of
from bytepiece.errors import ModelError
from bytepiece.model import STANDARD_SPECIAL_TOKENS, Model, column
from bytepiece.rules.text_rules import TextRules

RULES = TextRules(normalization=("NFC",))
MOST_COUNTED = 1 << 53
"""Largest sum of counts."""


def from_dict(entries: Mapping[str, Any]) -> Model:
    """The model that a parsed file of the original library describes.

    Raises:
        ModelError: an entry is not base64 → [id, text, count], or the model breaks a rule.
    """
    pieces, ids, counts = [], [], []
    for key, entry in entries.items():
        try:
            piece = a2b_base64(key)
            # Back again: it skips what is no base64, and to ask it not to takes thrice the time.
            if b2a_base64(piece, newline=False) != key.encode("ascii"):
                raise ValueError
            id_, _, count = entry
        except (AttributeError, TypeError, ValueError):
            raise ModelError(
                f"the entry {key!r:.60} is not base64 → [id, text, count], "
                "as in a model of the original library"
            ) from None
        pieces.append(piece)
        ids.append(id_)
        counts.append(count)
    return from_counts(pieces, counts, ids)


def from_counts(
    pieces: Sequence[bytes],
    counts: Any,
    ids: Any = None,
    rules: TextRules = RULES,
    record: Mapping[str, Any] | None = None,
) -> Model:
    """A model whose scores are the logarithms of relative counts, as the original computes them.

    Args:
        pieces, ids, rules, record: the model's.
        counts: whole numbers of 1 to 2^53, one of each piece.

    Raises:
        ModelError: a count is not such a number, or the model breaks a rule.
    """
    counts = column(counts, np.int64, "counts")
    if counts.size == 0 or counts.min() < 1:
        raise ModelError("counts must be at least 1")
    scores = scores_of(counts)
    return Model(tuple(pieces), scores, ids, STANDARD_SPECIAL_TOKENS, rules, counts, record or {})


def scores_of(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The logarithms of relative counts.

    Raises:
        ModelError: there are more than 2^53 together.
    """
    total = sum(counts.tolist())
    if total > MOST_COUNTED:
        raise ModelError(f"the counts add up to {total}, above 2^53: scores would not be exact")
    # One logarithm minus another, not the logarithm of a quotient: as the original does, so that
    # the ties are the same that decide between segmentations.
    return logs_of(counts) - math.log(total)


def counts_of(model: Model) -> npt.NDArray[np.int64] | None:
    """The model's counts, if its scores follow from them."""
    counts = model.counts
    if counts is None or sum(counts.tolist()) > MOST_COUNTED:
        return None
    return counts if np.allclose(scores_of(counts), model.scores, rtol=1e-12, atol=0.0) else None


def to_json(model: Model) -> str:
    """The text of a file that the original library loads and reads as the same model.

    A model whose scores do not follow from its counts gets counts proportional to exp(score),
    2^52 together and at least 1 each: its scores then sum to probability 1, and those below −30
    change.

    Raises:
        ModelError: the format cannot say what the model says.
    """
    model.check_own("the original format")
    if model.rules != RULES:
        said = " and ".join(model.rules.normalization) or "nothing"
        digits = " and isolates digits" if model.rules.isolate_digits else ""
        raise ModelError(
            "the original format means normalization to NFC and no isolated digits, and this model "
            f"normalizes to {said}{digits}; train one with normalization NFC alone"
        )
    if model.special_tokens != STANDARD_SPECIAL_TOKENS:
        raise ModelError("the original format has the special tokens <pad>, <bos> and <eos> only")
    if int(model.ids[-1]) != len(model.pieces) + 2:
        raise ModelError("the original format needs ids without gaps")
    counts = counts_of(model)
    if counts is None:
        weights = np.exp(model.scores - model.scores.max())
        counts = np.maximum(np.rint(weights / weights.sum() * 2.0**52), 1).astype(np.int64)
    entries = {
        b64encode(piece).decode("ascii"): [id_, piece.decode("utf-8", "ignore"), count]
        for piece, id_, count in zip(model.pieces, model.ids.tolist(), counts.tolist(), strict=True)
    }
    return json.dumps(entries, indent=4, ensure_ascii=False)


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write the model in the original library's format; atomic.

    Raises:
        ModelError: the format cannot say what the model says.
    """
    write_atomically(path, [to_json(model).encode()])
