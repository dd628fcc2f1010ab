"""Models for the comparisons, trained once and kept in benchmarks/.models."""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bytepiece
from benchmarks.peers import training
from benchmarks.support import ROOT
from bytepiece import model_io
from bytepiece.adapters.base import NotPossibleError

_KEPT = ROOT / "benchmarks" / ".models"


def bnlm(lines: Sequence[str], size: int, normalization: tuple[str, ...] = ()) -> Path:
    """Return the path of our BNLM model of at most `size` ids.

    With the normalization ("NFC",) the original library can load it.
    """

    def train(path: Path) -> None:
        model = bytepiece.train(lines, size, algorithm="bnlm", normalization=normalization)
        model_io.save(model, path)

    return _made(lines, f"bnlm-{'-'.join(normalization)}{size}.model", train)


def sentencepiece(
    lines: Sequence[str], size: int, kind: str, name: str = "", **options: Any
) -> Path:
    """Return the path of a model that SentencePiece trained.

    Args:
        lines: the text to train on.
        size: the number of pieces.
        kind: "unigram" or "bpe".
        name: what the options are called in the file's name.
        options: other options of SentencePiece's trainer.

    Raises:
        NotPossibleError: if the text is too small for `size` pieces.
    """

    def train(path: Path) -> None:
        try:
            training.sentencepiece(lines, size, path, kind, **options)
        except RuntimeError as error:  # the text is too small for `size` pieces
            raise NotPossibleError(str(error).rpartition("] ")[2]) from None

    return _made(lines, f"sentencepiece-{kind}-{name}{size}.model", train)


def byte_level_bpe(lines: Sequence[str], size: int) -> Path:
    """Return the path of Hugging Face's byte-level BPE, a tokenizer.json."""

    def train(path: Path) -> None:
        training.byte_level_bpe(lines, size, path)

    return _made(lines, f"byte-level-bpe-{size}.json", train)


def _made(lines: Sequence[str], name: str, train: Callable[[Path], None]) -> Path:
    """Return the path of the model of these lines and this name; train it if it is missing."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8", "surrogatepass") + b"\n")
    path = _KEPT / f"{digest.hexdigest()[:16]}-{name}"
    if not path.exists():
        _KEPT.mkdir(exist_ok=True)
        unfinished = path.with_name(f"unfinished-{path.name}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train(unfinished)
        unfinished.replace(path)
    return path
