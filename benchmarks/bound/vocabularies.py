"""The vocabularies whose tokens are compared with the bound: ours, the rivals', and two papers'.

All of them learn from the same words, each of which is a text of its own. So no piece crosses the
ends of a word, whatever rules for words a library has.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import bytepiece
from benchmarks.bound.program import Program, Solution
from benchmarks.peers import training
from bytepiece import Model
from bytepiece.adapters.base import Adapter
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.loading import load_models
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.sentencepiece import SentencePiece

BYTES = [bytes([byte]) for byte in range(256)]
LONGEST = 36
"""The largest number of bytes in a piece; in SentencePiece, of characters."""
_SPECIAL = 3
"""The special tokens that our models and SentencePiece's have besides their pieces."""
_OVERSHOOT = 1.1
"""MinGram begins with this many times the pieces that it keeps."""
_ROUNDS = 2
"""Rounds of MinGram before pieces are dropped, and again after that."""
_TIE = 1e-5
"""The weight of a logarithm of a probability, beside a token, in MinGram's choice of a path."""
_UNUSED = -100.0
"""The logarithm that MinGram gives to a single byte on no path."""

Words = Mapping[str, int]
"""The different words of a corpus, each with its count."""

_WORDS = {"spaces": "words"}
OURS: dict[str, tuple[str, dict[str, str]]] = {
    "merge": ("merge, compression", {"algorithm": "merge", **_WORDS}),
    "merge-likelihood": (
        "merge, likelihood",
        {"algorithm": "merge", "objective": "likelihood", **_WORDS},
    ),
    "unigram": ("unigram", {"algorithm": "unigram", **_WORDS}),
    "bnlm": ("BNLM", {"algorithm": "bnlm"}),
}
"""By key: the words after the library's name in a table, and options of `bytepiece.train`."""
RIVALS: dict[str, tuple[type[Adapter], str]] = {
    "bytes": (HuggingFace, "byte-level BPE"),
    "bpe": (SentencePiece, "BPE"),
    "unigram": (SentencePiece, "Unigram"),
}
"""By key of `benchmarks.peers.training`: the library, and the words after its name in a table."""


def fewest(pieces: Sequence[bytes]) -> Adapter:
    """Return an encoder that gives every text the fewest tokens that these pieces allow.

    Args:
        pieces: pieces of two or more bytes, without repetitions.
    """
    every = [*BYTES, *pieces]
    return Ours.from_model(Model(every, [-1.0] * len(every)))


def longer(adapter: Adapter) -> list[bytes]:
    """Return the pieces of an encoder that have two or more bytes."""
    return sorted({piece for piece in adapter.vocabulary() if len(piece) > 1})


def tokens(adapter: Adapter, words: Words) -> int:
    """Return the number of tokens of all words, each times its count."""
    _, lengths = adapter.flat(adapter.encode_batch(list(words)).result)
    return int(lengths @ np.fromiter(words.values(), np.int64, len(words)))


def ours(words: Words, size: int, options: Mapping[str, str]) -> Adapter:
    """Return a model of ours.

    Args:
        words: the corpus.
        size: the number of pieces, with the 256 bytes and without special tokens.
        options: other arguments of `bytepiece.train`.
    """
    model = bytepiece.train(
        _texts(words),
        size + _SPECIAL,
        max_piece_length=LONGEST,
        threads=1,
        **options,  # type: ignore[arg-type]
    )
    return Ours.from_model(model)


def rival(key: str, words: Words, size: int, path: Path) -> Adapter:
    """Return a model of another library.

    Args:
        key: a key of `RIVALS`.
        words: the corpus.
        size: the number of pieces, without special tokens.
        path: a file to write the model to.

    Raises:
        RuntimeError: if SentencePiece refuses to train.
    """
    if key == "bytes":
        training.byte_level_bpe(_texts(words), size, path, False, max_token_length=LONGEST)
    else:
        _, options = training.TRAINERS[key]
        training.sentencepiece(_texts(words), size + _SPECIAL, path, **options)
    [loaded] = load_models([path])
    return loaded.adapter


def rounded(program: Program, solution: Solution, size: int) -> Adapter:
    """Return ConvexTok's vocabulary: the candidates with the largest shares of the program.

    Args:
        program: the linear program of the words.
        solution: its solution.
        size: the number of pieces, with the 256 bytes.
    """
    order = np.argsort(-solution.shares, kind="stable")[: size - len(BYTES)]
    return fewest([program.candidates[i] for i in order])


def mingram(words: Words, size: int, path: Path) -> Adapter:
    """Return MinGram's vocabulary.

    It begins with the pieces of byte-level BPE, a tenth too many. A round encodes the words with
    the fewest tokens, and takes the likeliest of such paths. The counts on these paths become the
    probabilities of the pieces, and a piece without a count goes. After two rounds the pieces with
    the smallest counts go, until the size is right, and two more rounds follow.

    Args:
        words: the corpus.
        size: the number of pieces, with the 256 bytes.
        path: a file to write the model of byte-level BPE to.

    Source: Land 2026, https://arxiv.org/abs/2606.27019; the two numbers, which its summary does not
    give, are those of the author's program.
    """
    room = size - len(BYTES)
    begin = longer(rival("bytes", words, len(BYTES) + int(room * _OVERSHOOT), path))
    pieces = [*BYTES, *begin]
    scores = np.zeros(len(pieces))
    for kept in (len(begin), room):
        order = np.argsort(-scores[len(BYTES) :], kind="stable")[:kept] + len(BYTES)
        chosen = [*range(len(BYTES)), *order.tolist()]
        pieces, scores = [pieces[i] for i in chosen], scores[chosen]
        for _ in range(_ROUNDS):
            counts = _counts(_by_tokens(pieces, scores), words)
            used = [i for i, count in enumerate(counts) if count or i < len(BYTES)]
            pieces, counts = [pieces[i] for i in used], counts[used]
            shares = np.maximum(counts, 1) / counts.sum()
            scores = np.where(counts > 0, np.log(shares), _UNUSED)
    return _by_tokens(pieces, scores)


def _by_tokens(pieces: Sequence[bytes], scores: np.ndarray) -> Adapter:
    """Return an encoder whose paths have the fewest tokens, and then the largest sum of scores."""
    return Ours.from_model(Model(pieces, _TIE * scores - 1))


def _counts(adapter: Adapter, words: Words) -> np.ndarray:
    """Return how often each piece occurs in all words, in the order of the model's pieces."""
    ids, lengths = adapter.flat(adapter.encode_batch(list(words)).result)
    weights = np.repeat(np.fromiter(words.values(), np.int64, len(words)), lengths)
    return np.bincount(ids - _SPECIAL, weights, len(adapter.vocabulary()) - _SPECIAL)


def _texts(words: Words) -> list[str]:
    """Return every occurrence of every word."""
    return [word for word, count in words.items() for _ in range(count)]
