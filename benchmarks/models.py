"""The vocabularies that are compared, trained once and kept in benchmarks/.models."""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import bytepiece
from benchmarks.peers import training
from bytepiece import model_io
from bytepiece.adapters.base import NotPossibleError

_KEPT = Path(__file__).parent / ".models"


def bnlm(lines: Sequence[str], size: int, normalization: tuple[str, ...] = ()) -> Path:
    """A model of ours, of at most `size` ids; with ("NFC",) the original library can load it."""

    def train(path: Path) -> None:
        model = bytepiece.train(lines, size, algorithm="bnlm", normalization=normalization)
        model_io.save(model, path)

    return _made(lines, f"bnlm-{'-'.join(normalization)}{size}.model", train)


def sentencepiece(lines: Sequence[str], size: int, kind: str) -> Path:
    """SentencePiece's "unigram" or "bpe", its defaults but for what would change the text."""

    def train(path: Path) -> None:
        try:
            training.sentencepiece(lines, size, path, kind)
        except RuntimeError as error:  # the corpus is too small for so many pieces
            raise NotPossibleError(str(error).rpartition("] ")[2]) from None

    return _made(lines, f"sentencepiece-{kind}-{size}.model", train)


def byte_level_bpe(lines: Sequence[str], size: int) -> Path:
    """Hugging Face's byte-level BPE, as a tokenizer.json."""

    def train(path: Path) -> None:
        training.byte_level_bpe(lines, size, path)

    return _made(lines, f"byte-level-bpe-{size}.json", train)


def _made(lines: Sequence[str], name: str, train: Callable[[Path], None]) -> Path:
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
