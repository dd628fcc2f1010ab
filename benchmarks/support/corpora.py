"""Texts to measure on: lines that no tokenizer has seen before, and odd texts."""

import random
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

_RUN = 64_000
"""Bytes of a run of lines that stay together."""


class FreshTexts:
    """The different lines of some files, in shuffled runs of 64 KB; each line is handed out once.

    The runs are shuffled so that one slice of a corpus is like the next. Lines within a run keep
    their order, because the lines of real text are not shuffled. After the last line the first
    line follows again, and every line of the new pass has the pass's number at its end: a cache of
    lines or texts sees something new, a cache of words does not. `passes` counts the passes after
    the first; it stays 0 if the corpus is large enough.
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
        """Return the next lines: together about `size` bytes, and at least one line."""
        taken = []
        while size > 0:
            taken.append(next(self._stream))
            size -= utf8_size(taken[-1])
        return taken

    def text(self, size: int) -> str:
        """Return the next lines as one text of at most `size` bytes, without line ends."""
        raw = " ".join(self.take(size)).encode()
        return raw[:size].decode("utf-8", "ignore")

    def short(self, count: int, size: int = 100) -> list[str]:
        """Return `count` texts of `size` bytes, or a few bytes less."""
        raw = " ".join(self.take(count * size)).encode()
        return [raw[i * size : (i + 1) * size].decode("utf-8", "ignore") for i in range(count)]

    def beginning(self, size: int) -> list[str]:
        """Return the first lines, at most `size` bytes together: vocabularies train on them."""
        taken = []
        for line in self._lines:
            size -= utf8_size(line)
            if size < 0:
                break
            taken.append(line)
        return taken


def utf8_size(text: str | bytes) -> int:
    """Return the number of bytes of a text."""
    return len(text) if isinstance(text, bytes) or text.isascii() else len(text.encode())


def odd_texts(fresh: FreshTexts, size: int) -> dict[str, str | bytes]:
    """Return texts of `size` bytes on which a slow algorithm takes much longer than on others."""
    return {
        f'"a" · {size:,}': "a" * size,
        "random bytes": np.random.default_rng(0).bytes(size),
        "one line": fresh.text(size),
    }


def part_of(path: Path, part: float, output: Path) -> None:
    """Write a part of a file's lines: the first lines of each megabyte.

    Args:
        path: a text file.
        part: the part to write, from 0 to 1.
        output: the file to write.
    """
    with path.open("rb") as source, output.open("wb") as file:
        while lines := source.readlines(1 << 20):
            file.writelines(lines[: round(part * len(lines))])


def copies_of(path: Path, copies: int, output: Path) -> None:
    """Write several copies of a file into one, each altered in a different way.

    In each copy, one pair of neighbouring characters in twenty is swapped, at random places.
    Characters never move from one line to another.
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
