"""This library, behind the same interface as the others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import bytepiece
from bytepiece.adapters.base import Adapter, Run, timed
from bytepiece.encoding.encoded import Encoded
from bytepiece.model import Model
from bytepiece.tokenizer import Tokenizer

_SAMPLES = 32
"""Of each document: some, which share work, of many documents, for both are to be independent."""


class Ours(Adapter):
    """Perfect sampling or another one of ours, with a fresh seed for every call unless told one.

    Args:
        sampling: arguments for `encode_batch`, such as the sampler.
    """

    name = "bytepiece"
    module = "bytepiece"
    distribution = "bytepiece"

    def __init__(self, tokenizer: Tokenizer, **sampling: Any) -> None:
        self._tokenizer = tokenizer
        self._sampling = sampling

    @classmethod
    def version(cls) -> str:
        """As in the base class; of what runs here, whatever is installed."""
        return bytepiece.__version__

    @classmethod
    def from_model(cls, model: Model, **sampling: Any) -> "Ours":
        """As in the base class."""
        return cls(Tokenizer(model), **sampling)

    def encode_batch(self, texts: Sequence[str]) -> Run:
        """As in the base class."""
        return timed(lambda: self._tokenizer.encode_batch(texts))

    def sample_batch(self, texts: Sequence[str], alpha: float) -> Run:
        """As in the base class."""
        encode = self._tokenizer.encode_batch
        return timed(lambda: encode(texts, alpha=alpha, **self._sampling))

    def sample(self, text: str, alpha: float, count: int, seed: int) -> Run:
        """As in the base class: documents 0, 1, …, with some samples of each."""
        documents = -(-count // _SAMPLES)
        encode = self._tokenizer.encode_batch
        run = timed(
            lambda: encode(
                [text] * documents, alpha=alpha, seed=seed, samples=_SAMPLES, **self._sampling
            )
        )
        rows: Encoded = run.result
        offsets = rows.offsets[: count + 1]
        return run._replace(result=Encoded(rows.ids[: offsets[-1]], offsets))

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> Run:
        """As in the base class."""
        encode = self._tokenizer.encode
        return timed(lambda: [encode(text, alpha=alpha, **self._sampling) for text in texts])

    def rows(self, result: Any) -> Sequence[Sequence[int]]:
        """As in the base class."""
        return [list(map(int, row)) for row in result]

    def flat(self, result: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """As in the base class."""
        rows: Encoded = result
        return rows.ids.astype(np.int64), np.diff(rows.offsets)

    def piece(self, id_: int) -> bytes:
        """As in the base class."""
        return self._tokenizer.decode_bytes([id_])

    def vocabulary(self) -> Sequence[bytes]:
        """As in the base class."""
        model = self._tokenizer.model
        pieces = [b""] * model.vocab_size
        for id_, piece in zip(model.ids.tolist(), model.pieces, strict=True):
            pieces[id_] = piece
        return pieces

    def decode_batch(self, result: Any) -> list[bytes]:
        """As in the base class."""
        return list(map(self._tokenizer.decode_bytes, result))

    def come_out(self) -> list[bool] | None:
        """As in the base class."""
        model = self._tokenizer.model
        if model.rules.library is not None:  # by itself a piece would become another text
            return None
        rows = self._tokenizer.encode_batch(model.pieces)
        alone = np.diff(rows.offsets) == 1
        alone[alone] = rows.ids[rows.offsets[:-1][alone]] == model.ids[alone]
        out = np.ones(model.vocab_size, dtype=np.bool_)
        out[model.ids] = alone
        return [bool(one) for one in out]
