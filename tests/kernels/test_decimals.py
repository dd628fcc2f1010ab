"""Rows of ids as decimal text, against Python's own numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece._arrays import offsets_of
from bytepiece.kernels.decimals import write_rows

EDGES = [edge for power in range(10) for edge in (10**power - 1, 10**power, 10**power + 1)]


def written(rows: list[list[int]], room: int) -> bytes:
    """Return the text of rows, written in parts of at most `room` bytes."""
    ids = np.array([id_ for row in rows for id_ in row], dtype=np.int32)
    offsets = offsets_of(map(len, rows))
    done = np.zeros(2, dtype=np.int64)
    out = np.empty(room, dtype=np.uint8)
    parts = []
    while done[1] < len(rows):
        parts.append(out[: write_rows(ids, offsets, done, out)].tobytes())
        assert parts[-1], "each part has at least a number or a line end"
    assert done.tolist() == [len(ids), len(rows)]
    return b"".join(parts)


def expected(rows: list[list[int]]) -> bytes:
    return "".join(" ".join(map(str, row)) + "\n" for row in rows).encode()


@given(
    st.lists(
        st.lists(st.one_of(st.integers(0, 2**31 - 1), st.integers(0, 99_999)), max_size=9),
        max_size=9,
    ),
    st.integers(16, 99),
)
def test_it_writes_what_python_writes(rows: list[list[int]], room: int) -> None:
    assert written(rows, room) == expected(rows)


@pytest.mark.parametrize("room", [16, 17, 1 << 10])
def test_numbers_of_all_lengths(room: int) -> None:
    rows = [EDGES, [], [2**31 - 1], [], [], [0]]
    assert written(rows, room) == expected(rows)
