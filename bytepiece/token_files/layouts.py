"""The layouts of token files: what is where in which file."""

import os
import struct
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from bytepiece.errors import ArgumentError

Layout = Literal["megatron", "npy"]

BLOCK = 1 << 16
"""Documents whose places are held in memory at once."""

IDX = struct.Struct("<9sQBQQ")
"""What an .idx begins with: its magic, its version, the code of the ids' type, the number of
sequences, and that of the places where documents begin among them, and the end. The sequences'
lengths follow, int32, where in the .bin each begins, in bytes, int64, and those places, int64."""
MAGIC = b"MMIDIDX\x00\x00"
CODES = {1: "<u1", 2: "<i1", 3: "<i2", 4: "<i4", 5: "<i8", 8: "<u2"}
_NPY_HEAD = 128
"""Bytes before the ids in an .npy, always: their number is only known in the end."""


class Files(NamedTuple):
    """Where things are."""

    layout: Layout
    data: Path
    places: Path
    journal: Path

    @classmethod
    def of(cls, prefix: str | os.PathLike[str], layout: Layout) -> "Files":
        """The files of a prefix.

        Raises:
            ArgumentError: there is no such layout.
        """
        if layout not in get_args(Layout):
            raise ArgumentError(f'layout must be "megatron" or "npy", not {layout!r:.30}')
        suffixes = (".bin", ".idx") if layout == "megatron" else (".ids.npy", ".offsets.npy")
        data, places, journal = (Path(f"{os.fspath(prefix)}{s}") for s in (*suffixes, ".journal"))
        return cls(layout, data, places, journal)

    @property
    def data_part(self) -> Path:
        """The ids, while they are written."""
        return self.data.with_name(self.data.name + ".part")

    @property
    def ends_part(self) -> Path:
        """Where documents end, in ids, int64, while they are written."""
        return self.places.with_name(self.places.name + ".part")

    @property
    def head(self) -> int:
        """Bytes before the ids."""
        return _NPY_HEAD if self.layout == "npy" else 0


def names(prefix: str | os.PathLike[str], layout: Layout) -> tuple[Path, Path]:
    """The two files that a prefix stands for."""
    files = Files.of(prefix, layout)
    return files.data, files.places


def smallest_type(vocab_size: int, layout: Layout) -> np.dtype[Any]:
    """The smallest type that holds all ids, of those that readers of the layout know.

    >>> smallest_type(65536, "megatron").name, smallest_type(65537, "megatron").name
    ('uint16', 'int32')
    """
    if layout == "megatron":
        return np.dtype("<u2" if vocab_size <= 1 << 16 else "<i4")
    size = 1 if vocab_size <= 1 << 8 else 2 if vocab_size <= 1 << 16 else 4
    return np.dtype(f"<u{size}")


def npy_head(kind: np.dtype[Any], length: int) -> bytes:
    """What an .npy of one dimension begins with; as long as it always is."""
    fields = f"{{'descr': '{kind.str}', 'fortran_order': False, 'shape': ({length},), }}"
    head = fields.encode().ljust(_NPY_HEAD - 11) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
