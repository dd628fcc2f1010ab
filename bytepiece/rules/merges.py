"""`Merges`: the rules by which BPE joins the pieces of a word."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bytepiece.errors import ModelError
from bytepiece.rules.joins import joined_numbers

MAX_MERGES = 1 << 22
"""Most merges of a model."""


@dataclass(frozen=True, eq=False)
class Merges:
    """The rules by which BPE joins the pieces of a word: a list of pairs, or a rank for each piece.

    A word begins as single bytes, or as characters if single bytes stand for unknown characters.
    Of all neighbours that can be joined, those of the lowest rank are joined, the leftmost first.

    Args:
        pairs: int32[merges, 2], the ids of two pieces; the place in the list is the rank. They
            become the piece that they spell together.
        ranks: int32[pieces], the rank of each piece, in the order of the pieces. Any two neighbours
            that spell a piece can become it. −1: no pair becomes this piece, but a whole word of
            several bytes that it spells is encoded as it. Either pairs or ranks are None.
        whole: a word that is a piece is encoded as this piece, whether or not it can be joined.
        unmade: samples and lattices use all pieces, also those that nothing becomes.

    Raises:
        ModelError: if these are not such lists.
    """

    pairs: npt.NDArray[np.int32] | None = None
    ranks: npt.NDArray[np.int32] | None = None
    whole: bool = False
    unmade: bool = True

    def __post_init__(self) -> None:
        if (self.pairs is None) == (self.ranks is None):
            raise ModelError("merges need either pairs or ranks")
        for name in ("whole", "unmade"):
            if not isinstance(getattr(self, name), bool):
                raise ModelError(f"{name} must be true or false, not {getattr(self, name)!r:.60}")
        for name, width in (("pairs", 2), ("ranks", 1)):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, _whole_numbers(given, name, width))

    def in_order(self, order: npt.NDArray[np.int64]) -> "Merges":
        """Return the merges of the same pieces in another order."""
        if self.ranks is None:
            return self
        return Merges(None, self.ranks[order], self.whole, self.unmade)

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits, the same for equal merges."""
        settings = f"{self.pairs is None} {self.whole}" + ("" if self.unmade else " made")
        digest = hashlib.sha256(settings.encode())
        numbers = self.ranks if self.pairs is None else self.pairs
        assert numbers is not None  # for the type checker
        digest.update(numbers.astype("<i4").tobytes())
        return digest.hexdigest()

    def to_document(self) -> dict[str, Any]:
        """Return the merges as JSON, for our own model file."""
        pairs = None if self.pairs is None else self.pairs.ravel().tolist()
        ranks = None if self.ranks is None else self.ranks.tolist()
        found = {"pairs": pairs, "ranks": ranks, "whole": self.whole}
        return found if self.unmade else {**found, "unmade": False}

    @classmethod
    def from_document(cls, document: Any) -> "Merges | None":
        """Return the merges in the parsed field "merges" of a model file.

        Raises:
            ModelError: if the field is neither null nor merges.
        """
        if document is None:
            return None
        if not isinstance(document, dict) or document.keys() - {"unmade"} != {
            "pairs",
            "ranks",
            "whole",
        }:
            raise ModelError('"merges" must be null or have pairs, ranks and whole')
        return cls(**document)


def check_merges(merges: Merges, pieces: Sequence[bytes], ids: npt.NDArray[np.int32]) -> None:
    """Raise ModelError if these are not merges of these pieces, whose ids are different."""
    if not isinstance(merges, Merges):
        raise ModelError(f"merges must be Merges, not {type(merges).__name__}")
    if merges.ranks is not None and len(merges.ranks) != len(pieces):
        raise ModelError(f"there are {len(merges.ranks)} ranks for {len(pieces)} pieces")
    if merges.pairs is not None:
        above = int(ids.max()) + 1
        number_of = np.full(above + 1, -1)
        number_of[ids] = np.arange(len(ids))
        numbers = number_of[merges.pairs.clip(max=above)]
        missing = merges.pairs[numbers < 0]
        if len(missing):
            raise ModelError(f"a merge names the id {missing[0]}, which is no piece's id")
        joined = joined_numbers(numbers, pieces)
        if joined.min(initial=0) < 0:
            left, right = numbers[int(joined.argmin())].tolist()
            spelled = pieces[left] + pieces[right]
            raise ModelError(f"a merge makes {spelled!r:.60}, which is not a piece")


def _whole_numbers(given: Any, name: str, width: int) -> npt.NDArray[np.int32]:
    """Return a private copy of a list of numbers, in rows if the width is above 1."""
    try:
        found = np.array(given)
    except (ValueError, OverflowError):
        found = np.empty(0, dtype=np.float64)
    if found.size == 0 and isinstance(given, list) and not given:
        found = found.astype(np.int64)
    limits = np.iinfo(np.int32)
    if (
        found.dtype.kind not in "iu"
        or found.size % width
        or (found.size and (found.min() < -1 or found.max() > limits.max))
    ):
        raise ModelError(f"{name} of merges must be a list of whole numbers from −1 on")
    if found.size > MAX_MERGES * width:
        raise ModelError(f"there are more than {MAX_MERGES} {name} of merges, the most allowed")
    shaped = np.ascontiguousarray(found.reshape(-1, width) if width > 1 else found, np.int32)
    if width == 1 and shaped.ndim != 1:
        raise ModelError(f"{name} of merges must be a list of whole numbers from −1 on")
    shaped.flags.writeable = False
    return shaped
