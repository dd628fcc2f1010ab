"""Token files: ids come back after any interruption of the writer; damaged files are refused."""

import errno
import json
import os
import pickle
import random
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli import invoke, posix_only, start
from support.strategies import JIT

from bytepiece import Encoded, model_io
from bytepiece.errors import ArgumentError, TokenFileError
from bytepiece.token_files import TokenFile, TokenFileWriter, smallest_type

module = import_module("bytepiece.token_files.writer")
ROOT = Path(__file__).resolve().parents[2]
LAYOUTS = ["megatron", "npy"]
SIZES = [256, 257, 1 << 16, (1 << 16) + 1, 1 << 24]
FINISHED = {
    "megatron": ["x.bin", "x.idx"],
    "npy": ["x.ids.npy", "x.offsets.npy"],
}


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def encoded(rows):
    ids = np.array([id_ for row in rows for id_ in row], dtype=np.int32)
    return Encoded(ids, np.cumsum([0, *map(len, rows)]))


def batches(count, vocab_size=1000, seed=0):
    rng = random.Random(seed)
    return [
        [
            [rng.randrange(vocab_size) for _ in range(rng.randint(0, 9))]
            for _ in range(rng.randint(0, 5))
        ]
        for _ in range(count)
    ]


def write(parts, layout="megatron", vocab_size=1000, resume=False, **run):
    with TokenFileWriter("x", vocab_size, layout, run=run, resume=resume) as writer:
        number = 0
        for part in parts:
            # Documents that were written before a resumption are skipped.
            rest = part[max(writer.documents - number, 0) :] if number < writer.documents else part
            number += len(part)
            writer.append(encoded(rest))


def listed():
    return sorted(path.name for path in Path().iterdir())


def contents(layout):
    return [Path(name).read_bytes() for name in FINISHED[layout]]


def rows_of(found):
    return [row.tolist() for row in found]


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
    for name in ("writer", "reader"):
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


# Interruptions of all kinds.


class StopError(Exception):
    """Ends a run."""


def stop_at(monkeypatch, number):
    """Let the system call with this number, and all later ones, raise an error."""
    count = 0
    for place, function in ((os, "fsync"), (module, "_write"), (Path, "replace"), (Path, "unlink")):
        real = getattr(place, function)

        def failing(*args, real=real, **options):
            nonlocal count
            count += 1
            if count >= number:
                raise StopError
            return real(*args, **options)

        monkeypatch.setattr(place, function, failing)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("interval", [0, 1000])
def test_a_run_that_is_stopped_anywhere_goes_on(layout, interval, monkeypatch):
    monkeypatch.setattr(module, "_INTERVAL", interval)
    parts = batches(6)
    write(parts, layout)
    whole = contents(layout)
    for finished_before in (False, True):
        number = 0
        while True:
            number += 1
            for name in listed():
                if not finished_before or name not in FINISHED[layout]:
                    Path(name).unlink()
            with pytest.MonkeyPatch.context() as patch:
                stop_at(patch, number)
                try:
                    write(parts, layout)
                    break
                except StopError:
                    pass
            # A reader finds whole files or none at this moment.
            if Path(FINISHED[layout][1]).exists():
                assert rows_of(TokenFile("x", layout)) == [row for part in parts for row in part]
            write(parts, layout, resume=True)
            assert contents(layout) == whole
            assert listed() == FINISHED[layout]
        assert number > 12


def begin(parts=([[1, 2], [3]],), layout="megatron", vocab_size=1000, **run):
    """Write some documents and stop; return how many documents and ids were written."""
    with suppress(StopError), TokenFileWriter("x", vocab_size, layout, run=run) as writer:
        for part in parts:
            writer.append(encoded(part))
        raise StopError
    return writer.documents, writer.tokens


