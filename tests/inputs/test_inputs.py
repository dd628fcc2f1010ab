"""Inputs of training: in any format, the texts are those of the slow twin."""

import gzip
import json
import os
import random
from importlib import import_module
from pathlib import Path

import pytest
from support.cli import posix_only
from support.corpora import TEXT, texts_of, train, write_lines

import bytepiece
from bytepiece import Files
from bytepiece.errors import CorpusError
from bytepiece.inputs import texts
from bytepiece.inputs.parquet import TextColumn

pytestmark = pytest.mark.usefixtures("empty_directory")


# Formats.


def test_records_in_compressed_files(packed):
    pack, end = packed
    lines = "".join(json.dumps({"text": f"é{i}"}) + "\n" for i in range(9)).encode()
    Path(f"x.jsonl{end}").write_bytes(pack(lines))
    assert texts_of([f"x.jsonl{end}"]) == [f"é{i}".encode() for i in range(9)]
    Path(f"x.jsonl{end}").write_bytes(pack(lines + b"{}\n"))
    with pytest.raises(CorpusError, match=rf"^x\.jsonl{end}:10: no field"):
        texts_of([f"x.jsonl{end}"])


def test_counts_in_a_tsv_file_are_repetitions():
    Path("x.tsv").write_bytes(b"the cat\t3\n\n\xff\tin it\t1\r\nnone\t0\n\t5\nend \t 2")
    assert texts_of(["x.tsv"]) == [b"the cat"] * 3 + [b"\xff\tin it"] + [b""] * 5 + [b"end "] * 2
    assert texts_of(["x.tsv"], weights=[2]).count(b"the cat") == 6
    rng = random.Random(4)
    rows = [(line, rng.choice([0, 1, 1, 2, 7])) for line in TEXT.splitlines()]
    write_lines("y.tsv", [b"%b\t%d" % row for row in rows])
    repeated = [line for line, count in rows for _ in range(count)]
    assert train("y.tsv", min_count=4) == train(repeated, min_count=4)


@pytest.mark.parametrize(
    "line", [b"no tab", b"x\t", b"x\t-1", b"x\t1.5", b"x\ty", b"\xff\t\xff", b"x\t" + b"9" * 5000]
)
def test_a_line_without_a_count_is_named(line):
    write_lines("x.tsv", [b"good\t1", line])
    with pytest.raises(CorpusError, match=r"^x\.tsv:2: .* is not a count"):
        texts_of(["x.tsv"])


def test_counts_too_large_to_be_exact_are_refused():
    write_lines("x.tsv", [b"ab\t%d" % (1 << 52)])
    assert train("x.tsv", 300).record["weighted_bytes"] == 1 << 53
    write_lines("x.tsv", [b"ab\t%d" % (1 << 52), b"c\t1"])
    with pytest.raises(CorpusError, match="exact"):
        train("x.tsv")


def test_too_long_a_record_is_refused(monkeypatch, parquet):
    monkeypatch.setattr(texts, "LONGEST_RECORD", 100)
    record = b'{"text": "%b"}'
    write_lines("x.jsonl", [record % (b"x" * 87), record % (b"x" * 88)])
    write_lines("x.tsv", [b"x" * 97 + b"\t1", b"x" * 98 + b"\t1"])
    parquet("x.parquet", {"text": ["x" * 100, "x" * 101]})
    for name in ("x.jsonl:2", "x.tsv:2", "x.parquet: the text in row 2"):
        with pytest.raises(CorpusError, match=f"^{name}.* 100 bytes|^{name}.* 101 bytes"):
            texts_of([name.split(":")[0]])


@pytest.mark.parametrize("rows", [0, 1, 300])
@pytest.mark.parametrize("type", ["string", "large_string", "binary", "large_binary", "dictionary"])
def test_parquet_gives_the_rows_of_a_column(parquet, rows, type):
    arrow = import_module("pyarrow")
    expected = [None if i % 7 == 3 else f"row {i % 50} é\n" for i in range(rows)]
    column = arrow.array(expected, arrow.string())
    if type == "dictionary":
        column = column.dictionary_encode()
    else:
        column = column.cast(getattr(arrow, type)())
    parquet("x", {"other": list(range(rows)), "text": column}, row_group_size=70)
    assert texts_of(["x"]) == [text.encode() for text in expected if text is not None]


def test_texts_that_parquet_keeps_once_are_decoded_in_parts(parquet):
    rows = ["the same text " * 1500] * 3000
    parquet("x.parquet", {"text": rows, "id": list(range(3000))})
    part = TextColumn(Path("x.parquet"), "text")
    found = list(part.arrays_with_names("id", lambda _: None))
    assert [id_ for _, ids in found for id_ in ids.to_pylist()] == list(range(3000))
    assert {text for texts, _ in found for text in texts.to_pylist()} == {rows[0]}
    assert max(len(texts) for texts, _ in found) <= 512
    parquet("y.parquet", {"text": ["short"] * 3000})
    assert [len(a) for a in TextColumn(Path("y.parquet"), "text").arrays(lambda _: None)] == [3000]


def test_columns_with_one_name_are_an_error(parquet):
    arrow = import_module("pyarrow")
    table = arrow.table([["a"], ["b"]], names=["text", "text"])
    import_module("pyarrow.parquet").write_table(table, "x.parquet")
    with pytest.raises(CorpusError, match=r'x\.parquet: more than one column is called "text"'):
        train("x.parquet")


def test_bytes_in_parquet_need_not_be_text(parquet):
    parquet("x.parquet", {"body": [b"\xff\x00", b"\xe4\xb8"]})
    assert texts_of(["x.parquet"], parquet_column="body") == [b"\xff\x00", b"\xe4\xb8"]


