"""Frequent substrings, against a count of all substrings."""

import random
from itertools import pairwise

import numpy as np
import pytest
from support import reference_training as reference
from support.strategies import JIT
from support.windows import block_of, random_windows

from bytepiece.parallel import in_threads
from bytepiece.training.substrings import SeedRules, seeds, sorted_order


def found(blocks, rules, threads=1):
    counted = seeds(blocks, rules, in_threads(threads), lambda _: None)
    flat, ends = counted.flat.tobytes(), counted.offsets.tolist()
    strings = [flat[a:b] for a, b in pairwise(ends)]
    assert len(set(strings)) == len(strings)
    return dict(zip(strings, counted.counts.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(6 if JIT else 2))
@pytest.mark.parametrize("parts", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_seeds_are_those_of_the_twin(seed, parts, weighted):
    rng = random.Random(seed)
    windows = list(random_windows(seed, invalid=False))
    weights = [[rng.randint(1, 4) if weighted else 1 for _ in one] for one in windows]
    blocks = [block_of(*pair) for pair in zip(windows, weights, strict=True)]
    texts = [
        pair for pairs in zip(windows, weights, strict=True) for pair in zip(*pairs, strict=True)
    ]
    least = rng.randint(2, 4)
    rules = SeedRules(9, parts, least, 1 << 20)
    expected = reference.seeds(texts, 9, parts, least)
    assert found(blocks, rules) == expected
    assert found(blocks, rules, 3) == expected


def test_the_best_are_taken_and_ties_at_the_end_are_left_out():
    blocks = [block_of([b"abcd", b"uvw", b"xyz"] * 4)]
    assert found(blocks, SeedRules(9, True, 2, 1)) == {b"abcd": 4}
    assert found(blocks, SeedRules(9, True, 2, 2)) == {b"abcd": 4}
    assert found(blocks, SeedRules(9, True, 2, 3)) == dict.fromkeys([b"abcd", b"uvw", b"xyz"], 4)


@pytest.mark.parametrize("seed", range(3))
def test_invalid_text_has_no_invalid_seeds(seed):
    blocks = [block_of(segments) for segments in random_windows(seed)]
    counts = found(blocks, SeedRules(9, False, 2, 1 << 20))
    assert counts
    assert all(reference.is_text(string) for string in counts)


@pytest.mark.parametrize("seed", range(4))
def test_strings_are_sorted(seed):
    rng = random.Random(seed)
    strings = {bytes(rng.choices(b"\0\0a\xff", k=rng.randint(1, 20))) for _ in range(400)}
    mixed = rng.sample(sorted(strings), len(strings))
    flat = np.frombuffer(b"".join(mixed), dtype=np.uint8)
    order = sorted_order(flat, np.cumsum([0, *map(len, mixed)], dtype=np.int64))
    assert [mixed[i] for i in order.tolist()] == sorted(strings)


@pytest.mark.parametrize("text", [b"a" * 70_000, b"\x80" * 300, b"ab" * 20_000, b"\0" * 999])
def test_texts_that_repeat_are_sorted(text):
    counts = found([block_of([text[: len(text) if JIT else 300]])], SeedRules(36, True, 2, 99))
    assert all(len(string) <= 36 and string in text for string in counts)
