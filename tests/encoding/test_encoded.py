"""Rows of ids: truncated to a length, and padded to a length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Encoded
from bytepiece._arrays import offsets_of
from bytepiece.errors import ArgumentError

ROWS = st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=6)
SIDES = st.sampled_from(["right", "left"])


def encoded(rows):
    return Encoded(
        np.array([i for row in rows for i in row], dtype=np.int32), offsets_of(list(map(len, rows)))
    )


@given(ROWS, st.integers(0, 7), SIDES, st.none() | st.just(99))
def test_rows_are_truncated(rows, length, side, mark):
    expected = []
    for row in rows:
        kept = row[:length] if side == "right" else row[len(row) - min(length, len(row)) :]
        if mark is not None and kept and len(row) > length:
            kept = [*kept[:-1], mark] if side == "right" else [mark, *kept[1:]]
        expected.append(kept)
    found = encoded(rows).truncated(length, side, mark)
    assert [row.tolist() for row in found] == expected
    assert found.ids.dtype == np.int32


@given(ROWS, st.none() | st.integers(6, 8), st.integers(1, 4), SIDES)
def test_rows_are_padded(rows, length, multiple, side):
    ids, mask = encoded(rows).padded(77, length, multiple, side)
    width = length if length is not None else max(map(len, rows), default=0)
    width = -(-width // multiple) * multiple
    assert ids.shape == mask.shape == (len(rows), width)
    assert (ids.dtype, mask.dtype) == (np.int32, np.bool_)
    for row, filled, kept in zip(rows, ids.tolist(), mask.tolist(), strict=True):
        filling = [77] * (width - len(row))
        assert filled == (row + filling if side == "right" else filling + row)
        shown = [True] * len(row)
        hidden = [False] * len(filling)
        assert kept == (shown + hidden if side == "right" else hidden + shown)


def test_truncating_leaves_the_rows_themselves_unchanged():
    rows = encoded([[1, 2, 3]])
    rows.truncated(2, mark=9)
    assert rows == encoded([[1, 2, 3]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rows: rows.truncated(-1), "length"),
        (lambda rows: rows.truncated(1.5), "length"),
        (lambda rows: rows.truncated(True), "length"),
        (lambda rows: rows.truncated(2, "middle"), "side"),
        (lambda rows: rows.truncated(2**31), "length"),
        (lambda rows: rows.truncated(2, mark=2**40), "mark"),
        (lambda rows: rows.padded(None), "pad"),
        (lambda rows: rows.padded(2**40), "pad"),
        (lambda rows: rows.padded(0, 2), "more than 2"),
        (lambda rows: rows.padded(0, -1), "length"),
        (
            lambda rows: rows.padded(0, multiple_of=0),
            "^multiple_of must be .* at least 1 and .*, not 0$",
        ),
        (lambda rows: rows.padded(0, multiple_of="8"), "multiple_of"),
        (lambda rows: rows.padded(0, side="up"), "side"),
    ],
)
def test_arguments_outside_their_range_are_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(encoded([[1, 2, 3]]))


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint64])
def test_numbers_of_numpy_are_numbers(kind):
    rows = encoded([[1, 2, 3]])
    ids, _ = rows.padded(kind(0), length=kind(250), multiple_of=kind(100))
    assert ids.shape == (1, 300)
    assert rows.truncated(kind(2), mark=kind(9)) == encoded([[1, 9]])
    assert encoded([[number] for number in range(300)])[kind(5)].tolist() == [5]
