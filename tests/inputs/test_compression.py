"""Compressed inputs: the same bytes as the plain ones, with limits and clear errors."""

import lzma
import random
import sys
import tracemalloc
import zlib
from pathlib import Path

import pytest
from support.corpora import TEXT, ZSTD, texts_of, train, zstd
from support.strategies import JIT

from bytepiece import Files
from bytepiece.errors import CorpusError
from bytepiece.inputs.decompress import decompressed, opened, suffix_of

pytestmark = pytest.mark.usefixtures("empty_directory")


def content(path):
    with opened(Path(path)) as file:
        return file.read()


@pytest.mark.parametrize("name", ["x.txt", "x", "x.txt{}", "x.bz2"])
def test_content_shows_the_compression(packed, name):
    pack, end = packed
    Path(name.format(end)).write_bytes(pack(TEXT))
    assert content(name.format(end)) == TEXT
    assert b"".join(texts_of([name.format(end)])) == TEXT


def test_a_compressed_file_is_the_same_corpus(packed):
    pack, end = packed
    Path("x.txt").write_bytes(TEXT)
    Path(f"x.txt{end}").write_bytes(pack(TEXT))
    assert train(f"x.txt{end}") == train("x.txt")
    assert train(f"x.txt{end}").record == train("x.txt").record


def test_concatenated_streams_are_one(packed):
    pack, end = packed
    parts = [TEXT[:1000], b"", TEXT[1000:], b"the end"]
    between = b"\0" * 8 if end in (".xz", ".gz") else b""
    Path("x").write_bytes(between.join(map(pack, parts)) + between)
    assert content("x") == b"".join(parts)


@pytest.mark.parametrize("data", [b"", b"x", b"BZh", b"BZh9 is text\n", b"PAR1 is text", b"\x1f"])
def test_uncompressed_bytes_stay_as_they_are(data):
    for name in ("x", "x.txt", "x.gz"):
        Path(name).write_bytes(data)
        assert b"".join(texts_of([name])) == data


def test_a_cut_off_file_is_an_error(packed):
    pack, _ = packed
    data = pack(TEXT[:500])
    for length in range(14, len(data)):
        Path("x.txt").write_bytes(data[:length])
        with pytest.raises(CorpusError, match=r"^x\.txt: .*(too early|cannot be decompressed)"):
            texts_of(["x.txt"])


def test_damage_is_always_a_corpus_error(packed):
    pack, end = packed
    rng = random.Random(end)
    data = pack(TEXT)
    told = 0
    for _ in range(300):
        bad = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            bad[rng.randrange(10, len(bad))] = rng.randrange(256)
        Path("x").write_bytes(bad)
        try:
            texts_of(["x"])
        except CorpusError:
            told += 1
    assert told > 200


def test_a_decompression_bomb_takes_no_memory(packed):
    pack, _ = packed
    size = 1 << (28 if JIT else 25)
    Path("x").write_bytes(pack(bytes(size)))
    assert Path("x").stat().st_size < size // 500
    tracemalloc.start()
    try:
        assert sum(len(text) for text in Files(["x"])) == size
        assert tracemalloc.get_traced_memory()[1] < 1 << 26
    finally:
        tracemalloc.stop()


def greedy_xz():
    """Return a file whose header asks for a dictionary of 4 GiB; it holds some bytes."""
    data = bytearray(lzma.compress(b"abc"))
    size = (data[12] + 1) * 4  # of the block's header
    assert data[14:16] == b"\x21\x01"  # LZMA2, one byte of properties
    data[16] = 40
    data[8 + size : 12 + size] = zlib.crc32(data[12 : 8 + size]).to_bytes(4, "little")
    return bytes(data)


def greedy_zstd():
    """Return a frame with a window of 2 GiB and a raw block, the last one, of three bytes."""
    zstd(b"")
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(31 - 10) << 3]) + b"\x19\x00\x00abc"


@pytest.mark.parametrize("greedy", [greedy_xz, greedy_zstd])
def test_a_file_cannot_demand_memory(greedy):
    Path("x").write_bytes(greedy())
    with pytest.raises(CorpusError, match=r"^x: .*[mM]emory"):
        texts_of(["x"])


def test_the_number_of_bytes_read_is_reported(packed):
    pack, _ = packed
    data = pack(random.Random(0).randbytes(3_000_000))
    Path("x").write_bytes(data)
    told = []
    with opened(Path("x"), told.append) as file:
        file.read(50_000)
        assert 0 < sum(told) < len(data)
        file.read()
    assert sum(told) == len(data)


def test_the_end_of_a_terminal_stays_the_end():
    class Terminal:
        def __init__(self, *answers):
            self.answers = list(answers)

        def readinto1(self, buffer):
            answer = self.answers.pop(0)
            buffer[: len(answer)] = answer
            return len(answer)

    assert decompressed(Terminal(b"abc\n", b"", b"more"), "x").read() == b"abc\n"
    assert decompressed(Terminal(b"", b"more"), "x").read() == b""


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.jsonl", ".jsonl"),
        ("a.jsonl.gz", ".jsonl"),
        ("a.gz", ""),
        ("a", ""),
        ("b.tsv.zst", ".tsv"),
    ],
)
def test_suffixes_without_the_compression(name, suffix):
    assert suffix_of(Path("dir.txt", name)) == suffix


def test_a_missing_package_is_named(monkeypatch):
    Path("x").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(9))
    monkeypatch.setitem(sys.modules, ZSTD, None)
    with pytest.raises(CorpusError, match=r"^x: .*pip install 'bytepiece\[zstd\]'"):
        train("x")
    Path("y.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CorpusError, match=r"^y\.parquet: .*pip install 'bytepiece\[parquet\]'"):
        train("y.parquet")
