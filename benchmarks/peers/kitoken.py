"""kitoken, with a model file of SentencePiece or a tokenizer.json of Hugging Face."""

import logging
import os
from collections.abc import Sequence
from typing import Any

from bytepiece.adapters.base import Adapter, TimedResult, timed
from bytepiece.adapters.sentencepiece import exported
from bytepiece.model import Model


class Kitoken(Adapter):
    """`encode_all`, which is one thread.

    With a Unigram model it gives the bytes of a character that has no piece in the wrong order
    (0.11.1), so the pieces do not always join to the text; the work is the same.
    """

    name = "kitoken"
    module = "kitoken"
    distribution = "kitoken"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """With a file that ends in .model, SentencePiece's, or in .json, Hugging Face's."""
        import kitoken  # noqa: PLC0415

        logging.getLogger("kitoken").setLevel(logging.ERROR)  # one warning for each unused piece
        if os.fspath(path).endswith(".json"):
            self._tokenizer = kitoken.Kitoken.from_tokenizers_file(os.fspath(path))
        else:
            self._tokenizer = kitoken.Kitoken.from_sentencepiece_file(os.fspath(path))

    @classmethod
    def from_model(cls, model: Model) -> "Kitoken":
        """As in the base class, by way of SentencePiece's format."""
        return exported(model, cls)

    def encode_batch(self, texts: Sequence[str]) -> TimedResult:
        """As in the base class."""
        return timed(lambda: self._tokenizer.encode_all(texts))

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """As in the base class."""
        if alpha is not None:
            return self.sample_batch(texts, alpha)
        encode = self._tokenizer.encode
        return timed(lambda: [encode(text) for text in texts])

    def pieces(self, result: Any) -> list[list[bytes]]:
        """As in the base class."""
        return [[bytes(self._tokenizer.decode([id_])) for id_ in row] for row in result]
