"""Counting what one model does with a text, a batch at a time.

All counts are whole numbers, so that they do not depend on how the text came in batches: bytes are
counted by their script and by the length of the token that covers them, and the shares of tokens
(one byte of a token of n bytes is 1/n of it) are summed up in the end.
"""

from collections.abc import Sequence
from operator import eq
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece.adapters.subjects import Subject
from bytepiece.errors import ModelError
from bytepiece.evaluation.scripts import MOST_SCRIPTS, Scripts


class Batch(NamedTuple):
    """Some of the text.

    Args:
        lines: those that are not empty, without their line ends.
        segments: all the text, in lines with all the line ends after them.
        joined: the lines, with a line end after each.
        scripts: the code of the script of each byte of `joined`.
    """

    lines: list[bytes]
    segments: list[bytes]
    joined: bytes
    scripts: npt.NDArray[np.uint16]


class Tally:
    """The counts of one model.

    Args:
        subject: the model.
        scripts: codes of the scripts, shared with whoever made the batches.
    """

    def __init__(self, subject: Subject, scripts: Scripts) -> None:
        self.subject = subject
        self._scripts = scripts
        self.pieces = list(subject.adapter.vocabulary())
        size = len(self.pieces)
        # One more piece stands for the end of a line: between rows, so that no character can
        # come about from the end of one and the beginning of the next.
        self._spelled = [*self.pieces, b"\n"]
        lengths = np.fromiter(map(len, self._spelled), dtype=np.int64, count=size + 1)
        self._lengths = lengths
        self.distinct, places = np.unique(np.append(lengths[:-1], 0), return_inverse=True)
        self._places = places.reshape(-1)  # the end of a line has the place of no length, 0
        self.covered = np.zeros((MOST_SCRIPTS, len(self.distinct)), dtype=np.int64)
        self.counts = np.zeros(size, dtype=np.int64)
        self.counts_with_line_ends = np.zeros(size, dtype=np.int64)
        self.lossless_lines = 0
        self.keeps_line_ends = self._decoded(self._encoded([b"a\n"]))[0].endswith(b"\n")

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        adapter = self.subject.adapter
        result = self._encoded(batch.lines)
        ids, lengths = adapter.flat(result)
        self.counts += np.bincount(ids, minlength=len(self.counts))
        self.lossless_lines += sum(map(eq, self._decoded(result), batch.lines))
        self._cover(batch, np.insert(ids, np.cumsum(lengths), len(self.pieces)))
        ids, _ = adapter.flat(self._encoded(batch.segments))
        self.counts_with_line_ends += np.bincount(ids, minlength=len(self.counts))

    def _cover(self, batch: Batch, ids: npt.NDArray[np.int64]) -> None:
        """Count the bytes of tokens by script. The last id stands for the end of a line."""
        spelled = b"".join(map(self._spelled.__getitem__, ids.tolist()))
        # Where the tokens are not the text (normalized, without spaces), they are looked at
        # instead of it.
        scripts = (
            batch.scripts
            if spelled == batch.joined
            else self._scripts.characters(spelled).by_byte()
        )
        width = len(self.distinct)
        keys = scripts * np.int64(width) + np.repeat(self._places[ids], self._lengths[ids])
        found = np.bincount(keys, minlength=self.covered.size)
        self.covered += found.reshape(self.covered.shape)

    def tokens(self) -> npt.NDArray[np.float64]:
        """How many tokens cover the characters of each script, by its code."""
        return self.covered[:, 1:] @ (1.0 / self.distinct[1:])

    def _encoded(self, texts: Sequence[bytes]) -> Any:
        encode = self.subject.adapter.encode_batch
        if self.subject.over_bytes:
            return self._answer(encode, texts).result
        return self._answer(encode, [text.decode("utf-8", "replace") for text in texts]).result

    def _decoded(self, result: Any) -> list[bytes]:
        decoded: list[bytes] = self._answer(self.subject.adapter.decode_batch, result)
        return decoded

    def _answer(self, call: Any, argument: Any) -> Any:
        if self.subject.over_bytes:
            return call(argument)
        try:
            return call(argument)
        except Exception as error:
            message = " ".join(str(error).split())
            raise ModelError(
                f"{self.subject.name}: {self.subject.adapter.name} failed: {message:.200}"
            ) from None
