"""Arrays read as numbers of another type, compiled and not."""

import numpy as np
import pytest

from bytepiece.kernels.jit import kernel
from bytepiece.kernels.views import viewed


@kernel
def total(array, first, last):
    """Return a sum over parts of an array, read as several types."""
    part = array[first:last]
    whole = 0.0
    for number in viewed(part, np.uint16):
        whole += number
    return whole + len(viewed(part, np.uint8)) + viewed(part, np.float64)[0]


@pytest.mark.parametrize("writable", [True, False])
def test_all_types_as_numpy_reads_them(writable):
    array = np.arange(1, 9, dtype=np.uint64) << np.uint64(50)
    array.flags.writeable = writable
    part = array[2:7]
    expected = part.view(np.uint16).sum() + part.nbytes + part.view(np.float64)[0]
    assert total(array, 2, 7) == expected


def test_what_is_written_is_seen():
    @kernel
    def fill(array):
        view = viewed(array, np.int32)
        for i in range(len(view)):
            view[i] = -i

    array = np.zeros(3, dtype=np.uint64)
    fill(array)
    assert array.view(np.int32).tolist() == [0, -1, -2, -3, -4, -5]
