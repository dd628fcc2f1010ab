"""Reading a model file of any format; the file's content decides which format it is."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bytepiece.display import visible
from bytepiece.errors import BytepieceError, ModelError
from bytepiece.formats import (
    SourceFormat,
    bytepiece_file,
    from_huggingface,
    from_sentencepiece,
    from_tiktoken,
    original,
)
from bytepiece.formats import huggingface_numbers as numbers
from bytepiece.model import Model

MAX_FILE_SIZE = 1 << 28
"""Largest model file that is read, in bytes."""
_NAMES = "bytepiece.model", "tokenizer.json", "spiece.model", "sentencepiece.bpe.model"
"""The usual names of model files in the folder of a language model."""
_LONGEST_MESSAGE = 900
"""Most characters of a message about a file."""
_NO_MODEL = (
    "is not a model of this library, the original one, SentencePiece, Hugging Face, tiktoken or "
    "Mistral; unpack an archive first"
)


def load(path: str | os.PathLike[str], pattern: str | None = None) -> Model:
    """Read a model file of this library or of another one.

    Files of the original library, SentencePiece (`.model`) and Hugging Face (`tokenizer.json`) can
    be read if they hold a Unigram or a BPE model; also tiktoken's ranks and Mistral's tekken.json.

    Args:
        path: the file; its content decides which format it is.
        pattern: for tiktoken's ranks, the name of the pattern that cuts a text into words ("gpt2",
            "cl100k", "o200k" or "qwen2"), or the pattern itself. OpenAI's own files need none.

    Raises:
        OSError: if the file cannot be read.
        ModelError: if it does not hold a valid model; the message begins with the path.
    """
    return load_with_format(path, pattern)[0]


def load_with_format(
    path: str | os.PathLike[str], pattern: str | None = None
) -> tuple[Model, SourceFormat]:
    """Read a model file like `load`; return the model and the file's format.

    The formats are "bytepiece", "original", "sentencepiece", "huggingface", "tiktoken" and
    "tekken".
    """
    path = Path(path)
    try:
        content = read_content(path)
        is_json = not (from_sentencepiece.looks_like(content) or from_tiktoken.looks_like(content))
        document = _parse(content) if is_json else None
        kind = format_of(content, document)
        if pattern is not None and kind != "tiktoken":
            raise ModelError(f"is a {kind} file, which has its own pattern; leave the pattern out")
        return _model(content, document, kind, pattern), kind
    except BytepieceError as error:
        # Names from the file may hold line ends, or codes that a terminal obeys.
        raise ModelError(f"{path}: {visible(str(error), _LONGEST_MESSAGE)}") from None


def read_content(path: Path) -> bytes:
    """Return the bytes of a model file.

    Raises:
        OSError: if the file cannot be read.
        ModelError: if it is empty, too large or a folder; the message does not name the file.
    """
    if path.is_dir():
        known = [path / name for name in _NAMES if (path / name).is_file()]
        named = f"name {known[0]}" if known else "name the file of the model in it"
        raise ModelError(f"is a folder; {named}")
    with path.open("rb") as file:
        content = file.read(MAX_FILE_SIZE + 1)
    if len(content) > MAX_FILE_SIZE:
        raise ModelError(
            f"is larger than {MAX_FILE_SIZE >> 20} MiB, the most a model file may have"
        )
    if not content.strip():
        raise ModelError("is empty, not a model")
    return content


def format_of(content: bytes, document: Mapping[str, Any] | None) -> SourceFormat:
    """Return the format of a model file. Whether it holds a valid model is not checked.

    Args:
        content: the bytes of the file.
        document: the JSON object in these bytes, or None if they are not JSON.

    Raises:
        ModelError: if the file has none of the formats.
    """
    if document is None:
        if from_sentencepiece.looks_like(content):
            return "sentencepiece"
        if from_tiktoken.looks_like(content):
            return "tiktoken"
    elif document.get("format") == "bytepiece":
        return "bytepiece"
    elif from_huggingface.looks_like(document):
        return "huggingface"
    elif from_tiktoken.looks_like_tekken(document):
        return "tekken"
    elif original.looks_like(document):
        return "original"
    else:
        raise ModelError('is JSON of another kind: no "format": "bytepiece" and no "model" in it')
    raise ModelError(_NO_MODEL)


def _model(
    content: bytes, document: dict[str, Any] | None, kind: SourceFormat, pattern: str | None
) -> Model:
    if kind == "tiktoken":
        return from_tiktoken.from_bytes(content, pattern)
    if document is None:
        return from_sentencepiece.from_bytes(content)
    if kind == "tekken":
        return from_tiktoken.from_tekken(document)
    if kind == "bytepiece":
        return bytepiece_file.from_document(document)
    if kind == "huggingface":
        if not from_huggingface.has_scores(document):
            return from_huggingface.from_document(document)
        # The content is parsed again, because Hugging Face's reader rounds numbers in its own way.
        return from_huggingface.from_document(json.loads(content, parse_float=numbers.read))
    if kind == "original":
        return original.from_dict(document)
    raise NotImplementedError(f"no function reads the format {kind!r}")


def _parse(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content, object_pairs_hook=_distinct, parse_constant=_no_constant)
    except RecursionError:
        raise ModelError("is not a model: its JSON is nested too deep") from None
    except UnicodeDecodeError:
        raise ModelError(_NO_MODEL) from None
    except ValueError as error:
        raise ModelError(f"is not a model, or not a whole one: {error}") from None
    if not isinstance(document, dict) or not document:
        raise ModelError("is not a model: its JSON is not an object with fields")
    return document


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's fields; raise ModelError if a name occurs twice."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ModelError(f"{twice!r:.60} occurs twice in one object")
    return fields


def _no_constant(name: str) -> float:
    """Refuse NaN and the infinities, which are not JSON."""
    raise ModelError(f"{name} is not a number a model may hold")