@pytest.mark.parametrize("layout", LAYOUTS)
def test_work_in_the_journal_is_not_repeated(layout):
    parts = batches(6)
    documents, tokens = begin(parts[:4], layout)
    assert documents == sum(map(len, parts[:4]))
    with pytest.raises(TokenFileError, match=r"^neither .*x\.journal says that they are not fin"):
        TokenFile("x")
    with TokenFileWriter("x", 1000, layout, resume=True) as writer:
        assert (writer.documents, writer.tokens) == (documents, tokens)
        for part in parts[4:]:
            writer.append(encoded(part))
    assert rows_of(TokenFile("x")) == [row for part in parts for row in part]
    assert listed() == FINISHED[layout]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_disk_that_is_full_loses_nothing(layout, monkeypatch):
    parts = batches(20)
    write(parts, layout)
    whole = contents(layout)
    real = module._write
    room = 0

    class Full:
        """A file on a disk with little room: it accepts some bytes, and then none."""

        def __init__(self, file):
            self._file = file

        def write(self, data):
            nonlocal room
            if not room:
                raise OSError(errno.ENOSPC, "No space left on device")
            taken = min(len(data), room, 7)
            room -= taken
            return self._file.write(data[:taken])

    monkeypatch.setattr(module, "_write", lambda file, data: real(Full(file), data))
    monkeypatch.setattr(module, "_INTERVAL", 0)
    failures = 0
    while True:
        room = 300
        try:
            write(parts, layout, resume=True)
            break
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017  # It may occur several times.
            failures += 1
    assert failures >= 2
    assert contents(layout) == whole


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layout": "npy"}, 'layout was "megatron", not "npy"'),
        ({"vocab_size": 70_000}, 'ids was "uint16", not "int32"'),
        ({"seed": 8}, "seed was 7, not 8"),
        ({"seed": None}, "seed was 7, not null"),
        ({"epoch": 1}, "epoch was null, not 1"),
    ],
)
def test_files_of_another_run_are_not_resumed(arguments, words):
    begin(model="ab", seed=7)
    with pytest.raises(TokenFileError) as caught:
        write([], **{"model": "ab", "seed": 7, "resume": True, **arguments})
    assert words in str(caught.value)
    assert "delete it to begin anew" in str(caught.value)
    write([[[1, 2], [3]], [[4]]], model="ab", seed=7, resume=True)
    assert rows_of(TokenFile("x")) == [[1, 2], [3], [4]]


def test_unfinished_files_are_not_overwritten_silently():
    begin()
    with pytest.raises(TokenFileError, match=r"x\.journal: .* begun and not finished; resume, or"):
        write([])
    Path("x.journal").unlink()
    write([[[5]]])
    assert rows_of(TokenFile("x")) == [[5]]


