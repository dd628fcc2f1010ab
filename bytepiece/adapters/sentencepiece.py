"""The adapter of SentencePiece: an exported model of this library, or a .model file."""

import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bytepiece.adapters.base import Adapter, TimedResult, timed
from bytepiece.formats import from_sentencepiece, to_sentencepiece
from bytepiece.model import Model

A = TypeVar("A", bound=Adapter)


def exported(model: Model, load: Callable[[Path], A], lite: bool = False) -> A:
    """Write a model in SentencePiece's format and return the adapter that loads the file.

    Args:
        model: a model of this library.
        load: returns the adapter with a file.
        lite: whether SentencePiece's Lite runtime must be able to read the file.

    Returns:
        The adapter. Its `note` says which parts of the model the file cannot hold.
    """
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = Path(name) / "export.model"
        to_sentencepiece.save(model, path, lite)
        adapter = load(path)
    adapter.note = "; ".join(str(warning.message) for warning in caught)
    return adapter


class SentencePiece(Adapter):
    """Makes the library's batch call with one thread. The library has no cache.

    It samples from the whole lattice, or from the `nbest_size` best paths. It returns lists of ids,
    because its other form, one NumPy array per text, takes as long.
    """

    name = "SentencePiece"
    module = "sentencepiece"
    distribution = "sentencepiece"

    def __init__(self, path: str | os.PathLike[str], nbest_size: int = -1) -> None:
        import sentencepiece  # noqa: PLC0415

        self._processor: Any = sentencepiece.SentencePieceProcessor(model_file=os.fspath(path))
        self._nbest_size = nbest_size

    @classmethod
    def from_model(cls, model: Model, nbest_size: int = -1) -> "SentencePiece":
        """As in the base class. `note` says how many pieces SentencePiece cannot represent."""
        return exported(model, lambda path: cls(path, nbest_size))

    def encode_batch(self, texts: Sequence[str]) -> TimedResult:
        """As in the base class."""
        return timed(lambda: self._processor.encode(list(texts), num_threads=1))

    def sample_batch(self, texts: Sequence[str], alpha: float) -> TimedResult:
        """As in the base class."""
        sampling = self._sampling(alpha)
        return timed(lambda: self._processor.encode(list(texts), num_threads=1, **sampling))

    def sample(self, text: str, alpha: float, count: int, seed: int) -> TimedResult:
        """As in the base class.

        The library's seed applies to threads that start later, and each batch call starts a new
        thread. Two calls with the same seed therefore draw the same samples.
        """
        import sentencepiece  # noqa: PLC0415

        sentencepiece.set_random_generator_seed(seed % 2**32)
        return self.sample_batch([text] * count, alpha)

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """As in the base class."""
        encode = self._processor.encode
        if alpha is None:
            return timed(lambda: [encode(text) for text in texts])
        sampling = self._sampling(alpha)
        return timed(lambda: [encode(text, **sampling) for text in texts])

    def _sampling(self, alpha: float) -> dict[str, Any]:
        return {"enable_sampling": True, "nbest_size": self._nbest_size, "alpha": alpha}

    def piece(self, id_: int) -> bytes:
        """As in the base class. A U+2581 in a text also becomes a space."""
        processor = self._processor
        if processor.is_control(id_) or processor.is_unknown(id_) or processor.is_unused(id_):
            return b""
        spelled: str = processor.id_to_piece(id_)
        if processor.is_byte(id_):
            return bytes([int(spelled[3:5], 16)])
        return spelled.replace("\u2581", " ").encode()

    @property
    def algorithm(self) -> str:
        """The kind of model: "Unigram", "BPE", "word" or "character"."""
        return from_sentencepiece.algorithm(self._processor.serialized_model_proto())

    def vocabulary(self) -> Sequence[bytes]:
        """As in the base class."""
        return list(map(self.piece, range(self._processor.piece_size())))

    def decode_batch(self, result: Any) -> list[bytes]:
        """As in the base class."""
        texts: list[str] = self._processor.decode(result) if result else []
        return [text.encode() for text in texts]

    def decode_texts(self, result: Any) -> TimedResult:
        """As in the base class."""
        return timed(lambda: self._processor.decode(result, num_threads=1))

    def reachable(self) -> list[bool] | None:
        """As in the base class, without the space that some models put before every text."""
        import sentencepiece  # noqa: PLC0415

        if self.algorithm not in ("Unigram", "BPE"):
            return None
        processor = sentencepiece.SentencePieceProcessor(
            model_proto=from_sentencepiece.with_spaces_kept(
                self._processor.serialized_model_proto()
            )
        )
        texts = []
        for piece in self.vocabulary():
            try:
                texts.append(piece.decode())
            except UnicodeDecodeError:  # a part of a character
                texts.append("")
        rows = processor.encode(texts, num_threads=1)
        pairs = enumerate(zip(texts, rows, strict=True))
        return [not text or row == [id_] for id_, (text, row) in pairs]
