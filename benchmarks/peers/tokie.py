"""The library tokie, with a byte-level BPE. With Unigram models it cuts Chinese to bytes."""

import os
from collections.abc import Sequence
from typing import Any

from bytepiece.adapters.base import Adapter, TimedResult, timed


class Tokie(Adapter):
    """One call of tokie's `encode` for each text.

    Its batch calls use all cores. If the operating system keeps them to one core, they are not
    faster than single calls. It caches words from text to text.
    """

    name = "tokie"
    module = "tokie"
    distribution = "tokie"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Load Hugging Face's tokenizer.json."""
        import tokie  # noqa: PLC0415

        self._tokenizer = tokie.Tokenizer.from_json(os.fspath(path))

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """Encode each text in a call of its own, like the base class."""
        if alpha is not None:
            return self.sample_batch(texts, alpha)
        encode = self._tokenizer.encode
        return timed(lambda: [encode(text, False) for text in texts])

    def pieces(self, result: Any) -> list[list[bytes]]:
        """Return the pieces of each row of ids, like the base class."""
        return [[self._tokenizer.decode_bytes([id_]) for id_ in row.ids] for row in result]
