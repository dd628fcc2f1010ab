"""A corpus as windows in memory: all of it, or a sample as large as there is room for."""

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
"""Bytes of text in a window, at least."""
_HELD_OUT = 4, 100
"""Of one window in four, what lies in the last hundredth of its bytes may be held out."""
_MOST_HELD_OUT = 1 << 20
"""Bytes that are held out, at most."""
_BLOCK = 1 << 22
"""Bytes of windows that are laid end to end, at least."""
_CHUNK = 4
"""Blocks from one checkpoint to the next."""
_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio."""


class CorpusSample(NamedTuple):
    """Windows of a corpus.

    Args:
        windows: in the order of the corpus.
        whole: whether they are all.
        held_out: stretches of the corpus that are in no window.
        room: the bytes of text that there was room for.
    """

    windows: list[Block]
    whole: bool
    held_out: list[Block]
    room: int

    @property
    def size(self) -> int:
        """The bytes of text in the windows."""
        return sum(len(window.text) for window in self.windows)


def read(
    reader: CorpusReader, most: int, hold_out: bool, checkpoint: Checkpoint, progress: Progress
) -> CorpusSample:
    """Read a corpus; keep windows of at most so many bytes of text together, and at least one.

    Args:
        most: bytes of text.
        hold_out: whether to hold out a hundredth of some windows, for an honest measure at the end.
        checkpoint: keeps what was read.
        progress: is told of bytes read.

    Raises:
        CorpusError: the corpus is empty, or another one than that with the checkpoint.
    """
    kept, held_out = _WindowChooser(most), _WindowChooser(_MOST_HELD_OUT)
    after, number = START, 0
    while (part := checkpoint.load(f"windows-{number}")) is not None:
        after = position_of(part)
        kept.load(part, "kept")
        held_out.load(part, "held")
        number += 1
    finished = checkpoint.load("corpus")
    for chunk in chunks(reader, after, told("reading", reader, progress)):
        first = kept.number, held_out.number
        for window in windows_of(chunk):
            held = hold_out and kept.number % _HELD_OUT[0] == 0
            learned_from, rest = _parted(window) if held else (window, None)
            kept.add(learned_from)
            if rest is not None:
                held_out.add(rest)
        if finished is None:  # else it may be another corpus, which is known in the end only
            new = partial(_new, kept, held_out, first, reader.position)
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


def _new(
    kept: "_WindowChooser", held_out: "_WindowChooser", first: tuple[int, int], position: Position
) -> Arrays:
    """What a checkpoint keeps of the windows that came last."""
    numbers = zip((kept, held_out), first, ("kept", "held"), strict=True)
    arrays = {k: v for one, n, name in numbers for k, v in one.since(n, name).items()}
    return {**arrays, **arrays_of(position)}


def windows_of(blocks: Iterable[Block]) -> Iterator[Block]:
    """Cut blocks into windows of whole segments."""
    for block in blocks:
        low = 0
        while low < len(block.bounds) - 1:
            high = int(np.searchsorted(block.bounds, block.bounds[low] + _WINDOW))
            high = min(high, len(block.bounds) - 1)
            yield _stretch(block, low, high)
            low = high


def chunks(
    reader: CorpusReader, after: Position, done: Callable[[int], object]
) -> Iterator[list[Block]]:
    """The blocks after a position, a few at a time; see `CorpusReader.blocks`."""
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
    """What is computed of each few blocks, kept in a checkpoint under this name and a number.

    Args:
        done: is told of the bytes of blocks that are done.
    """
    blocks, number = iter(blocks), 0
    while chunk := list(islice(blocks, _CHUNK)):
        yield checkpoint.step(f"{name}-{number}", partial(compute, chunk))
        done(sum(len(block.text) for block in chunk))
        number += 1


def blocks_of(windows: Iterable[Block]) -> Iterator[Block]:
    """Windows laid end to end, to blocks of some megabytes."""
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


def told(phase: str, reader: CorpusReader, progress: Progress) -> Callable[[int], None]:
    """What is told of the bytes of each block, and tells how far a pass over the corpus is."""
    done = 0

    def report(size: int) -> None:
        nonlocal done
        done += size
        progress(phase, done, max(reader.size, done + 1))  # the end is told by who sees it

    return report


def arrays_of(position: Position) -> Arrays:
    """A position, as a checkpoint keeps it."""
    return {
        "blocks": np.array([position.blocks], dtype=np.int64),
        "digest": np.frombuffer(position.digest, dtype=np.uint8),
    }


def position_of(arrays: Arrays) -> Position:
    """The position that `arrays_of` made arrays of."""
    return Position(int(arrays["blocks"][0]), arrays["digest"].tobytes())


def _stretch(block: Block, low: int, high: int) -> Block:
    """Some segments of a block."""
    bounds = block.bounds[low : high + 1]
    # Copies, for views would keep all the block.
    text = block.text[bounds[0] : bounds[-1]].copy()
    return Block(text, bounds - bounds[0], block.weights[low:high].copy())


def _parted(window: Block) -> tuple[Block, Block | None]:
    """A window, and the segments at its end that are held out, if there are any so short."""
    size = len(window.text)
    last = len(window.bounds) - 1
    cut = int(np.searchsorted(window.bounds, size - size // _HELD_OUT[1]))
    if size < _WINDOW or cut == last:
        return window, None
    return _stretch(window, 0, cut), _stretch(window, cut, last)


class _WindowChooser:
    """Keeps windows of at most so many bytes of text together; at least one.

    The places of windows in the corpus, multiplied by the golden ratio, are spread evenly over a
    circle, however many there are. Those of the first part of the circle are kept, as large a part
    as there is room for: a set that does not depend on the order in which windows are looked at.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[int, int, Block]] = []  # the last place on the circle first
        self._limit, self._size = 1 << 64, 0
        self.number = 0
        """How many windows it was given."""

    @property
    def whole(self) -> bool:
        """Whether all are kept."""
        return self._limit == 1 << 64

    def add(self, window: Block) -> None:
        """Look at one more window."""
        self._add(self.number, window)
        self.number += 1

    def windows(self) -> list[Block]:
        """Those that are kept, in the order in which they came."""
        return [window for _, _, window in self._in_order()]

    def since(self, first: int, name: str) -> Arrays:
        """What is kept of windows from that number on, for a checkpoint."""
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
        """Take in what `since` gave."""
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
        """Keep only what is before this place on the circle."""
        self._limit = min(self._limit, limit)
        while self._kept and -self._kept[0][0] >= self._limit:
            _, _, dropped = heappop(self._kept)
            self._size -= _cost(dropped)


def _cost(window: Block) -> int:
    """The bytes of a window's text, or, if segments are very short, of what says where they are."""
    return max(len(window.text), window.bounds.nbytes + window.weights.nbytes)


def _joined(arrays: Sequence[npt.NDArray[Any]], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *arrays])
