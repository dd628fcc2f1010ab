"""A corpus that can be read more than once, shard by shard, and the blocks it is read in."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import offsets_of
from bytepiece.errors import CorpusError
from bytepiece.inputs.corpus import Corpus, source_of
from bytepiece.inputs.files import Files
from bytepiece.inputs.series import numbered
from bytepiece.inputs.shards import Shard, shards_of
from bytepiece.inputs.weights import MOST_TOGETHER
from bytepiece.kernels.segments import segment_bounds
from bytepiece.rules.foreign import LibraryRules
from bytepiece.rules.text import Text, to_bytes
from bytepiece.rules.text_rules import NormalizationStep

_BLOCK = 1 << 22
"""The bytes of text that are handled at a time. Counts do not depend on this, but windows do."""
_MOST_TEXTS = 1 << 16
"""The number of texts that are handled at a time: short texts take more memory than their bytes."""
_BLOCKS = 4
"""The number of blocks in a shard of a corpus that is not in files."""
_HEAVIEST = 1 << 48
"""The largest weight of a corpus for the merge and unigram trainers."""
_MOST_CHARS = 10_000
"""In training a segment has at most this many characters. Cuts at this length hardly change the
counts, and they bound the memory of the search. The original library does the same."""


class Block:
    """Some texts of a corpus, laid end to end and cut into segments.

    Args:
        text: uint8[bytes], normalized.
        bounds: int64[segments + 1], the beginning of each segment, and the end of the last.
        weights: int64[segments], how many units an occurrence in each segment counts, at least 1;
            by default 1. See `CorpusFacts`.
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


class ShardFacts(NamedTuple):
    """What a reading of a shard found. If a shard is read again, the facts must be the same.

    Args:
        digest: 32 bytes, the SHA-256 of its texts, normalized and end to end, without weights.
        changes: 32 bytes, a hash of the places where weights change and where texts end within a
            line.
        size: the number of bytes in its texts.
        weight: the sum of the bytes, each times its weight in units.
    """

    digest: bytes
    changes: bytes
    size: int
    weight: int


class CorpusFacts(NamedTuple):
    """What is known of a corpus after all its shards were read.

    Args:
        size: the number of bytes in its texts.
        weight: the sum of the bytes, each times its weight in units.
        unit: how many units in a `Block`'s weights make a weight of 1. A `min_count` of n is
            n · unit units. The unit is 1 unless files have weights that are not whole numbers.
        digest: the SHA-256 of its texts as hexadecimal digits; see `ShardFacts`. If the corpus has
            several shards, it is the SHA-256 of their digests, end to end.
    """

    size: int
    weight: int
    unit: int
    digest: str


