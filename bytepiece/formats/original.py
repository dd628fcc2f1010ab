"""The original BytePiece library's model file: JSON of base64(piece) → [id, text, count].

A score is log(count) − log(sum of counts). The ids 0, 1 and 2 are <pad>, <bos> and <eos>. Texts are
normalized to NFC, and digits are not cut. A file does not say so, but the original tokenizer
treats every file this way.
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
"""The rules of every model in this format."""
MOST_COUNTED = 1 << 53
"""Largest sum of counts: float64 holds every whole number up to it."""


def looks_like(document: Mapping[str, Any]) -> bool:
    """Return whether parsed JSON may be such a file: every field is a list of three entries."""
    return bool(document) and all(
        isinstance(entry, list) and len(entry) == 3 for entry in document.values()
    )


def from_dict(entries: Mapping[str, Any]) -> Model:
    """Return the model in a parsed file of the original library.

    Raises:
        ModelError: if an entry is not base64 → [id, text, count], or the model breaks a rule.
    """
    pieces, ids, counts = [], [], []
    for key, entry in entries.items():
        try:
            piece = a2b_base64(key)
            # Decoding skips characters that are not base64. Encoding the piece again reveals such
            # characters, and takes a third of the time of strict decoding.
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
    """Return a model whose scores are computed from counts, as the original library does it.

    Args:
        pieces, ids, rules, record: see `Model`.
        counts: the count of each piece, a whole number in 1…2^53.

    Raises:
        ModelError: if a count is not such a number, or the model breaks a rule.
    """
    counts = column(counts, np.int64, "counts")
    if counts.size == 0 or counts.min() < 1:
        raise ModelError("counts must be at least 1")
    scores = scores_of(counts)
    return Model(tuple(pieces), scores, ids, STANDARD_SPECIAL_TOKENS, rules, counts, record or {})


def scores_of(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the natural logarithms of counts divided by their sum.

    Raises:
        ModelError: if the sum of the counts is above 2^53.
    """
    total = sum(counts.tolist())
    if total > MOST_COUNTED:
        raise ModelError(f"the counts add up to {total}, above 2^53: scores would not be exact")
    # This subtracts logarithms instead of taking the logarithm of a quotient. The original library
    # does so too, and the same paths must tie.
    return logs_of(counts) - math.log(total)


def counts_of(model: Model) -> npt.NDArray[np.int64] | None:
    """Return the model's counts if its scores follow from them, else None."""
    counts = model.counts
    if counts is None or sum(counts.tolist()) > MOST_COUNTED:
        return None
    return counts if np.allclose(scores_of(counts), model.scores, rtol=1e-12, atol=0.0) else None


def to_json(model: Model) -> str:
    """Return the text of a file that the original library loads as the same model.

    If the model's scores do not follow from its counts, the file gets counts proportional to
    exp(score) that are at least 1 and sum to about 2^52. The probabilities in the file then sum to
    1, and scores below −30 change.

    Raises:
        ModelError: if the format cannot represent the model.
    """
    model.check_own("the original format")
    if model.rules != RULES:
        forms = " and ".join(model.rules.normalization) or "nothing"
        digits = "" if model.rules.digits == "free" else f" and cuts digits ({model.rules.digits})"
        raise ModelError(
            "the original format means normalization to NFC and uncut digits, and this model "
            f"normalizes to {forms}{digits}; train one with normalization NFC alone"
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
    """Write a model in the original library's format.

    Raises:
        OSError: if the file cannot be written. An older file of that name then stays as it is.
        ModelError: if the format cannot represent the model.
    """
    write_atomically(path, [to_json(model).encode()])