def test_resuming_without_unfinished_files_begins_anew():
    write([[[5]]], resume=True)
    write([[[6]]], resume=True)
    assert rows_of(TokenFile("x")) == [[6]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_failure_before_the_first_document_leaves_nothing(layout):
    begin([], layout, column="txet")
    assert listed() == []
    write([[[5]]], layout, column="text")
    assert rows_of(TokenFile("x")) == [[5]]


@pytest.mark.parametrize("content", ["", "[]", "5", "{}", "[" * 50_000, '{"format": "x"}'])
def test_a_damaged_journal_is_refused(content):
    begin()
    Path("x.journal").write_text(content, "utf-8")
    for resume in (True, False):
        with pytest.raises(TokenFileError, match=r"^x\.journal is damaged"):
            write([], resume=resume)


def test_a_journal_with_bad_numbers_is_refused():
    begin()
    content = Path("x.journal").read_text("utf-8")
    for bad in ('"documents": -1', '"documents": 2.5', '"documents": true', '"documents": "2"'):
        Path("x.journal").write_text(content.replace('"documents": 2', bad), "utf-8")
        with pytest.raises(TokenFileError, match="damaged"):
            write([], resume=True)


def test_a_journal_of_ids_without_documents_is_refused():
    begin()
    content = Path("x.journal").read_text("utf-8")
    Path("x.journal").write_text(content.replace('"documents": 2', '"documents": 0'), "utf-8")
    with pytest.raises(TokenFileError, match="does not fit"):
        write([], resume=True)


@pytest.mark.parametrize("name", ["x.bin.part", "x.idx.part"])
def test_parts_that_do_not_fit_the_journal_are_refused(name):
    begin()
    content = Path(name).read_bytes()
    Path(name).write_bytes(content + b"more, after the last entry")
    write([[[1, 2], [3]]], resume=True)
    assert rows_of(TokenFile("x")) == [[1, 2], [3]]
    begin()
    for damage in (lambda p: p.write_bytes(content[:-1]), lambda p: p.unlink()):
        damage(Path(name))
        with pytest.raises(TokenFileError, match="does not fit the files beside it"):
            write([], resume=True)


def test_ends_that_do_not_fit_the_ids_are_refused():
    begin()
    Path("x.idx.part").write_bytes(struct.pack("<2q", 2, 4))
    with pytest.raises(TokenFileError, match="does not fit"):
        write([], resume=True)


@pytest.mark.parametrize("ids", [[-1], [1000]])
def test_ids_of_another_vocabulary_are_refused(ids):
    with TokenFileWriter("x", 1000) as writer:
        with pytest.raises(ArgumentError, match="an id is not in 0…999"):
            writer.append(encoded([ids]))
        writer.append(encoded([[999]]))
    assert rows_of(TokenFile("x")) == [[999]]


def test_bad_arguments():
    with pytest.raises(ArgumentError, match='layout must be "megatron" or "npy"'):
        TokenFileWriter("x", 1000, "hdf5")
    with pytest.raises(FileNotFoundError):
        TokenFileWriter("nowhere/x", 1000)
    assert listed() == []


# Reading the files of other programs.


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


# The command line.


def lines(count):
    rng = random.Random(1)
    return "".join(f"the cat and {rng.randrange(10**6)} hats\n" for _ in range(count)).encode()


@pytest.fixture
def saved(model, tmp_path, monkeypatch):
    path = tmp_path / "small.model"
    model_io.save(model, path)
    monkeypatch.setenv("BYTEPIECE_MODEL", str(path))


def expected_rows(tok, **options):
    texts = Path("c.txt").read_bytes().splitlines()
    return [row.tolist() for row in tok.encode_batch(texts, **options)]


SAMPLED = ["--sample", "--seed", "7", "--alpha", "0.3"]


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_command_writes_token_files(layout, tok):
    Path("c.txt").write_bytes(lines(300))
    result = invoke("encode", "c.txt", "--format", layout, "-o", "x", "--eos", *SAMPLED)
    assert result.stdout == ""
    expected = expected_rows(tok, add_eos=True, alpha=0.3, seed=7)
    assert rows_of(TokenFile("x", layout)) == expected
    invoke("encode", "--format", layout, "-o", "y", "--eos", *SAMPLED, input=lines(300))
    assert rows_of(TokenFile("y", layout)) == expected


@pytest.mark.usefixtures("saved")
def test_the_command_resumes(tok, monkeypatch):
    Path("c.txt").write_bytes(lines(300))
    monkeypatch.setattr("bytepiece_cli.streams._MOST", 1000)
    monkeypatch.setattr(module, "_INTERVAL", 0)
    real = TokenFileWriter.append
    left = 5

    def append(self, rows):
        nonlocal left
        left -= 1
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device", "x.bin.part")
        real(self, rows)

    monkeypatch.setattr(TokenFileWriter, "append", append)
    command = ["encode", "c.txt", "--format", "megatron", "-o", "x", *SAMPLED]
    result = invoke(*command, code=1)
    assert result.stderr.splitlines() == [
        "bytepiece: what was done is kept beside x; --resume goes on from there",
        "Error: x.bin.part: No space left on device",
    ]
    for other, words in (
        (["--seed", "8"], "seed was 7, not 8"),
        (["--eos"], "add_eos was false, not true"),
        (["--format", "npy"], 'layout was "megatron", not "npy"'),
        (["c.txt"], "files was"),
    ):
        assert words in invoke(*command, "--resume", *other, code=1).stderr
    assert "begun and not finished" in invoke(*command, code=1).stderr
    size = Path("c.txt").stat().st_size
    text = Path("c.txt").read_bytes()
    Path("c.txt").write_bytes(text.replace(b"\n", b" ", 250))
    assert Path("c.txt").stat().st_size == size
    error = invoke(*command, "--resume", code=1).stderr
    assert "documents were encoded before, and now there are only 50" in error
    Path("c.txt").write_bytes(text)
    result = invoke(*command, "--resume", "--threads", 2)
    assert "bytepiece: going on after " in result.stderr
    assert rows_of(TokenFile("x")) == expected_rows(tok, alpha=0.3, seed=7)


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--format", "npy"], "--format npy is written to files; name them with -o"),
        (["--format", "parquet"], "--format parquet is written to files; name them with -o"),
        (["--format", "parquet", "-o", "-"], "name them with -o"),
        (["--format", "jsonl", "-o", "x"], "leave -o out, and write > FILE"),
        (["--resume"], "--resume is about --format megatron and npy"),
        (["--resume", "--format", "parquet", "-o", "x"], "--resume is about"),
    ],
)
def test_options_that_do_not_fit_the_format_are_wrong_usage(options, words):
    assert words in " ".join(invoke("encode", *options, code=2).stderr.split())


