"""SentencePiece, with a model of ours exported to it or a .model file of its own."""

import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bytepiece.audit.adapters.base import Adapter, Run, timed
from bytepiece.formats import sentencepiece as file_format
from bytepiece.model import Model

A = TypeVar("A", bound=Adapter)


def exported(model: Model, load: Callable[[Path], A]) -> A:
    """What `load` makes of a model of ours in SentencePiece's format; `note` says what is lost."""
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        path = Path(name) / "export.model"
        file_format.save(model, path)
        made = load(path)
    made.note = "; ".join(str(warning.message) for warning in told)
    return made


def _sampling(alpha: float) -> dict[str, Any]:
    """Over the whole lattice."""
    return {"enable_sampling": True, "nbest_size": -1, "alpha": alpha}


class SentencePiece(Adapter):
    """The batch call with a pool of one thread; it has no cache.

    Sampling is over the whole lattice (`nbest_size=-1`). Lists of ids, for its NumPy arrays, one
    for each text, take as long.
    """

    name = "SentencePiece"
    module = "sentencepiece"
    distribution = "sentencepiece"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import sentencepiece  # noqa: PLC0415

        self._processor: Any = sentencepiece.SentencePieceProcessor(model_file=os.fspath(path))

    @classmethod
    def from_model(cls, model: Model) -> "SentencePiece":
        """As in the base class; `note` says how many pieces it cannot represent."""
        return exported(model, cls)

    def encode_batch(self, texts: Sequence[str]) -> Run:
        """As in the base class."""
        return timed(lambda: self._processor.encode(list(texts), num_threads=1))

    def sample_batch(self, texts: Sequence[str], alpha: float) -> Run:
        """As in the base class."""
        sampling = _sampling(alpha)
        return timed(lambda: self._processor.encode(list(texts), num_threads=1, **sampling))

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> Run:
        """As in the base class."""
        encode = self._processor.encode
        if alpha is None:
            return timed(lambda: [encode(text) for text in texts])
        sampling = _sampling(alpha)
        return timed(lambda: [encode(text, **sampling) for text in texts])

    def pieces(self, result: Any) -> list[list[bytes]]:
        """As in the base class; it shows U+2581 in a text as a space."""
        return [[self._piece(id_) for id_ in row] for row in result]

    def _piece(self, id_: int) -> bytes:
        spelled: str = self._processor.id_to_piece(id_)
        if self._processor.is_byte(id_):
            return bytes([int(spelled[3:5], 16)])
        return spelled.replace("\u2581", " ").encode()
