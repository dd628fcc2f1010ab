"""Merging: pieces of another vocabulary are added after those of the first vocabulary."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from bytepiece.editing.arguments import size_of
from bytepiece.editing.characters import EditedCharacters, edited_characters
from bytepiece.editing.ids import Edited, id_map, ids_of
from bytepiece.editing.newcomers import NewPiece, added
from bytepiece.editing.record import record_of
from bytepiece.editing.shrink import shrink
from bytepiece.editing.weighed_pieces import WeighedPieces, exponent_of, offset, weigh
from bytepiece.errors import ArgumentError
from bytepiece.model import MAX_ID, Model, Role, SpecialToken
from bytepiece.rules.text_rules import TextRules


def merge(model: Model, other: Model, vocab_size: int | None = None) -> Edited:
    """Add to a vocabulary the pieces and special tokens that only another vocabulary has.

    All ids of the first model stay. The new ids follow, in the order of their ids in the other
    model. Special tokens with the same name and role become one. The new pieces' scores are put on
    the first model's scale. Models over characters, which were read from another library's files,
    can be merged with each other.

    Args:
        model: the model whose ids stay.
        other: a model with the same rules for text.
        vocab_size: the largest number of ids, at least the first model's number of ids. If not all
            new pieces fit, the pieces that save the most tokens are added. By default all are
            added.

    Returns:
        the merged model, and the map of the other model's ids.

    Raises:
        ArgumentError: if the models treat text differently, if their special tokens contradict each
            other, or if vocab_size is outside its range.
        ModelError: if one of them is another library's and its pieces are made of bytes.

    >>> import bytepiece
    >>> one = bytepiece.train(["the cat", "the cap"] * 9, 262, algorithm="merge")
    >>> two = bytepiece.train(["a hat", "a ham"] * 9, 262, algorithm="merge")
    >>> merged, id_map = bytepiece.merge(one, two)
    >>> merged.vocab_size, [merged.pieces[i - 3] for i in id_map[259:]] == list(two.pieces[256:])
    (265, True)
    """
    characters = _characters(model, other)
    _check_rules(model.rules, other.rules)
    tokens = _new_special_tokens(model.special_tokens, other.special_tokens)
    first = model.vocab_size
    size = MAX_ID + 1
    if vocab_size is not None:
        size = size_of(
            vocab_size,
            first + len(tokens),
            f"the {first} ids of the first model stay and {len(tokens)} special tokens come; "
            "prune makes room",
            size,
            "larger ids are not possible",
        )
    if characters is None:
        scores, theirs = _newcomers(model, other), ids_of(other)
    else:
        scores, theirs = _new_texts(*characters), characters[1].names
    if len(scores) > size - first - len(tokens):
        old = characters[0].weighed if characters else _weighed(model)
        scores = _worth_most(old, scores, size - first - len(tokens))
    newcomers: list[NewPiece | SpecialToken] = [*map(NewPiece, scores, scores.values()), *tokens]
    newcomers.sort(key=lambda one: theirs[one.piece if isinstance(one, NewPiece) else one.name])
    asked = first + len(newcomers) if vocab_size is None else size
    record = record_of("merge", asked, model, **{"with": other})
    if characters is None:
        merged = added(model, newcomers, record)
        new_ids = ids_of(merged)
    else:
        merged = characters[0].extended(newcomers, record)
        new_ids = edited_characters(merged, "merge").names
    moved = {old: new_ids[name] for name, old in theirs.items() if name in new_ids}
    return Edited(merged, id_map(other.vocab_size, moved))


def _characters(model: Model, other: Model) -> tuple[EditedCharacters, EditedCharacters] | None:
    """Return two models over characters, ready to be edited; None if both are our own models."""
    if model.rules.unknown is None or other.rules.unknown is None:
        for each in (model, other):
            each.check_own("merge")
        return None
    return edited_characters(model, "merge"), edited_characters(other, "merge")


def _check_rules(ours: TextRules, theirs: TextRules) -> None:
    """Check that the models cut text into the same segments."""
    for field in fields(TextRules):
        values = [getattr(rules, field.name) for rules in (ours, theirs)]
        if values[0] != values[1]:
            raise ArgumentError(
                f"the models treat text differently: {field.name} is {values[0]} in the first and "
                f"{values[1]} in the other; train one of them anew by the rules of the other"
            )


def _new_special_tokens(
    ours: Sequence[SpecialToken], theirs: Sequence[SpecialToken]
) -> list[SpecialToken]:
    """Return the special tokens of the other model that the first model lacks.

    Raises:
        ArgumentError: if a name has two roles, or a role has two names.
    """
    roles = {token.name: token.role for token in ours}
    names: dict[Role, str] = {t.role: t.name for t in ours if t.role != "control"}
    mend = "make them agree in one of the model files"
    for token in theirs:
        role = roles.get(token.name, token.role)
        if role != token.role:
            raise ArgumentError(
                f"the special token {token.name!r:.60} has the role {role!r} in the first model "
                f"and {token.role!r} in the other; {mend}"
            )
        name = names.get(token.role, token.name)
        if name != token.name:
            raise ArgumentError(
                f"the special token with the role {token.role!r} is {name!r:.60} in the first "
                f"model and {token.name!r:.60} in the other; {mend}"
            )
    return [token for token in theirs if token.name not in roles]


def _newcomers(model: Model, other: Model) -> dict[bytes, float]:
    """Return the pieces that only the other model has, with scores on the first model's scale."""
    ours = dict(zip(model.pieces, model.scores.tolist(), strict=True))
    # First bring the other model's scores to the first model's objective.
    scores = other.scores * (exponent_of(model) / exponent_of(other))
    theirs = dict(zip(other.pieces, scores.tolist(), strict=True))
    added = offset(ours, theirs)
    return {piece: score + added for piece, score in theirs.items() if piece not in ours}


def _new_texts(ours: EditedCharacters, theirs: EditedCharacters) -> dict[bytes, float]:
    """Return the same as `_newcomers` for models over characters."""
    scored = ours.scored
    if scored.keys().isdisjoint(theirs.scored):
        raise ArgumentError("the models have no piece in common, so their scores do not compare")
    more = offset(scored, theirs.scored)
    return {
        piece: score + more
        for piece, score in theirs.scored.items()
        if piece not in scored and ours.may_have(piece)
    }


def _weighed(model: Model) -> WeighedPieces:
    return weigh(model.pieces, model.scores, exponent_of(model))


def _worth_most(old: WeighedPieces, scores: dict[bytes, float], most: int) -> dict[bytes, float]:
    """Return the new pieces that save the most tokens, at most `most` of them."""
    pieces = [*old.pieces, *scores]
    kept = np.arange(len(pieces)) < len(old.pieces)
    together = weigh(pieces, np.append(old.scores, list(scores.values())), old.exponent)
    staying, _ = shrink(together, len(old.pieces) + most, kept)
    chosen = [pieces[i] for i in staying.tolist()[len(old.pieces) :]]
    return {piece: scores[piece] for piece in chosen}