@pytest.mark.usefixtures("saved")
def test_an_input_is_not_written_over():
    Path("x.bin").write_bytes(b"the hat\n")
    error = invoke("encode", "x.bin", "--format", "megatron", "-o", "x", code=2).stderr
    assert "x.bin is part of the corpus" in error
    assert (
        "no such"
        in invoke("encode", "x.bin", "--format", "npy", "-o", "no/x", code=1).stderr.lower()
    )
    assert listed() == ["small.model", "x.bin"]


def documents_done(prefix):
    """Return the number of documents in the journal; −1 if there is no journal yet."""
    try:
        return json.loads(Path(f"{prefix}.journal").read_bytes())["documents"]
    except FileNotFoundError:
        return -1


@posix_only
@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_killed_at_random_moments_it_ends_with_the_same_files(layout, monkeypatch):
    count = 20_000 if JIT else 1000
    Path("c.txt").write_bytes(lines(count))
    # Like the command, but with small batches and an entry in the journal for each.
    script = (
        "import sys\nfrom bytepiece.token_files import writer\n"
        "from bytepiece_cli import main, streams\n"
        "writer._INTERVAL = 0\nstreams._MOST = 1 << 12\nmain.main()"
    )
    options = ["encode", "c.txt", "--format", layout, *SAMPLED, "--threads", "1"]
    command = [sys.executable, "-c", script, *options]
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    subprocess.run([*command, "-o", "y"], check=True, capture_output=True)
    rng = random.Random(5)
    stops = []
    for part in (0, 0.2, 0.4, 0.6, 0.8):
        program = subprocess.Popen([*command, "-o", "x", "--resume"], stderr=subprocess.DEVNULL)
        while program.poll() is None and not documents_done("x") > part * count:
            pass
        time.sleep(rng.uniform(0, 0.01))
        program.kill()
        program.wait()
        stops.append(documents_done("x"))
    assert stops[1] > 0.2 * count  # The second kill came in the middle of the work.
    subprocess.run([*command, "-o", "x", "--resume"], check=True, capture_output=True)
    for name in FINISHED[layout]:
        assert Path(name).read_bytes() == Path("y" + name[1:]).read_bytes()
    assert not [name for name in listed() if name.endswith((".part", ".journal"))]


@posix_only
@pytest.mark.usefixtures("saved")
def test_ctrl_c_says_how_to_resume(tok):
    with start("encode", "--format", "npy", "-o", "x") as program:
        program.stdin.write(b"the hat\n" * 1000)
        program.stdin.flush()
        part = Path("x.offsets.npy.part")
        while program.poll() is None and not (part.exists() and part.stat().st_size):
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        error = program.stderr.read().decode()
        assert program.wait() == 128 + signal.SIGINT
    assert "kept beside x; --resume goes on from there" in error
    assert error.endswith("Interrupted\n")
    result = invoke("encode", "--format", "npy", "-o", "x", "--resume", input=b"the hat\n" * 1000)
    assert "Error" not in result.stderr
    assert rows_of(TokenFile("x")) == [tok.encode("the hat")] * 1000


def test_memory_is_constant():
    resource = pytest.importorskip("resource", reason="not on Windows")
    del resource
    script = (
        "import resource, sys, numpy as np\n"
        "from bytepiece import Encoded\n"
        "from bytepiece.token_files import TokenFileWriter\n"
        "rows = Encoded(np.zeros(10**6, np.int32), np.arange(0, 10**6 + 1, 10))\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for layout in ('megatron', 'npy'):\n"
        "    with TokenFileWriter(layout, 300, layout) as writer: writer.append(rows)\n"
        "before = peak()\n"
        "for layout in ('megatron', 'npy'):\n"
        "    with TokenFileWriter(layout, 300, layout) as writer:\n"
        "        for _ in range(40): writer.append(rows)\n"
        "print(peak() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    grown = int(done.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert grown < 8 << 20  # The files hold 80 MB of ids each, and 32 MB of offsets.
    assert len(TokenFile("npy")) == 4 * 10**6


def test_the_example_runs():
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "token_files.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "uint16" in done.stdout
