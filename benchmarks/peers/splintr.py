"""The library splintr, with a Unigram model whose pieces lie within words.

It cuts texts into words first. So with pieces of several words it finds other ids.
"""

import os
from collections.abc import Sequence

from bytepiece.adapters.base import Adapter, TimedResult, timed


class Splintr(Adapter):
    """splintr's `encode_batch`, with one thread if RAYON_NUM_THREADS says so."""

    name = "splintr"
    module = "splintr"
    distribution = "splintr-rs"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Load a tokenizer.json."""
        import splintr  # noqa: PLC0415

        self._tokenizer = splintr.from_json(os.fspath(path))

    def encode_batch(self, texts: Sequence[str]) -> TimedResult:
        """Encode texts in one call, like the base class."""
        return timed(lambda: self._tokenizer.encode_batch(texts))
