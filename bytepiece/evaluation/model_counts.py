"""What is counted while one model encodes a text, batch by batch.

A token of n bytes gives each of its bytes 1/n of a token. These shares are added up only at the
end: until then, bytes are counted by their script and by the length of the token that covers them.
"""

from collections.abc import Sequence
from operator import eq
from typing import Any

import numpy as np
import numpy.typing as npt

from bytepiece.adapters.loading import LoadedModel
from bytepiece.errors import ModelError
from bytepiece.evaluation.scripts import SCRIPTS, ScriptCodes
from bytepiece.evaluation.text_counts import TextBatch
from bytepiece.evaluation.totals import ModelTotals, added


class ModelCounts:
    """The counts of one model.

    Args:
        loaded: the model.
        codes: the codes of the characters' scripts, shared with the `TextCounts` that makes the
            batches.
    """

    def __init__(self, loaded: LoadedModel, codes: ScriptCodes) -> None:
        self.loaded = loaded
        self._codes = codes
        self.pieces = list(loaded.adapter.vocabulary())
        size = len(self.pieces)
        # The last entry stands for the end of a line. It separates the pieces of two lines, whose
        # bytes could otherwise form a character together.
        self._pieces_and_line_end = [*self.pieces, b"\n"]
        lengths = np.fromiter(map(len, self._pieces_and_line_end), dtype=np.int64, count=size + 1)
        self._lengths = lengths
        # The end of a line is counted as a piece of length 0, which `tokens` leaves out.
        self._distinct_lengths, places = np.unique(np.append(lengths[:-1], 0), return_inverse=True)
        self._places = places.reshape(-1)
        covered = np.zeros((len(SCRIPTS), len(self._distinct_lengths)), dtype=np.int64)
        zeros = np.zeros(size, dtype=np.int64)
        self.totals = ModelTotals(covered, zeros, zeros, 0)
        self.keeps_line_ends = self._decode(self._encode([b"a\n"]))[0].endswith(b"\n")

    def add(self, batch: TextBatch) -> None:
        """Encode a batch and count its tokens."""
        adapter = self.loaded.adapter
        result = self._encode(batch.lines)
        ids, lengths = adapter.flat(result)
        with_line_ends, _ = adapter.flat(self._encode(batch.segments))
        size = len(self.pieces)
        found = ModelTotals(
            self._covered(batch, np.insert(ids, np.cumsum(lengths), size)),
            np.bincount(ids, minlength=size),
            np.bincount(with_line_ends, minlength=size),
            sum(map(eq, self._decode(result), batch.lines)),
        )
        self.totals = added(self.totals, found)

    def _covered(self, batch: TextBatch, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Count bytes by their script and by the length of the piece that covers them.

        Args:
            batch: the text.
            ids: int64, the ids of all lines, and after each line the number of pieces, which
                stands for the end of the line.
        """
        spelled = b"".join(map(self._pieces_and_line_end.__getitem__, ids.tolist()))
        # Some models change the text: they normalize it, or drop spaces. Then the scripts are those
        # of the pieces' bytes.
        scripts = (
            batch.scripts if spelled == batch.joined else self._codes.characters(spelled).by_byte()
        )
        width = len(self._distinct_lengths)
        keys = scripts * np.int64(width) + np.repeat(self._places[ids], self._lengths[ids])
        return np.bincount(keys, minlength=len(SCRIPTS) * width).reshape(-1, width)

    def tokens(self) -> npt.NDArray[np.float64]:
        """Return float64[scripts], the tokens that cover the characters of each script."""
        return self.totals.covered[:, 1:] @ (1.0 / self._distinct_lengths[1:])

    def _encode(self, texts: Sequence[bytes]) -> Any:
        encode = self.loaded.adapter.encode_batch
        if self.loaded.over_bytes:
            return self._call(encode, texts).result
        return self._call(encode, [text.decode("utf-8", "replace") for text in texts]).result

    def _decode(self, result: Any) -> list[bytes]:
        decoded: list[bytes] = self._call(self.loaded.adapter.decode_batch, result)
        return decoded

    def _call(self, method: Any, argument: Any) -> Any:
        """Call a method of the adapter; raise ModelError if another library fails."""
        if self.loaded.over_bytes:
            return method(argument)
        try:
            return method(argument)
        except Exception as error:
            message = " ".join(str(error).split())
            raise ModelError(
                f"{self.loaded.name}: {self.loaded.adapter.name} failed: {message:.200}"
            ) from None
