"""Windows of made-up text for training."""

import random

import numpy as np

from bytepiece.training import pairs
from bytepiece.training.corpus_reader import Block
from support.strategies import JIT

ROUNDS = 8 if JIT else 3


def random_windows(seed, windows=4, invalid=True):
    """Yield segments of whole words, so that something repeats, and some invalid UTF-8."""
    rng = random.Random(seed)
    alphabet = "aab cé1中文"
    words = ["".join(rng.choice(alphabet) for _ in range(rng.randint(1, 5))) for _ in range(30)]
    for _ in range(windows):
        segments = [
            " ".join(rng.choices(words, k=rng.randint(1, 8))).encode() + b"\n" * rng.randint(0, 3)
            for _ in range(12)
        ]
        if invalid:
            segments.append(bytes(rng.choice(b"a\x80\xbd\xe4\xff") for _ in range(30)))
        yield segments


def block_of(segments, weights=None):
    text = np.frombuffer(b"".join(segments), dtype=np.uint8)
    weights = None if weights is None else np.array(weights, dtype=np.int64)
    return Block(text, np.cumsum([0, *map(len, segments)], dtype=np.int64), weights)


def counted(blocks, state, pieces, superwords=False, damped=True):
    counts = [pairs.count(block, state, superwords=superwords, damped=damped) for block in blocks]
    return pairs.total(counts, pieces, 1 << 40)


def as_dict(vocabulary):
    return dict(zip(vocabulary.pieces, vocabulary.counts.tolist(), strict=True))
