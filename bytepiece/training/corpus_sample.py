"""The windows of a corpus that are kept in memory: all, or a sample that fits."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from heapq import heappop, heappush
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64, offsets_of
from bytepiece.errors import CorpusError
from bytepiece.inputs.shards import Shard
from bytepiece.training.checkpoint import Arrays, Checkpoint
from bytepiece.training.corpus_reader import Block, ShardFacts, ShardReading
from bytepiece.training.sampled_counts import SampledCounts, standing_for

_WINDOW = 3 << 15
"""The smallest number of bytes in a window. Only the last window of a block may have fewer."""
_HELD_OUT = 4, 100
"""In one window of four, the segments in the last hundredth of its bytes may be held out."""
_MOST_HELD_OUT = 1 << 20
"""The largest number of held-out bytes."""
_BLOCK = 1 << 22
"""Windows are laid end to end until they have at least this many bytes together."""
_CHUNK = 4
"""The number of blocks from one checkpoint to the next."""
_CIRCLE = 1 << 64
_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio."""
Parts = Callable[[Block], Block]
"""Cuts the segments of a window into parts. It can be pickled."""


class CorpusSample(NamedTuple):
    """Windows of a corpus.

    Args:
        windows: in the order of the corpus. Instead of these, they may be its different words, each
            a segment whose count is its weight; see `SampleRules`.
        whole: whether these are all windows of the corpus.
        held_out: stretches of the corpus that are in no window.
        room: how many bytes of text fit in the memory.
        rate: if the windows are different words, the smallest count that is no estimate; see
            `bytepiece.training.sampled_counts`. Otherwise 1.
    """

    windows: list[Block]
    whole: bool
    held_out: list[Block]
    room: int
    rate: int = 1

    @property
    def size(self) -> int:
        """The number of bytes in the windows."""
        return sum(len(window.text) for window in self.windows)

    def summary(self) -> "SampleSummary":
        """Return what a model's record needs of the sample."""
        return SampleSummary(self.size, self.whole, self.held_out)

    @property
    def damped(self) -> bool:
        """Whether counts are damped; see `bytepiece.training.pairs.count`."""
        return True

    def part(self, every: int) -> list[Block]:
        """Return every n-th window, from the first on."""
        return self.windows[::every]


class SampleSummary(NamedTuple):
    """What a model's record needs of a sample.

    Args:
        size: the number of bytes in the windows.
        whole, held_out: see `CorpusSample`.
    """

    size: int
    whole: bool
    held_out: list[Block]


class SampleRules(NamedTuple):
    """The rules that say which windows are kept. They depend on the corpus and the memory alone.

    Args:
        most: the largest number of bytes in the kept windows.
        hold_out: whether to hold out a hundredth of some windows, for a fair measure at the end.
        size: the size of the corpus in files, or 0 if it is not known before it was read.
        parts: cuts a window into words, so that different words are kept in place of windows.
    """

    most: int
    hold_out: bool
    size: int
    parts: Parts | None = None

    def choosers(self, before: int = 0) -> "tuple[_WindowChooser | _WordChooser, _WindowChooser]":
        """Return what chooses the kept windows, and what chooses the held-out stretches.

        Args:
            before: the size of the corpus before the first window.
        """
        first = before // _WINDOW
        held_out = self.size // (_HELD_OUT[0] * _HELD_OUT[1])
        kept: _WindowChooser | _WordChooser
        if self.parts is None:
            kept = _WindowChooser(self.most, first, _first_limit(self.most, self.size))
        else:
            kept = _WordChooser(self.most, first, self.parts)
        return kept, _WindowChooser(
            _MOST_HELD_OUT, first // _HELD_OUT[0], _first_limit(_MOST_HELD_OUT, held_out)
        )


