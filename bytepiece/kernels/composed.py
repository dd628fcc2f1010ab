"""Find the texts that are certainly in the normal form NFC."""

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64, U8
from bytepiece.kernels.jit import UINT_1, UINT_2, kernel, uint
from bytepiece.kernels.normalizing import pair_of


# Cost: half a nanosecond for each byte. Decoding a run and asking Python took 2.
@kernel
def composed(
    pairs: npt.NDArray[np.bool_],
    characters: npt.NDArray[np.bool_],
    text: U8,
    bounds: I64,
    found: npt.NDArray[np.bool_],
) -> None:
    """Find the strings that are certainly in the form NFC.

    Args:
        pairs: bool[4096], whether all characters whose first two bytes are these are in NFC
            wherever they stand; see `pair_of`.
        characters: bool[65536], whether a character of three bytes is, by its code point.
        text, bounds: the strings; see `offsets_of`.
        found: bool[strings], to be filled with the answers.
    """
    for number in range(len(found)):
        start, stop = uint(bounds[number]), uint(bounds[number + 1])
        while start < stop:
            # Each byte is tested that may begin a character, so bytes that are not UTF-8 hide none.
            byte = text[start]
            if byte >= 0xC2 and (
                start + UINT_1 == stop or not pairs[pair_of(byte, text[start + UINT_1])]
            ):
                if byte < 0xE0 or byte >= 0xF0 or start + UINT_2 >= stop:
                    break
                low = uint(text[start + UINT_1] & 63) << uint(6) | uint(text[start + UINT_2] & 63)
                if not characters[uint(byte & 15) << uint(12) | low]:
                    break
            start += UINT_1
        found[number] = start >= stop
