"""Token files: ids come back, in the layouts that other programs read."""

import pickle
import struct
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.token_files import (
    FINISHED,
    LAYOUTS,
    SIZES,
    batches,
    contents,
    rows_of,
    write,
)

from bytepiece.token_files import TokenFile, smallest_type


@pytest.mark.parametrize("layout", LAYOUTS)
@given(
    parts=st.lists(st.lists(st.lists(st.integers(0, 255), max_size=4), max_size=4), max_size=4),
    vocab_size=st.sampled_from(SIZES),
)
def test_ids_come_back(layout, parts, vocab_size):
    if vocab_size > 256:
        parts = [*parts, [[vocab_size - 1], []]]
    write(parts, layout, vocab_size)
    found = TokenFile("x", layout)
    expected = [row for part in parts for row in part]
    assert rows_of(found) == expected
    assert found.ids.tolist() == [id_ for row in expected for id_ in row]
    assert found.ids.dtype == smallest_type(vocab_size, layout)
    assert [found[i - len(found)].tolist() for i in range(len(found))] == expected
    for number in (len(found), -len(found) - 1):
        with pytest.raises(IndexError):
            found[number]


def test_the_smallest_type_that_readers_know():
    assert [smallest_type(size, "megatron").str for size in SIZES] == [
        "<u2",
        "<u2",
        "<u2",
        "<i4",
        "<i4",
    ]
    assert [smallest_type(size, "npy").str for size in SIZES] == ["|u1", "<u2", "<u2", "<u4", "<u4"]
    for layout in ("raw", "llmc", "datatrove"):
        types = [smallest_type(size, layout).str for size in SIZES]
        assert types == ["<u2", "<u2", "<u2", "<u4", "<u4"]


def test_the_index_is_megatrons_to_the_byte():
    """The expected bytes are written here from the description, one number at a time."""
    write([[[1, 2, 3], []], [[700]]], vocab_size=1000)
    assert Path("x.bin").read_bytes() == struct.pack("<4H", 1, 2, 3, 700)
    head = b"MMIDIDX\x00\x00" + struct.pack("<Q", 1) + bytes([8]) + struct.pack("<QQ", 3, 4)
    lengths = struct.pack("<3i", 3, 0, 1)
    assert Path("x.idx").read_bytes() == head + lengths + struct.pack("<7q", 0, 6, 6, 0, 1, 2, 3)
    write([[[1], [2, 70_000]]], vocab_size=70_001)
    assert Path("x.bin").read_bytes() == struct.pack("<3i", 1, 2, 70_000)
    assert Path("x.idx").read_bytes()[17] == 4
    assert Path("x.idx").read_bytes()[34:58] == struct.pack("<2i2q", 1, 2, 0, 4)


@pytest.mark.parametrize(("vocab_size", "letter"), [(1000, "H"), (70_001, "I")])
def test_headerless_layouts_to_the_byte(vocab_size, letter):
    rows = [[1, 2, 3], [], [700, vocab_size - 1]]
    ids = struct.pack(f"<5{letter}", 1, 2, 3, 700, vocab_size - 1)
    write([rows[:2], rows[2:]], "raw", vocab_size)
    assert Path("x.bin").read_bytes() == ids
    assert Path("x.raw.offsets.npy").read_bytes()[-32:] == struct.pack("<4q", 0, 3, 3, 5)
    write([rows[:2], rows[2:]], "datatrove", vocab_size)
    assert Path("x.ds").read_bytes() == ids
    assert Path("x.ds.index").read_bytes() == struct.pack("<3Q", 3, 3, 5)


@pytest.mark.parametrize(
    ("vocab_size", "letter", "magic", "version"),
    [(1000, "H", 20240520, 1), (70_001, "I", 20240801, 7)],
)
def test_the_head_of_llmc_to_the_byte(vocab_size, letter, magic, version):
    write([[[1, 2]], [[vocab_size - 1], []]], "llmc", vocab_size)
    head = struct.pack("<256i", magic, version, 3, *[0] * 253)
    ids = struct.pack(f"<3{letter}", 1, 2, vocab_size - 1)
    assert Path("x.bin").read_bytes() == head + ids
    assert Path("x.llmc.offsets.npy").read_bytes()[-32:] == struct.pack("<4q", 0, 2, 3, 3)


def test_numpy_reads_the_pair_by_itself():
    write([[[1, 2, 3], []], [[70_000]]], "npy", vocab_size=70_001)
    ids, offsets = (np.load(name, mmap_mode="r") for name in FINISHED["npy"])
    assert (ids.tolist(), offsets.tolist()) == ([1, 2, 3, 70_000], [0, 3, 3, 4])
    assert (ids.dtype, offsets.dtype) == (np.uint32, np.int64)
    write([], "npy")
    assert [len(np.load(name, mmap_mode="r")) for name in FINISHED["npy"]] == [0, 1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_many_documents_are_placed_block_by_block(layout, monkeypatch):
    parts = batches(40)
    write(parts, layout)
    whole = contents(layout)
    for name in ("layouts", "reader"):
        monkeypatch.setattr(import_module(f"bytepiece.token_files.{name}"), "BLOCK", 3)
    write(parts, layout)
    assert contents(layout) == whole
    assert rows_of(TokenFile("x", layout)) == [row for part in parts for row in part]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_documents_are_parts_of_the_file(layout):
    write([[[1, 2], [3]]], layout)
    found = TokenFile("x", layout)
    assert type(found[1]) is np.ndarray
    assert np.shares_memory(found[1], found.ids)
    with pytest.raises(ValueError, match="read-only"):
        found[1][0] = 5
    again = pickle.loads(pickle.dumps(found))
    assert len(pickle.dumps(found)) < 200
    assert rows_of(again) == rows_of(found)
    assert repr(found) == "<bytepiece.TokenFile x: 2 documents, 3 ids, uint16>"
