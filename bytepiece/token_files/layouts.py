"""The layouts of token files: the names of the files, and the bytes in them."""

import os
import struct
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from bytepiece.errors import ArgumentError

Layout = Literal["megatron", "npy"]

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


class LayoutFiles(NamedTuple):
    """The paths of the files of one prefix and layout.

    Args:
        layout: "megatron" or "npy".
        data: the file of the ids.
        places: the file of the places where documents begin.
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
        if layout not in get_args(Layout):
            raise ArgumentError(f'layout must be "megatron" or "npy", not {layout!r:.30}')
        suffixes = (".bin", ".idx") if layout == "megatron" else (".ids.npy", ".offsets.npy")
        data, places, journal = (Path(f"{os.fspath(prefix)}{s}") for s in (*suffixes, ".journal"))
        return cls(layout, data, places, journal)

    @property
    def data_part(self) -> Path:
        """The unfinished file of the ids."""
        return self.data.with_name(self.data.name + ".part")

    @property
    def ends_part(self) -> Path:
        """The unfinished file of the places where documents end, counted in ids, int64."""
        return self.places.with_name(self.places.name + ".part")

    @property
    def head(self) -> int:
        """The number of bytes before the ids."""
        return _NPY_HEAD if self.layout == "npy" else 0


def names(prefix: str | os.PathLike[str], layout: Layout) -> tuple[Path, Path]:
    """Return the two files of a prefix."""
    files = LayoutFiles.of(prefix, layout)
    return files.data, files.places


def smallest_type(vocab_size: int, layout: Layout) -> np.dtype[Any]:
    """Return the smallest type that holds all ids and that readers of the layout know.

    >>> smallest_type(65536, "megatron").name, smallest_type(65537, "megatron").name
    ('uint16', 'int32')
    """
    if layout == "megatron":
        return np.dtype("<u2" if vocab_size <= 1 << 16 else "<i4")
    size = 1 if vocab_size <= 1 << 8 else 2 if vocab_size <= 1 << 16 else 4
    return np.dtype(f"<u{size}")


def npy_head(kind: np.dtype[Any], length: int) -> bytes:
    """Return the head of an .npy of one dimension, which always has the same size."""
    fields = f"{{'descr': '{kind.str}', 'fortran_order': False, 'shape': ({length},), }}"
    head = fields.encode().ljust(_NPY_HEAD - 11) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
