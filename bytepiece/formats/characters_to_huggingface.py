"""Writing a tokenizer.json for a model over characters, which has a library's own spelling.

The Unigram model of the file has an unknown token, byte fallback, or both. tokenizers takes the
score of unknown characters from the lowest score of all entries. So entries without a score, such
as special tokens, get that score.
"""

import warnings
from collections.abc import Mapping
from typing import Any

from bytepiece.errors import ModelError
from bytepiece.formats.character_vocabulary import PENALTY, CharacterVocabulary, vocabulary_of
from bytepiece.formats.library_rules import WrittenSteps, as_huggingface
from bytepiece.model import Model
from bytepiece.rules.character_map import SPACE
from bytepiece.rules.foreign import SentencePieceRules

Entries = list[tuple[str, float]]
"""The name and the score of each id."""


def document_of(model: Model) -> tuple[dict[str, Any], Entries]:
    """Return the fields of the file that depend on the rules, and the entries of the vocabulary.

    Raises:
        ModelError: if the format cannot represent the model.
    """
    vocabulary = vocabulary_of(model, "tokenizer.json")
    steps = as_huggingface(model.rules)
    # If no piece crosses a space, every space begins a word.
    words = steps.spaces and not any(" " in text[1:] for text in vocabulary.pieces.values())
    # A text never gets a piece that crosses the end of a word.
    never = {
        id_: text
        for id_, piece in vocabulary.unused.items()
        if words and " " in (text := piece.decode("utf-8", "replace"))[1:]
    }
    entries = _entries(model, vocabulary, never, steps.spaces)
    if isinstance(model.rules.library, SentencePieceRules) and model.rules.library.charsmap:
        warnings.warn(
            "Hugging Face tokenizers normalizes grapheme clusters, and so leaves some rare "
            "characters with marks as they are",
            stacklevel=5,
        )
    if lost := len(vocabulary.unused) - len(never):
        warnings.warn(
            f"Hugging Face tokenizers does not decode {lost} ids that no text gets",
            stacklevel=5,
        )
    warnings.warn(
        "Hugging Face tokenizers finds the names of special tokens and of bytes, such as <0x41>, "
        "in a text",
        stacklevel=5,
    )
    pre_tokenizers: list[dict[str, Any]] = []
    if steps.spaces:
        metaspace = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": steps.prefix}
        pre_tokenizers.append({**metaspace, "split": words or steps.parted})
    if steps.parted:
        pre_tokenizers.insert(0, {"type": "WhitespaceSplit"})
    fallback = bool(vocabulary.byte_ids)
    document: dict[str, Any] = {
        "normalizer": _sequence("normalizers", steps.normalizer),
        "pre_tokenizer": _sequence("pretokenizers", pre_tokenizers),
        "decoder": _sequence("decoders", _decoders(steps, fallback)),
        "model": {
            "type": "Unigram",
            "unk_id": None if vocabulary.unknown is None else vocabulary.unknown.id,
            "vocab": [],
            "byte_fallback": fallback,
        },
    }
    return document, entries


def _entries(
    model: Model, vocabulary: CharacterVocabulary, never: Mapping[int, str], spaces: bool
) -> Entries:
    """Return the entries of the file.

    Args:
        model: the model.
        vocabulary: its vocabulary.
        never: the texts of some ids that no text gets, whatever their scores are.
        spaces: pieces are spelled with U+2581 for spaces.
    """
    if spaces and " " not in vocabulary.pieces.values():
        raise ModelError(f"tokenizer.json needs a piece {SPACE}, and the model has none")
    lowest = vocabulary.unknown_score + PENALTY
    # Ids without a piece need names. These names hold a plain space, or at least a NUL.
    entries = [(f"\0unused {id_}", lowest) for id_ in range(model.vocab_size)]
    for token in model.special_tokens:
        entries[token.id] = token.name, lowest
    for byte, id_ in enumerate(vocabulary.byte_ids):
        entries[id_] = f"<0x{byte:02X}>", lowest
    for id_, text in (*never.items(), *vocabulary.pieces.items()):
        name = text.replace(" ", SPACE) if spaces else text
        entries[id_] = name, vocabulary.scores.get(id_, lowest)
    names = [name for name, _ in entries]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ModelError(f"tokenizer.json has no room for two entries {twice!r:.60}")
    return entries


def _decoders(steps: WrittenSteps, fallback: bool) -> list[dict[str, Any]]:
    decoders: list[dict[str, Any]] = [{"type": "Fuse"}]
    if fallback:
        decoders.insert(0, {"type": "ByteFallback"})
    if steps.spaces:
        decoders.insert(0, {"type": "Replace", "pattern": {"String": SPACE}, "content": " "})
    if steps.strips:
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return decoders


def _sequence(kind: str, steps: list[dict[str, Any]]) -> dict[str, Any] | None:
    return {"type": "Sequence", kind: steps} if steps else None
