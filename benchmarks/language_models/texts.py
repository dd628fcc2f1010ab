"""Texts as tokens: the stream that a model is trained on, and the documents it is tested on.

No tokenizer gets a newline, because some of them cannot encode one. Each newline is one token of
its own, with the same meaning for all tokenizers.
"""

import random
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece.adapters.base import Adapter

_STRETCH = 64_000
"""Bytes of the corpus that stay together when its order is drawn."""

Tokens = npt.NDArray[np.int32]


class Stream(NamedTuple):
    """Tokens of some lines, with one token after each line.

    Args:
        ids: the tokens.
        ends: the number of bytes of text up to the end of each line, with its newline.
        token_ends: the number of tokens up to there.
    """

    ids: Tokens
    ends: npt.NDArray[np.int64]
    token_ends: npt.NDArray[np.int64]

    @property
    def bytes_per_token(self) -> float:
        """The bytes of text for one token."""
        return float(self.ends[-1] / self.token_ends[-1])

    def bytes_of(self, tokens: int) -> float:
        """Return the bytes of text of the first tokens."""
        return float(np.interp(tokens, self.token_ends, self.ends))


def shuffled(path: Path, seed: int) -> list[str]:
    """Return the lines of a file; a seed's order of its stretches of 64 kB."""
    lines = path.read_text("utf-8", errors="replace").removesuffix("\n").split("\n")
    ends = np.cumsum([len(line.encode()) + 1 for line in lines]) // _STRETCH
    pairs = groupby(zip(lines, ends, strict=True), key=lambda pair: pair[1])
    stretches = [[line for line, _ in pair] for _, pair in pairs]
    random.Random(seed).shuffle(stretches)
    return [line for stretch in stretches for line in stretch]


def stream_of(adapter: Adapter, lines: Sequence[str], newline: int) -> Stream:
    """Return lines as tokens.

    Args:
        adapter: the tokenizer.
        lines: lines without newlines.
        newline: the id of the token after each line.
    """
    return joined(lines, *adapter.flat(adapter.encode_batch(lines).result), newline)


def joined(
    lines: Sequence[str],
    ids: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    newline: int,
) -> Stream:
    """Return encoded lines as one stream.

    Args:
        lines: lines without newlines.
        ids: their tokens.
        lengths: the number of tokens of each line.
        newline: the id of the token after each line.
    """
    ends = np.cumsum(lengths)
    sizes = [len(line.encode()) + 1 for line in lines]
    tokens = np.insert(ids, ends, newline).astype(np.int32)
    return Stream(tokens, np.cumsum(sizes), ends + np.arange(1, len(lines) + 1))


def documents_of(lines: Sequence[str], size: int, total: int) -> list[str]:
    """Return documents of whole lines, evenly spread over a text.

    A longer line is cut into several documents. No document ends within a character.

    Args:
        lines: the text.
        size: the largest number of bytes of a document, newlines included.
        total: the largest number of bytes of all documents.
    """
    documents: list[str] = []
    held = b""
    for line in lines:
        raw = f"{line}\n".encode()
        if len(held) + len(raw) > size and held:
            documents.append(held.decode())
            held = b""
        held += raw
        while len(held) > size:
            part = held[:size].decode("utf-8", "ignore")
            documents.append(part)
            held = held[len(part.encode()) :]
    documents.append(held.decode())
    documents = [document for document in documents if document]
    whole = sum(len(document.encode()) for document in documents)
    count = min(len(documents), max(1, int(len(documents) * total / whole)))
    return [documents[i * len(documents) // count] for i in range(count)]


def tokens_of(adapter: Adapter, documents: Sequence[str], newline: int) -> list[Tokens]:
    """Return the tokens of each document; each newline is the token `newline`."""
    parts = [document.split("\n") for document in documents]
    ids, lengths = adapter.flat(
        adapter.encode_batch([line for lines in parts for line in lines]).result
    )
    rows = np.split(ids.astype(np.int32), np.cumsum(lengths)[:-1])
    found, start = [], 0
    for lines in parts:
        with_newlines = []
        for row in rows[start : start + len(lines)]:
            with_newlines += [row, np.array([newline], np.int32)]
        found.append(np.concatenate(with_newlines[:-1]))
        start += len(lines)
    return found
