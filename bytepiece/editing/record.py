"""The records of changed models: what was done, to which model, and how that one was made."""

import json
from collections.abc import Mapping
from typing import Any

import bytepiece
from bytepiece.model import Model

_INHERITED = ("objective", "max_piece_length", "newlines", "within_words", "ensure_unicode")
"""What later changes go by."""
_EARLIER = ("from", "with")
"""Names under which the records of earlier models stand."""
_MOST = 1 << 13
"""Characters of JSON that the record of an earlier model may take."""
_DEEPEST = 8
"""So many changes before the last are told, at most."""


def record_of(edit: str, size: int, model: Model, **details: Any) -> dict[str, Any]:
    """The record of a changed model.

    Args:
        edit: what was done.
        size: the vocabulary size that was asked for.
        model: what it was done to.
        details: what else there is to say. A model among them is told as the first one is.
    """
    record: dict[str, Any] = {
        "bytepiece": bytepiece.__version__,
        "edited": edit,
        "vocab_size": size,
        **{name: model.record[name] for name in _INHERITED if name in model.record},
    }
    for name, value in [*details.items(), ("from", model)]:
        if isinstance(value, Model):
            record[f"{name}_fingerprint"] = value.fingerprint
            record[name] = _bounded(value.record)
        else:
            record[name] = value
    return record


def _bounded(record: Mapping[str, Any]) -> dict[str, Any]:
    """As much of a record, with the earlier ones in it, as is told; the latest are.

    Without a bound, a model merged with itself would double its record each time.
    """
    for depth in range(_DEEPEST, -1, -1):
        cut = _cut(record, depth)
        if len(json.dumps(cut)) <= _MOST:
            return cut
    return {}


def _cut(record: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """A record with the earlier ones in it, so many of them deep."""
    return {
        name: _cut(value, depth - 1) if name in _EARLIER and isinstance(value, Mapping) else value
        for name, value in record.items()
        if depth or name not in _EARLIER
    }
