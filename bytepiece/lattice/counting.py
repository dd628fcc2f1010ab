"""Count the paths of a chain, and enumerate them."""

from collections.abc import Iterator
from itertools import zip_longest

import numpy as np

from bytepiece._arrays import I64
from bytepiece.lattice.chain import Chain


# Positions that no edge crosses divide the text into parts. Each part has a small number of paths,
# and the product of these numbers is the number of paths of the text. Without parts, a million
# bytes would take a million sums of numbers with hundreds of thousands of digits.
def count(chain: Chain, limit: float) -> int:
    """Return the number of paths, or some number above the limit if there are more paths."""
    ends, first = chain.ends.tolist(), chain.first.tolist()
    length = len(first) - 1
    last = chain.ends[chain.first[1:] - 1]  # where the longest edge of each position ends
    furthest = np.append(0, np.maximum.accumulate(last)).tolist()
    longest = int((last - np.arange(length)).max(initial=0))
    counts = [1] * (length + 1)
    parts = []
    for start in range(length - 1, -1, -1):
        counts[start] = sum([counts[end] for end in ends[first[start] : first[start + 1]]])
        if counts[start] > limit:
            return counts[start]
        if start + longest <= length:
            counts[start + longest] = 1  # this count is no longer needed, and it has many digits
        if furthest[start] == start:
            parts.append(counts[start])
            counts[start] = 1
    while len(parts) > 1:  # in pairs, so that the factors of a product have about the same length
        parts = [a * b for a, b in zip_longest(parts[::2], parts[1::2], fillvalue=1)]
        if max(parts) > limit:
            return max(parts)
    return parts[0] if parts else 1


def enumerate_all(chain: Chain) -> Iterator[I64]:
    """Yield each path as int64[tokens], its edges; at each position, shorter edges come first."""
    first, ends = chain.first.tolist(), chain.ends.tolist()
    length = len(first) - 1
    path: list[int] = []
    position = 0
    while True:
        while position < length:
            path.append(first[position])
            position = ends[path[-1]]
        yield np.array(path, dtype=np.int64)
        while path:
            edge = path.pop()
            position = ends[path[-1]] if path else 0
            if edge + 1 < first[position + 1]:
                path.append(edge + 1)
                position = ends[edge + 1]
                break
        else:
            return
