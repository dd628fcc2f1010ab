"""Writing Hugging Face's tokenizer.json: a Unigram model over the ByteLevel alphabet.

Models over characters have another spelling; see `bytepiece.formats.characters_to_huggingface`. A
piece is spelled with one character for each byte. Then nothing is unknown, and the file needs no
byte fallback; with byte fallback, bytes would take no part in the search for the best path. Both
libraries add the same scores in float64 in the same order, and both choose the same path among
equal ones. So the ids are the same.

The file's steps do what our own rules do: normalization forms, segments of digits if the model cuts
digits, and lines with all their trailing newlines. A special token is an added token. The
Unigram model must have an entry with its name too; the score of that entry is so low that no best
path contains it.
"""

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bytepiece._files import write_atomically
from bytepiece._logarithms import rounded
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.formats.characters_to_huggingface import document_of
from bytepiece.formats.huggingface_cuts import BYTES, DIGITS, LINES, SPLIT
from bytepiece.formats.huggingface_numbers import spelled
from bytepiece.model import Model, SpecialToken
from bytepiece.rules.byte_level import alphabet

NEVER = -1e30
"""The score of an entry that must not be on a best path: lower than the score of any path of single
bytes, and finite in float32."""


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a tokenizer.json that `tokenizers` and `transformers` load.

    Ids stay the same, and no special tokens are added to texts. The format has no room for a piece
    that is spelled like a special token; a warning says how many pieces are lost.

    Raises:
        OSError: if the file cannot be written. An older file of that name then stays as it is.
        ModelError: if the format cannot represent the model.
    """
    write_atomically(path, [to_json(model).encode()])


def save_pretrained_files(
    model: Model, directory: str | os.PathLike[str], settings: Mapping[str, Any] | None = None
) -> None:
    """Write tokenizer.json and tokenizer_config.json, from which `transformers` loads.

    Args:
        model: the model to write.
        directory: the directory for the files; it is made if it is missing.
        settings: further fields of tokenizer_config.json, such as a chat_template.

    Raises:
        OSError: if a file cannot be written.
        ModelError: if the format cannot represent the model.
        ArgumentError: if `model` is no model.
    """
    if not isinstance(model, Model):
        raise ArgumentError(
            f"model must be a Model, not a {type(model).__name__}; take tok.model of a tokenizer, "
            "and bytepiece.model_io.load(path) for a file"
        )
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **settings_of(model),
        **(settings or {}),
    }
    save(model, directory / "tokenizer.json")
    write_atomically(
        directory / "tokenizer_config.json",
        [json.dumps(config, ensure_ascii=False, indent=2).encode()],
    )


def settings_of(model: Model) -> dict[str, Any]:
    """Return the settings of a `PreTrainedTokenizerFast` that follow from the model."""
    names: dict[str, Any] = {"clean_up_tokenization_spaces": False}
    others = []
    for token in model.special_tokens:
        if token.role == "control":
            others.append(token.name)
        else:
            role = "unk" if token.role == "unknown" else token.role
            names[f"{role}_token"] = token.name
    if others:
        names["additional_special_tokens"] = others
    return names


def to_json(model: Model) -> str:
    """Return the text of a tokenizer.json.

    Raises:
        ModelError: if the format cannot represent the model.

    >>> import bytepiece
    >>> model = bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300)
    >>> file = json.loads(to_json(model))
    >>> file["model"]["type"], len(file["model"]["vocab"]) == model.vocab_size
    ('Unigram', True)
    """
    rules = model.rules
    head = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            _added(token) for token in sorted(model.special_tokens, key=lambda token: token.id)
        ],
    }
    if rules.unknown is not None:
        fields, entries = document_of(model)
        return with_vocabulary({**head, **fields}, entries)
    model.check_own("tokenizer.json")
    steps = [*({"type": form} for form in rules.normalization), BYTES, *LINES]
    steps += DIGITS[rules.digits]
    document: dict[str, Any] = {
        **head,
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "pre_tokenizer": SPLIT,
        "post_processor": None,
        "decoder": {
            "type": "ByteLevel",
            "add_prefix_space": False,
            "trim_offsets": False,
            "use_regex": False,
        },
        # Nothing is unknown. Without an unk_id the library refuses to sample. That is right: with
        # an alpha near 0, its samples would contain special tokens.
        "model": {
            "type": "Unigram",
            "unk_id": None,
            "vocab": [],
            "byte_fallback": False,
        },
    }
    return with_vocabulary(document, _vocabulary(model))


def with_vocabulary(document: Mapping[str, Any], vocabulary: Sequence[tuple[str, float]]) -> str:
    """Return the text of a tokenizer.json with a vocabulary in place of its empty list."""
    head, _, tail = json.dumps(document, ensure_ascii=False).partition('"vocab": []')
    entries = ", ".join(
        f"[{json.dumps(name, ensure_ascii=False)}, {spelled(score)}]" for name, score in vocabulary
    )
    return f'{head}"vocab": [{entries}]{tail}'


def _vocabulary(model: Model) -> list[tuple[str, float]]:
    """Return the name and the score of each id."""
    # Ids without a piece need a name. NUL is not in the alphabet, so no text contains these names.
    vocabulary = [(f"\0unused {id_}", NEVER) for id_ in range(model.vocab_size)]
    names = {token.name for token in model.special_tokens}
    if clash := [name for name in names if "\0" in name]:
        raise ModelError(f"the special token {clash[0]!r:.60} has a NUL in its name; rename it")
    for token in model.special_tokens:
        vocabulary[token.id] = (token.name, NEVER)
    chars = dict(enumerate(alphabet()))
    lost = 0
    for id_, piece, score in zip(
        model.ids.tolist(), model.pieces, rounded(model.scores).tolist(), strict=True
    ):
        name = piece.decode("latin-1").translate(chars)
        if name not in names:
            vocabulary[id_] = (name, score)
        elif len(piece) > 1:
            lost += 1
        else:
            raise ModelError(
                f"the special token {name!r} is spelled like the byte {piece[0]:#04x}, and "
                "tokenizer.json has no room for both; rename it"
            )
    if lost:
        warnings.warn(
            f"Hugging Face tokenizers cannot have {lost} pieces beside special tokens that are "
            "spelled alike; left unused",
            stacklevel=4,
        )
    return vocabulary


def _added(token: SpecialToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "content": token.name,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
