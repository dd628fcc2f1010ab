"""The layouts of token files: the names of the files, and the bytes in them."""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece.errors import ArgumentError

Layout = Literal["megatron", "npy", "raw", "llmc", "datatrove"]

BLOCK = 1 << 16
"""The number of documents whose places are in memory at the same time."""

IDX = struct.Struct("<9sQBQQ")
"""The head of an .idx: its magic, its version, the code of the ids' type, the number of sequences,
and the number of document places. Three columns follow: int32, the lengths of the sequences; int64,
the byte in the .bin at which each begins; int64, the document places. A document place is the
number of the sequence at which a document begins; the last one is the number of all sequences."""
MAGIC = b"MMIDIDX\x00\x00"
CODES = {1: "<u1", 2: "<i1", 3: "<i2", 4: "<i4", 5: "<i8", 8: "<u2"}
_NPY_HEAD = 128
"""Bytes before the ids in an .npy; a fixed size, because the head is written last."""
LLMC = struct.Struct("<3i1012x")
"""The head of a file of llm.c: its magic, its version and the number of ids, in 256 int32."""
LLMC_TYPES = {(20240520, 1): "<u2", (20240801, 7): "<u4"}
"""The type of the ids for each magic and version: llm.c has one for GPT-2, and one for Llama 3."""
_MOST = (1 << 31) - 1
"""The largest number in an int32."""


def npy_head(kind: np.dtype[Any], length: int) -> bytes:
    """Return the head of an .npy of one dimension, which always has the same size."""
    fields = f"{{'descr': '{kind.str}', 'fortran_order': False, 'shape': ({length},), }}"
    head = fields.encode().ljust(_NPY_HEAD - 11) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head


def _llmc_head(kind: np.dtype[Any], length: int) -> bytes:
    magic, version = next(key for key, name in LLMC_TYPES.items() if np.dtype(name) == kind)
    return LLMC.pack(magic, version, length)


def _no_head(kind: np.dtype[Any], length: int) -> bytes:
    return b""


def _idx(ends: BinaryIO, documents: int, kind: np.dtype[Any]) -> Iterator[bytes]:
    code = next(code for code, name in CODES.items() if np.dtype(name) == kind)
    yield IDX.pack(MAGIC, 1, code, documents, documents + 1)
    for bounds in _bounds(ends):
        yield np.diff(bounds).astype("<i4").tobytes()
    for bounds in _bounds(ends):
        yield (bounds[:-1] * kind.itemsize).astype("<i8").tobytes()
    for low in range(0, documents + 1, BLOCK):
        high = min(low + BLOCK, documents + 1)
        yield np.arange(low, high, dtype="<i8").tobytes()


def _offsets(ends: BinaryIO, documents: int, kind: np.dtype[Any]) -> Iterator[bytes]:
    yield npy_head(np.dtype("<i8"), documents + 1) + bytes(8)
    yield from _ends(ends, documents, kind)


def _ends(ends: BinaryIO, documents: int, kind: np.dtype[Any]) -> Iterator[bytes]:
    for bounds in _bounds(ends):
        yield bounds[1:].tobytes()


def _bounds(ends: BinaryIO) -> Iterator[npt.NDArray[np.int64]]:
    """Yield, block by block, where documents begin and where the last one of the block ends."""
    ends.seek(0)
    last = bytes(8)
    while block := ends.read(8 * BLOCK):
        yield np.frombuffer(last + block, "<i8")
        last = block[-8:]


PlacesWriter = Callable[[BinaryIO, int, np.dtype[Any]], Iterator[bytes]]
"""Yields the content of a file of places, a block of documents at a time.

Its arguments are the file of the ends of the documents (int64, counted in ids), the number of
documents, and the type of the ids."""


class LayoutRule(NamedTuple):
    """What is special in a layout.

    Args:
        data: the end of the name of the file of the ids.
        places: the end of the name of the file of the places where documents begin or end.
        write_places: yields the content of the file of the places.
        types: the types of ids that readers of the layout know, the smallest first.
        head: returns the bytes before the ids, from the ids' type and their number. Their number
            does not change how many bytes these are.
        most: the largest number of ids in a file.
        longest: the largest number of ids in a document.
    """

    data: str
    places: str
    write_places: PlacesWriter
    types: tuple[str, ...]
    head: Callable[[np.dtype[Any], int], bytes] = _no_head
    most: int = 1 << 62
    longest: int = 1 << 62


LAYOUTS: dict[Layout, LayoutRule] = {
    "megatron": LayoutRule(".bin", ".idx", _idx, ("<u2", "<i4"), longest=_MOST),
    "npy": LayoutRule(".ids.npy", ".offsets.npy", _offsets, ("<u1", "<u2", "<u4"), npy_head),
    "raw": LayoutRule(".bin", ".raw.offsets.npy", _offsets, ("<u2", "<u4")),
    "llmc": LayoutRule(".bin", ".llmc.offsets.npy", _offsets, ("<u2", "<u4"), _llmc_head, _MOST),
    "datatrove": LayoutRule(".ds", ".ds.index", _ends, ("<u2", "<u4")),
}
"""The rule of each layout."""


class LayoutFiles(NamedTuple):
    """The paths of the files of one prefix and layout.

    Args:
        layout: the layout.
        data: the file of the ids.
        places: the file of the places where documents begin or end.
        journal: the file that says how much of unfinished files is safely on disk.
    """

    layout: Layout
    data: Path
    places: Path
    journal: Path

    @classmethod
    def of(cls, prefix: str | os.PathLike[str], layout: Layout) -> "LayoutFiles":
        """Return the files of a prefix.

        Raises:
            ArgumentError: if there is no such layout.
        """
        if layout not in LAYOUTS:
            known = ", ".join(f'"{name}"' for name in LAYOUTS)
            raise ArgumentError(f"layout must be one of {known}, not {layout!r:.30}")
        suffixes = (LAYOUTS[layout].data, LAYOUTS[layout].places, ".journal")
        data, places, journal = (Path(f"{os.fspath(prefix)}{suffix}") for suffix in suffixes)
        return cls(layout, data, places, journal)

    @property
    def rule(self) -> LayoutRule:
        """The rule of the layout."""
        return LAYOUTS[self.layout]

    @property
    def data_part(self) -> Path:
        """The unfinished file of the ids."""
        return self.data.with_name(self.data.name + ".part")

    @property
    def ends_part(self) -> Path:
        """The unfinished file of the places where documents end, counted in ids, int64."""
        return self.places.with_name(self.places.name + ".part")


def names(prefix: str | os.PathLike[str], layout: Layout) -> tuple[Path, Path]:
    """Return the two files of a prefix."""
    files = LayoutFiles.of(prefix, layout)
    return files.data, files.places


def smallest_type(vocab_size: int, layout: Layout) -> np.dtype[Any]:
    """Return the smallest type that holds all ids and that readers of the layout know.

    >>> smallest_type(65536, "megatron").name, smallest_type(65537, "megatron").name
    ('uint16', 'int32')
    """
    types = [np.dtype(name) for name in LAYOUTS[layout].types]
    return next((kind for kind in types if vocab_size - 1 <= np.iinfo(kind).max), types[-1])
