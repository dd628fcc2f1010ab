"""Counts of strings that arrive one by one, in little memory."""

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from support.windows import block_of

from bytepiece.training.sampled_counts import SampledCounts


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


def as_dict(found):
    texts, ends = found.flat.tobytes(), found.offsets.tolist()
    strings = [texts[a:b] for a, b in pairwise(ends)]
    assert len(set(strings)) == len(strings)
    return dict(zip(strings, found.counts.tolist(), strict=True))


def exact(blocks):
    counts = Counter()
    for texts, often in blocks:
        for text, n in zip(texts, often, strict=True):
            counts[text] += n
    return dict(counts)


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_exact_if_all_strings_fit(seed, monkeypatch):
    monkeypatch.setattr("bytepiece.training.sampled_counts._SMALLEST", 4)
    blocks = [([b""], [3]), *random_blocks(seed)]
    table = added(SampledCounts(1 << 40), blocks)
    assert table.rate == 1
    found = as_dict(table.strings())
    assert found == exact(blocks)
    assert list(found) == list(exact(blocks))  # in the order of their first occurrence


@pytest.mark.parametrize("seed", range(3))
def test_a_sample_fits_and_stands_for_all(seed):
    blocks = [*random_blocks(seed, 60)]
    table = added(SampledCounts(20_000), blocks)
    assert table.rate > 1
    assert table.size <= 20_000
    found, counts = as_dict(table.strings()), exact(blocks)
    frequent = [text for text, n in counts.items() if n > 4 * table.rate]
    assert frequent
    for text in frequent:
        assert counts[text] - table.rate <= found[text] <= counts[text]
    everything = sum(max(n, table.rate) for n in found.values())
    assert everything == pytest.approx(sum(counts.values()), rel=0.2)


@pytest.mark.parametrize("most", [20_000, 1 << 40])
def test_a_table_that_was_kept_goes_on(most):
    blocks = [*random_blocks(5)]
    whole = added(SampledCounts(most), blocks)
    for at in (0, 1, 11, 29):
        first = added(SampledCounts(most), blocks[:at]).arrays()
        kept = {name: np.frombuffer(array.tobytes(), array.dtype) for name, array in first.items()}
        again = added(SampledCounts(most, kept), blocks[at:])
        assert again.rate == whole.rate
        assert as_dict(again.strings()) == as_dict(added(SampledCounts(most), blocks).strings())
