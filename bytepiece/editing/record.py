"""The records of changed models.

A record says what the change was, and holds the fingerprint and the record of the model before it.
"""

import json
from collections.abc import Mapping
from typing import Any

import bytepiece
from bytepiece.model import Model
from bytepiece.training.options import current_options

_INHERITED = ("objective", "max_piece_length", "newlines", "spaces", "ensure_unicode")
"""The entries that later changes need."""
_EARLIER = ("from", "with")
"""The names of entries that hold the records of earlier models."""
_MOST = 1 << 13
"""The largest number of JSON characters in the record of an earlier model."""
_DEEPEST = 8
"""The largest number of earlier changes that a record describes, besides the latest change."""


def record_of(edit: str, size: int, model: Model, **details: Any) -> dict[str, Any]:
    """Return the record of a changed model.

    Args:
        edit: the name of the change.
        size: the vocabulary size that was asked for.
        model: the model that was changed.
        details: more entries. An entry that is a model is stored as its fingerprint and its record.
    """
    options = current_options(model.record)
    record: dict[str, Any] = {
        "bytepiece": bytepiece.__version__,
        "edited": edit,
        "vocab_size": size,
        **{name: options[name] for name in _INHERITED if name in options},
    }
    for name, value in [*details.items(), ("from", model)]:
        if isinstance(value, Model):
            record[f"{name}_fingerprint"] = value.fingerprint
            record[name] = _bounded(value.record)
        else:
            record[name] = value
    return record


def _bounded(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record that keeps as many earlier records as fit. The oldest are dropped first.

    Without this bound, a model merged with itself would double its record each time.
    """
    for depth in range(_DEEPEST, -1, -1):
        cut = _cut(record, depth)
        if len(json.dumps(cut)) <= _MOST:
            return cut
    return {}


def _cut(record: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Return a record in which earlier records are nested at most `depth` deep."""
    return {
        name: _cut(value, depth - 1) if name in _EARLIER and isinstance(value, Mapping) else value
        for name, value in record.items()
        if depth or name not in _EARLIER
    }
