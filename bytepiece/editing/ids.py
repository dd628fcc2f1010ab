"""Where ids go when a vocabulary changes: the id map, in memory and in a file."""

import json
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32
from bytepiece.model import Model

_FORMAT = "bytepiece id map"
_VERSION = 1


class Edited(NamedTuple):
    """A changed model, and where the ids went.

    Args:
        model: the new one.
        id_map: int32[old ids], the new id of each old one; −1 for what is gone, and for numbers
            that were no id.
    """

    model: Model
    id_map: npt.NDArray[np.int32]


def compacted(ids: I32) -> I32:
    """Ids without gaps, from 0 on: the largest move into the places that are vacant.

    What is below the number of ids stays, so no other choice moves fewer.

    >>> compacted(np.array([0, 2, 3, 6, 9], dtype=np.int32))
    array([0, 2, 3, 1, 4], dtype=int32)
    """
    moves = ids >= len(ids)
    new: I32 = ids.copy()
    new[moves] = np.setdiff1d(np.arange(len(ids), dtype=np.int32), ids)
    return new


def ids_of(model: Model) -> dict[bytes | str, int]:
    """The ids of pieces, by the pieces, and of special tokens, by their names."""
    ids: dict[bytes | str, int] = dict(zip(model.pieces, model.ids.tolist(), strict=True))
    return {**ids, **{token.name: token.id for token in model.special_tokens}}


def id_map(size: int, moved: Mapping[int, int]) -> I32:
    """Of so many old ids; see `Edited`."""
    found = np.full(size, -1, dtype=np.int32)
    found[list(moved)] = list(moved.values())
    return found


def to_json(edited: Edited, source: Model) -> str:
    """The text of a file that holds an id map.

    Args:
        source: the model whose ids it leads from.
    """
    document = {
        "format": _FORMAT,
        "version": _VERSION,
        "from": source.fingerprint,
        "to": edited.model.fingerprint,
        "ids": edited.id_map.tolist(),
    }
    return json.dumps(document) + "\n"
