"""Parquet files of ids: written by rows, by columns and by the command, whole or not at all."""

import errno
import gzip
import sys
from pathlib import Path

import pytest
from support.cli import TEXT, invoke

from bytepiece import model_io

arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
parquet = pytest.importorskip("pyarrow.parquet")
from bytepiece.integrations.arrow import ParquetWriter  # noqa: E402

LINES = ["the hat", "", "café 今天天气\n\nthe", "e\u0301 and the hat", "<eos>the<bos>", "5 ٣ hats"]


@pytest.fixture
def saved(model, tmp_path, monkeypatch):
    """Work in a folder with nothing but the model."""
    monkeypatch.chdir(tmp_path)
    model_io.save(model, "small.model")
    monkeypatch.setenv("BYTEPIECE_MODEL", "small.model")


def listed():
    return sorted(path.name for path in Path().iterdir())


def ids_in(path):
    table = parquet.read_table(path)
    assert table.schema.names == ["ids"]
    assert table.schema.field("ids").type == arrow.list_(arrow.int32())
    return table["ids"].to_pylist()


@pytest.mark.usefixtures("saved")
def test_rows_without_ids_are_written(monkeypatch):
    monkeypatch.setattr("bytepiece.integrations.arrow._ROW_GROUP", 5)
    with ParquetWriter("x") as writer:
        for _ in range(4):
            writer.append(arrow.array([[], None, []], arrow.list_(arrow.int32())))
    assert parquet.ParquetFile("x").num_row_groups == 2
    assert parquet.read_table("x")["ids"].to_pylist() == [[], None, []] * 4


@pytest.mark.usefixtures("saved")
def test_rows_go_into_row_groups(monkeypatch):
    monkeypatch.setattr("bytepiece.integrations.arrow._ROW_GROUP", 8)
    parts = [[[1, 2], None], [[3, 4]], [[5]], [], [[], [6]]]
    with ParquetWriter("x") as writer:
        for part in parts:
            writer.append(arrow.array(part, arrow.list_(arrow.int32())))
        writer.append(arrow.array([[7]], arrow.large_list(arrow.int32())))
        assert not Path("x").exists()
    assert ids_in("x") == [[1, 2], None, [3, 4], [5], [], [6], [7]]
    assert parquet.ParquetFile("x").num_row_groups == 2
    with ParquetWriter("x"):
        pass
    assert ids_in("x") == []


