"""The division of texts into chunks, by their bytes and by the number of threads."""

import numpy as np
import pytest

from bytepiece.encoding import batches


@pytest.mark.parametrize(
    ("total", "threads", "samples", "expected"),
    [
        (10**9, 1, 1, batches.CHUNK),
        (10**6, 1, 1, batches.CHUNK),
        (10**6, 2, 1, 125_000),
        (10**6, 64, 1, batches._LEAST),
        (10**9, 2, 1, batches.CHUNK),
        (10**9, 1, 4, batches.CHUNK // 4),
        (10**9, 1, 10**6, batches._LEAST),
        (0, 2, 1, batches._LEAST),
    ],
)
def test_the_size_of_a_chunk(total, threads, samples, expected):
    assert batches.chunk_size(total, threads, samples) == expected


@pytest.mark.parametrize(
    ("total", "size", "samples", "expected"),
    [
        (1_300_000, 1_000_000, 1, 1_300_000),
        (1_600_000, 1_000_000, 1, 800_000),
        (8_000_001, 1_000_000, 1, 1_000_001),
        (batches.CHUNK + 2, batches.CHUNK, 1, batches.CHUNK + 2),
        (batches.CHUNK * 5 // 4, batches.CHUNK, 1, batches.CHUNK * 5 // 8),
        (batches.CHUNK, batches.CHUNK // 4, 4, batches.CHUNK // 4),
        (7, batches.CHUNK, 1, batches._LEAST),
        (0, batches._LEAST, 1, batches._LEAST),
    ],
)
def test_the_chunks_of_a_batch_are_equally_large(total, size, samples, expected):
    assert batches._even_size(total, size, samples) == expected


@pytest.mark.parametrize(
    ("lengths", "size", "expected"),
    [
        ([], 5, [0]),
        ([3, 3, 3], 5, [0, 2, 3]),
        ([9, 1, 9], 5, [0, 1, 3]),
        ([1, 20, 1], 5, [0, 2, 3]),
        ([0] * 7, 3, [0, 3, 6, 7]),
        ([5], 5, [0, 1]),
    ],
)
def test_the_cuts_between_chunks(lengths, size, expected):
    assert batches.cuts(np.cumsum([0, *lengths], dtype=np.int64), size) == expected
