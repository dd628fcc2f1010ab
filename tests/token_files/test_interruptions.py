"""Token files: after any interruption of the writer a run goes on and nothing is lost."""

import errno
import struct
from pathlib import Path

import pytest
from support.token_files import (
    FINISHED,
    LAYOUTS,
    StopError,
    batches,
    begin,
    contents,
    encoded,
    listed,
    module,
    rows_of,
    stop_at,
    write,
)

from bytepiece.errors import ArgumentError, TokenFileError
from bytepiece.token_files import TokenFile, TokenFileWriter
from bytepiece.token_files.layouts import LAYOUTS as RULES
from bytepiece.token_files.layouts import smallest_type


@pytest.mark.parametrize("layout", ["megatron", "npy"])  # without a head, and with one
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


@pytest.mark.parametrize("layout", LAYOUTS)
def test_work_in_the_journal_is_not_repeated(layout):
    parts = batches(6)
    documents, tokens = begin(parts[:4], layout)
    assert documents == sum(map(len, parts[:4]))
    with pytest.raises(TokenFileError, match=r"^none of .*x\.journal says that they are not fin"):
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
    head = len(RULES[layout].head(smallest_type(1000, layout), 0))
    room = 0

    class Full:
        """A file on a disk with little room: it accepts some bytes, and then none."""

        def __init__(self, file):
            self._file = file
            self.name = file.name

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
        room = 300 + head
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


@pytest.mark.parametrize(
    ("layout", "limit", "words"),
    [
        ("megatron", "longest", "more ids than megatron can hold; use npy or raw"),
        ("llmc", "most", "more than 2 ids, which llmc cannot hold"),
    ],
)
def test_more_ids_than_the_layout_can_hold_are_refused(layout, limit, words, monkeypatch):
    assert getattr(RULES[layout], limit) == 2**31 - 1
    monkeypatch.setitem(RULES, layout, RULES[layout]._replace(**{limit: 2}))
    with TokenFileWriter("x", 1000, layout) as writer:
        with pytest.raises(ArgumentError, match=words):
            writer.append(encoded([[1, 2, 3]]))
        writer.append(encoded([[1, 2]]))
    assert rows_of(TokenFile("x")) == [[1, 2]]


def test_ids_of_another_layout_are_not_replaced():
    write([[[1]]], "megatron")
    for layout in ("raw", "llmc"):
        with pytest.raises(
            TokenFileError, match=rf"x\.idx belongs to x\.bin, which {layout} would"
        ):
            write([[[2]]], layout)
    write([[[3]]], "datatrove")
    write([[[4]]], "npy")
    assert rows_of(TokenFile("x", "megatron")) == [[1]]
    Path("x.idx").unlink()
    write([[[2]]], "raw")
    assert rows_of(TokenFile("x", "raw")) == [[2]]


def test_bad_arguments():
    with pytest.raises(ArgumentError, match='layout must be one of "megatron", "npy", "raw"'):
        TokenFileWriter("x", 1000, "hdf5")
    with pytest.raises(FileNotFoundError):
        TokenFileWriter("nowhere/x", 1000)
    for size in (-5, 0, 1000.5, "300", None):
        with pytest.raises(ArgumentError, match="vocab_size must be a whole number of at least 1"):
            TokenFileWriter("x", size)
    assert listed() == []
