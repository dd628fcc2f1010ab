"""The library tiktoken: byte-level BPE, with the ranks of Hugging Face's tokenizer.json."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bytepiece.adapters.base import Adapter, TimedResult, timed
from bytepiece.adapters.huggingface import alphabet

_WORD_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
"""The pattern by which GPT-2 and the ByteLevel pre-tokenizer cut a text into words."""


class Tiktoken(Adapter):
    """One call of tiktoken's `encode_ordinary` for each text.

    Its batch call is not measured, because it gives each text to a thread.
    """

    name = "tiktoken"
    module = "tiktoken"
    distribution = "tiktoken"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Load a tokenizer.json of a byte-level BPE; its ids are in the order of its merges."""
        import tiktoken  # noqa: PLC0415

        vocabulary = json.loads(Path(path).read_text("utf-8"))["model"]["vocab"]
        byte = {char: number for number, char in enumerate(alphabet())}
        ranks = {bytes(byte[char] for char in piece): id_ for piece, id_ in vocabulary.items()}
        self._encoding = tiktoken.Encoding(
            "benchmark", pat_str=_WORD_PATTERN, mergeable_ranks=ranks, special_tokens={}
        )

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """Encode each text in a call of its own, like the base class."""
        if alpha is not None:
            return self.sample_batch(texts, alpha)
        encode = self._encoding.encode_ordinary
        return timed(lambda: [encode(text) for text in texts])

    def decode_texts(self, result: Any) -> TimedResult:
        """Decode each text in a call of its own; the batch call uses threads and is slower."""
        decode = self._encoding.decode
        return timed(lambda: [decode(row) for row in result])

    def pieces(self, result: Any) -> list[list[bytes]]:
        """Return the pieces of each row of ids, like the base class."""
        return [self._encoding.decode_tokens_bytes(row) for row in result]
