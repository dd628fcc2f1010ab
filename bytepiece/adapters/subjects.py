"""The models to compare: ours and others, told apart by what is in their files."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bytepiece import model_io
from bytepiece.adapters.base import Adapter
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.sentencepiece import SentencePiece
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.formats.reading import MAX_FILE_SIZE
from bytepiece.model import Model
from bytepiece.tokenizer import Tokenizer

Source = str | os.PathLike[str] | Model | Tokenizer
"""A model, or the path of a file that holds one."""

A = TypeVar("A", bound=Adapter)


@dataclass(frozen=True)
class Subject:
    """A model and the library that encodes with it.

    Args:
        name: what tables call it.
        format: of its file: "bytepiece", "original", "SentencePiece" or "Hugging Face".
        algorithm: how it segments: "Unigram", "BPE", "WordPiece", …
        adapter: the library.
        over_bytes: it takes any bytes; others take text.
    """

    name: str
    format: str
    algorithm: str
    adapter: Adapter
    over_bytes: bool = False


def subjects(models: Iterable[Source] | Mapping[str, Source]) -> list[Subject]:
    """Load models.

    Args:
        models: a list, or names with models.

    Raises:
        OSError: a file cannot be read.
        ModelError: a file holds no model that is known, or its library is not installed.
        ArgumentError: `models` is something else.
    """
    if isinstance(models, (str, bytes, os.PathLike, Model, Tokenizer)):
        raise ArgumentError("models must be a list of models or paths, or a dict of them by name")
    if isinstance(models, Mapping):
        named = list(models.items())
    else:
        sources = list(models)
        named = list(zip(_names(sources), sources, strict=True))
    if not named:
        raise ArgumentError("there is no model to evaluate; name at least one")
    return [_subject(name, source) for name, source in named]


def _names(sources: list[Source]) -> list[str]:
    """File names; paths where several files have the same one, and numbers for what is no file."""
    files = [Path(s).name for s in sources if isinstance(s, (str, os.PathLike))]
    names = []
    for number, source in enumerate(sources, 1):
        if not isinstance(source, (str, os.PathLike)):
            names.append(f"model {number}")
        elif files.count(Path(source).name) > 1:
            names.append(os.fspath(source))
        else:
            names.append(Path(source).name)
    return names


def _subject(name: str, source: Source) -> Subject:
    if isinstance(source, Model):
        source = Tokenizer(source)
    if isinstance(source, Tokenizer):
        return _ours(name, "bytepiece", source)
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentError(f"{type(source).__name__} is no model; give a path, Model or Tokenizer")
    path = Path(source)
    content = _read(path)
    if not content.strip():
        raise ModelError(f"{path}: the file is empty")
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return _sentencepiece(name, path)
    if isinstance(record.get("model"), dict):
        return _huggingface(name, path, content)
    model, kind = model_io.load_with_format(path)
    return _ours(name, kind, Tokenizer(model))


def _ours(name: str, format: str, tokenizer: Tokenizer) -> Subject:
    return Subject(name, format, "Unigram", Ours(tokenizer), over_bytes=True)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_FILE_SIZE + 1)
    if len(content) > MAX_FILE_SIZE:
        raise ModelError(f"{path}: above {MAX_FILE_SIZE} bytes; this is no model file")
    return content


def _sentencepiece(name: str, path: Path) -> Subject:
    _check_installed(SentencePiece, path, "a SentencePiece model")
    try:
        adapter = SentencePiece(path)
        algorithm = adapter.algorithm
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except (RuntimeError, LookupError):  # its message names a line of its source
        raise ModelError(
            f"{path}: holds no model of bytepiece, SentencePiece or Hugging Face (tokenizer.json)"
        ) from None
    return Subject(name, "SentencePiece", algorithm, adapter)


def _huggingface(name: str, path: Path, content: bytes) -> Subject:
    _check_installed(HuggingFace, path, "a Hugging Face tokenizer")
    try:
        adapter = HuggingFace.from_json(content.decode("utf-8-sig"))
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # when Rust panics, that is no Exception
        message = " ".join(str(error).split())
        raise ModelError(f"{path}: tokenizers cannot read it: {message:.200}") from None
    return Subject(name, "Hugging Face", adapter.algorithm, adapter)


def _check_installed(adapter: type[A], path: Path, what: str) -> None:
    if reason := adapter.missing():
        raise ModelError(f"{path} may hold {what}, and {adapter.name} is {reason}")
