"""Where segmentations differ: from one another, and between models."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from bytepiece.explain.facts import ExplainedPath, Explanation

_NEIGHBOURS = 1
"""How many tokens are shown on each side of a place where two segmentations differ."""


class PathToken(NamedTuple):
    """A token of a path.

    Args:
        id: its id.
        piece: its bytes.
        common: whether the encoding has the same token at the same place.
    """

    id: int
    piece: bytes
    common: bool


def tokens_of_path(explained: Explanation, path: ExplainedPath) -> list[PathToken]:
    """Return the tokens of a path, each with whether the encoding has it too."""
    theirs = {*explained.encoding.spans}
    text = explained.normalized
    return [
        PathToken(id_, text[start:end], (start, end) in theirs)
        for id_, (start, end) in zip(path.ids, path.spans, strict=True)
    ]


def differing(tokens: Sequence[PathToken]) -> list[PathToken | None]:
    """Return the tokens near the places that differ from the encoding. None stands for the others.

    >>> a, b = PathToken(1, b"a", True), PathToken(2, b"b", False)
    >>> [token and token.piece for token in differing([a, a, a, b, a, a])]
    [None, b'a', b'b', b'a', None]
    """
    near = {
        number + step
        for number, token in enumerate(tokens)
        if not token.common
        for step in range(-_NEIGHBOURS, _NEIGHBOURS + 1)
    }
    kept: list[PathToken | None] = []
    for number, token in enumerate(tokens):
        if number in near:
            kept.append(token)
        elif not kept or kept[-1] is not None:
            kept.append(None)
    return kept


class Shared(NamedTuple):
    """A stretch of a text that no model cuts.

    Args:
        text: its bytes.
        ids: for each model, the id of the token that it belongs to.
        cut: for each model, whether a token ends with it.
    """

    text: bytes
    ids: tuple[int, ...]
    cut: tuple[bool, ...]


def shared(explanations: Sequence[Explanation]) -> list[Shared]:
    """Cut one text wherever one of its encodings is cut.

    Places are those in the given text, so models that normalize it can be compared with others. Of
    tokens that are made from the same place of the text, the first one counts.

    Args:
        explanations: of the same text.
    """
    text = explanations[0].text
    models: list[dict[int, int]] = []  # for each one the id of the token that ends at each place
    for one in explanations:
        tokens: dict[int, int] = {}
        for piece in one.pieces:
            tokens.setdefault(piece.byte_span[1], piece.id)
        models.append(tokens)
    ends = sorted({end for tokens in models for end in tokens} - {0})
    ids = [-1] * len(models)
    found: list[Shared] = []
    for start, end in reversed([*pairwise([0, *ends])]):  # a stretch has the id of the next end
        ids = [tokens.get(end, id_) for tokens, id_ in zip(models, ids, strict=True)]
        found.append(Shared(text[start:end], tuple(ids), tuple(end in one for one in models)))
    return found[::-1]
