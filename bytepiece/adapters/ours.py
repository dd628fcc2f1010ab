"""The adapter of this library."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import bytepiece
from bytepiece.adapters.base import Adapter, TimedResult, timed
from bytepiece.encoding.encoded import Encoded
from bytepiece.model import Model
from bytepiece.tokenizer import Tokenizer

_SAMPLES = 32
"""Samples per document. The samples of one document share work. An audit tests that samples are
independent within a document and between documents, so it needs many documents as well."""


class Ours(Adapter):
    """Encodes and samples with a `Tokenizer`; calls without a seed get a fresh one each time.

    Args:
        tokenizer: the tokenizer.
        sampling: arguments for `encode_batch`, such as `sampler`; without them, it draws by
            perfect sampling.
    """

    name = "bytepiece"
    module = "bytepiece"
    distribution = "bytepiece"

    def __init__(self, tokenizer: Tokenizer, **sampling: Any) -> None:
        self._tokenizer = tokenizer
        self._sampling = sampling
        roles = {token.role: token.id for token in tokenizer.model.special_tokens}
        self._unknown = roles.get("unknown")

    @classmethod
    def version(cls) -> str:
        """As in the base class: the version that runs here, whichever version is installed."""
        return bytepiece.__version__

    @classmethod
    def from_model(cls, model: Model, **sampling: Any) -> "Ours":
        """As in the base class."""
        return cls(Tokenizer(model), **sampling)

    def encode_batch(self, texts: Sequence[str]) -> TimedResult:
        """As in the base class."""
        return timed(lambda: self._tokenizer.encode_batch(texts))

    def sample_batch(self, texts: Sequence[str], alpha: float) -> TimedResult:
        """As in the base class."""
        encode = self._tokenizer.encode_batch
        return timed(lambda: encode(texts, alpha=alpha, **self._sampling))

    def sample(self, text: str, alpha: float, count: int, seed: int) -> TimedResult:
        """As in the base class. The text is encoded as documents 0, 1, …, with samples of each."""
        documents = -(-count // _SAMPLES)
        encode = self._tokenizer.encode_batch
        timed_result = timed(
            lambda: encode(
                [text] * documents, alpha=alpha, seed=seed, samples=_SAMPLES, **self._sampling
            )
        )
        rows: Encoded = timed_result.result
        offsets = rows.offsets[: count + 1]
        return timed_result._replace(result=Encoded(rows.ids[: offsets[-1]], offsets))

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
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
        if id_ == self._unknown:
            return b""
        return self._tokenizer.vocabulary.bytes_of[id_]

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

    def decode_texts(self, result: Any) -> TimedResult:
        """As in the base class."""
        return timed(lambda: self._tokenizer.decode_batch(result))

    def reachable(self) -> list[bool] | None:
        """As in the base class."""
        model = self._tokenizer.model
        if model.rules.library is not None:  # foreign rules may change a piece
            return None
        rows = self._tokenizer.encode_batch(model.pieces)
        same = np.diff(rows.offsets) == 1
        same[same] = rows.ids[rows.offsets[:-1][same]] == model.ids[same]
        reachable = np.ones(model.vocab_size, dtype=np.bool_)
        reachable[model.ids] = same
        return [bool(entry) for entry in reachable]
