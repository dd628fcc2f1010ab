"""This library, behind the same interface as the others."""

from collections.abc import Sequence
from typing import Any

from bytepiece.audit.adapters.base import Adapter, Run, timed
from bytepiece.model import Model
from bytepiece.tokenizer import Tokenizer


class Ours(Adapter):
    """Perfect sampling, with a fresh seed for every call."""

    name = "bytepiece"
    module = "bytepiece"
    distribution = "bytepiece"

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    @classmethod
    def from_model(cls, model: Model) -> "Ours":
        """As in the base class."""
        return cls(Tokenizer(model))

    def encode_batch(self, texts: Sequence[str]) -> Run:
        """As in the base class."""
        return timed(lambda: self._tokenizer.encode_batch(texts))

    def sample_batch(self, texts: Sequence[str], alpha: float) -> Run:
        """As in the base class."""
        return timed(lambda: self._tokenizer.encode_batch(texts, alpha=alpha))

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> Run:
        """As in the base class."""
        encode = self._tokenizer.encode
        return timed(lambda: [encode(text, alpha=alpha) for text in texts])

    def pieces(self, result: Any) -> list[list[bytes]]:
        """As in the base class."""
        piece = self._tokenizer.id_to_piece
        return [[bytes(piece(int(id_))) for id_ in row] for row in result]  # type: ignore[arg-type]
