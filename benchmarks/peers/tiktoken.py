"""tiktoken: byte-level BPE, its ranks out of a tokenizer.json of Hugging Face."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bytepiece.adapters.base import Adapter, TimedResult, timed
from bytepiece.adapters.huggingface import alphabet

_WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
"""How GPT-2, and with it the ByteLevel pre-tokenizer, cuts a text into words."""


class Tiktoken(Adapter):
    """One call of `encode_ordinary` for each text: its batch call hands each to a thread."""

    name = "tiktoken"
    module = "tiktoken"
    distribution = "tiktoken"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """With a tokenizer.json of a byte-level BPE, whose ids are in the order of its merges."""
        import tiktoken  # noqa: PLC0415

        vocabulary = json.loads(Path(path).read_text("utf-8"))["model"]["vocab"]
        byte = {char: number for number, char in enumerate(alphabet())}
        ranks = {bytes(byte[char] for char in piece): id_ for piece, id_ in vocabulary.items()}
        self._encoding = tiktoken.Encoding(
            "benchmark", pat_str=_WORDS, mergeable_ranks=ranks, special_tokens={}
        )

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """As in the base class."""
        if alpha is not None:
            return self.sample_batch(texts, alpha)
        encode = self._encoding.encode_ordinary
        return timed(lambda: [encode(text) for text in texts])

    def pieces(self, result: Any) -> list[list[bytes]]:
        """As in the base class."""
        return [self._encoding.decode_tokens_bytes(row) for row in result]
