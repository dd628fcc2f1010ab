"""Corpora: texts that can be read more than once, and the blocks they are read in."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.model import NormalizationStep
from bytepiece.records import DEFAULT_FIELD, SUFFIX, text_of
from bytepiece.strings import offsets_of
from bytepiece.text import Text, segment_bounds, to_bytes

Corpus = str | os.PathLike[str] | Iterable[Text]
"""A path, `Files`, or anything that can be iterated more than once and yields texts."""

_BLOCK = 1 << 22
"""Bytes of text that are worked on at a time. What is learned does not depend on it."""
_LONGEST_LINE = 1 << 24
"""A line of a file that is longer is cut, at a character, for lines are read whole."""
_MOST_CHARS = 10_000
"""In training a segment has at most so many characters: what a cut there costs in counts is
nothing, and what the search needs in memory stays bounded. The original library does the same."""


class Files:
    """Text files and `.jsonl` files, read again at every iteration and never whole.

    A text file is one text. In a `.jsonl` file, each record's field is one.

    Args:
        paths: of the files, in the order in which they are read.
        jsonl_field: the field that holds the text; given, every file is read as records; None
            means "text" in files that end in `.jsonl`.
    """

    def __init__(
        self, paths: Iterable[str | os.PathLike[str]], jsonl_field: str | None = None
    ) -> None:
        if isinstance(paths, (str, os.PathLike)):
            raise ArgumentError("Files takes a list of paths, not a path")
        self.paths = tuple(Path(path) for path in paths)
        self.jsonl_field = jsonl_field

    @property
    def size(self) -> int:
        """The files' bytes, all together."""
        return sum(path.stat().st_size for path in self.paths)

    def __iter__(self) -> Iterator[Text]:
        for path in self.paths:
            if self.jsonl_field is not None or path.suffix == SUFFIX:
                yield from _records(path, self.jsonl_field or DEFAULT_FIELD)
            else:
                yield from _stretches(path)


class Block(NamedTuple):
    """Some texts of a corpus, laid end to end and cut into segments.

    Args:
        text: uint8[bytes], normalized.
        bounds: int64[segments + 1], where each segment begins, and the end.
    """

    text: npt.NDArray[np.uint8]
    bounds: npt.NDArray[np.int64]


class Reader:
    """Reads a corpus block by block, as often as asked, and sees to it that it stays the same.

    Args:
        corpus: see `Corpus`.
        normalization, isolate_digits: as in `bytepiece.TextRules`.

    Raises:
        CorpusError: the corpus can be read only once.
    """

    def __init__(
        self, corpus: Corpus, normalization: Sequence[NormalizationStep], isolate_digits: bool
    ) -> None:
        if isinstance(corpus, (str, os.PathLike)):
            corpus = Files([corpus])
        elif isinstance(corpus, (bytes, bytearray, memoryview)):
            raise ArgumentError("the corpus must be a path or a collection of texts, not bytes")
        elif _are_files(corpus):
            raise CorpusError("these texts are names of files; bytepiece.Files([...]) reads files")
        elif iter(corpus) is corpus:
            raise CorpusError(
                "the corpus can be read only once, and training reads it twice: give a list, or "
                "an object whose __iter__ begins anew"
            )
        self._corpus = corpus
        self._normalization = normalization
        self._isolate_digits = isolate_digits
        self._digest: str | None = None
        self.size = corpus.size if isinstance(corpus, Files) else 0
        """The corpus' bytes: an estimate, or 0, before it was read; then what was read."""

    @property
    def digest(self) -> str:
        """The SHA-256 of all the texts, normalized and end to end, once they were read."""
        return self._digest or ""

    def __iter__(self) -> Iterator[Block]:
        digest = hashlib.sha256()
        texts: list[bytes] = []
        size = pending = 0
        for text in self._corpus:
            try:
                texts.append(to_bytes(text, self._normalization))
            except ArgumentError as error:
                raise CorpusError(f"in the corpus, {error}") from None
            digest.update(texts[-1])
            pending += len(texts[-1])
            if pending >= _BLOCK:
                yield self._block(texts)
                size += pending
                texts, pending = [], 0
        if pending:
            yield self._block(texts)
        self.size = size + pending
        if self._digest not in (None, digest.hexdigest()):
            raise CorpusError("the corpus changed while it was being read; nothing was learned")
        self._digest = digest.hexdigest()

    def _block(self, texts: list[bytes]) -> Block:
        parts = offsets_of(map(len, texts))
        buffer = np.frombuffer(b"".join(texts), dtype=np.uint8)
        plain = np.full(len(texts), -1, dtype=np.int32)
        bounds, _ = segment_bounds(buffer, parts, plain, self._isolate_digits, _MOST_CHARS)
        return Block(buffer, bounds)


def _are_files(corpus: Iterable[Text]) -> bool:
    """Whether a list names files, as other libraries' trainers take them."""
    if not isinstance(corpus, (list, tuple)) or not corpus or len(corpus) > 1000:
        return False
    return all(isinstance(c, os.PathLike) or (isinstance(c, str) and _is_file(c)) for c in corpus)


def _is_file(text: str) -> bool:
    try:
        return len(text) < 1000 and Path(text).is_file()
    except (OSError, ValueError):  # no name a file can have
        return False


def _stretches(path: Path) -> Iterator[bytes]:
    """A file's bytes in stretches that end where a segment ends."""
    with path.open("rb") as file:
        rest = b""
        while more := file.read(_BLOCK):
            rest += more
            # A segment ends between a newline and what is not one; at the end of what was read
            # nobody knows yet whether more newlines follow.
            cut = rest.rfind(b"\n", 0, len(rest.rstrip(b"\n")))
            if cut < 0 and len(rest) >= _LONGEST_LINE:
                cut = len(rest) - 1
                while cut > len(rest) - 4 and rest[cut] & 0xC0 == 0x80:
                    cut -= 1
                cut -= 1
            if cut >= 0:
                yield rest[: cut + 1]
                rest = rest[cut + 1 :]
        if rest:
            yield rest


def _records(path: Path, field: str) -> Iterator[str]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                text = text_of(line, field)
            except CorpusError as error:
                raise CorpusError(f"{path}:{number}: {error}") from None
            yield text
