"""The original library's interface to training: `Trainer` and `convert_to_bytepiece`."""

import operator
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import SupportsIndex

import numpy as np

from bytepiece import model_io
from bytepiece._arrays import offsets_of
from bytepiece.errors import ArgumentError
from bytepiece.formats import original
from bytepiece.inputs.corpus import Corpus
from bytepiece.model import MAX_PIECE_LENGTH, Model, column
from bytepiece.training.options import TrainingKeywords
from bytepiece.training.piece_counts import PieceCounts
from bytepiece.training.progress import ignored
from bytepiece.training.pruning import prune
from bytepiece.training.trainer import train


class Trainer:
    """The original library's trainer: BNLM, NFC, and the original's model file.

    Args:
        order, max_piece_length, min_count, ensure_unicode: see `train`.
        isolate_digits: make every decimal digit a segment of its own.
        max_vocab_size: the largest number of ids. A list gives one model for each number.

    >>> trainer = Trainer(order=6, max_vocab_size=300, min_count=2)
    >>> [model.vocab_size for model in trainer.train(["the hat"] * 9, workers=2).models]
    [260]
    """

    def __init__(
        self,
        order: int = 6,
        max_vocab_size: int | list[int] = 10000,
        max_piece_length: int = 36,
        min_count: int = 2,
        isolate_digits: bool = False,
        ensure_unicode: bool = True,
    ) -> None:
        self._options: TrainingKeywords = {
            "algorithm": "bnlm",
            "normalization": ("NFC",),
            "order": order,
            "max_piece_length": max_piece_length,
            "min_count": min_count,
            "digits": "each" if isolate_digits else "free",
            "ensure_unicode": ensure_unicode,
        }
        if isinstance(max_vocab_size, SupportsIndex):
            max_vocab_size = [operator.index(max_vocab_size)]
        self._sizes = sorted(max_vocab_size, reverse=True)
        self.models: list[Model] = []
        """The trained models, largest first."""

    def train(self, texts: Corpus, workers: int = 1, batch_size: int = 1000) -> "Trainer":
        """Train on texts. Return the trainer itself.

        Args:
            texts: see `bytepiece.train`.
            workers: the number of threads.
            batch_size: ignored; the original has it. Blocks have a fixed size here.
        """
        del batch_size
        options: TrainingKeywords = {**self._options, "threads": workers}
        self.models = train(texts, self._sizes, **options)
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model in the original's format; each of several models to its own path.SIZE."""
        if not self.models:
            raise ArgumentError("nothing was trained yet; call train first")
        for size, model in zip(self._sizes, self.models, strict=True):
            # The format cannot say that digits are isolated, but it does not have to: no piece
            # joins a digit to anything else, so the best path isolates digits by itself.
            model = replace(model, rules=original.RULES)  # noqa: PLW2901
            name = os.fspath(path) if len(self.models) == 1 else f"{os.fspath(path)}.{size}"
            model_io.save_original(model, name)


def convert_to_bytepiece(pieces: Mapping[bytes | str, int], path: str | os.PathLike[str]) -> None:
    """Make a model file in the original library's format from pieces and their counts.

    Missing single bytes are added. A piece is dropped if, by the counts, a path of other pieces is
    better than the piece itself. These other pieces inherit its count.

    Args:
        pieces: the count of each piece.
        path: the file to write.

    Source: the original library's function of this name.
    """
    names = [piece if isinstance(piece, bytes) else piece.encode() for piece in pieces]
    flat = np.frombuffer(b"".join(names), dtype=np.uint8)
    if not all(names):
        raise ArgumentError("a piece is empty")
    counts = column(list(pieces.values()), np.int64, "counts")
    [vocabulary] = prune(
        PieceCounts(flat, offsets_of(map(len, names)), counts),
        [len(names) + 256],
        min_count=1,
        max_piece_length=MAX_PIECE_LENGTH,
        threads=1,
        done=ignored,
    )
    model = original.from_counts(list(vocabulary), list(vocabulary.values()))
    model_io.save_original(model, path)
