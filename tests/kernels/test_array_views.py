"""Arrays read as numbers of another type, compiled and not."""

import numpy as np
import pytest
from numba.core.errors import TypingError
from support.strategies import JIT

from bytepiece.kernels.jit import kernel
from bytepiece.kernels.views import viewed

TYPES = np.uint8, np.uint16, np.uint32, np.int64, np.uint64, np.float64


@kernel
def totals(array, first, last, out):
    """Read a part of an array as several types, and add the numbers of each."""
    part = array[first:last]
    out[0] = viewed(part, np.uint8).sum()
    out[1] = viewed(part, np.uint16).sum()
    out[2] = viewed(part, np.uint32).sum()
    out[3] = viewed(part, np.int64).sum()
    out[4] = viewed(viewed(part, np.uint8), np.uint64).sum()
    out[5] = viewed(part, np.float64).sum()


@pytest.mark.parametrize("writable", [True, False])
def test_all_types_as_numpy_reads_them(writable):
    array = np.arange(1.5, 9).view(np.uint64)
    array.flags.writeable = writable
    out = np.zeros(len(TYPES))
    totals(array, 2, 7, out)
    assert out.tolist() == [float(array[2:7].view(dtype).sum()) for dtype in TYPES]


def test_what_is_written_is_seen():
    @kernel
    def fill(array):
        view = viewed(array, np.int32)
        for i in range(len(view)):
            view[i] = -i

    array = np.zeros(3, dtype=np.uint64)
    fill(array)
    assert array.view(np.int32).tolist() == [0, -1, -2, -3, -4, -5]


@pytest.mark.skipif(not JIT, reason="NumPy itself refuses some of these arrays when they are read")
@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.zeros(4)[::2]], ids=["2-d", "steps"])
def test_arrays_that_are_not_contiguous_are_refused(array):
    @kernel
    def first(array):
        return viewed(array, np.uint8)[0]

    with pytest.raises(TypingError):
        first(array)
