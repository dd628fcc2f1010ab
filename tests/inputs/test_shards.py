"""Shards: together they hold the whole corpus, and they depend only on its files."""

import hashlib
import json
import random
from itertools import pairwise
from pathlib import Path

import pytest

from bytepiece.errors import CorpusError
from bytepiece.inputs import lines, shards, texts
from bytepiece.inputs.files import Files
from bytepiece.inputs.shards import shards_of
from bytepiece.training import corpus_reader
from bytepiece.training.corpus_reader import CorpusReader

pytestmark = pytest.mark.usefixtures("empty_directory")


@pytest.fixture
def parts_of_100(monkeypatch):
    monkeypatch.setattr(shards, "_SHARD", 100)


def random_lines(seed, number=200):
    rng = random.Random(seed)
    return [
        bytes(rng.choices(b"ab \r\xe4", k=rng.choice([0, 1, 5, 40, 300])))
        + b"\n" * rng.randint(1, 4)
        for _ in range(number)
    ]


def read(files):
    """Return the texts of each shard, joined, and the shards."""
    found = shards_of(files)
    return [b"".join(bytes(text) for text, _ in files.weighted(one.parts)) for one in found], found


@pytest.mark.usefixtures("parts_of_100")
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("chunk", [1, 7, 1 << 16])
def test_the_parts_of_a_file_are_whole_lines(seed, chunk, monkeypatch):
    monkeypatch.setattr(lines, "_CHUNK", chunk)
    text = b"".join(random_lines(seed)) + b"no end" * (seed % 2)
    Path("a.txt").write_bytes(text)
    found, its_shards = read(Files(["a.txt"]))
    assert b"".join(found) == text
    assert len(found) == -(-len(text) // 100)
    assert [one.size for one in its_shards[:-1]] == [100] * (len(found) - 1)
    assert [one.before for one in its_shards] == [*range(0, len(text), 100)]
    for part, following in pairwise(found):
        assert not following or following[:1] != b"\n"
        assert not part or part.endswith(b"\n")


@pytest.mark.usefixtures("parts_of_100")
@pytest.mark.parametrize("text", [b"x" * 1000, b"x" * 450 + b"\n" + b"y" * 550, b"\n" * 1000])
def test_a_long_line_is_in_the_part_where_it_begins(text, monkeypatch):
    monkeypatch.setattr(lines, "_CHUNK", 10)
    Path("a.txt").write_bytes(text)
    found, _ = read(Files(["a.txt"]))
    assert len(found) == 10 + (len(text) > 1000)
    assert [part for part in found if part] == text.splitlines(keepends=True)[:2] or text[0] == 10
    assert b"".join(found) == text


@pytest.mark.usefixtures("parts_of_100")
def test_small_files_share_a_shard_and_compressed_files_are_whole(packed):
    pack, _ = packed
    for name in "abc":
        Path(f"{name}.txt").write_text(name * 30 + "\n")
    Path("d.txt").write_bytes(pack(b"".join(random_lines(1))))
    found, its_shards = read(Files(["a.txt", "b.txt", "c.txt", "d.txt"]))
    assert found == [
        b"".join(name * 30 + b"\n" for name in (b"a", b"b", b"c")),
        b"".join(random_lines(1)),
    ]
    assert [len(one.parts) for one in its_shards] == [3, 1]


def test_a_small_corpus_is_one_shard_and_has_the_digest_of_its_text():
    Path("a.txt").write_bytes(b"one\n")
    Path("b.txt").write_bytes(b"two\n")
    reader = CorpusReader(Files(["a.txt", "b.txt"]), (), 0)
    assert len(list(reader)) == len(list(reader.shards())) == 1
    assert reader.facts().digest == hashlib.sha256(b"one\ntwo\n").hexdigest()
    assert reader.facts().size == 8


@pytest.mark.usefixtures("parts_of_100")
@pytest.mark.parametrize("kind", ["jsonl", "tsv"])
def test_records_are_read_once_and_errors_name_the_line_of_the_file(kind):
    rows = [f"text {i}" for i in range(50)]
    form = {"jsonl": lambda row: json.dumps({"text": row}), "tsv": lambda row: f"{row}\t1"}[kind]
    path = Path(f"a.{kind}")
    path.write_text("".join(form(row) + "\n" * (1 + len(row) % 2) for row in rows))
    files = Files([path])
    assert len(shards_of(files)) > 5
    assert [
        text if isinstance(text, str) else text.decode()
        for one in shards_of(files)
        for text, _ in files.weighted(one.parts)
    ] == rows
    raw = path.read_text().splitlines()
    number = raw.index(form("text 40"))
    raw[number] = "x" * len(raw[number])
    path.write_text("\n".join(raw) + "\n")
    with pytest.raises(CorpusError, match=rf"a\.{kind}:{number + 1}: "):
        list(CorpusReader(files, (), 0))


@pytest.mark.usefixtures("parts_of_100")
def test_row_groups_are_parts():
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [f"row {i} " * (i % 5) for i in range(100)] + [None, "end"]
    parquet.write_table(arrow.table({"text": rows}), "a.parquet", row_group_size=9)
    files = Files(["a.parquet"])
    its_shards = shards_of(files)
    assert len(its_shards) > 4
    assert all(len(one.parts) == 1 for one in its_shards)
    found = [text.decode() for one in its_shards for text, _ in files.weighted(one.parts)]
    assert found == [row for row in rows if row is not None]


@pytest.mark.parametrize("size", [100, 1 << 26])
def test_the_reader_finds_the_same_text_and_weight_in_any_shards(size, monkeypatch):
    monkeypatch.setattr(shards, "_SHARD", size)
    monkeypatch.setattr(texts, "BLOCK", 64)
    monkeypatch.setattr(corpus_reader, "_BLOCK", 90)
    Path("a.txt").write_bytes(b"".join(random_lines(3)))
    Path("b.tsv").write_text("x\t3\ny\t2\n" * 40)
    reader = CorpusReader(Files(["a.txt", "b.tsv"], weights=[0.5, 2]), (), 0)
    text = b"".join(block.text.tobytes() for block in reader)
    assert text == b"".join(random_lines(3)) + b"xy" * 40
    facts = reader.facts()
    lengths = len(text) - 80, 80
    assert (facts.size, facts.unit) == (len(text), 2)
    assert facts.weight == lengths[0] + 40 * 5 * 4


def test_shards_of_a_list_hold_its_texts(monkeypatch):
    monkeypatch.setattr(corpus_reader, "_BLOCK", 10)
    reader = CorpusReader(["abcd", "", "efghijk", b"x"] * 9, (), 0)
    found = list(reader.shards())
    assert [one.number for one in found] == [*range(len(found))]
    assert [text for one in found for text in one.texts] == ["abcd", "efghijk", b"x"] * 9
    assert [len(list(reader.read(one))) for one in found[:-1]] == [4] * (len(found) - 1)
