"""The windows of a corpus that are kept in memory: all, or a sample that fits."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from heapq import heappop, heappush
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import offsets_of
from bytepiece.errors import CorpusError
from bytepiece.training.checkpoint import Arrays, Checkpoint
from bytepiece.training.corpus_reader import OTHER_CORPUS, START, Block, CorpusReader, Position
from bytepiece.training.progress import Progress

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
_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio."""


class CorpusSample(NamedTuple):
    """Windows of a corpus.

    Args:
        windows: in the order of the corpus.
        whole: whether these are all windows of the corpus.
        held_out: stretches of the corpus that are in no window.
        room: how many bytes of text fit in the memory.
    """

    windows: list[Block]
    whole: bool
    held_out: list[Block]
    room: int

    @property
    def size(self) -> int:
        """The number of bytes in the windows."""
        return sum(len(window.text) for window in self.windows)

    @property
    def damped(self) -> bool:
        """Whether counts are damped; see `bytepiece.training.pairs.count`."""
        return True

    def part(self, every: int) -> list[Block]:
        """Return every n-th window, from the first on."""
        return self.windows[::every]


def read_sample(
    reader: CorpusReader, most: int, hold_out: bool, checkpoint: Checkpoint, progress: Progress
) -> CorpusSample:
    """Read a corpus, and keep as many windows as fit, and at least one.

    Args:
        reader: the reader of the corpus.
        most: the largest number of bytes in the kept windows.
        hold_out: whether to hold out a hundredth of some windows, for a fair measure at the end.
        checkpoint: keeps the windows.
        progress: called with the number of bytes read.

    Raises:
        CorpusError: if the corpus is empty, or differs from the checkpoint's corpus.
    """
    kept, held_out = _WindowChooser(most), _WindowChooser(_MOST_HELD_OUT)
    after, number = START, 0
    while (part := checkpoint.load(f"windows-{number}")) is not None:
        after = position_of(part)
        kept.load(part, "kept")
        held_out.load(part, "held")
        number += 1
    finished = checkpoint.load("corpus")
    for chunk in chunks(reader, after, reading_progress("reading", reader, progress)):
        first = kept.number, held_out.number
        for window in windows_of(chunk):
            held = hold_out and kept.number % _HELD_OUT[0] == 0
            learned_from, rest = _parted(window) if held else (window, None)
            kept.add(learned_from)
            if rest is not None:
                held_out.add(rest)
        # If an earlier run has finished this pass, nothing is saved, because only the end of the
        # pass shows whether the corpus is the same.
        if finished is None:
            new = partial(_latest_windows, kept, held_out, first, reader.position)
            checkpoint.save(f"windows-{number}", new)
            number += 1
    if not kept.number:
        raise CorpusError("the corpus is empty: there is no text in it to learn from")
    if finished is None:
        checkpoint.save("corpus", lambda: arrays_of(reader.position))
    elif position_of(finished) != reader.position:
        raise CorpusError(OTHER_CORPUS)
    progress("reading", reader.size, reader.size)
    return CorpusSample(kept.windows(), kept.whole, held_out.windows(), most)


def _latest_windows(
    kept: "_WindowChooser", held_out: "_WindowChooser", first: tuple[int, int], position: Position
) -> Arrays:
    """Return the windows that arrived last, in arrays for a checkpoint."""
    numbers = zip((kept, held_out), first, ("kept", "held"), strict=True)
    arrays = {k: v for one, n, name in numbers for k, v in one.since(n, name).items()}
    return {**arrays, **arrays_of(position)}


def windows_of(blocks: Iterable[Block], times: int = 1) -> Iterator[Block]:
    """Cut blocks into windows of whole segments, or into parts that are some times as large."""
    for block in blocks:
        low = 0
        while low < len(block.bounds) - 1:
            high = int(np.searchsorted(block.bounds, block.bounds[low] + _WINDOW * times))
            high = min(high, len(block.bounds) - 1)
            yield _stretch(block, low, high)
            low = high


def chunks(
    reader: CorpusReader, after: Position, done: Callable[[int], object]
) -> Iterator[list[Block]]:
    """Yield the blocks after a position, a few at a time; see `CorpusReader.blocks`."""
    blocks = reader.blocks(after, done)
    while chunk := list(islice(blocks, _CHUNK)):
        yield chunk


def by_chunk(
    name: str,
    blocks: Iterable[Block],
    compute: Callable[[list[Block]], Arrays],
    checkpoint: Checkpoint,
    done: Callable[[int], object],
) -> Iterator[Arrays]:
    """Yield the results of a computation on a few blocks at a time. A checkpoint keeps the results.

    Args:
        name: the result's name in the checkpoint, before a number.
        blocks: a few of them at a time are handed to `compute`.
        compute: the computation.
        checkpoint: keeps the results.
        done: called with the number of bytes in the blocks that are done.
    """
    blocks, number = iter(blocks), 0
    while chunk := list(islice(blocks, _CHUNK)):
        yield checkpoint.step(f"{name}-{number}", partial(compute, chunk))
        done(sum(len(block.text) for block in chunk))
        number += 1


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


