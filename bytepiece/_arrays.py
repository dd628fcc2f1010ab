"""Short names for types of arrays, and helpers for byte strings stored end to end in one array."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

U8: TypeAlias = npt.NDArray[np.uint8]
U16: TypeAlias = npt.NDArray[np.uint16]
U32: TypeAlias = npt.NDArray[np.uint32]
U64: TypeAlias = npt.NDArray[np.uint64]
I32: TypeAlias = npt.NDArray[np.int32]
I64: TypeAlias = npt.NDArray[np.int64]
F32: TypeAlias = npt.NDArray[np.float32]
F64: TypeAlias = npt.NDArray[np.float64]


def offsets_of(lengths: Iterable[int]) -> I64:
    """Return where each string begins if strings of these lengths are stored end to end.

    Returns:
        int64[strings + 1]; the last number is the end of the last string.
    """
    if not isinstance(lengths, np.ndarray):
        lengths = np.fromiter(lengths, dtype=np.int64)
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def cuts(bounds: I64, size: int) -> list[int]:
    """Divide a row of strings, which are stored end to end, into runs of about `size` bytes.

    Args:
        bounds: int64[strings + 1], where each string begins, and the end of the last one.
        size: about how many bytes a run has; also the most strings that a run may have.

    Returns:
        for each run, the number of its first string (0 for the first run); after these, as the
        last item, the number of all strings.
    """
    strings = len(bounds) - 1
    found = [0]
    while found[-1] < strings:
        low = found[-1]
        high = int(np.searchsorted(bounds, bounds[low] + size))
        found.append(min(max(high, low + 1), low + size, strings))
    return found
