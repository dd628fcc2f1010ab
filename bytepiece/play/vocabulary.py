"""The search in a vocabulary."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64
from bytepiece.display import of_printable
from bytepiece.explain.shown import hue, shown
from bytepiece.tokenizer import Tokenizer

ROWS = 100
"""The most pieces that a search returns at once."""


class Described(NamedTuple):
    """What the page shows of an id. A special token has no score and no rank.

    Args:
        shown: its bytes in a visible form, or the name of a special token.
        hex: its bytes as hexadecimal digits.
        score: the score.
        rank: its place if pieces are sorted by their scores, from 1 on.
        hue: the hue of its colour in degrees.
    """

    shown: str
    hex: str
    score: float | None
    rank: int | None
    hue: int


class VocabularySearch:
    """The pieces of a model, to search them and to describe them.

    Args:
        tokenizer: the tokenizer of the model.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._bytes_of = tokenizer.vocabulary.bytes_of
        model = tokenizer.model
        self._names = {token.id: token.name for token in model.special_tokens}
        ids = zip(model.ids.tolist(), model.pieces, model.scores.tolist(), strict=True)
        self._found = [entry for entry in ids if entry[0] not in self._names]
        self._scores = {id_: score for id_, _, score in self._found}
        self._described: dict[int, Described] = {}
        self._orders: dict[str, list[int]] = {}

    @cached_property
    def _ranks(self) -> dict[int, int]:
        """The place of each id if pieces are sorted by their scores, from 1 on."""
        return {id_: rank for rank, id_ in enumerate(self._ordered("score"), 1)}

    def _ordered(self, by: str) -> list[int]:
        """Return the ids in an order."""
        if by not in self._orders:
            self._orders[by] = self._in_order(by)
        return self._orders[by]

    def _in_order(self, by: str) -> list[int]:
        if by == "bytes":
            return [id_ for id_, _, _ in sorted(self._found, key=lambda entry: entry[1])]
        keys: dict[str, npt.NDArray[Any]] = {
            "id": np.zeros(len(self._found)),
            "score": np.array([-score for _, _, score in self._found]),
            "length": np.array([-len(piece) for _, piece, _ in self._found]),
        }
        ids: I64 = np.array([id_ for id_, _, _ in self._found], dtype=np.int64)
        ordered: list[int] = ids[np.lexsort((ids, keys[by]))].tolist()
        return ordered

    def described(self, id_: int) -> Described:
        """Return what the page shows of an id."""
        found = self._described.get(id_)
        if found is None:
            piece = self._bytes_of[id_]
            score = self._scores.get(id_)
            found = Described(
                self._names.get(id_) or shown(piece),
                piece.hex(" "),
                None if score is None else round(score, 4),
                self._ranks.get(id_),
                hue(id_),
            )
            self._described[id_] = found
        return found

    def search(
        self, query: str, contains: bool, order: str, used: Mapping[int, int] | None, first: int
    ) -> dict[str, Any]:
        """Search the pieces.

        Args:
            query: the bytes to look for, as `bytepiece.display.printable` shows them.
            contains: look for pieces that contain these bytes; otherwise for pieces that begin so.
            order: "score", "length" (both descending), "id" or "bytes".
            used: how often each id occurs, to return only those that do not; None to return all.
            first: how many of the found pieces to leave out.

        Returns:
            the number of found pieces, and at most `ROWS` of them.
        """
        wanted = of_printable(query)
        bytes_of = self._bytes_of
        found = [
            id_
            for id_ in self._ordered(order)
            if (wanted in bytes_of[id_] if contains else bytes_of[id_].startswith(wanted))
            and (used is None or id_ not in used)
        ]
        some = found[first : first + ROWS]
        rows = [
            {"id": id_, "length": len(bytes_of[id_]), **self.described(id_)._asdict()}
            for id_ in some
        ]
        return {"found": len(found), "of": len(self._found), "first": first, "rows": rows}