class ShardReading:
    """One reading of a shard, block by block.

    Args:
        texts: the texts, and how many units each counts.
        rules: how the texts become blocks.
        cut: whether blocks are yielded. If not, the reading only finds the facts.
        given_up: returns whether to end early, with an error that nobody sees.
    """

    def __init__(
        self,
        texts: Iterable[tuple[Text, int]],
        rules: "BlockRules",
        cut: bool,
        given_up: Callable[[], bool],
    ) -> None:
        self._given_up = given_up
        self._texts = texts
        self._rules = rules
        self._cut = cut
        self._facts: ShardFacts | None = None

    def facts(self) -> ShardFacts:
        """Return what the reading found, after the last block."""
        if self._facts is None:
            raise RuntimeError("the shard was not read to its end")
        return self._facts

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks.

        Raises:
            CorpusError: if a file cannot be read, or the weights are too large.
        """
        rules = self._rules
        digest = hashlib.sha256()
        changes = hashlib.sha256(b"%d\n" % rules.unit)
        texts: list[bytes] = []
        weights: list[int] = []
        size = pending = weighed = 0
        weight = 1
        for text, units in self._texts:
            raw = rules.normalized(text)
            if self._given_up():
                raise CancelledError
            if not raw:
                continue
            digest.update(raw)
            if units != weight:
                changes.update(b"%d %d\n" % (size, units))
                weight = units
            size += len(raw)
            if not raw.endswith(b"\n"):
                changes.update(b"%d\n" % size)
            weighed += len(raw) * units
            check_together(weighed, rules.unit)
            if self._cut:
                texts.append(raw)
                weights.append(units)
                pending += len(raw)
                if pending >= _BLOCK or len(texts) == _MOST_TEXTS:
                    yield rules.block(texts, weights)
                    texts, weights, pending = [], [], 0
        if pending:
            yield rules.block(texts, weights)
        self._facts = ShardFacts(digest.digest(), changes.digest(), size, weighed)


class BlockRules(NamedTuple):
    """How texts become blocks.

    Args:
        normalization, digit_group: as in `bytepiece.TextRules`.
        library: the rules of another library, which normalize each line.
        unit: see `CorpusFacts`.
    """

    normalization: tuple[NormalizationStep, ...]
    digit_group: int
    library: LibraryRules | None
    unit: int

    def normalized(self, text: Text) -> bytes:
        """Return the bytes of a text, normalized."""
        raw = to_bytes(text, self.normalization)
        return raw if self.library is None else _normalized_lines(raw, self.library)

    def block(self, texts: Sequence[bytes], weights: Sequence[int]) -> Block:
        """Return some texts as a block. There is a weight for each text."""
        parts = offsets_of(map(len, texts))
        buffer = np.frombuffer(b"".join(texts), dtype=np.uint8)
        plain = np.full(len(texts), -1, dtype=np.int32)
        bounds, part_of = segment_bounds(buffer, parts, plain, self.digit_group, _MOST_CHARS)
        return Block(buffer, bounds, np.array(weights, dtype=np.int64)[part_of])


class CorpusReader:
    """Reads a corpus shard by shard, as often as asked, and checks that it stays the same.

    A reader of files can be pickled, so that shards can be read elsewhere.

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
        self.unit = corpus.unit if isinstance(corpus, Files) else 1
        """See `CorpusFacts`."""
        self._rules = BlockRules(tuple(normalization), digit_group, library, self.unit)
        self._given_up = False
        self.noted: list[ShardFacts] = []
        """The facts of all shards, after a reading."""
        self.in_files = isinstance(corpus, Files)
        """Whether the corpus is in files, so that shards can be read elsewhere."""
        self.file_size = 0
        """The size of all shards of a corpus in files, in bytes; 0 for other corpora. It is known
        after the first call of `shards`."""

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks of all shards."""
        found = []
        for shard in self.shards():
            reading = self.read(shard)
            yield from reading
            found.append(reading.facts())
        self.note(found)

    def shards(self) -> Iterable[Shard]:
        """Return the shards, in the order of the corpus.

        If the corpus is not in files, shards hold the texts, and are made one by one.

        Raises:
            CorpusError: if a file cannot be read, or an item is not a text.
        """
        if not isinstance(self._corpus, Files):
            return _shards_of_texts(self._corpus)
        shards = shards_of(self._corpus)
        self.file_size = sum(shard.size for shard in shards)
        return shards

    def read(self, shard: Shard, cut: bool = True) -> ShardReading:
        """Return a reading of a shard; see `ShardReading`."""
        texts: Iterable[tuple[Text, int]] = ((text, 1) for text in shard.texts)
        if isinstance(self._corpus, Files):
            texts = self._corpus.weighted(shard.parts)
        return ShardReading(texts, self._rules, cut, lambda: self._given_up)

    def give_up(self) -> None:
        """End all readings in other threads early."""
        self._given_up = True

    def note(self, found: Sequence[ShardFacts]) -> None:
        """Take note of the facts of all shards.

        Raises:
            CorpusError: if they are not those of an earlier reading, or the weights are too large.
        """
        if self.noted and self.noted != list(found):
            raise changed()
        self.noted = list(found)
        check_together(sum(one.weight for one in found), self.unit)

    def facts(self) -> CorpusFacts:
        """Return what is known of the corpus after a reading of all shards."""
        return corpus_facts(self.noted, self.unit)


def corpus_facts(found: Sequence[ShardFacts], unit: int) -> CorpusFacts:
    """Return the facts of a corpus from those of its shards, in their order."""
    digests = [one.digest for one in found]
    digest = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()
    size, weight = sum(one.size for one in found), sum(one.weight for one in found)
    return CorpusFacts(size, weight, unit, digest.hex())


def changed() -> CorpusError:
    """Return the error for a corpus that is not the same at its second reading."""
    return CorpusError("the corpus changed while it was being read; nothing was learned")


def check_together(weight: int, unit: int) -> None:
    """Check that counts in a corpus are exact. `weight` and `unit` are those of `CorpusFacts`.

    Raises:
        CorpusError: if the weight is too large.
    """
    if weight > MOST_TOGETHER:
        raise CorpusError(
            f"weights make the corpus more than {MOST_TOGETHER // unit} bytes, and "
            "counts would no longer be exact; use smaller weights, or counts in a .tsv"
        )


def check_weight(corpus: CorpusFacts) -> None:
    """Check that the numbers that are computed from the counts of a corpus fit in 64 bits.

    Raises:
        CorpusError: if the weights of the corpus are too large.
    """
    if corpus.weight > _HEAVIEST:
        raise CorpusError(
            f"weights make the corpus more than {_HEAVIEST // corpus.unit} bytes; use smaller ones"
        )


def _shards_of_texts(corpus: Iterable[Text]) -> Iterator[Shard]:
    """Yield some blocks of a corpus at a time. The blocks are the same as without shards."""
    some: list[Text] = []
    number = before = size = blocks = pending = texts = 0
    for _, text in numbered(corpus, CorpusError):
        length = len(to_bytes(text))
        if not length:
            continue
        some.append(text)
        texts += 1
        pending += length
        if pending >= _BLOCK or texts == _MOST_TEXTS:
            size += pending
            blocks += 1
            pending = texts = 0
        if blocks == _BLOCKS:
            yield Shard(number, before, size, texts=tuple(some))
            number += 1
            before += size
            some, size, blocks = [], 0, 0
    if some:
        yield Shard(number, before, size + pending, texts=tuple(some))


def _normalized_lines(text: bytes, library: LibraryRules) -> bytes:
    """Return the lines of a text, each normalized as a text of its own; empty lines are left out.

    No piece of another library's model contains a line end, so that line ends need no counts.
    """
    lines = [library.normalize([line])[0] for line in text.split(b"\n")]
    return b"".join([line + b"\n" for line in lines if line])
