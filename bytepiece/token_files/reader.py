"""Reading token files: they are mapped into memory and checked first."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from bytepiece.errors import ArgumentError, TokenFileError
from bytepiece.token_files.layouts import BLOCK, CODES, IDX, MAGIC, Layout, LayoutFiles


class TokenFile:
    """Token files mapped into memory: a document is read from disk when it is used.

    Indexing and iterating give one array for each document. The array is a part of the mapped file.
    A TokenFile can be pickled; the other process maps the files again.

    Args:
        prefix: the beginning of the files' names.
        layout: "megatron" or "npy"; by default the layout whose files exist.

    Raises:
        OSError: if the files cannot be read.
        TokenFileError: if the files are damaged, or are not token files.
    """

    def __init__(self, prefix: str | os.PathLike[str], layout: Layout | None = None) -> None:
        if layout is None:
            layout = _layout_of(prefix)
        self._prefix, self._files = os.fspath(prefix), LayoutFiles.of(prefix, layout)
        self.ids: npt.NDArray[np.integer[Any]]
        """All ids, end to end."""
        if layout == "megatron":
            self.ids, self._starts = self._megatron()
            self._unit = self.ids.itemsize
        else:
            self.ids, self._starts = self._npy()
            self._unit = 1

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, document: int) -> npt.NDArray[np.integer[Any]]:
        if not -len(self) <= document < len(self):
            raise IndexError(f"document {document} of {len(self)}")
        document %= len(self)
        low = self._starts[document] // self._unit
        if document + 1 == len(self):
            return self.ids[low:]
        return self.ids[low : self._starts[document + 1] // self._unit]

    def __iter__(self) -> Iterator[npt.NDArray[np.integer[Any]]]:
        return (self[document] for document in range(len(self)))

    def __reduce__(self) -> tuple[type["TokenFile"], tuple[str, Layout]]:
        return TokenFile, (self._prefix, self._files.layout)

    def __repr__(self) -> str:
        return (
            f"<bytepiece.TokenFile {self._prefix}: {len(self)} documents, {len(self.ids)} ids, "
            f"{self.ids.dtype.name}>"
        )

    def _megatron(self) -> tuple[npt.NDArray[np.integer[Any]], npt.NDArray[np.int64]]:
        files = self._files
        index = _mapped(files.places)
        if len(index) < IDX.size or bytes(index[: len(MAGIC)]) != MAGIC:
            raise TokenFileError(f"{files.places} is no index of Megatron-LM's")
        _, version, code, count, places = IDX.unpack(bytes(index[: IDX.size]))
        if version != 1 or code not in CODES:
            raise TokenFileError(
                f"{files.places} has version {version} and ids of type {code}; only version 1 "
                f"and the types {', '.join(map(str, CODES))} are known"
            )
        ends = np.cumsum([IDX.size, 4 * count, 8 * count, 8 * places], dtype=object)
        if ends[-1] != len(index):
            raise self._wrong_size(files.places, len(index), ends[-1])
        lengths = index[ends[0] : ends[1]].view("<i4")
        starts = index[ends[1] : ends[2]].view("<i8")
        documents = index[ends[2] : ends[3]].view("<i8")
        data = _mapped(files.data)
        size = np.dtype(CODES[code]).itemsize
        total = 0
        for low in range(0, count, BLOCK):
            block = lengths[low : low + BLOCK].astype(np.int64)
            expected = total + np.cumsum(block * size) - block * size
            if block.min() < 0 or not np.array_equal(starts[low : low + BLOCK], expected):
                raise TokenFileError(f"{files.places}: its sequences do not lie end to end")
            total += int(block.sum()) * size
        if total != len(data):
            raise self._wrong_size(files.data, len(data), total)
        if not _ascending(documents, count):
            raise TokenFileError(f"{files.places}: its documents are not made of its sequences")
        return data.view(CODES[code]), starts

    def _npy(self) -> tuple[npt.NDArray[np.integer[Any]], npt.NDArray[np.int64]]:
        files = self._files
        ids, offsets = _npy(files.data, ("<u1", "<u2", "<u4")), _npy(files.places, ("<i8",))
        if not _ascending(offsets, len(ids)):
            raise TokenFileError(f"{files.places}: these are not the offsets of {files.data}")
        return ids, offsets[:-1]

    def _wrong_size(self, path: Path, size: int, expected: int) -> TokenFileError:
        return TokenFileError(f"{path} has {size} bytes, and its index says {expected}: damaged")


def _layout_of(prefix: str | os.PathLike[str]) -> Layout:
    found = [kind for kind in get_args(Layout) if LayoutFiles.of(prefix, kind).places.exists()]
    if len(found) == 1:
        return found[0]  # type: ignore[no-any-return]
    megatron, npy = (LayoutFiles.of(prefix, kind).places for kind in ("megatron", "npy"))
    if found:
        raise ArgumentError(f"{megatron} and {npy} are both there; give a layout")
    journal = LayoutFiles.of(prefix, "npy").journal
    more = f": {journal} says that they are not finished" if journal.exists() else ""
    raise TokenFileError(f"neither {megatron} nor {npy} is there{more}")


def _mapped(path: Path) -> npt.NDArray[np.uint8]:
    if path.stat().st_size == 0:  # An empty file cannot be mapped.
        return np.frombuffer(b"", np.uint8)
    # A plain array: slices of a memmap are ten times slower.
    return np.memmap(path, np.uint8, "r").view(np.ndarray)


def _npy(path: Path, kinds: tuple[str, ...]) -> npt.NDArray[Any]:
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as error:  # NumPy parses the head as Python: any error may come.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise TokenFileError(f"{path} is no .npy file, or damaged: {reason:.100}") from None
    known = array.ndim == 1 and array.dtype in map(np.dtype, kinds)
    if not known or array.offset + array.nbytes != path.stat().st_size:
        raise TokenFileError(f"{path} does not hold a row of numbers of {' or '.join(kinds)}")
    plain: npt.NDArray[Any] = array.view(np.ndarray)
    return plain


def _ascending(places: npt.NDArray[np.int64], last: int) -> bool:
    """Return whether numbers begin at 0, end at `last` and never decrease."""
    if len(places) == 0 or places[0] != 0 or places[-1] != last:
        return False
    return all(
        bool(np.all(np.diff(places[low : low + BLOCK + 1]) >= 0))
        for low in range(0, len(places), BLOCK)
    )
