"""Counts of strings that arrive one by one, in little memory."""

import random
from collections import Counter
from itertools import pairwise

import pytest
from support.windows import block_of

from bytepiece.training.sampled_counts import SampledCounts, standing_for


def random_blocks(seed, blocks=30, strings=200):
    """Yield strings of which few are frequent and many are rare, each with a weight."""
    rng = random.Random(seed)
    for _ in range(blocks):
        numbers = [int(rng.paretovariate(0.5)) % 5000 for _ in range(strings)]
        yield [b"%d " % n * (1 + n % 3) for n in numbers], rng.choices((1, 1, 2, 5), k=strings)


def added(table, blocks):
    for texts, often in blocks:
        table.add(block_of(texts, often))
    return table


def as_dict(blocks):
    found = {}
    for block in blocks:
        text, ends = block.text.tobytes(), block.bounds.tolist()
        for (a, b), weight in zip(pairwise(ends), block.weights.tolist(), strict=True):
            assert text[a:b] not in found
            found[text[a:b]] = weight
    return found


def exact(blocks):
    counts = Counter()
    for texts, often in blocks:
        for text, n in zip(texts, often, strict=True):
            counts[text] += n
    return dict(counts)


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_exact_if_all_strings_fit(seed, monkeypatch):
    monkeypatch.setattr("bytepiece.training.sampled_counts._SMALLEST", 4)
    monkeypatch.setattr("bytepiece.training.sampled_counts._BLOCK", 100)
    blocks = [([b""], [3]), *random_blocks(seed)]
    table = added(SampledCounts(1 << 40), blocks)
    assert table.rate == 1
    found = as_dict(table.blocks())
    assert found == exact(blocks)
    assert list(found) == list(exact(blocks))  # in the order of their first occurrence


@pytest.mark.parametrize("seed", range(3))
def test_a_sample_fits_and_stands_for_all(seed):
    blocks = [*random_blocks(seed, 60)]
    table = added(SampledCounts(20_000), blocks)
    assert table.rate > 1
    assert table.size <= 20_000
    kept, counts = table.blocks(), exact(blocks)
    found = as_dict(kept)
    frequent = [text for text, n in counts.items() if n > 4 * table.rate]
    assert frequent
    for text in frequent:
        assert counts[text] - table.rate <= found[text] <= counts[text]
    everything = sum(as_dict(standing_for(kept, table.rate)).values())
    assert everything == pytest.approx(sum(counts.values()), rel=0.2)
