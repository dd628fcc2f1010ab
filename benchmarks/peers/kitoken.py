"""The library kitoken, which loads SentencePiece's and Hugging Face's files."""

import logging
import os
from collections.abc import Sequence
from typing import Any

from bytepiece.adapters.base import Adapter, TimedResult, timed
from bytepiece.adapters.sentencepiece import exported
from bytepiece.model import Model


class Kitoken(Adapter):
    """kitoken's `encode_all`, which runs on one thread.

    With a Unigram model, version 0.11.1 returns the bytes of a character without a piece in the
    wrong order. The pieces then do not join to the text, but the work is the same.
    """

    name = "kitoken"
    module = "kitoken"
    distribution = "kitoken"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Load Hugging Face's file if its name ends in .json, otherwise SentencePiece's."""
        import kitoken  # noqa: PLC0415

        logging.getLogger("kitoken").setLevel(logging.ERROR)  # it warns once for each unused piece
        if os.fspath(path).endswith(".json"):
            self._tokenizer = kitoken.Kitoken.from_tokenizers_file(os.fspath(path))
        else:
            self._tokenizer = kitoken.Kitoken.from_sentencepiece_file(os.fspath(path))

    @classmethod
    def from_model(cls, model: Model) -> "Kitoken":
        """Load a model by way of SentencePiece's format, like the base class."""
        return exported(model, cls)

    def encode_batch(self, texts: Sequence[str]) -> TimedResult:
        """Encode texts in one call, like the base class."""
        return timed(lambda: self._tokenizer.encode_all(texts))

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """Encode each text in a call of its own, like the base class."""
        if alpha is not None:
            return self.sample_batch(texts, alpha)
        encode = self._tokenizer.encode
        return timed(lambda: [encode(text) for text in texts])

    def pieces(self, result: Any) -> list[list[bytes]]:
        """Return the pieces of each row of ids, like the base class."""
        return [[bytes(self._tokenizer.decode([id_])) for id_ in row] for row in result]
