"""Texts to measure on: lines that no tokenizer has seen before, and texts that are odd."""

import random
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample.txt"
_RUN = 64_000


class Fresh:
    """The lines of some files, all different, in shuffled runs of 64 KB; each is handed out once.

    Shuffled, so that one slice of a corpus is like the next, but not line by line, for that no
    real text is. When all have been handed out they begin again with a number at their end: caches
    of lines or texts see something new, caches of words do not. `passes` says how often that
    happened; a large corpus has none of it.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        lines: dict[str, None] = {}
        for path in paths:
            with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
                lines.update(dict.fromkeys(line.rstrip("\n") for line in file))
        lines.pop("", None)
        if not lines:
            raise SystemExit(f"there is no text in {', '.join(map(str, paths))}")
        ends = np.cumsum([utf8_size(line) for line in lines])
        runs = [
            [line for line, _ in run]
            for _, run in groupby(zip(lines, ends // _RUN, strict=True), key=itemgetter(1))
        ]
        random.Random(0).shuffle(runs)
        self._lines = list(chain.from_iterable(runs))
        self.size = int(ends[-1])
        self.passes = 0
        self._stream = self._endless()

    def _endless(self) -> Iterator[str]:
        yield from self._lines
        while True:
            self.passes += 1
            for line in self._lines:
                yield f"{line} {self.passes}"

    def take(self, size: int) -> list[str]:
        """The next lines, of about `size` bytes together and at least one."""
        taken = []
        while size > 0:
            taken.append(next(self._stream))
            size -= utf8_size(taken[-1])
        return taken

    def text(self, size: int) -> str:
        """The next lines as one text of at most `size` bytes without line ends."""
        raw = " ".join(self.take(size)).encode()
        return raw[:size].decode("utf-8", "ignore")

    def short(self, count: int, size: int = 100) -> list[str]:
        """`count` texts of at most, and nearly, `size` bytes."""
        raw = " ".join(self.take(count * size)).encode()
        return [raw[i * size : (i + 1) * size].decode("utf-8", "ignore") for i in range(count)]

    def beginning(self, size: int) -> list[str]:
        """The first lines, of at most `size` bytes together: what vocabularies are trained on."""
        taken = []
        for line in self._lines:
            size -= utf8_size(line)
            if size < 0:
                break
            taken.append(line)
        return taken


def utf8_size(text: str | bytes) -> int:
    """How many bytes a text has."""
    return len(text) if isinstance(text, bytes) or text.isascii() else len(text.encode())


def odd_texts(fresh: Fresh, size: int) -> dict[str, str | bytes]:
    """Texts of `size` bytes that make slow algorithms show themselves."""
    return {
        f'"a" · {size:,}': "a" * size,
        "random bytes": np.random.default_rng(0).bytes(size),
        "one line": fresh.text(size),
    }


def part_of(path: Path, part: float, output: Path) -> None:
    """Write a part of a file's lines, the first ones of each megabyte."""
    with path.open("rb") as source, output.open("wb") as file:
        while lines := source.readlines(1 << 20):
            file.writelines(lines[: round(part * len(lines))])


def copies_of(path: Path, copies: int, output: Path) -> None:
    """Write a file over and over, no copy like another.

    One pair of neighbouring characters in twenty changes places, in each copy at other random
    places; lines stay lines.
    """
    with output.open("wb") as file:
        for copy in range(copies):
            random = np.random.default_rng(copy)
            with path.open("rb") as source:
                while lines := source.readlines(1 << 20):
                    text = b"".join(lines).decode("utf-8", "replace")
                    points = np.frombuffer(text.encode("utf-32-le"), np.uint32).copy()
                    pairs = points[: len(points) // 2 * 2].reshape(-1, 2)
                    chosen = random.random(len(pairs)) < 0.05
                    chosen &= (pairs != ord("\n")).all(axis=1)
                    pairs[chosen] = pairs[chosen, ::-1]
                    file.write(points.tobytes().decode("utf-32-le").encode())
