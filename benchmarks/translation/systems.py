"""Ways to segment training text: a vocabulary, a sampler, and how much it samples.

A system has a vocabulary that was trained on both sides of the training text. It encodes text by
its best path, and training text at random if it has an alpha.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import bytepiece
from benchmarks.peers import training
from benchmarks.support.commands import FailedError
from benchmarks.support.prices import STRONG_ALPHA, WEAK_ALPHA, strength_of
from bytepiece import Tokenizer

Rows = list[list[int]]


class SharedVocabulary(Protocol):
    """What a network needs of a tokenizer."""

    size: int

    def encode(
        self, texts: Sequence[str], alpha: float | None, seed: int, epoch: int, side: int
    ) -> Rows:
        """Return ids; the ids 0, 1 and 2 are <pad>, <bos> and <eos>.

        Args:
            texts: the sources or the targets.
            alpha: how much to sample; None encodes by the best path.
            seed, epoch: where the random numbers come from.
            side: 0 for sources, 1 for targets, which get other random numbers.
        """

    def decode(self, rows: Rows) -> list[str]:
        """Return the texts of rows of ids."""


class OurVocabulary:
    """The default of our trainer, with one of our samplers.

    Args:
        texts: what to train on.
        size: the number of ids.
        sampler: the name of the sampler.
    """

    def __init__(self, texts: Sequence[str], size: int, sampler: Any = "perfect") -> None:
        self._tokenizer = Tokenizer(bytepiece.train(texts, size, threads=1))
        self._sampler = sampler
        self.size = self._tokenizer.vocab_size

    def encode(
        self, texts: Sequence[str], alpha: float | None, seed: int, epoch: int, side: int
    ) -> Rows:
        """Return ids; see `SharedVocabulary`."""
        numbers = range(side, side + 2 * len(texts), 2)
        rows = self._tokenizer.encode_batch(
            texts, alpha=alpha, sampler=self._sampler, seed=seed, epoch=epoch, doc_ids=numbers
        )
        return [row.tolist() for row in rows]

    def decode(self, rows: Rows) -> list[str]:
        """Return the texts of rows of ids."""
        return [self._tokenizer.decode(row) for row in rows]


class SentencePieceVocabulary:
    """SentencePiece's Unigram with Kudo's sampling, or its BPE with BPE-dropout.

    Args:
        texts: what to train on.
        size: the number of ids.
        kind: "unigram" or "bpe".
        path: a file for the model.
    """

    def __init__(self, texts: Sequence[str], size: int, kind: str, path: Path) -> None:
        import sentencepiece  # noqa: PLC0415

        marks = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "num_threads": 1}
        training.sentencepiece(texts, size, path, kind, **marks)
        self._library = sentencepiece
        self._processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self.size = self._processor.vocab_size()

    def encode(
        self, texts: Sequence[str], alpha: float | None, seed: int, epoch: int, side: int
    ) -> Rows:
        """Return ids; see `SharedVocabulary`. For BPE, `alpha` is the share of merges left out."""
        if alpha is None:
            return self._processor.encode(list(texts))
        self._library.set_random_generator_seed((seed * 1000 + epoch) * 2 + side)
        encode = partial(self._processor.encode, enable_sampling=True, alpha=alpha, nbest_size=-1)
        # a thread's generator takes the seed when it is first used, so that each call has a thread
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: [encode(text) for text in texts]).result()

    def decode(self, rows: Rows) -> list[str]:
        """Return the texts of rows of ids."""
        return self._processor.decode(rows)


def vocabulary(system: str, texts: Sequence[str], size: int, folder: Path) -> SharedVocabulary:
    """Train the vocabulary of a system: see `SYSTEMS`."""
    kind = SYSTEMS[system]
    if kind in ("unigram", "bpe"):
        return SentencePieceVocabulary(texts, size, kind, folder / f"{kind}.model")
    return OurVocabulary(texts, size, kind)


SYSTEMS = {
    "none": "perfect",
    "perfect": "perfect",
    "viterbi": "viterbi",
    "nbest": "nbest",
    "sentencepiece": "unigram",
    "sentencepiece-sampling": "unigram",
    "bpe": "bpe",
    "bpe-dropout": "bpe",
}
"""The systems: the sampler of ours, or the model of SentencePiece."""


def alpha_of(
    system: str, vocabulary: SharedVocabulary, texts: Sequence[str], more: float
) -> float | None:
    """Return the alpha at which texts cost a share more tokens than their best paths, or None.

    Args:
        system: see `SYSTEMS`.
        vocabulary: its vocabulary.
        texts: what to measure on; each is sampled once.
        more: the wanted share, 0.1 for 10 % more tokens. None if no alpha costs that much.
    """

    def tokens(alpha: float | None) -> int:
        return sum(map(len, vocabulary.encode(texts, alpha, 0, 0, 0)))

    # the alpha of dropout is the share of merges that are left out
    ends = (0.0, 1.0) if system == "bpe-dropout" else (WEAK_ALPHA, STRONG_ALPHA)
    try:
        return strength_of(tokens, tokens(None), more, *ends)
    except FailedError:
        return None
