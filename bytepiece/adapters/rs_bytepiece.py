"""The adapter of rs_bytepiece, a port of the original library to Rust."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bytepiece.adapters.base import Adapter, TimedResult, timed
from bytepiece.adapters.original_library import save
from bytepiece.model import Model


class RsBytepiece(Adapter):
    """Calls `encode` once per text, because the library has no batch call."""

    name = "rs_bytepiece"
    module = "rs_bytepiece"
    distribution = "rs_bytepiece"

    def __init__(self, tokenizer: Any, pieces: dict[int, bytes]) -> None:
        self._tokenizer = tokenizer
        self._pieces = pieces

    @classmethod
    def from_model(cls, model: Model) -> "RsBytepiece":
        """As in the base class. The original format must be able to hold the model."""
        import rs_bytepiece  # noqa: PLC0415

        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "original.model"
            pieces = save(model, path)
            tokenizer = rs_bytepiece.Tokenizer(str(path))
        return cls(tokenizer, pieces)

    def sample_batch(self, texts: Sequence[str], alpha: float) -> TimedResult:
        """As in the base class."""
        return self.encode_each(texts, alpha)

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """As in the base class."""
        encode = self._tokenizer.encode
        if alpha is None:
            return timed(lambda: [encode(text) for text in texts])
        return timed(lambda: [encode(text, alpha=alpha) for text in texts])

    def piece(self, id_: int) -> bytes:
        """As in the base class."""
        return self._pieces.get(id_, b"")
