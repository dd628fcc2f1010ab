"""The random streams: Philox itself, and the way from a draw's place to its random number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.kernels import for_python

from bytepiece.kernels import streams as rng

WORDS = st.integers(0, 2**32 - 1)
LONG_WORDS = st.integers(0, 2**64 - 1)

_philox, place_of = for_python(rng.philox), for_python(rng.place_of)
fill_uniforms, block_of = for_python(rng.fill_uniforms), for_python(rng.uniforms)


def philox(counter, key):
    return tuple(map(int, _philox(*map(np.uint64, counter), *map(np.uint64, key))))


def uniforms(seed, epoch, doc_id, sample, segment, blocks):
    out = np.empty(2 * blocks)
    rng.fill_draws(*map(np.uint64, (seed, epoch, doc_id, sample, segment, 0)), out)
    return out.tolist()


# These are the vectors "philox4x32 10" of Random123's kat_vectors.
@pytest.mark.parametrize("generator", [philox, reference.philox])
@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        (
            (0, 0, 0, 0),
            (0, 0),
            (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
        ),
        (
            (0xFFFFFFFF,) * 4,
            (0xFFFFFFFF,) * 2,
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_philox_gives_the_known_answers(generator, counter, key, expected):
    assert generator(counter, key) == expected


@given(st.tuples(WORDS, WORDS, WORDS, WORDS), st.tuples(WORDS, WORDS))
def test_philox_equals_its_twin(counter, key):
    assert philox(counter, key) == reference.philox(counter, key)


@given(LONG_WORDS, WORDS, LONG_WORDS, WORDS, WORDS)
def test_streams_equal_their_twin(seed, epoch, doc_id, sample, segment):
    draw = reference.stream(seed, epoch, doc_id, sample, segment)
    assert uniforms(seed, epoch, doc_id, sample, segment, 2) == [draw(i) for i in range(4)]


# These are test vectors for other implementations: the first four draws of a stream, times 2^53.
@pytest.mark.parametrize(
    ("place", "numerators"),
    [
        (
            {"seed": 0, "epoch": 0, "doc_id": 0, "sample": 0, "segment": 0},
            (7156151859414277, 8644616495652775, 3279675757928522, 1571097931518560),
        ),
        (
            {"seed": 7, "epoch": 1, "doc_id": 42, "sample": 3, "segment": 5},
            (8273616510980064, 417261463187400, 7939534982316883, 5097915935424489),
        ),
        (
            {
                "seed": 2**64 - 1,
                "epoch": 2**32 - 1,
                "doc_id": 2**64 - 2,
                "sample": 2**32 - 2,
                "segment": 2**31 - 3,
            },
            (2090716140447811, 7772554179519366, 8908205056670999, 4050380639842554),
        ),
        (
            {"seed": 1 << 32, "epoch": 0, "doc_id": 1 << 32, "sample": 0, "segment": 0},
            (7431328328259577, 8689224553259354, 3697780633275593, 4068917793971892),
        ),
    ],
    ids=["zeros", "small", "largest", "high words"],
)
def test_streams_give_the_documented_numbers(place, numerators):
    assert uniforms(**place, blocks=2) == [n / 2**53 for n in numerators]


@pytest.mark.parametrize("first", [0, 32, 2**33 - 32])
def test_many_draws_at_once_equal_single_draws(first):
    words, segment = tuple(map(np.uint64, (5, 6, 7, 2**32 - 1))), np.uint64(9)
    out = np.empty(rng.DRAWS)
    fill_uniforms(words, segment, np.uint64(first), rng.DRAWS, out)
    blocks = range(first // 2, first // 2 + rng.DRAWS // 2)
    single = [draw for block in blocks for draw in block_of(words, segment, np.uint64(block))]
    assert [out[place_of(i)] for i in range(rng.DRAWS)] == single


def test_uniforms_lie_in_the_half_open_unit_interval_and_have_53_bits():
    draws = uniforms(seed=3, epoch=0, doc_id=0, sample=0, segment=0, blocks=500)
    assert all(0.0 <= u < 1.0 for u in draws)
    assert all((u * 2**53).is_integer() for u in draws)
    assert any(int(u * 2**53) & 1 for u in draws)
    assert abs(sum(draws) / len(draws) - 0.5) < 0.05
    assert len(set(draws)) == len(draws)
