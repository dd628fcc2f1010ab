"""The merges of a SentencePiece BPE model: two neighbours become the piece that they spell.

The piece with the highest score comes first. User-defined symbols are words of their own, which are
found before anything is joined.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bytepiece.errors import ModelError
from bytepiece.formats.huggingface_words import space_cut
from bytepiece.model import Model
from bytepiece.rules.character_map import SPACE
from bytepiece.rules.merges import Merges
from bytepiece.rules.sentencepiece_message import PieceType, SentencePieceEntry
from bytepiece.rules.words import WordCut


def with_merges(model: Model, entries: Sequence[SentencePieceEntry]) -> Model:
    """Return a model that was read like a Unigram model as the BPE model that it is.

    Args:
        model: the model as it is read, with any scores; they become 0.
        entries: the entries of the file.

    Raises:
        ModelError: if the model is one that cannot be represented.
    """
    normal = {id_: each for id_, each in enumerate(entries) if each.kind == PieceType.NORMAL}
    symbols = [each.text for each in entries if each.kind == PieceType.USER_DEFINED]
    characters = {text for text in (each.text for each in entries) if len(text) == 1}
    for each in entries:
        if each.kind == PieceType.UNUSED and len(each.text) > 1:
            raise ModelError(f"has the unused piece {each.text!r:.60} in a BPE model")
    for each in normal.values():
        missing = set(each.text) - characters
        if missing:
            raise ModelError(
                f"the piece {each.text!r:.60} has the character {min(missing)!r}, which is no piece"
            )
    scores = np.array([each.score for each in normal.values()], dtype=np.float32)
    _, places = np.unique(-scores, return_inverse=True)
    rank_of = dict(zip(normal, places.tolist(), strict=True))
    ranks = [rank_of.get(id_, -1) for id_ in model.ids.tolist()]
    words = space_cut(each.text.replace(SPACE, " ").encode() for each in normal.values())
    if symbols:
        longest_first = sorted(
            (text.replace(SPACE, " ") for text in symbols), key=len, reverse=True
        )
        if words and any(re.search("[^ ] ", text) for text in longest_first):
            raise ModelError("has a user-defined symbol with a space inside in a BPE model")
        words = (WordCut("|".join(map(re.escape, longest_first))), *words)
    return replace(
        model,
        scores=np.zeros(len(model.pieces)),
        rules=replace(model.rules, words=words),
        merges=Merges(ranks=np.array(ranks)),
    )
