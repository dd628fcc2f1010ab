"""The law of a model that follows the rules of another library."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bytepiece.adapters.base import NotPossibleError
from bytepiece.audit.counts import Draws
from bytepiece.audit.law import Edge, Scores, character_bounds, digit_cuts, unit_edges
from bytepiece.encoding.bpe import made_pieces
from bytepiece.encoding.segmentation import segment_stretches, stretches
from bytepiece.encoding.special import NO_TOKENS
from bytepiece.formats.character_vocabulary import is_over_characters, vocabulary_of
from bytepiece.model import Model
from bytepiece.rules.text import Text, is_utf8

_RUNS = 1 << 40
"""The number that stands for a run of unknown characters, plus the place of the run in the text."""


class LibraryText(NamedTuple):
    """A text as a model with the rules of another library segments it.

    Args:
        raw: the normalized text.
        edges: the edges of its lattice.
        runs: the runs of unknown characters, each of which is one unknown token in every
            segmentation. Empty if the model has no unknown token.
    """

    raw: bytes
    edges: tuple[Edge, ...]
    runs: tuple[bytes, ...] = ()


def normalized(text: Text, model: Model) -> bytes:
    """Return a text as the model segments it."""
    [stretch], _ = stretches(text, model.rules, NO_TOKENS)
    return stretch


def library_text(text: str, model: Model) -> LibraryText:
    """Return a text with the edges of the law of the model's own library.

    Raises:
        NotPossibleError: if the law does not say which characters an unknown token stands for.
    """
    raw = normalized(text, model)
    bounds = character_bounds(raw) if is_over_characters(model) else range(len(raw) + 1)
    if model.merges is None:
        pieces, unknown = _pieces(model)
    else:
        pieces, unknown = _pieces_of_bpe(model, raw), None
    cuts = digit_cuts(raw, model.rules.digit_group) | word_cuts(raw, model)
    edges = unit_edges(raw, bounds, pieces, unknown, cuts)
    if model.rules.unknown != "token":
        return LibraryText(raw, tuple(edges))
    units = [edge for edge in edges if raw[edge.start : edge.end] not in pieces]
    inside = np.zeros(len(raw) + 1, dtype=np.bool_)
    for edge in units:
        inside[edge.start : edge.end] = True
    others = [edge for edge in edges if raw[edge.start : edge.end] in pieces]
    if any(inside[edge.start : edge.end].any() for edge in others):
        raise NotPossibleError(
            "a character without a piece of its own is a part of a longer piece, so it is not "
            "known which characters the unknown token stands for"
        )
    runs: list[Edge] = []
    for edge in units:
        if runs and runs[-1].end == edge.start:
            runs[-1] = Edge(runs[-1].start, edge.end, runs[-1].score + edge.score)
        else:
            runs.append(edge)
    texts = tuple(raw[edge.start : edge.end] for edge in runs)
    return LibraryText(raw, tuple(sorted([*others, *runs])), texts)


def word_cuts(raw: bytes, model: Model) -> frozenset[int]:
    """Return the places in a normalized text where the words of a BPE model begin or end."""
    if not model.rules.words:
        return frozenset()
    return frozenset(segment_stretches([raw], [], model.rules).bounds.tolist())


def _pieces_of_bpe(model: Model, raw: bytes) -> Scores:
    """Return the scores of the pieces that samples use, and of the unknown characters of a text."""
    columns = zip(model.pieces, model.scores.tolist(), made_pieces(model).tolist(), strict=True)
    pieces = {piece: score for piece, score, used in columns if used}
    if not is_over_characters(model):
        return pieces
    if model.rules.unknown == "token":
        raise NotPossibleError("the law of unknown tokens is not known for BPE models")
    # Bytes stand only for characters without a piece.
    whole = {piece: score for piece, score in pieces.items() if is_utf8(piece)}
    for char in raw.decode():
        spelled = char.encode()
        if spelled not in whole:
            whole[spelled] = sum(pieces[bytes([byte])] for byte in spelled)
    return whole


def _pieces(model: Model) -> tuple[Scores, float | None]:
    """Return the scores of the pieces, and of an unknown character; None if all are known."""
    if is_over_characters(model):
        found = vocabulary_of(model, "the audit")
        scores = {text.encode(): found.scores[id_] for id_, text in found.pieces.items()}
        return scores, found.unknown_score
    columns = zip(model.pieces, model.scores.tolist(), model.ids.tolist(), strict=True)
    if model.rules.unknown is None:
        return {piece: score for piece, score, _ in columns}, None
    unknown, lowest = model.special_id("unknown"), None
    scores = {}
    for piece, score, id_ in columns:
        if id_ == unknown:
            lowest = score
        else:
            scores[piece] = score
    return scores, lowest


def with_runs(draws: Draws, unknown: int, runs: Sequence[bytes]) -> Draws:
    """Return draws in which each unknown token has the text that it stands for.

    Args:
        draws: the draws of a text.
        unknown: the id of the unknown token.
        runs: the runs of unknown characters in the text, from left to right.
    """
    is_unknown = draws.ids == unknown
    counts = np.concatenate([[0], np.cumsum(is_unknown)])
    first = np.repeat(counts[np.cumsum(draws.lengths) - draws.lengths], draws.lengths)
    ids = np.where(is_unknown, _RUNS + counts[:-1] - first, draws.ids)

    def piece(id_: int) -> bytes:
        if id_ < _RUNS:
            return draws.piece(id_)
        return runs[id_ - _RUNS] if id_ - _RUNS < len(runs) else b""

    return draws._replace(ids=ids, piece=piece)
