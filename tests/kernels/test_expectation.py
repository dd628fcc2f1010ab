"""Expected counts of pieces, against an enumeration of all segmentations."""

import math
import random

import numpy as np
import pytest
from support import reference, reference_training
from support.strategies import JIT

from bytepiece._arrays import offsets_of
from bytepiece.kernels.automaton import build
from bytepiece.kernels.expectation import add_expected_counts
from bytepiece.kernels.partition import mirror, weights

SINGLES = [bytes([byte]) for byte in range(256)]


def counted(texts, scores, repeats):
    """Return the expected counts by piece, and the sum of the logarithms of z."""
    pieces = list(scores)
    automaton = build([piece[::-1] for piece in pieces])
    law = weights(automaton, np.array(list(scores.values())), 1.0)
    text = np.frombuffer(b"".join(texts), dtype=np.uint8)
    mirrored, bounds = mirror(text, offsets_of(map(len, texts)))
    counts = np.zeros(len(pieces) + 1)
    often = np.array(repeats[::-1], dtype=np.int64)
    log_z = add_expected_counts(automaton, law, mirrored, mirrored, bounds, often, counts)
    assert counts[-1] == 0
    return dict(zip(pieces, counts.tolist(), strict=False)), log_z


def random_scores(rng, low):
    letters = [b"a", b"b", b"ab", b"ba", b"aa", b"aba", b"bab", b"abab", b"bb", b"abb", b"aaaa"]
    chosen = [*letters[:2], *rng.sample(letters[2:], rng.randint(1, 8))]
    scores = dict.fromkeys(SINGLES, low)
    return scores | {piece: rng.uniform(low, -0.1) for piece in chosen}, chosen


# −150 and below: the exponents of sums differ within the reach of a piece.
@pytest.mark.parametrize("low", [-3.0, -150.0, -900.0])
@pytest.mark.parametrize("seed", range(6 if JIT else 2))
def test_counts_are_those_of_all_segmentations(low, seed):
    rng = random.Random(seed)
    scores, chosen = random_scores(rng, low)
    texts = [bytes(rng.choices(b"ab", k=rng.randint(1, 11))) for _ in range(4)]
    repeats = [rng.randint(1, 5) for _ in texts]
    counts, log_z = counted(texts, scores, repeats)
    expected = dict.fromkeys(scores, 0)
    logs = []
    short = {piece: scores[piece] for piece in chosen}
    for text, often in zip(texts, repeats, strict=True):
        for piece, count in reference_training.expected_counts(text, short).items():
            expected[piece] += often * count
        logs.append(often * reference.MP.log(reference.suffix_sums(text, short, 1.0)[0]))
    for piece, count in expected.items():
        assert counts[piece] == pytest.approx(float(count), rel=1e-12, abs=1e-12), piece
    assert log_z == pytest.approx(float(sum(logs)), rel=1e-12)


def test_the_bytes_of_the_pieces_are_those_of_the_text():
    rng = random.Random(5)
    scores, _ = random_scores(rng, -200.0)
    text = bytes(rng.choices(b"ab", k=20_000 if JIT else 500))
    counts, log_z = counted([text], scores, [3])
    size = sum(len(piece) * count for piece, count in counts.items())
    assert size == pytest.approx(3 * len(text), rel=1e-10)
    assert math.isfinite(log_z)
