"""The tables of an automaton that finds words. Loads no compiler."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

PAGE = 256
"""How many code points a page has."""
END = 0
"""The place in the table of the state from which no match goes on."""
MATCHED = 1 << 31
"""This bit of an entry of the table says that the pattern has matched before the character."""


class WordAutomaton(NamedTuple):
    """The automaton of a pattern; see `bytepiece.rules.word_automaton`.

    Args:
        ascii: uint8[128], the class of each character of ASCII.
        pages: uint8[pages · 256], the classes of the characters on each page.
        page_of: uint16[4352], the page of each 256 code points.
        table: uint32[states · width], for each state and class the place in this table where the
            next state begins, with a bit that says whether the pattern has matched before this
            character. The first state begins at `width`.
        width: one more than the number of classes; the last column is for the end of the text.
        invalid: the class of a byte that is not part of a valid character.
    """

    ascii: npt.NDArray[np.uint8]
    pages: npt.NDArray[np.uint8]
    page_of: npt.NDArray[np.uint16]
    table: npt.NDArray[np.uint32]
    width: int
    invalid: int
