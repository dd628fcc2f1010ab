"""The contents of files, decompressed if they are compressed.

This is not left to smart_open, because a file from others must not choose how much memory is taken:
smart_open trusts the suffix and sets no limit. It also reads from remote addresses, but that is not
needed here.
"""

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from bytepiece.errors import CorpusError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SUFFIXES = frozenset({".bz2", ".gz", ".xz", ".zst"})
"""The suffixes of compressed files."""

_MEMORY = 1 << 27
"""The bytes of memory that a decompressor may take, whatever a file asks for. This is zstd's own
limit, and twice what xz -9 takes."""
_CHUNK = 1 << 16
"""The number of compressed bytes that are read at a time."""


def compression_of(head: bytes) -> str | None:
    """Return the compression of a file: "gzip", "bzip2", "xz" or "zstd", or None.

    Args:
        head: the first ten bytes of the file, or all if there are fewer.
    """
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    # Ordinary text may begin with BZh. In a bzip2 file, the magic number of a block or of the
    # file's end follows it.
    if head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    # A zstd file begins with the magic number of a frame. A file that pzstd has written begins with
    # the magic number of a skippable frame.
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5):
        return "zstd"
    return None


def suffix_of(path: Path) -> str:
    """Return the suffix before the suffix of the compression: ".jsonl" for "a.jsonl.gz"."""
    return Path(path.stem).suffix if path.suffix in SUFFIXES else path.suffix


@contextmanager
def opened(
    path: Path, advance: Callable[[int], object] = lambda _: None
) -> Iterator[io.BufferedReader]:
    """Open a file, and yield a stream of its decompressed bytes.

    Args:
        path: the file.
        advance: called at each read with the number of bytes read, before decompression.
    """
    with path.open("rb") as file:
        yield decompressed(file, str(path), advance)


def head_of(path: Path) -> tuple[bytes, bool]:
    """Return the first bytes of a file, decompressed, and whether the file is compressed.

    Raises:
        CorpusError: if they cannot be decompressed.
    """
    with path.open("rb") as file:
        packed = compression_of(file.peek(10)) is not None
        return decompressed(file, str(path)).peek(1), packed


def decompressed(
    file: BinaryIO, name: str, advance: Callable[[int], object] = lambda _: None
) -> io.BufferedReader:
    """Return a stream of the decompressed bytes of a file.

    The first bytes show whether the file is compressed. The decompressed bytes are not held in
    memory. If the data are damaged, the read that reaches the damage raises the error.

    Args:
        file: the open file, at its beginning; it is not closed.
        name: the name of the file, for messages.
        advance: called at each read with the number of bytes read, before decompression.

    Raises:
        CorpusError: if the compressed data are damaged or cut off, need too much memory, or need a
            package that is not installed.
    """
    plain: io.BufferedReader = io.BufferedReader(_Counted(file, advance), _CHUNK)
    compression = compression_of(plain.peek(10))
    if compression is None:
        return plain
    return io.BufferedReader(_Checked(plain, compression, name), _CHUNK)


class _Counted(io.RawIOBase):
    """A file that reports how much of it was read.

    Once it has ended, it is not read again, even on a terminal, where more could be typed.
    """

    def __init__(self, file: Any, advance: Callable[[int], object]) -> None:
        self._file = file
        self._advance = advance
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        count: int = 0 if self._ended else self._file.readinto1(buffer)
        self._ended = count == 0
        self._advance(count)
        return count


class _Checked(io.RawIOBase):
    """A decompressed stream that raises the library's own errors."""

    def __init__(self, file: io.BufferedReader, compression: str, name: str) -> None:
        self._compression = compression
        self._name = name
        self._errors: tuple[type[Exception], ...] = (OSError, zlib.error, lzma.LZMAError)
        self._file: Any
        if compression == "gzip":
            self._file = gzip.GzipFile(fileobj=file)
        elif compression == "bzip2":
            self._file = bz2.BZ2File(file)
        elif compression == "xz":
            self._file = io.BufferedReader(_Xz(file), _CHUNK)
        else:
            zstd = _zstd(name)
            self._file = zstd.ZstdFile(file)
            self._errors = (OSError, zstd.ZstdError)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        try:
            count: int = self._file.readinto1(buffer)
        except EOFError:
            raise CorpusError(
                f"{self._name}: the {self._compression} data end too early; the file was cut off: "
                "get or make it again"
            ) from None
        except self._errors as error:
            raise CorpusError(
                f"{self._name}: the {self._compression} data cannot be decompressed ({error}); if "
                "they are damaged, get or make the file again"
            ) from None
        return count


class _Xz(io.RawIOBase):
    """A stream like `lzma.LZMAFile`, but with a limit on the memory that a file may ask for."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._stream = self._new()

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer)
        data = b""
        while not data:
            more = b""
            if self._stream.eof:  # zero bytes and another stream may follow
                more = self._stream.unused_data.lstrip(b"\0")
                while not more:
                    read = self._file.read1(_CHUNK)
                    if not read:
                        return 0
                    more = read.lstrip(b"\0")
                self._stream = self._new()
            elif self._stream.needs_input:
                more = self._file.read1(_CHUNK)
                if not more:
                    raise EOFError
            data = self._stream.decompress(more, len(room))
        room[: len(data)] = data
        return len(data)


def _zstd(name: str) -> Any:
    # The package zstandard is not used, because its readers end silently where a file was cut off.
    home = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return import_module(home)
    except ImportError:
        raise CorpusError(
            f"{name}: zstd data need a package that is not there; pip install 'bytepiece[zstd]'"
        ) from None
