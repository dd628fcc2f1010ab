"""Model files: a versioned, readable JSON; read with suspicion, written atomically.

    {"format": "bytepiece", "version": 1,
     "normalization": [], "isolate_digits": false, "segment": "line", "unknown": null,
     "special_tokens": [{"name": "<pad>", "id": 0, "role": "pad"}, …],
     "record": {…},
     "ids": [3, …],
     "scores": [-5.125, …],
     "counts": [49252905, …],                 null where the trainer does not count
     "pieces": ["text", {"hex": "e4bb"}, …]}  hex for a piece that is not valid UTF-8

Four columns side by side, and not a row for each piece: they load in half the time. A table for
human eyes is what `save_vocab` writes. A model that needs it has two fields more, and version 2:

     "aliases": [[3, "text"], …],
     "library": {"name": "sentencepiece", …}

The files of the original library, SentencePiece and Hugging Face are recognized by their content
and read as well.
"""

import json
import os
from pathlib import Path
from typing import Any

from bytepiece.errors import BytepieceError, ModelError
from bytepiece.formats import bytepiece_file, from_huggingface, from_sentencepiece, original
from bytepiece.formats import huggingface_numbers as numbers
from bytepiece.model import Model

MAX_FILE_SIZE = 1 << 28
"""Largest model file that is read, in bytes."""


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model file of this library, the original one, SentencePiece or Hugging Face.

    The latter two, `.model` and `tokenizer.json`, are read where they hold a Unigram model.

    Args:
        path: the file; its content decides which format it is.

    Raises:
        OSError: the file cannot be read.
        ModelError: it does not hold a valid model; the message begins with the path.
    """
    return load_with_format(path)[0]


def load_with_format(path: str | os.PathLike[str]) -> tuple[Model, str]:
    """As `load`; and the format: "bytepiece", "original", "sentencepiece" or "huggingface"."""
    path = Path(path)
    try:
        content = _read(path)
        if from_sentencepiece.looks_like(content):
            return from_sentencepiece.from_bytes(content), "sentencepiece"
        return _parse(content)
    except BytepieceError as error:
        raise ModelError(f"{path}: {error}") from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_FILE_SIZE + 1)
    if len(content) > MAX_FILE_SIZE:
        raise ModelError(
            f"is larger than {MAX_FILE_SIZE >> 20} MiB, the most a model file may have"
        )
    if not content.strip():
        raise ModelError("is empty, not a model")
    return content


def _parse(content: bytes) -> tuple[Model, str]:
    try:
        document = json.loads(content, object_pairs_hook=_distinct, parse_constant=_no_constant)
    except RecursionError:
        raise ModelError("is not a model: its JSON is nested too deep") from None
    except UnicodeDecodeError:
        raise ModelError(
            "is not a model of this library, the original one, SentencePiece or Hugging Face"
        ) from None
    except ValueError as error:
        raise ModelError(f"is not a model, or not a whole one: {error}") from None
    if not isinstance(document, dict) or not document:
        raise ModelError("is not a model: its JSON is not an object with fields")
    if document.get("format") == "bytepiece":
        return bytepiece_file.from_document(document), "bytepiece"
    if from_huggingface.looks_like(document):
        # Again, for its scores are the numbers that its own reader makes of them.
        document = json.loads(content, parse_float=numbers.read)
        return from_huggingface.from_document(document), "huggingface"
    if all(isinstance(entry, list) and len(entry) == 3 for entry in document.values()):
        return original.from_dict(document), "original"
    raise ModelError('is JSON of another kind: no "format": "bytepiece" and no "model" in it')


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ModelError(f"{twice!r:.60} occurs twice in one object")
    return fields


def _no_constant(name: str) -> float:
    raise ModelError(f"{name} is not a number a model may hold")
