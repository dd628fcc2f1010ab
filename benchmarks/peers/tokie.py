"""tokie, with a byte-level BPE. With Unigram models it cuts Chinese text to bytes."""

import os
from collections.abc import Sequence
from typing import Any

from bytepiece.adapters.base import Adapter, TimedResult, timed


class Tokie(Adapter):
    """One call of `encode` for each text.

    Its batch calls use every core there is; kept to one core by the operating system they are
    not faster than this. It remembers words from text to text.
    """

    name = "tokie"
    module = "tokie"
    distribution = "tokie"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """With a tokenizer.json of Hugging Face."""
        import tokie  # noqa: PLC0415

        self._tokenizer = tokie.Tokenizer.from_json(os.fspath(path))

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """As in the base class."""
        if alpha is not None:
            return self.sample_batch(texts, alpha)
        encode = self._tokenizer.encode
        return timed(lambda: [encode(text, False) for text in texts])

    def pieces(self, result: Any) -> list[list[bytes]]:
        """As in the base class."""
        return [[self._tokenizer.decode_bytes([id_]) for id_ in row.ids] for row in result]
