"""Loading models of this library and of others; the content of a file decides its format."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bytepiece.adapters.base import Adapter
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.sentencepiece import SentencePiece
from bytepiece.errors import ArgumentError, ModelError
from bytepiece.formats import from_tiktoken
from bytepiece.formats.reading import format_of, load_with_format, read_content
from bytepiece.model import Model
from bytepiece.tokenizer import Tokenizer

Source = str | os.PathLike[str] | Model | Tokenizer
"""A model, or the path of a file that holds one."""


@dataclass(frozen=True)
class LoadedModel:
    """A model, and the adapter of the library that encodes with it.

    Args:
        name: the model's name in tables.
        format: the format of its file: "bytepiece", "original", "SentencePiece" or "Hugging Face".
        algorithm: how it segments a text: "Unigram", "BPE", "WordPiece", …
        adapter: the library with the model.
        over_bytes: whether the library encodes any bytes; otherwise it encodes only text.
    """

    name: str
    format: str
    algorithm: str
    adapter: Adapter
    over_bytes: bool = False


def load_models(models: Iterable[Source] | Mapping[str, Source]) -> list[LoadedModel]:
    """Load models.

    Args:
        models: a list of models and paths, or a dict of them by name.

    Raises:
        OSError: if a file cannot be read.
        ModelError: if a file holds no model of a known format, or its library is not installed.
        ArgumentError: if `models` is something else, or empty.
    """
    return [load_model(name, source) for name, source in named_sources(models)]


def named_sources(
    models: Iterable[Source] | Mapping[str, Source],
) -> list[tuple[str, Source]]:
    """Return models with their names; see `load_models`.

    Raises:
        ArgumentError: if `models` is something else, or empty.
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
    return named


def _names(sources: list[Source]) -> list[str]:
    """Return a name for each model.

    A model from a file gets the file's name, or the whole path if several files have that name. A
    model without a file gets a number.
    """
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


def load_model(name: str, source: Source) -> LoadedModel:
    """Load a model; see `load_models`."""
    if isinstance(source, Model):
        source = Tokenizer(source)
    if isinstance(source, Tokenizer):
        return _ours(name, "bytepiece", source)
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentError(
            f"{type(source).__name__} is not a model; give a path, Model or Tokenizer"
        )
    path = Path(source)
    try:
        content = read_content(path)
        document = _json_object(content)
        # SentencePiece judges all other files: it also reads models that are not Unigram.
        unnamed = document is None and not from_tiktoken.looks_like(content)
        kind = "sentencepiece" if unnamed else format_of(content, document)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    if kind == "sentencepiece":
        return _sentencepiece(name, path)
    if kind == "huggingface":
        return _huggingface(name, path, content)
    model, kind = load_with_format(path)
    return _ours(name, kind, Tokenizer(model))


def _json_object(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object that a file holds; None if it holds something else."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _ours(name: str, format: str, tokenizer: Tokenizer) -> LoadedModel:
    algorithm = "Unigram" if tokenizer.model.merges is None else "BPE"
    return LoadedModel(name, format, algorithm, Ours(tokenizer), over_bytes=True)


def _sentencepiece(name: str, path: Path) -> LoadedModel:
    _check_installed(SentencePiece, path, "a SentencePiece model")
    try:
        adapter = SentencePiece(path)
        algorithm = adapter.algorithm
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except (RuntimeError, LookupError):
        # The error's own message is not shown, because it names a line of SentencePiece's source.
        raise ModelError(
            f"{path}: holds no model of bytepiece, SentencePiece or Hugging Face (tokenizer.json)"
        ) from None
    return LoadedModel(name, "SentencePiece", algorithm, adapter)


def _huggingface(name: str, path: Path, content: bytes) -> LoadedModel:
    _check_installed(HuggingFace, path, "a Hugging Face tokenizer")
    try:
        adapter = HuggingFace.from_json(content.decode("utf-8-sig"))
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # a panic in Rust is not an Exception
        message = " ".join(str(error).split())
        raise ModelError(f"{path}: tokenizers cannot read it: {message:.200}") from None
    return LoadedModel(name, "Hugging Face", adapter.algorithm, adapter)


def _check_installed(adapter: type[Adapter], path: Path, what: str) -> None:
    if reason := adapter.missing():
        raise ModelError(f"{path} may hold {what}, but {adapter.name} is {reason}")
