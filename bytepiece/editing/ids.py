"""The id map: where each id goes when a vocabulary changes, in memory and in a file."""

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
    """A changed model, and where its ids went.

    Args:
        model: the new model.
        id_map: int32[old ids], the new id for each old one; −1 for an id that is gone, and for a
            number that was not an id.
    """

    model: Model
    id_map: npt.NDArray[np.int32]


def compacted(ids: I32) -> I32:
    """Return ids from 0 on, without gaps: the largest ids move into the vacant places.

    An id that is below the number of ids stays, so as few ids as possible move.

    >>> compacted(np.array([0, 2, 3, 6, 9], dtype=np.int32))
    array([0, 2, 3, 1, 4], dtype=int32)
    """
    moves = ids >= len(ids)
    new: I32 = ids.copy()
    new[moves] = np.setdiff1d(np.arange(len(ids), dtype=np.int32), ids)
    return new


def ids_of(model: Model) -> dict[bytes | str, int]:
    """Return the ids of pieces, by piece, and of special tokens, by name."""
    ids: dict[bytes | str, int] = dict(zip(model.pieces, model.ids.tolist(), strict=True))
    return {**ids, **{token.name: token.id for token in model.special_tokens}}


def id_map(size: int, moved: Mapping[int, int]) -> I32:
    """Return an id map; see `Edited`.

    Args:
        size: the number of old ids.
        moved: the new id for each old id that stays.
    """
    found = np.full(size, -1, dtype=np.int32)
    found[list(moved)] = list(moved.values())
    return found


def to_json(edited: Edited, source: Model) -> str:
    """Return the text of a file that holds an id map.

    Args:
        edited: the changed model and the map.
        source: the model with the old ids.
    """
    document = {
        "format": _FORMAT,
        "version": _VERSION,
        "from": source.fingerprint,
        "to": edited.model.fingerprint,
        "ids": edited.id_map.tolist(),
    }
    return json.dumps(document) + "\n"
