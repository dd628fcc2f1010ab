"""What is counted in a text itself, whatever the model; and the batches that models encode."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece.evaluation.results import Script
from bytepiece.evaluation.scripts import MOST_SCRIPTS, ScriptCodes, has_words, words
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
        self.bytes = self.lines = self.line_bytes = self.invalid_lines = 0
        self._characters = np.zeros(MOST_SCRIPTS, dtype=np.int64)
        self._bytes = np.zeros(MOST_SCRIPTS, dtype=np.int64)
        self._words = np.zeros(MOST_SCRIPTS, dtype=np.int64)

    def add(self, segments: list[bytes]) -> TextBatch:
        """Count some segments; return them as a batch for the models."""
        lines = [line for segment in segments if (line := segment.rstrip(b"\n"))]
        joined = b"".join([line + b"\n" for line in lines])
        characters = self._codes.characters(joined)
        # The line ends in `joined` are Common, whose code is 0. They are not parts of the lines.
        line_ends = np.bincount([0], minlength=MOST_SCRIPTS) * len(lines)
        self._characters += np.bincount(characters.scripts, minlength=MOST_SCRIPTS) - line_ends
        by_byte = characters.by_byte()
        self._bytes += np.bincount(by_byte, minlength=MOST_SCRIPTS) - line_ends
        words_by_code = words(characters, self._codes.names)
        self._words[: len(words_by_code)] += words_by_code
        self.bytes += sum(map(len, segments))
        self.lines += len(lines)
        self.line_bytes += len(joined) - len(lines)
        if not is_utf8(joined):
            self.invalid_lines += sum(not is_utf8(line) for line in lines)
        return TextBatch(lines, segments, joined, by_byte)

    def scripts(self) -> list[Script]:
        """Return the scripts in the text, the most frequent first."""
        found = [
            Script(
                name,
                int(self._bytes[code]),
                int(self._characters[code]),
                int(self._words[code]) if has_words(name) else None,
            )
            for code, name in enumerate(self._codes.names)
            if self._characters[code]
        ]
        return sorted(found, key=lambda script: (-script.characters, script.name))
