"""What is counted in a text itself, whatever the model; and the batches that models encode."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece.evaluation.results import Script
from bytepiece.evaluation.scripts import SCRIPTS, ScriptCodes, has_words, words
from bytepiece.evaluation.totals import TextTotals, added
from bytepiece.rules.text import is_utf8


class TextBatch(NamedTuple):
    """A part of the text.

    Args:
        lines: the lines that are not empty, without their line ends.
        segments: the whole part, cut into segments. A segment is a line and all its line ends.
        joined: the lines, with one line end after each.
        scripts: uint16[len(joined)], the code of the script of each byte of `joined`.
    """

    lines: list[bytes]
    segments: list[bytes]
    joined: bytes
    scripts: npt.NDArray[np.uint16]


class TextCounts:
    """The counts of a text.

    Args:
        codes: the codes of the scripts.
    """

    def __init__(self, codes: ScriptCodes) -> None:
        self._codes = codes
        self.totals = TextTotals(0, 0, 0, 0, np.zeros((3, len(SCRIPTS)), dtype=np.int64))

    def add(self, segments: list[bytes]) -> TextBatch:
        """Count some segments; return them as a batch for the models."""
        lines = [line for segment in segments if (line := segment.rstrip(b"\n"))]
        joined = b"".join([line + b"\n" for line in lines])
        characters = self._codes.characters(joined)
        by_byte = characters.by_byte()
        by_script = np.stack(
            [np.bincount(one, minlength=len(SCRIPTS)) for one in (characters.scripts, by_byte)]
            + [words(characters)]
        )
        # The line ends in `joined` are Common, whose code is 0. They are not parts of the lines.
        by_script[:2, 0] -= len(lines)
        size, joined_size = sum(map(len, segments)), len(joined) - len(lines)
        invalid = 0 if is_utf8(joined) else sum(not is_utf8(line) for line in lines)
        found = TextTotals(size, len(lines), joined_size, invalid, by_script)
        self.totals = added(self.totals, found)
        return TextBatch(lines, segments, joined, by_byte)

    def scripts(self) -> list[Script]:
        """Return the scripts in the text, the most frequent first."""
        found = [
            Script(name, size, characters, count if has_words(name) else None)
            for name, (characters, size, count) in zip(
                SCRIPTS, self.totals.by_script.T.tolist(), strict=True
            )
            if characters
        ]
        return sorted(found, key=lambda script: (-script.characters, script.name))