def _first_limit(most: int, size: int) -> int:
    """Return the limit of a `_WindowChooser` for a corpus of some size, before it is read.

    It leaves room for text that is only an eighth of its files. So a worker that reads shards keeps
    eight times as much as stays in the end, and not everything.
    """
    return min(_CIRCLE, (8 * most << 64) // max(size, 1))


class ShardSample(NamedTuple):
    """The windows of a shard that may be kept.

    Args:
        facts: what the reading found.
        kept: the windows.
        held_out: the held-out stretches.
    """

    facts: ShardFacts
    kept: "ChosenWindows"
    held_out: "ChosenWindows"


class ChosenWindows(NamedTuple):
    """Windows that were chosen from a shard.

    Args:
        limit: those whose place on the circle is before this limit were chosen. For words, the
            rate of `SampledCounts`.
        numbers: their numbers, which are their places before multiplication.
        windows: in the order of the shard.
    """

    limit: int
    numbers: list[int]
    windows: list[Block]


def sample_of(shard: Shard, reading: ShardReading, rules: SampleRules) -> ShardSample:
    """Read a shard, and choose windows."""
    kept, held_out = rules.choosers(shard.before)
    for block in reading:
        for low, high in _ranges(block):
            held = rules.hold_out and kept.number % _HELD_OUT[0] == 0
            cut = _held_out_from(block.bounds, low, high) if held else high
            kept.add(block, low, cut)
            if cut < high:
                held_out.add(block, cut, high)
    return ShardSample(reading.facts(), kept.chosen(), held_out.chosen())


def joined(samples: Iterable[tuple[int, ShardSample]], rules: SampleRules) -> CorpusSample:
    """Return the sample of a corpus from those of its shards, which come in any order.

    Args:
        samples: the number of each shard, and its sample.
        rules: those that the shards' samples were made with.

    Raises:
        CorpusError: if the corpus is empty.
    """
    kept, held_out = rules.choosers()
    for number, sample in samples:
        kept.take(number, sample.kept)
        held_out.take(number, sample.held_out)
    limit, _, windows = kept.chosen()
    if not windows:
        raise CorpusError("the corpus is empty: there is no text in it to learn from")
    rest = held_out.chosen().windows
    if rules.parts is None:
        return CorpusSample(windows, limit == _CIRCLE, rest, rules.most)
    return CorpusSample(standing_for(windows, limit), limit == 1, rest, rules.most, limit)


def sample_arrays(sample: ShardSample) -> Arrays:
    """Return the sample of a shard in arrays for a checkpoint."""
    facts, kept, held_out = sample
    return {
        **facts_arrays([facts]),
        **_chosen_arrays("kept", kept),
        **_chosen_arrays("held", held_out),
    }


def sample_from(arrays: Arrays) -> ShardSample:
    """Return the sample in arrays that `sample_arrays` made."""
    [facts] = facts_from(arrays)
    return ShardSample(facts, _chosen_from("kept", arrays), _chosen_from("held", arrays))


def facts_arrays(facts: Sequence[ShardFacts]) -> Arrays:
    """Return the facts of shards in arrays for a checkpoint."""
    digests = b"".join([one.digest + one.changes for one in facts])
    return {
        "digests": np.frombuffer(digests, dtype=np.uint8),
        "sizes": np.array([one.size for one in facts], dtype=np.int64),
        "weighted": np.array([one.weight for one in facts], dtype=np.int64),
    }


def facts_from(arrays: Arrays) -> list[ShardFacts]:
    """Return the facts in arrays that `facts_arrays` made."""
    digests = arrays["digests"].tobytes()
    numbers = zip(arrays["sizes"].tolist(), arrays["weighted"].tolist(), strict=True)
    return [
        ShardFacts(digests[64 * i : 64 * i + 32], digests[64 * i + 32 : 64 * i + 64], *both)
        for i, both in enumerate(numbers)
    ]


def block_arrays(name: str, windows: Sequence[Block]) -> Arrays:
    """Return windows in arrays for a checkpoint, whose names begin with `name`."""
    bounds = [np.diff(window.bounds) for window in windows]
    return {
        f"{name}-segments": np.array([len(one) for one in bounds], dtype=np.int64),
        f"{name}-lengths": _joined(bounds, np.int64),
        f"{name}-weights": _joined([window.weights for window in windows], np.int64),
        f"{name}-text": _joined([window.text for window in windows], np.uint8),
    }


def blocks_from(name: str, arrays: Arrays) -> list[Block]:
    """Return the windows in arrays that `block_arrays` made."""
    everything = Block(
        arrays[f"{name}-text"], offsets_of(arrays[f"{name}-lengths"]), arrays[f"{name}-weights"]
    )
    ends = offsets_of(arrays[f"{name}-segments"]).tolist()
    return [_stretch(everything, low, high) for low, high in pairwise(ends)]


def _chosen_arrays(name: str, chosen: ChosenWindows) -> Arrays:
    low, high = chosen.limit & (1 << 63) - 1, chosen.limit >> 63
    return {
        f"{name}-limit": np.array([low, high], dtype=np.int64),
        f"{name}-numbers": np.array(chosen.numbers, dtype=np.int64),
        **block_arrays(name, chosen.windows),
    }


def _chosen_from(name: str, arrays: Arrays) -> ChosenWindows:
    low, high = arrays[f"{name}-limit"].tolist()
    numbers = arrays[f"{name}-numbers"].tolist()
    return ChosenWindows(high << 63 | low, numbers, blocks_from(name, arrays))


def windows_of(blocks: Iterable[Block], times: int = 1) -> Iterator[Block]:
    """Cut blocks into windows of whole segments, or into parts that are some times as large."""
    for block in blocks:
        for low, high in _ranges(block, times):
            yield _stretch(block, low, high)


def _ranges(block: Block, times: int = 1) -> Iterator[tuple[int, int]]:
    """Yield the first segment of each window of a block, and the one after its last."""
    low, last = 0, len(block.bounds) - 1
    while low < last:
        high = int(np.searchsorted(block.bounds, block.bounds[low] + _WINDOW * times))
        yield low, min(high, last)
        low = min(high, last)


def chunks(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Yield blocks, a few at a time."""
    blocks = iter(blocks)
    while chunk := list(islice(blocks, _CHUNK)):
        yield chunk


def by_chunk(
    name: str,
    blocks: Iterable[Block],
    compute: Callable[[list[Block]], Arrays],
    checkpoint: Checkpoint,
    done: Callable[[int], object],
    wanted: slice = slice(None),
) -> Iterator[Arrays]:
    """Yield the results of a computation on a few blocks at a time. A checkpoint keeps the results.

    Args:
        blocks, compute: a few blocks at a time are handed to the computation.
        checkpoint, name: the checkpoint keeps the results under this name and a number.
        done: called with the number of bytes in the blocks that are done.
        wanted: which of the results are computed.
    """
    for number, chunk in islice(enumerate(chunks(blocks)), wanted.start, None, wanted.step):
        yield checkpoint.step(f"{name}-{number}", partial(compute, chunk))
        done(sum(len(block.text) for block in chunk))


def blocks_of(windows: Iterable[Block]) -> Iterator[Block]:
    """Lay windows end to end in blocks of some megabytes."""
    some: list[Block] = []
    size = 0
    for window in windows:
        some.append(window)
        size += len(window.text)
        if size >= _BLOCK:
            yield _together(some)
            some, size = [], 0
    if some:
        yield _together(some)


def _together(windows: Sequence[Block]) -> Block:
    lengths = np.concatenate([np.diff(window.bounds) for window in windows])
    return Block(
        np.concatenate([window.text for window in windows]),
        offsets_of(lengths),
        np.concatenate([window.weights for window in windows]),
    )


def _stretch(block: Block, low: int, high: int) -> Block:
    """Return some segments of a block."""
    bounds = block.bounds[low : high + 1]
    # Copies, because views would keep the whole block in memory.
    text = block.text[bounds[0] : bounds[-1]].copy()
    return Block(text, bounds - bounds[0], block.weights[low:high].copy())


def _held_out_from(bounds: I64, low: int, high: int) -> int:
    """Return the first segment of a window that is held out, or the window's end if none is.

    None is held out if the window is small, or if its last segment is too long.
    """
    size = int(bounds[high] - bounds[low])
    if size < _WINDOW:
        return high
    return int(np.searchsorted(bounds, bounds[high] - size // _HELD_OUT[1]))


class _WindowChooser:
    """Keeps as many windows as fit in a number of bytes, and at least one.

    The number of a window times the golden ratio is its place on a circle. These places are spread
    evenly, however many windows there are. The windows on the first part of the circle are kept,
    and the part is as large as the memory allows. So the kept set does not depend on the order in
    which the windows arrive, and what was kept of shards can be joined.

    Args:
        most: the number of bytes.
        first: the number of the first window. Windows of different shards may have equal numbers.
        limit: windows whose place is at or after it are not kept.
    """

    def __init__(self, most: int, first: int = 0, limit: int = _CIRCLE) -> None:
        self._most = most
        # A heap; the last place comes first. The order of the windows is by shard and number.
        self._kept: list[tuple[int, tuple[int, int], Block]] = []
        self._limit, self._size = limit, 0
        self.number = first
        """The number of the next window."""

    def add(self, block: Block, low: int, high: int) -> None:
        """Take in some segments of a block as one more window."""
        if self._place(self.number) < self._limit:
            self._add((0, self.number), _stretch(block, low, high))
        self.number += 1

    def take(self, shard: int, chosen: ChosenWindows) -> None:
        """Take in the windows that were chosen from a shard with this number."""
        for number, window in zip(chosen.numbers, chosen.windows, strict=True):
            self._add((shard, number), window)
        self._lower(chosen.limit)

    def chosen(self) -> ChosenWindows:
        """Return the kept windows, in the order of the corpus."""
        found = sorted(self._kept, key=lambda one: one[1])
        numbers = [number for _, (_, number), _ in found]
        return ChosenWindows(self._limit, numbers, [window for _, _, window in found])

    @staticmethod
    def _place(number: int) -> int:
        return number * _GOLDEN % _CIRCLE

    def _add(self, order: tuple[int, int], window: Block) -> None:
        place = self._place(order[1])
        if place >= self._limit:
            return
        heappush(self._kept, (-place, order, window))
        self._size += _cost(window)
        while self._size > self._most and len(self._kept) > 1:
            self._lower(-self._kept[0][0])

    def _lower(self, limit: int) -> None:
        """Drop the windows whose place on the circle is at or after this limit."""
        self._limit = min(self._limit, limit)
        while self._kept and -self._kept[0][0] >= self._limit:
            _, _, dropped = heappop(self._kept)
            self._size -= _cost(dropped)


class _WordChooser:
    """Keeps the different words of windows, as many as fit in a number of bytes.

    Args:
        most: the number of bytes.
        first: the number of the first window.
        parts: cuts a window into words.
    """

    def __init__(self, most: int, first: int, parts: Parts) -> None:
        self._words = SampledCounts(most)
        self._parts = parts
        self.number = first
        """The number of the next window."""

    def add(self, block: Block, low: int, high: int) -> None:
        """Take in the words of some segments of a block."""
        self._words.add(self._parts(_stretch(block, low, high)))
        self.number += 1

    def take(self, shard: int, chosen: ChosenWindows) -> None:  # noqa: ARG002
        """Take in the words of a shard. The shards come in the order of the corpus."""
        for block in chosen.windows:
            self._words.add(block)
        self._words.rate = max(self._words.rate, chosen.limit)

    def chosen(self) -> ChosenWindows:
        """Return the words and their rate. Nothing can be taken in later."""
        blocks = self._words.blocks()
        return ChosenWindows(self._words.rate, [*range(len(blocks))], blocks)


def _cost(window: Block) -> int:
    """Return the bytes of a window's text or of its bounds and weights, whichever are more."""
    return max(len(window.text), window.bounds.nbytes + window.weights.nbytes)


def _joined(arrays: Sequence[npt.NDArray[Any]], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *arrays])
