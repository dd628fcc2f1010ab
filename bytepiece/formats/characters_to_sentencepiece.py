"""Writing SentencePiece's .model file for a model over characters."""

import math
from collections.abc import Iterator, Set

from bytepiece.errors import ModelError
from bytepiece.formats.character_vocabulary import (
    PENALTY,
    CharacterVocabulary,
    score_of_unknown,
    vocabulary_of,
)
from bytepiece.formats.library_rules import as_sentencepiece
from bytepiece.model import Model
from bytepiece.rules.character_map import SPACE
from bytepiece.rules.foreign import SentencePieceRules
from bytepiece.rules.protobuf import field, integer
from bytepiece.rules.sentencepiece_message import (
    NormalizerField,
    PieceType,
    SentencePieceEntry,
    TrainerField,
    model_message,
)

_ROLES = {
    "bos": TrainerField.BOS_PIECE,
    "eos": TrainerField.EOS_PIECE,
    "pad": TrainerField.PAD_PIECE,
    "unknown": TrainerField.UNK_PIECE,
}


def message_of(model: Model, lite: bool = False) -> Iterator[bytes]:
    """Return the parts of a .model file.

    Args:
        model: the model.
        lite: whether SentencePiece's Lite runtime must be able to read the file.

    Raises:
        ModelError: if the format cannot represent the model.
    """
    vocabulary = vocabulary_of(model, "SentencePiece's format")
    rules = as_sentencepiece(model.rules)
    _check(vocabulary, rules)
    ids = vocabulary.byte_ids
    if lite and ids and ids != tuple(range(ids[0], ids[0] + 256)):
        raise ModelError(
            "SentencePiece's Lite runtime needs consecutive ids for the bytes, and this model has "
            "others, which stay; the other runtime needs none"
        )
    entries = _entries(model, vocabulary, rules)
    names = b"".join(
        field(_ROLES[token.role], token.name.encode())
        for token in model.special_tokens
        if token.role in _ROLES
    )
    return model_message(
        entries,
        integer(TrainerField.VOCAB_SIZE, len(entries))
        + integer(TrainerField.TREAT_WHITESPACE_AS_SUFFIX, rules.treat_whitespace_as_suffix)
        + integer(TrainerField.BYTE_FALLBACK, bool(vocabulary.byte_ids))
        + names,
        field(NormalizerField.PRECOMPILED_CHARSMAP, rules.charsmap)
        + integer(NormalizerField.ADD_DUMMY_PREFIX, rules.add_dummy_prefix)
        + integer(NormalizerField.REMOVE_EXTRA_WHITESPACES, rules.remove_extra_whitespaces),
    )


def _check(vocabulary: CharacterVocabulary, rules: SentencePieceRules) -> None:
    """Raise ModelError if SentencePiece would encode by another law."""
    texts = vocabulary.pieces.values()
    if vocabulary.unknown is None:
        raise ModelError("SentencePiece's format needs an unknown token, and the model has none")
    if odd := [text for text in texts if "\0" in text or SPACE in text]:
        raise ModelError(f"SentencePiece's format cannot hold the piece {odd[0]!r:.60}")
    if vocabulary.byte_ids and " " not in texts:
        raise ModelError(f"SentencePiece's format needs a piece {SPACE} for byte fallback")
    symbols = set(rules.symbols)
    scores = [
        vocabulary.scores[id_]
        for id_, text in vocabulary.pieces.items()
        if text.replace(" ", SPACE) not in symbols
    ]
    if not scores:
        raise ModelError("SentencePiece's format needs a piece that is not a symbol")
    theirs = score_of_unknown(scores)
    if not math.isclose(theirs, vocabulary.unknown_score, rel_tol=1e-6):
        raise ModelError(
            f"an unknown character has the score {vocabulary.unknown_score:g}; SentencePiece would "
            f"give it {theirs:g}, {PENALTY:g} less than the lowest score of a piece"
        )


def _entries(
    model: Model, vocabulary: CharacterVocabulary, rules: SentencePieceRules
) -> list[SentencePieceEntry]:
    """Return the entries of the file in the order of their ids."""
    found: dict[int, SentencePieceEntry] = {}
    for token in model.special_tokens:
        kind = PieceType.UNKNOWN if token.role == "unknown" else PieceType.CONTROL
        found[token.id] = SentencePieceEntry(token.name, 0.0, kind)
    for byte, id_ in enumerate(vocabulary.byte_ids):
        found[id_] = SentencePieceEntry(f"<0x{byte:02X}>", 0.0, PieceType.BYTE)
    symbols = set(rules.symbols)
    for id_, text in vocabulary.pieces.items():
        name = text.replace(" ", SPACE)
        kind = PieceType.USER_DEFINED if name in symbols else PieceType.NORMAL
        found[id_] = SentencePieceEntry(name, vocabulary.scores[id_], kind)
    names = {entry.text for entry in found.values()}
    if len(names) < len(found):
        raise ModelError("SentencePiece's format cannot hold two entries with the same name")
    for id_ in range(model.vocab_size):
        if id_ not in found:
            text = vocabulary.unused.get(id_, b"").decode("utf-8", "replace")
            # No text gets a symbol with a space, but normalization leaves it as it is.
            is_symbol = text in symbols
            name = text if is_symbol else unused_name(id_, text, names)
            kind = PieceType.USER_DEFINED if is_symbol else PieceType.UNUSED
            names.add(name)
            found[id_] = SentencePieceEntry(name, 0.0, kind)
    return [found[id_] for id_ in range(model.vocab_size)]


def unused_name(id_: int, text: str, taken: Set[str]) -> str:
    """Return the name of an entry that no text gets: its text, if the text is free."""
    name = text.replace(" ", SPACE)
    if not name or "\0" in name or "\ufffd" in name or name in taken:
        name = f"<unused_{id_}>"
    while name in taken:
        name += "_"
    return name
