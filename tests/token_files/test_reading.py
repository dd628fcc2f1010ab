"""Token files of other programs are read; damaged files are refused."""

import struct
from pathlib import Path

import numpy as np
import pytest
from support.token_files import FINISHED, rows_of, write

from bytepiece.errors import ArgumentError, TokenFileError
from bytepiece.token_files import TokenFile


def test_the_files_tell_the_layout():
    with pytest.raises(TokenFileError, match=r"none of x\.idx, .*x\.ds\.index is there$"):
        TokenFile("x")
    write([[[1]]], "megatron")
    write([[[2]]], "npy")
    with pytest.raises(ArgumentError, match="are there; give a layout"):
        TokenFile("x")
    assert [TokenFile("x", layout)[0].tolist() for layout in ("megatron", "npy")] == [[1], [2]]


def packed(
    code=8, lengths=(2, 1), starts=(0, 4), documents=(0, 1, 2), version=1, count=None, places=None
):
    head = struct.pack("<9sQB", b"MMIDIDX\x00\x00", version, code)
    head += struct.pack(
        "<QQ",
        len(lengths) if count is None else count,
        len(documents) if places is None else places,
    )
    return b"".join(
        [
            head,
            np.array(lengths, "<i4").tobytes(),
            np.array(starts, "<i8").tobytes(),
            np.array(documents, "<i8").tobytes(),
        ]
    )


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (b"", "no index"),
        (b"MMIDIDX\x00\x00", "no index"),
        (b"TNTIDX\x00\x00" + bytes(100), "no index"),
        (packed(version=2), "version 2"),
        (packed(code=6), "type 6"),
        (packed(code=0), "type 0"),
        (packed(count=3), "damaged"),
        (packed(count=2**64 - 1), "damaged"),
        (packed(places=2**63), "damaged"),
        (packed() + b"\0", "damaged"),
        (packed()[:-1], "damaged"),
        (packed(lengths=(-2, 5)), "end to end"),
        (packed(lengths=(2, 2)), "x.bin has 6 bytes, and its index says 8"),
        (packed(code=4), "end to end"),
        (packed(starts=(0, 2)), "end to end"),
        (packed(starts=(2, 4)), "end to end"),
        (packed(starts=(0, -4)), "end to end"),
        (packed(documents=(0, 1)), "made of its sequences"),
        (packed(documents=(1, 2)), "made of its sequences"),
        (packed(documents=(0, 2, 1, 2)), "made of its sequences"),
        (packed(documents=()), "made of its sequences"),
    ],
)
def test_a_damaged_index_is_refused(index, words):
    Path("x.bin").write_bytes(struct.pack("<3H", 1, 2, 3))
    Path("x.idx").write_bytes(packed(documents=(0, 2)))
    assert rows_of(TokenFile("x")) == [[1, 2], [3]]  # One document of two sequences gives two rows.
    Path("x.idx").write_bytes(index)
    with pytest.raises(TokenFileError, match=r"x\.(idx|bin)") as caught:
        TokenFile("x")
    assert words in str(caught.value)


def npy(array):
    np.save("y.npy", array)
    return Path("y.npy").read_bytes()


@pytest.mark.parametrize("name", FINISHED["npy"])
@pytest.mark.parametrize(
    "kind",
    ["empty", "text", "short", "long", "objects", "float", "flat", "npz", "order", "last", "big"],
)
def test_a_damaged_npy_is_refused(name, kind):
    write([[[1, 2], [3]]], "npy")
    path = Path(name)
    content = path.read_bytes()
    values = np.load(path)
    if kind == "npz":
        np.savez("y.npz", values)
    damaged = {
        "empty": lambda: b"",
        "text": lambda: b"some text, and more of it" * 9,
        "short": lambda: content[:-1],
        "long": lambda: content + b"\0",
        "objects": lambda: npy(np.array([None, 1])),
        "float": lambda: npy(values.astype(float)),
        "flat": lambda: npy(values.reshape(1, -1)),
        "npz": lambda: Path("y.npz").read_bytes(),
        "order": lambda: npy(np.array([0, 3, 2, 3])) if "offsets" in name else npy(values[:0]),
        "last": lambda: npy(values[:-1]),
        "big": lambda: npy(values.astype(">i8")),
    }[kind]()
    path.write_bytes(damaged)
    with pytest.raises(TokenFileError, match=r"^x\.(ids|offsets)\.npy"):
        TokenFile("x")


