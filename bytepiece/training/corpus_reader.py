"""A corpus that can be read more than once, and the blocks it is read in."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import offsets_of
from bytepiece.errors import CorpusError
from bytepiece.inputs.corpus import Corpus, source_of
from bytepiece.inputs.files import Files
from bytepiece.inputs.series import numbered
from bytepiece.inputs.weights import MOST_TOGETHER
from bytepiece.kernels.segments import segment_bounds
from bytepiece.rules.foreign import LibraryRules
from bytepiece.rules.text import Text, to_bytes
from bytepiece.rules.text_rules import NormalizationStep

_BLOCK = 1 << 22
"""The bytes of text that are handled at a time. Counts do not depend on this, but windows do."""
_MOST_TEXTS = 1 << 16
"""The number of texts that are handled at a time: short texts take more memory than their bytes."""
OTHER_CORPUS = (
    "the corpus is not the one that the checkpoint was made with; train on that one, or name "
    "another directory for the checkpoint"
)
_MOST_CHARS = 10_000
"""In training a segment has at most this many characters. Cuts at this length hardly change the
counts, and they bound the memory of the search. The original library does the same."""


class Block:
    """Some texts of a corpus, laid end to end and cut into segments.

    Args:
        text: uint8[bytes], normalized.
        bounds: int64[segments + 1], the beginning of each segment, and the end of the last.
        weights: int64[segments], how many units an occurrence in each segment counts, at least 1;
            by default 1. See `CorpusReader.unit`.
    """

    __slots__ = ("bounds", "text", "weights")

    def __init__(
        self,
        text: npt.NDArray[np.uint8],
        bounds: npt.NDArray[np.int64],
        weights: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self.text = text
        self.bounds = bounds
        self.weights = np.ones(len(bounds) - 1, dtype=np.int64) if weights is None else weights


class Position(NamedTuple):
    """A place in a corpus.

    Args:
        blocks: the number of blocks before it.
        digest: 32 bytes, a hash of the texts and weights in these blocks.
    """

    blocks: int
    digest: bytes


START = Position(0, b"")


class CorpusReader:
    """Reads a corpus block by block, as often as asked, and checks that it stays the same.

    Args:
        corpus: see `Corpus`.
        normalization, digit_group: as in `bytepiece.TextRules`.
        library: the rules of another library, which normalize each line.

    Raises:
        ArgumentError: if it is not a corpus.
        CorpusError: if the corpus can be read only once.
    """

    def __init__(
        self,
        corpus: Corpus,
        normalization: Sequence[NormalizationStep],
        digit_group: int,
        library: LibraryRules | None = None,
    ) -> None:
        corpus = source_of(corpus)
        if iter(corpus) is corpus:
            raise CorpusError(
                "the corpus can be read only once, and training reads it twice: give a list, or "
                "an object whose __iter__ begins anew"
            )
        self._corpus = corpus
        self._normalization = normalization
        self._digit_group = digit_group
        self._library = library
        self._read: tuple[str, str] | None = None
        self._consumed = 0
        self._file_size = corpus.size if isinstance(corpus, Files) else 0
        self.size = self._file_size
        """The number of bytes in the corpus. Before the first reading it is an estimate, or 0."""
        self.unit = corpus.unit if isinstance(corpus, Files) else 1
        """How many units in a `Block`'s weights make a weight of 1. A `min_count` of n is n · unit
        units. The unit is 1 unless files have weights that are not whole numbers."""
        self.position = START
        """The position after the block that was read last."""
        self.weight = 0
        """The sum of the bytes, each times its weight in units. It is known after a reading."""

    @property
    def digest(self) -> str:
        """The SHA-256 of all texts, normalized and end to end, without weights.

        It is empty before the corpus was read.
        """
        return self._read[0] if self._read else ""

    def __iter__(self) -> Iterator[Block]:
        return self.blocks()

    def blocks(
        self, after: Position = START, done: Callable[[int], object] = lambda _: None
    ) -> Iterator[Block]:
        """Yield the blocks of the corpus.

        Args:
            after: blocks before this position are not cut into segments and not yielded, only
                compared with the hash in the position.
            done: called with the number of bytes in each block, yielded or not. For a yielded
                block, it is called when the next block is asked for.

        Raises:
            CorpusError: if an item is not a text, if the corpus has changed since it was last read,
                or if it is not the corpus of the position.
        """
        digest = hashlib.sha256()
        # This hash covers the places where weights change and where texts end within a line.
        # `digest` covers the texts themselves.
        changes = hashlib.sha256(b"%d\n" % self.unit)
        texts: list[bytes] = []
        weights: list[int] = []
        number = size = pending = weighed = 0
        weight = 1

        def finished() -> Iterator[Block]:
            nonlocal number, size, pending, texts, weights
            number += 1
            size += pending
            self._estimate(size)
            if number >= after.blocks:
                both = hashlib.sha256(digest.digest() + changes.digest()).digest()
                self.position = Position(number, both)
                if number > after.blocks:
                    yield self._block(texts, weights)
                elif both != after.digest:
                    raise CorpusError(OTHER_CORPUS)
            done(pending)
            texts, weights, pending = [], [], 0

        for text, units in self._weighted():
            raw = to_bytes(text, self._normalization)
            if self._library is not None:
                raw = _normalized_lines(raw, self._library)
            if not raw:
                continue
            texts.append(raw)
            weights.append(units)
            digest.update(raw)
            if units != weight:
                changes.update(b"%d %d\n" % (size + pending, units))
                weight = units
            pending += len(raw)
            if not raw.endswith(b"\n"):
                changes.update(b"%d\n" % (size + pending))
            weighed += len(raw) * units
            if weighed > MOST_TOGETHER:
                raise CorpusError(
                    f"weights make the corpus more than {MOST_TOGETHER // self.unit} bytes, and "
                    "counts would no longer be exact; use smaller weights, or counts in a .tsv"
                )
            if pending >= _BLOCK or len(texts) == _MOST_TEXTS:
                yield from finished()
        found = digest.hexdigest(), changes.hexdigest()
        if pending:
            yield from finished()
        if number < after.blocks:
            raise CorpusError(OTHER_CORPUS)
        self.size, self.weight = size, weighed
        if self._read and self._read != found:
            raise CorpusError("the corpus changed while it was being read; nothing was learned")
        self._read = found

    def _weighted(self) -> Iterator[tuple[Text, int]]:
        self._consumed = 0
        if isinstance(self._corpus, Files):
            return self._corpus.weighted(self._consume)
        return ((text, 1) for _, text in numbered(self._corpus, CorpusError))

    def _consume(self, size: int) -> None:
        self._consumed += size

    def _estimate(self, size: int) -> None:
        """Estimate the size of the corpus from the part of the files that was read."""
        if self._consumed and not self._read:
            self.size = self._file_size * size // self._consumed

    def _block(self, texts: list[bytes], weights: list[int]) -> Block:
        parts = offsets_of(map(len, texts))
        buffer = np.frombuffer(b"".join(texts), dtype=np.uint8)
        plain = np.full(len(texts), -1, dtype=np.int32)
        bounds, part_of = segment_bounds(buffer, parts, plain, self._digit_group, _MOST_CHARS)
        return Block(buffer, bounds, np.array(weights, dtype=np.int64)[part_of])


def _normalized_lines(text: bytes, library: LibraryRules) -> bytes:
    """Return the lines of a text, each normalized as a text of its own; empty lines are left out.

    No piece of another library's model contains a line end, so that line ends need no counts.
    """
    lines = [library.normalize([line])[0] for line in text.split(b"\n")]
    return b"".join([line + b"\n" for line in lines if line])
