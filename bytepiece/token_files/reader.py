"""Reading token files: they are mapped into memory and checked first."""

import operator
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bytepiece.errors import ArgumentError, TokenFileError
from bytepiece.token_files.layouts import (
    BLOCK,
    CODES,
    IDX,
    LAYOUTS,
    LLMC,
    LLMC_TYPES,
    MAGIC,
    Layout,
    LayoutFiles,
)


class TokenFile:
    """Token files mapped into memory: a document is read from disk when it is used.

    Indexing and iterating give one array for each document. The array is a part of the mapped file.
    A TokenFile can be pickled; the other process maps the files again.

    Args:
        prefix: the beginning of the files' names.
        layout: "megatron", "npy", "raw", "llmc" or "datatrove"; by default the layout whose files
            exist.

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
        read = {
            "megatron": self._megatron,
            "npy": self._npy,
            "raw": self._raw,
            "llmc": self._llmc,
            "datatrove": self._datatrove,
        }
        self.ids, self._starts = read[layout]()
        # Megatron-LM counts in bytes. datatrove's index has no place for the first document.
        self._unit = self.ids.itemsize if layout == "megatron" else 1
        self._without = 1 if layout == "datatrove" else 0

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, document: int) -> npt.NDArray[np.integer[Any]]:
        document = operator.index(document)
        if not -len(self) <= document < len(self):
            raise IndexError(f"document {document} of {len(self)}")
        document %= len(self)
        low = self._start(document)
        if document + 1 == len(self):
            return self.ids[low:]
        return self.ids[low : self._start(document + 1)]

    def _start(self, document: int) -> int:
        place = document - self._without
        return int(self._starts[place]) // self._unit if place >= 0 else 0

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
        ids = _npy(self._files.data, LAYOUTS["npy"].types)
        return ids, self._offsets(len(ids))

    def _raw(self) -> tuple[npt.NDArray[np.integer[Any]], npt.NDArray[np.int64]]:
        offsets = _npy(self._files.places, ("<i8",))
        ids = self._headerless(int(offsets[-1]) if len(offsets) else 0)
        return ids, self._offsets(len(ids))

    def _llmc(self) -> tuple[npt.NDArray[np.integer[Any]], npt.NDArray[np.int64]]:
        files = self._files
        data = _mapped(files.data)
        head = bytes(data[: LLMC.size]).ljust(LLMC.size, b"\0")
        magic, version, count = LLMC.unpack(head)
        if (magic, version) not in LLMC_TYPES:
            raise TokenFileError(f"{files.data} is no file of llm.c")
        kind = np.dtype(LLMC_TYPES[magic, version])
        if len(data) != LLMC.size + count * kind.itemsize:
            raise self._wrong_size(files.data, len(data), LLMC.size + count * kind.itemsize)
        return data[LLMC.size :].view(kind), self._offsets(count)

    def _datatrove(self) -> tuple[npt.NDArray[np.integer[Any]], npt.NDArray[np.int64]]:
        files = self._files
        index = _mapped(files.places)
        if len(index) % 8:
            raise TokenFileError(f"{files.places} is no row of numbers of 8 bytes")
        ends = index.view("<i8")
        ids = self._headerless(int(ends[-1]) if len(ends) else 0)
        if len(ends) and (ends[0] < 0 or not _never_less(ends)):
            raise TokenFileError(f"{files.places}: these are not the ends of {files.data}")
        return ids, ends

    def _headerless(self, count: int) -> npt.NDArray[np.integer[Any]]:
        """Return ids that no head describes. Their number and the size of their file are known."""
        data = _mapped(self._files.data)
        kinds = [np.dtype(name) for name in self._files.rule.types]
        for kind in kinds:
            if len(data) == count * kind.itemsize:
                return data.view(kind)
        raise self._wrong_size(self._files.data, len(data), count * kinds[0].itemsize)

    def _offsets(self, count: int) -> npt.NDArray[np.int64]:
        """Return where documents begin, after a check of the places in an .npy file."""
        offsets = _npy(self._files.places, ("<i8",))
        if not _ascending(offsets, count):
            raise TokenFileError(
                f"{self._files.places}: these are not the offsets of {self._files.data}"
            )
        return offsets[:-1]

    def _wrong_size(self, path: Path, size: int, expected: int) -> TokenFileError:
        return TokenFileError(f"{path} has {size} bytes, and its index says {expected}: damaged")


def _layout_of(prefix: str | os.PathLike[str]) -> Layout:
    places = {layout: LayoutFiles.of(prefix, layout).places for layout in LAYOUTS}
    found = [layout for layout, path in places.items() if path.exists()]
    if len(found) == 1:
        return found[0]
    if found:
        both = " and ".join(str(places[layout]) for layout in found)
        raise ArgumentError(f"{both} are there; give a layout")
    journal = LayoutFiles.of(prefix, "npy").journal
    more = f": {journal} says that they are not finished" if journal.exists() else ""
    raise TokenFileError(f"none of {', '.join(map(str, places.values()))} is there{more}")


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
    return _never_less(places)


def _never_less(places: npt.NDArray[np.int64]) -> bool:
    blocks = (places[low : low + BLOCK + 1] for low in range(0, len(places), BLOCK))
    # Compared and not subtracted, because a difference may overflow.
    return all(bool(np.all(block[1:] >= block[:-1])) for block in blocks)