def test_a_missing_column_or_one_without_text_is_named(parquet):
    parquet("x.parquet", {"body": ["a"], "number": [5], "list": [["a"]]})
    with pytest.raises(
        CorpusError, match=r'x\.parquet: no column "text".* "body", "number", "list"'
    ):
        train("x.parquet")
    for name in ("number", "list"):
        with pytest.raises(CorpusError, match=f'x.parquet: the column "{name}" holds .*not text'):
            train(Files(["x.parquet"], parquet_column=name))


def test_damaged_parquet_is_always_a_corpus_error(parquet):
    parquet("x.parquet", {"text": TEXT.decode().splitlines()})
    data = Path("x.parquet").read_bytes()
    rng = random.Random(8)
    for number in range(200):
        bad = bytearray(data)
        if number % 2:
            del bad[rng.randrange(4, len(bad)) :]
        else:
            for _ in range(20):
                bad[rng.randrange(4, len(bad))] = rng.randrange(256)
        Path("x.parquet").write_bytes(bad)
        try:
            texts_of(["x.parquet"])
        except CorpusError:
            continue
        assert number % 2 == 0


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.parquet", b"\0" * 99, "not what its name says"),
        ("x.txt.gz", b"\0" * 99, "not what its name says"),
        ("x.zip", b"PK\x03\x04" + bytes(99), "a zip archive"),
        ("x.tar", bytes(257) + b"ustar" + bytes(250), "a tar archive"),
        ("x.tar.gz", gzip.compress(bytes(257) + b"ustar" + bytes(250)), "a tar archive"),
        ("x.gz", gzip.compress(gzip.compress(b"text")), "compressed twice"),
        ("x.parquet.gz", gzip.compress(b"PAR1" + bytes(99)), "compressed twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # gzip writes the time
)
def test_files_that_are_certainly_not_text_are_refused(name, data, words):
    Path(name).write_bytes(data)
    with pytest.raises(CorpusError, match=f"^{name} is {words}"):
        train(name)


def test_a_named_file_may_hold_any_bytes():
    Path("x.bin").write_bytes(bytes(range(256)) * 9)
    assert train("x.bin", 300).record["corpus_bytes"] == 256 * 9


# Paths.


def test_a_directory_is_all_its_files_in_order(packed):
    pack, end = packed
    names = ["a/z.txt", "a.txt", "a/b/c.txt", "B.txt", f"é.txt{end}"]
    hidden = [".hidden.txt", "a/.git/config", ".cache/x.txt"]
    for name in [*names, *hidden]:
        path = Path("data", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack(name.encode()) if name.endswith(end) else name.encode())
    # Files are sorted like lists of names, so that a directory stands where its name stands.
    expected = sorted(names, key=lambda name: name.split("/"))
    assert texts_of(["data"]) == [name.encode() for name in expected]
    assert expected[0] == "B.txt"
    assert train("data") == train(Files(["data"])) == train([name.encode() for name in expected])


def test_a_file_in_a_directory_that_is_not_text_is_named():
    write_lines("data/a.txt", [b"text"])
    Path("data/sub").mkdir()
    Path("data/sub/picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    with pytest.raises(CorpusError, match=r"picture\.png is a binary file"):
        train("data")
    Path("data/sub/picture.png").write_bytes(gzip.compress(b"\0" * 9))
    with pytest.raises(CorpusError, match=r"picture\.png is a binary file"):
        train("data")
    Path("data/sub/picture.png").unlink()
    for save in (bytepiece.model_io.save, bytepiece.model_io.save_original):
        save(train(["text"], normalization=["NFC"]), "data/sub/x.model")
        with pytest.raises(CorpusError, match=r"x\.model is a model"):
            train("data")


def test_a_directory_without_files_is_an_error():
    Path("data/sub").mkdir(parents=True)
    Path("data/.hidden").touch()
    with pytest.raises(CorpusError, match=r"data: .*no file"):
        train("data")


@posix_only
def test_a_pipe_is_not_waited_for():
    Path("data").mkdir()
    os.mkfifo("data/pipe")
    for path in ("data", "data/pipe"):
        with pytest.raises(CorpusError, match=r"pipe is not a regular file"):
            train(path)


def test_patterns_stand_for_the_files_that_fit():
    names = ["a.txt", "b.txt", "c.md", "d/e.txt", "d/f/g.txt", "d/.h.txt", "d.txt/i.txt", "[j].txt"]
    for name in names:
        write_lines(f"data/{name}", [name.encode()])

    def found(pattern):
        return b"".join(texts_of([pattern])).decode().split()

    assert found("data/*.txt") == ["[j].txt", "a.txt", "b.txt"]
    assert found("data/**/*.txt") == [
        "[j].txt",
        "a.txt",
        "b.txt",
        "d/e.txt",
        "d/f/g.txt",
        "d.txt/i.txt",
    ]
    assert found("data/**") == sorted(set(names) - {"d/.h.txt"}, key=lambda name: name.split("/"))
    assert found("data/?.md") == ["c.md"]
    assert found("data/[j].txt") == ["[j].txt"]
    assert found("data/[ab].txt") == ["a.txt", "b.txt"]
    for pattern in ("data/*.csv", "nowhere/**/*.txt", "data/d/f/*/*"):
        with pytest.raises(CorpusError, match="no file that fits"):
            found(pattern)


@pytest.mark.parametrize("path", ["missing.txt", "missing/x.txt", "x" * 300, "x\0y", "data.txt/x"])
def test_a_missing_path_is_an_error_before_anything_is_read(path):
    Path("data.txt").write_bytes(TEXT)
    with pytest.raises(CorpusError, match=r"missing|xxx|x\0y|data\.txt.x"):
        train(Files(["data.txt", path]), progress=lambda *_: pytest.fail("it began"))
