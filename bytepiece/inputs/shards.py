"""Shards: the parts of a corpus that are read by themselves, in any order and on any machine.

The shards of files depend only on the names, formats and sizes of the files. So every machine finds
the same shards, and the results of training do not depend on who reads which.
"""

from collections.abc import Iterator
from typing import NamedTuple

from bytepiece.inputs.files import Files, Part
from bytepiece.inputs.parquet import TextColumn
from bytepiece.rules.text import Text

_SHARD = 1 << 26
"""The bytes of files in a shard. A shard has more only if it is a single compressed file or a
single row group."""


class Shard(NamedTuple):
    """A part of a corpus.

    Args:
        number: its place in the corpus, counted from 0.
        before: the size of all shards before it, in bytes.
        size: in bytes of the files, compressed or not. For row groups, their bytes before
            compression, with all columns.
        parts: the parts of files that are read, one after the other.
        texts: if the corpus is not in files, the texts themselves.
    """

    number: int
    before: int
    size: int
    parts: tuple[Part, ...] = ()
    texts: tuple[Text, ...] = ()


def shards_of(files: Files) -> list[Shard]:
    """Return the shards of files.

    The files are parted: a compressed file is one part, each row group of a Parquet file is a part,
    and any other file has a part for every 64 MB. A part of a file of lines begins and ends where a
    line does. Parts that follow each other are one shard as long as they have at most 64 MB
    together.

    Raises:
        CorpusError: if a file cannot be read; see `Files.inputs`.
    """
    shards: list[Shard] = []
    parts: list[Part] = []
    before = size = 0
    for part, its_size in _parts(files):
        if parts and size + its_size > _SHARD:
            shards.append(Shard(len(shards), before, size, tuple(parts)))
            before += size
            parts, size = [], 0
        if parts and parts[-1].file == part.file and parts[-1].stop == part.start:
            parts[-1] = parts[-1]._replace(stop=part.stop)
        else:
            parts.append(part)
        size += its_size
    if parts:
        shards.append(Shard(len(shards), before, size, tuple(parts)))
    return shards


def _parts(files: Files) -> Iterator[tuple[Part, int]]:
    """Yield the parts of all files, and their sizes."""
    for file in files.inputs():
        size = file.path.stat().st_size
        if file.format == "parquet":
            for group, one in enumerate(TextColumn(file.path, files.parquet_column).sizes()):
                yield Part(file, group, group + 1), one
        elif file.packed or size <= _SHARD:
            yield Part(file, 0, None), size
        else:
            for start in range(0, size, _SHARD):
                stop = start + _SHARD
                yield Part(file, start, stop if stop < size else None), min(stop, size) - start
