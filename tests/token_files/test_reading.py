"""Token files of other programs are read; damaged files are refused."""

import struct
from pathlib import Path

import numpy as np
import pytest
from support.token_files import FINISHED, LAYOUTS, rows_of, write

from bytepiece.errors import ArgumentError, TokenFileError
from bytepiece.token_files import TokenFile


def test_the_files_tell_the_layout():
    with pytest.raises(TokenFileError, match=r"neither x\.idx nor x\.offsets\.npy is there$"):
        TokenFile("x")
    write([[[1]]], "megatron")
    write([[[2]]], "npy")
    with pytest.raises(ArgumentError, match="are both there; give a layout"):
        TokenFile("x")
    assert [TokenFile("x", layout)[0].tolist() for layout in LAYOUTS] == [[1], [2]]


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
