"""Models made by hand, and hypothesis strategies for random vocabularies and texts."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st
from numba import config

from bytepiece import Model, SpecialToken

JIT = not config.DISABLE_JIT
"""Whether kernels are compiled; if they are interpreted, tests use smaller sizes."""

SCORES = st.floats(-30.0, 0.0)
INTEGER_SCORES = st.integers(-3, 0).map(float)
"""A few whole numbers: their sums are exact and often tie."""
HARSH_SCORES = st.floats(-900.0, 50.0) | st.sampled_from([-800.0, -0.5])
"""Scores whose weights are smaller or larger than any float64."""


def make_model(pieces: Mapping[bytes, float], byte_score: float = -12.0, **fields: Any) -> Model:
    """Return a model of these pieces and of all single bytes that are missing."""
    scores = {bytes([b]): byte_score for b in range(256)} | dict(pieces)
    return Model(tuple(scores), list(scores.values()), **fields)


def scores_of(model: Model) -> dict[bytes, float]:
    """Return the score of each piece, the form in which slow twins take a model."""
    return dict(zip(model.pieces, model.scores.tolist(), strict=True))


def vocabularies(scores: st.SearchStrategy[float] = SCORES, alphabet: bytes = b"ab\xe4"):
    """Return scores of all letters of an alphabet and of up to ten longer pieces over it."""
    letters = st.fixed_dictionaries({bytes([b]): scores for b in alphabet})
    longer = st.dictionaries(texts_over(alphabet, 2, 5), scores, max_size=10)
    return st.builds(lambda *parts: parts[0] | parts[1], letters, longer)


def overlapping(scores: st.SearchStrategy[float] = SCORES):
    """Return scores of a, b, and many strings of two to four of these letters.

    Most texts of a and b then have many segmentations.
    """
    letters = st.fixed_dictionaries({b"a": scores, b"b": scores})
    longer = st.dictionaries(texts_over(b"ab", 2, 4), scores, min_size=6, max_size=14)
    return st.builds(lambda *parts: parts[0] | parts[1], letters, longer)


@st.composite
def models(draw: Any, gaps: bool = True) -> Model:
    """Draw a small model: some special tokens, ids in any order, either objective of training."""
    pieces = draw(vocabularies())
    tokens = draw(st.sets(st.sampled_from(["<pad>", "<eos>", "<mask>", "<a>", "<b>"])))
    number = 256 + sum(len(piece) > 1 for piece in pieces) + len(tokens)
    rng = random.Random(draw(st.integers(0, 99)))
    free = rng.sample(range(number + (draw(st.integers(0, 9)) if gaps else 0)), number)
    roles = {"<pad>": "pad", "<eos>": "eos"}
    objective = draw(st.sampled_from([{}, {"objective": "compression"}]))
    return make_model(
        pieces,
        special_tokens=tuple(
            SpecialToken(name, free.pop(), roles.get(name, "control")) for name in sorted(tokens)
        ),
        ids=free,
        record=objective,
    )


def texts_over(alphabet: bytes, min_size: int, max_size: int) -> st.SearchStrategy[bytes]:
    """Return byte strings over a small alphabet, in which pieces overlap in every way."""
    return st.lists(st.sampled_from(alphabet), min_size=min_size, max_size=max_size).map(bytes)


CHARACTERS = st.characters(exclude_categories=("Cn",))
"""Any assigned character, and lone surrogates."""

STRINGS = st.text(CHARACTERS | st.sampled_from("\n\n\r 0७٣é\u0301\ufeff\x00"), max_size=40)

BYTES = st.one_of(
    st.binary(max_size=60),
    texts_over(b"the cat\n.", 0, 60),
    # Whole characters, parts of characters, overlong forms, an encoded surrogate.
    st.lists(
        st.sampled_from(
            [
                *(char.encode() for char in ("a", "7", "\n", "é", "今天", "٣", "👍", "\0")),
                *(b"\xe4\xbb", b"\xff", b"\x80", b"\xc0\xb0", b"\xe0\x80\xb0", b"\xed\xa0\x80"),
            ]
        ),
        max_size=20,
    ).map(b"".join),
)
"""Any byte string, with invalid UTF-8 of every kind."""

TEXTS = STRINGS | BYTES


@st.composite
def lists_of_pairs(
    draw: st.DrawFn, letters: Sequence[bytes], most: int
) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """Draw pairs of pieces in any order, and the longer pieces that they make.

    Args:
        draw: draws from a strategy.
        letters: the pieces to begin with; the others are made by pairs.
        most: the largest number of pairs.
    """
    known = [*letters]
    pairs: list[tuple[bytes, bytes]] = []
    for _ in range(draw(st.integers(0, most))):
        pair = draw(st.sampled_from(known)), draw(st.sampled_from(known))
        if len(pair[0] + pair[1]) <= 8 and pair not in pairs:
            pairs.append(pair)
            known += [pair[0] + pair[1]] * (pair[0] + pair[1] not in known)
    return draw(st.permutations(pairs)), [piece for piece in known if len(piece) > 1]
