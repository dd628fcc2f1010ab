"""The laws of BPE-dropout and of splitting, enumerated by following all their choices.

They are written from the definitions, in slow and plain Python, and do not use the samplers'
kernels.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

from bytepiece.adapters.base import NotPossibleError
from bytepiece.audit.law import (
    MASK_BITS,
    MOST_ENUMERATED,
    ListedPath,
    ReferenceLaw,
    character_bounds,
)
from bytepiece.audit.library_law import library_text, word_cuts
from bytepiece.formats.character_vocabulary import is_over_characters
from bytepiece.model import Model

Path = tuple[bytes, ...]
RankOf = Callable[[bytes, bytes], int | None]
"""Returns the rank of two neighbours; None if they are not joined."""

_TOO_LONG = "the law is known for texts of a few short words only"


class BpeLaws:
    """The laws of the samplers that are for BPE models.

    Args:
        model: a BPE model.
    """

    def __init__(self, model: Model) -> None:
        assert model.merges is not None  # for the type checker
        # The deterministic encoding uses all pieces, also where samples do not.
        self._every = replace(model, merges=replace(model.merges, unmade=True))
        self._model, self._pieces = model, frozenset(model.pieces)
        self._alone = self._pieces if model.merges.whole else _unmade(model)
        self._rank_of = _rank_of(model)

    def law(self, text: str, alpha: float, sampler: str) -> ReferenceLaw:
        """Return the law of a text.

        Args:
            text: the text.
            alpha: the strength.
            sampler: "dropout" or "splitting".

        Raises:
            NotPossibleError: if the text has too many segmentations.
        """
        raw, edges, _ = library_text(text, self._every)
        if len(raw) >= MASK_BITS:
            raise NotPossibleError(f"the law is known below {MASK_BITS} bytes only")
        for_samples = library_text(text, self._model).edges
        usable = {raw[edge.start : edge.end] for edge in for_samples} & self._pieces
        bounds = sorted({0, *word_cuts(raw, self._model), len(raw)})
        masks = {0: 1.0}
        for low, high in pairwise(bounds):
            word = raw[low:high]
            best = self._deterministic(word)
            if sampler == "splitting":
                law = splitting_law(best, usable, alpha)
            elif alpha == 0:
                law = {best: 1.0}
            else:
                law = dropout_law(self._symbols(word), self._rank_of, alpha)
            _check(len(masks) * len(law))
            masks = {
                mask | _mask(path, low): before * p
                for mask, before in masks.items()
                for path, p in law.items()
            }
        listed = tuple(ListedPath(*one) for one in sorted(masks.items()))
        return ReferenceLaw(raw, edges, alpha, listed=listed)

    def _symbols(self, word: bytes) -> Path:
        """Return that with which a word begins: its characters or its bytes."""
        bounds = character_bounds(word) if is_over_characters(self._model) else range(len(word) + 1)
        return tuple(word[low:high] for low, high in pairwise(bounds))

    def _deterministic(self, word: bytes) -> Path:
        if word in self._alone:
            return (word,)
        [path] = dropout_law(self._symbols(word), self._rank_of, 0.0)
        return path


def dropout_law(symbols: Path, rank_of: RankOf, alpha: float) -> dict[Path, float]:
    """Return the probability of each segmentation of a word by BPE-dropout.

    Before each join, every pair of neighbours is left out with probability alpha. Of the others,
    the pair of the lowest rank is joined, the leftmost first; if there is no other, the word is
    done.

    Raises:
        NotPossibleError: if there are too many segmentations.
    """
    law: dict[Path, float] = {}
    now = {symbols: 1.0}
    while now:
        _check(len(now) + len(law))
        after: dict[Path, float] = {}
        for path, p in now.items():
            ranks = [(rank_of(*pair), at) for at, pair in enumerate(pairwise(path))]
            left_out = p
            for _, at in sorted((rank, at) for rank, at in ranks if rank is not None):
                joined = (*path[:at], path[at] + path[at + 1], *path[at + 2 :])
                _add(after, joined, left_out * (1.0 - alpha))
                left_out *= alpha
            _add(law, path, left_out)
        now = after
    return law


def splitting_law(best: Path, usable: Iterable[bytes], alpha: float) -> dict[Path, float]:
    """Return the probability of each segmentation of a word by splitting tokens.

    A word of n tokens has alpha · n tries, rounded at random with this mean. Each try takes one
    token with equal probability, and cuts it in one of its ways with equal probability.

    Args:
        best: the deterministic encoding.
        usable: the pieces that samples may use.
        alpha: the mean number of tries for each token.

    Raises:
        NotPossibleError: if there are too many segmentations.
    """
    pieces = frozenset(usable)
    tries, rest = divmod(alpha * len(best), 1)
    law: dict[Path, float] = {}
    now: dict[Path, float] = {best: 1.0}
    for number in range(int(tries) + 1):
        if number == tries:  # now one more try or none
            for path, p in now.items():
                _add(law, path, p * (1.0 - rest))
        after: dict[Path, float] = {}
        for path, p in now.items():
            for at, piece in enumerate(path):
                ways: list[Path] = [
                    (piece[:cut], piece[cut:])
                    for cut in range(1, len(piece))
                    if piece[:cut] in pieces and piece[cut:] in pieces
                ] or [(piece,)]
                for way in ways:
                    _add(after, (*path[:at], *way, *path[at + 1 :]), p / len(path) / len(ways))
        _check(len(after))
        now = after
    for path, p in now.items():
        _add(law, path, p * rest)
    return law


def _add(law: dict[Path, float], path: Path, p: float) -> None:
    if p > 0:
        law[path] = law.get(path, 0.0) + p


def _check(count: int) -> None:
    if count > MOST_ENUMERATED:
        raise NotPossibleError(_TOO_LONG)


def _mask(path: Path, start: int) -> int:
    """Return the mask of a word's path; see `law.EnumeratedPaths`."""
    mask = 0
    for piece in path:
        start += len(piece)
        mask |= 1 << start
    return mask


def _unmade(model: Model) -> frozenset[bytes]:
    """Return the pieces that nothing becomes, such as user-defined symbols: they are words."""
    ranks = None if model.merges is None else model.merges.ranks
    if ranks is None:
        return frozenset()
    columns = zip(model.pieces, ranks.tolist(), strict=True)
    return frozenset(piece for piece, rank in columns if rank < 0 and len(piece) > 1)


def _rank_of(model: Model) -> RankOf:
    merges = model.merges
    assert merges is not None  # for the type checker
    if merges.pairs is not None:
        spelled = dict(zip(model.ids.tolist(), model.pieces, strict=True))
        ranks: Mapping[Path, int] = {
            (spelled[left], spelled[right]): rank
            for rank, (left, right) in enumerate(merges.pairs.tolist())
        }
        return lambda left, right: ranks.get((left, right))
    assert merges.ranks is not None  # for the type checker
    columns = zip(model.pieces, merges.ranks.tolist(), strict=True)
    of_piece = {piece: rank for piece, rank in columns if rank >= 0}
    return lambda left, right: of_piece.get(left + right)