@pytest.mark.parametrize(
    "head",
    [
        "{'descr': '<u2",  # It ends within a string.
        "{'descr': ((((",
        "-" * 9000 + "1",  # Nested too deep for Python's parser.
        "{'descr': '<u2', 'fortran_order': False, 'shape': (99999999999999999999,), }\n",
    ],
)
def test_an_npy_head_that_is_not_python_is_refused(head):
    write([[[1, 2], [3]]], "npy")
    Path("x.ids.npy").write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode())
    with pytest.raises(TokenFileError, match=r"^x\.ids\.npy is no \.npy file, or damaged: \S"):
        TokenFile("x")


def test_a_file_that_only_begins_like_a_zip_is_refused():
    write([[[1, 2], [3]]], "npy")
    Path("x.ids.npy").write_bytes(b"PK\3\4" + bytes(99))
    with pytest.raises(TokenFileError, match=r"^x\.ids\.npy is no \.npy file"):
        TokenFile("x")


def refused(name, content, words):
    """Check that a file with this content is refused, and that the error says what is wrong."""
    path = Path(name)
    whole = path.read_bytes()
    path.write_bytes(content)
    with pytest.raises(TokenFileError, match=r"^x\.") as caught:
        TokenFile("x")
    assert words in str(caught.value)
    path.write_bytes(whole)


def test_damaged_raw_ids_are_refused():
    write([[[1, 2], [3]]], "raw")
    refused("x.bin", bytes(5), "x.bin has 5 bytes, and its index says 6")
    refused("x.bin", b"", "damaged")
    refused("x.raw.offsets.npy", npy(np.array([0, 2, 1, 3])), "these are not the offsets of x.bin")
    refused("x.raw.offsets.npy", npy(np.array([], np.int64)), "damaged")
    refused("x.raw.offsets.npy", npy(np.array([0, -1])), "damaged")
    refused("x.raw.offsets.npy", b"", "is no .npy file")
    assert rows_of(TokenFile("x")) == [[1, 2], [3]]


def test_damaged_files_of_llmc_are_refused():
    write([[[1, 2], [3]]], "llmc")
    whole = Path("x.bin").read_bytes()
    refused("x.bin", b"", "x.bin is no file of llm.c")
    refused("x.bin", whole[:100], "x.bin has 100 bytes, and its index says 1030")
    refused("x.bin", bytes(1030), "x.bin is no file of llm.c")
    refused("x.bin", struct.pack("<3i", 20240520, 7, 3) + whole[12:], "x.bin is no file of llm.c")
    refused("x.bin", struct.pack("<3i", 20240520, 1, -3) + whole[12:], "its index says 1018")
    refused("x.bin", whole[:-1], "x.bin has 1029 bytes, and its index says 1030")
    refused("x.llmc.offsets.npy", npy(np.array([0, 2])), "these are not the offsets of x.bin")
    assert rows_of(TokenFile("x")) == [[1, 2], [3]]


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (struct.pack("<2Q", 2, 3)[:-1], "no row of numbers of 8 bytes"),
        (struct.pack("<2Q", 2, 4), "x.ds has 6 bytes, and its index says 8"),
        (struct.pack("<2q", -1, 3), "these are not the ends of x.ds"),
        (struct.pack("<3Q", 2, 1, 3), "these are not the ends of x.ds"),
        (struct.pack("<Q", 2**64 - 3), "damaged"),
        (b"", "x.ds has 6 bytes, and its index says 0"),
    ],
)
def test_a_damaged_index_of_datatrove_is_refused(index, words):
    write([[[1, 2], [3]]], "datatrove")
    refused("x.ds.index", index, words)
    assert rows_of(TokenFile("x")) == [[1, 2], [3]]