@pytest.mark.usefixtures("saved")
def test_a_parquet_file_is_whole_or_missing(monkeypatch):
    rows = arrow.array([[1, 2]], arrow.list_(arrow.int32()))

    class StopError(Exception):
        pass

    def stopped():
        with ParquetWriter("x") as writer:
            writer.append(rows)
            raise StopError

    def full():
        with ParquetWriter("x") as writer:
            monkeypatch.setattr("os.fsync", no_room)
            writer.append(rows)

    def no_room(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    for call, error in ((stopped, StopError), (full, OSError)):
        with pytest.raises(error):
            call()
        assert listed() == ["small.model"]


@pytest.mark.usefixtures("saved")
def test_the_command_writes_parquet(tok, monkeypatch):
    monkeypatch.setattr("bytepiece.inputs.line_batches._MOST", 5)
    result = invoke("encode", "--format", "parquet", "-o", "x", "--bos", input=TEXT)
    assert result.stdout == ""
    assert ids_in("x") == [[1, *tok.encode(line)] for line in TEXT.split(b"\n")]
    error = invoke("encode", "x", "small.model", "--format", "parquet", "-o", "x", code=2).stderr
    assert "x is part of the corpus" in error
    assert listed() == ["small.model", "x"]


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("rows", [1, 3, None])
def test_the_command_reads_parquet(tok, rows, monkeypatch):
    texts = [*LINES, None, *LINES * 50]
    path = "a.parquet"
    parquet.write_table(arrow.table({"body": texts, "n": range(len(texts))}), path, 60)
    Path("b.txt").write_bytes(b"the hat\n")
    if rows:
        monkeypatch.setattr("bytepiece.inputs.parquet._MOST", rows)
    sampled = ["--sample", "--alpha", "0.3", "--seed", "7", "--eos", "--column", "body"]
    command = ["encode", "b.txt", path, "b.txt", *sampled]
    documents = ["the hat", *texts, "the hat"]
    expected = [
        None if t is None else [*tok.encode(t, alpha=0.3, seed=7, doc_id=i), 2]
        for i, t in enumerate(documents)
    ]
    invoke(*command, "--format", "parquet", "-o", "x")
    assert ids_in("x") == expected
    shown = invoke(*command).stdout.split("\n")[:-1]
    assert [[int(word) for word in line.split()] for line in shown] == [
        ids or [] for ids in expected
    ]


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("rows", [1, 3, None])
@pytest.mark.parametrize("kind", ["int64", "string", "binary", "text"])
def test_a_column_has_the_documents_numbers(tok, rows, kind, monkeypatch):
    texts = [*LINES, None, *LINES * 5]
    numbers = arrow.array(range(-5, len(texts) - 5))
    if kind != "text":
        numbers = numbers.cast("string").cast(kind)
    # The numbers stand before the texts in the file.
    parquet.write_table(arrow.table({"id": numbers, "text": texts}), "a.parquet", 20)
    if rows:
        monkeypatch.setattr("bytepiece.inputs.parquet._MOST", rows)
    options = ["--sample", "--alpha", "0.3", "--seed", "7"]
    options += ["--doc-ids", "text" if kind == "text" else "id"]
    doc_ids = "text" if kind == "text" else numbers
    expected = tok.encode_batch(arrow.array(texts), alpha=0.3, seed=7, doc_ids=doc_ids)
    shown = invoke("encode", "a.parquet", *options).stdout.split("\n")[:-1]
    assert [list(map(int, line.split())) for line in shown] == [row.tolist() for row in expected]


@pytest.mark.usefixtures("saved")
def test_a_row_without_a_number_is_an_error():
    parquet.write_table(arrow.table({"text": ["a"] * 9, "id": [*range(8), None]}), "a.parquet", 4)
    options = ["encode", "a.parquet", "--sample", "--seed", "7", "--doc-ids"]
    error = invoke(*options, "id", code=1).stderr
    assert 'a.parquet: the column "id", from row 1 on: doc_ids[8] is null' in error
    error = invoke(*options, "name", code=1).stderr
    assert 'a.parquet: no column "name"; the columns are: "text", "id"; --doc-ids NAME' in error


@pytest.mark.usefixtures("saved")
def test_bad_parquet_is_an_error_of_one_line():
    parquet.write_table(arrow.table({"text": [5]}), "a.parquet")
    assert 'the column "text" holds int64' in invoke("encode", "a.parquet", code=1).stderr
    error = invoke("encode", "a.parquet", "--column", "body", code=1).stderr
    assert 'no column "body"; the columns are: "text"' in error
    Path("b.parquet").write_bytes(b"the hat\n")
    assert (
        "b.parquet: this Parquet file cannot be read"
        in invoke("encode", "b.parquet", code=1).stderr
    )
    output = ["--format", "parquet", "-o", "x"]
    invoke("encode", *output, "b.parquet", code=1)
    assert "no such" in invoke("encode", "--format", "parquet", "-o", "no/x", code=1).stderr.lower()
    assert listed() == ["a.parquet", "b.parquet", "small.model"]


@pytest.mark.usefixtures("saved")
def test_parquet_in_a_compressed_file_is_not_text():
    parquet.write_table(arrow.table({"text": ["the hat"]}), "a.parquet")
    Path("a.parquet.gz").write_bytes(gzip.compress(Path("a.parquet").read_bytes()))
    error = invoke("encode", "a.parquet.gz", code=1).stderr
    assert "a.parquet.gz is compressed twice; unpack it first" in error


@pytest.mark.usefixtures("saved")
def test_without_pyarrow_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    error = invoke("encode", "--format", "parquet", "-o", "x", input=TEXT, code=1).stderr
    assert (
        error == "Error: Arrow and Parquet need a package that is not there; pip install pyarrow\n"
    )
    assert listed() == ["small.model"]