def reading_progress(phase: str, reader: CorpusReader, progress: Progress) -> Callable[[int], None]:
    """Return a function to call with the size of each block. It reports a pass over the corpus."""
    done = 0

    def report(size: int) -> None:
        nonlocal done
        done += size
        # The caller reports the end, because only it knows when the pass is over.
        progress(phase, done, max(reader.size, done + 1))

    return report


def arrays_of(position: Position) -> Arrays:
    """Return a position in arrays for a checkpoint."""
    return {
        "blocks": np.array([position.blocks], dtype=np.int64),
        "digest": np.frombuffer(position.digest, dtype=np.uint8),
    }


def position_of(arrays: Arrays) -> Position:
    """Return the position in arrays that `arrays_of` made."""
    return Position(int(arrays["blocks"][0]), arrays["digest"].tobytes())


def _stretch(block: Block, low: int, high: int) -> Block:
    """Return some segments of a block."""
    bounds = block.bounds[low : high + 1]
    # Copies, because views would keep the whole block in memory.
    text = block.text[bounds[0] : bounds[-1]].copy()
    return Block(text, bounds - bounds[0], block.weights[low:high].copy())


def _parted(window: Block) -> tuple[Block, Block | None]:
    """Split a window into the segments to learn from and the held-out segments at its end.

    The second part is None if the window is small, or if its last segment is too long.
    """
    size = len(window.text)
    last = len(window.bounds) - 1
    cut = int(np.searchsorted(window.bounds, size - size // _HELD_OUT[1]))
    if size < _WINDOW or cut == last:
        return window, None
    return _stretch(window, 0, cut), _stretch(window, cut, last)


class _WindowChooser:
    """Keeps as many windows as fit in a number of bytes, and at least one.

    The number of a window times the golden ratio is its place on a circle. These places are spread
    evenly, however many windows there are. The windows on the first part of the circle are kept,
    and the part is as large as the memory allows. So the kept set does not depend on the order in
    which the windows arrive.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[int, int, Block]] = []  # a heap; the last place comes first
        self._limit, self._size = 1 << 64, 0
        self.number = 0
        """The number of windows that have arrived."""

    @property
    def whole(self) -> bool:
        """Whether all windows are kept."""
        return self._limit == 1 << 64

    def add(self, window: Block) -> None:
        """Take in one more window."""
        self._add(self.number, window)
        self.number += 1

    def windows(self) -> list[Block]:
        """Return the kept windows, in the order of their arrival."""
        return [window for _, _, window in self._in_order()]

    def since(self, first: int, name: str) -> Arrays:
        """Return the kept windows from number `first` on, in arrays for a checkpoint."""
        found = [(number, window) for _, number, window in self._in_order() if number >= first]
        windows = [window for _, window in found]
        bounds = [np.diff(window.bounds) for window in windows]
        low, high = self._limit & (1 << 63) - 1, self._limit >> 63
        return {
            f"{name}-state": np.array([self.number, low, high], dtype=np.int64),
            f"{name}-numbers": np.array([number for number, _ in found], dtype=np.int64),
            f"{name}-segments": np.array([len(one) for one in bounds], dtype=np.int64),
            f"{name}-lengths": _joined(bounds, np.int64),
            f"{name}-weights": _joined([window.weights for window in windows], np.int64),
            f"{name}-text": _joined([window.text for window in windows], np.uint8),
        }

    def load(self, part: Arrays, name: str) -> None:
        """Take in the windows that `since` returned."""
        number, low, high = part[f"{name}-state"].tolist()
        everything = Block(
            part[f"{name}-text"], offsets_of(part[f"{name}-lengths"]), part[f"{name}-weights"]
        )
        ends = np.cumsum(part[f"{name}-segments"]).tolist()
        first = 0
        for i, end in zip(part[f"{name}-numbers"].tolist(), ends, strict=True):
            self._add(i, _stretch(everything, first, end))
            first = end
        self.number = number
        self._lower(high << 63 | low)

    def _in_order(self) -> list[tuple[int, int, Block]]:
        return sorted(self._kept, key=lambda one: one[1])

    def _add(self, number: int, window: Block) -> None:
        place = number * _GOLDEN % (1 << 64)
        if place >= self._limit:
            return
        heappush(self._kept, (-place, number, window))
        self._size += _cost(window)
        while self._size > self._most and len(self._kept) > 1:
            self._lower(-self._kept[0][0])

    def _lower(self, limit: int) -> None:
        """Drop the windows whose place on the circle is at or after this limit."""
        self._limit = min(self._limit, limit)
        while self._kept and -self._kept[0][0] >= self._limit:
            _, _, dropped = heappop(self._kept)
            self._size -= _cost(dropped)


def _cost(window: Block) -> int:
    """Return the bytes of a window's text or of its bounds and weights, whichever are more."""
    return max(len(window.text), window.bounds.nbytes + window.weights.nbytes)


def _joined(arrays: Sequence[npt.NDArray[Any]], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *arrays])
