"""A corpus encoded on an engine: the same ids in the same parts, with one index."""

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest
from bytepiece_cli import choices
from support.cli import invoke
from support.engines import elsewhere
from support.token_files import LAYOUTS, StopError

import bytepiece
from bytepiece import Files, model_io
from bytepiece.corpus_encoding import INDEX, encode_files
from bytepiece.engines import RayEngine
from bytepiece.errors import ArgumentError, CheckpointError, CorpusError, TokenFileError
from bytepiece.inputs import line_batches, shards
from bytepiece.token_files import TokenFile

LINES = [f"the cat number {i} and the hat, 今天天气不错 👍" for i in range(150)]
RECORDS = [{"text": f"the\n{line}", "name": f"document {i}"} for i, line in enumerate(LINES[:50])]
TEXTS = [*LINES, "", "", "no end", *(record["text"] for record in RECORDS), *LINES[:20]]
"""The documents of the corpus, in its order."""
SAMPLED = {"alpha": 0.3, "seed": 7, "epoch": 2}


@pytest.fixture(autouse=True)
def corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shards, "_SHARD", 900)
    monkeypatch.setattr(line_batches, "_MOST", 400)
    Path("data").mkdir()
    Path("data/a.txt").write_text("\n".join([*LINES, "", "", "no end"]), "utf-8")
    records = "\n\n".join(json.dumps(record) for record in RECORDS)
    Path("data/b.jsonl").write_text(records, "utf-8")
    Path("data/c.txt.gz").write_bytes(gzip.compress("\n".join(LINES[:20]).encode()))
    Path("data/d.txt").write_bytes(b"")
    return Files(["data"])


def rows_of(index, folder):
    """Return the ids of all documents, and check what the index says of each part."""
    found = []
    for part in index["parts"]:
        rows = [row.tolist() for row in TokenFile(f"{folder}/{part['name']}")]
        assert (len(found), len(rows)) == (part["first"], part["documents"])
        assert sum(map(len, rows)) == part["tokens"]
        found += rows
    assert (len(found), sum(map(len, found))) == (index["documents"], index["tokens"])
    assert json.loads(Path(folder, INDEX).read_bytes()) == index
    return found


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def expected(tok, texts=TEXTS, **options):
    return [row.tolist() for row in tok.encode_batch(texts, **options)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_ids_are_those_of_one_batch(corpus, tok, layout):
    index = encode_files(tok, corpus, "out", engine=elsewhere, layout=layout, **SAMPLED)
    assert len(index["parts"]) > 5
    assert rows_of(index, "out") == expected(tok, **SAMPLED)
    other = encode_files(tok, corpus, "two", engine=map, layout=layout, doc_id0=9, add_eos=True)
    assert rows_of(other, "two") == expected(tok, add_eos=True)
    several = {"samples": 2, **SAMPLED}
    twice = encode_files(tok, corpus, "three", engine=elsewhere, layout=layout, **several)
    assert rows_of(twice, "three") == expected(tok, **several)


def test_documents_have_numbers_of_their_own(corpus, tok):
    first = encode_files(
        tok, corpus, "one", engine=elsewhere, layout="npy", doc_id0=2**40, **SAMPLED
    )
    assert rows_of(first, "one") == expected(tok, doc_id0=2**40, **SAMPLED)
    named = encode_files(
        tok, corpus, "two", engine=elsewhere, layout="npy", doc_ids="text", **SAMPLED
    )
    assert rows_of(named, "two") == expected(tok, doc_ids="text", **SAMPLED)
    records = Files(["data/b.jsonl"])
    found = encode_files(
        tok, records, "three", engine=elsewhere, layout="npy", doc_ids="name", **SAMPLED
    )
    names = [record["name"] for record in RECORDS]
    assert rows_of(found, "three") == expected(
        tok, [record["text"] for record in RECORDS], doc_ids=names, **SAMPLED
    )
    with pytest.raises(CorpusError, match='lines of text have no field "name"'):
        encode_files(tok, corpus, "four", engine=elsewhere, doc_ids="name", **SAMPLED)
    assert not list(Path("four").iterdir())


def test_rows_of_parquet_files(tok):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pip install pyarrow")
    arrow = pytest.importorskip("pyarrow")
    texts = [None if i % 7 == 0 else line for i, line in enumerate(LINES)]
    table = arrow.table({"body": texts, "number": range(len(texts))})
    parquet.write_table(table, "rows.parquet", row_group_size=20)
    files = Files(["rows.parquet", "data/a.txt"], parquet_column="body")
    index = encode_files(tok, files, "out", engine=elsewhere, **SAMPLED)
    assert len(index["parts"]) > 5
    found = [
        row
        for part in index["parts"]
        for row in parquet.read_table(f"out/{part['name']}.parquet")["ids"].to_pylist()
    ]
    every = [*texts, *LINES, "", "", "no end"]
    rows = expected(tok, [text or "" for text in every], **SAMPLED)
    assert found == [None if text is None else r for text, r in zip(every, rows, strict=True)]
    by_number = encode_files(
        tok, Files(["rows.parquet"], parquet_column="body"), "two",
        engine=elsewhere, layout="npy", doc_ids="number", **SAMPLED,
    )  # fmt: skip
    assert rows_of(by_number, "two") == rows[: len(texts)]
    table = arrow.table({"body": LINES, "number": [*range(100), *[None] * 50]})
    parquet.write_table(table, "rows.parquet", row_group_size=20)
    with pytest.raises(CorpusError, match=r'column "number", from row 101 on: .*null'):
        encode_files(
            tok, Files(["rows.parquet"], parquet_column="body"), "three",
            engine=map, doc_ids="number", **SAMPLED,
        )  # fmt: skip


@pytest.mark.parametrize("layout", ["parquet", "megatron"])
def test_a_run_that_is_killed_goes_on(corpus, tok, layout, monkeypatch):
    pytest.importorskip("pyarrow", reason="pip install pyarrow")
    options = {"layout": layout, **SAMPLED}
    whole = encode_files(tok, corpus, "whole", engine=map, **options)
    rng, done, runs, real = random.Random(layout), [], 0, Path.replace

    def stopped(stage, items):
        left = rng.randrange(60)
        for item in items:
            left -= 1
            if left < 0:
                raise StopError
            done.append((stage.func.__name__, getattr(item, "shard", item).number))
            yield stage(item)

    def replace(self, target):
        if self.parent.name.startswith(".part-") and rng.random() < 0.3:
            raise StopError
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    found = None
    while found is None:
        runs += 1
        try:
            found = encode_files(tok, corpus, "out", engine=stopped, resume=True, **options)
        except StopError:
            # What a kill leaves: a folder, and the first file of a part.
            Path(f"out/.part-{runs}").mkdir()
            Path(f"out/.part-{runs}/part-00000.bin").write_bytes(b"half")
            if not Path("out/part-00003.bin").exists() and layout == "megatron":
                Path("out/part-00003.bin").write_bytes(b"other")
            assert not Path("out", INDEX).exists()
    assert runs > 3
    assert contents("out") == contents("whole")
    assert found == whole
    # A shard may be done again if it failed, but not if it was finished.
    encoded = [number for name, number in done if name == "encode_shard"]
    assert len(set(encoded)) == len(whole["parts"])
    monkeypatch.undo()


def test_finished_shards_are_not_done_again(corpus, tok):
    calls = []

    def failing(stage, items):
        for number, item in enumerate(items):
            if number == 4 and stage.func.__name__ == "encode_shard":
                raise StopError
            calls.append(item)
            yield stage(item)

    with pytest.raises(StopError):
        encode_files(tok, corpus, "out", engine=failing, layout="npy")
    with pytest.raises(TokenFileError, match="was begun and not"):
        encode_files(tok, corpus, "out", engine=map, layout="npy")
    with pytest.raises(CheckpointError, match=r"whose alpha was null, not 0\.3"):
        encode_files(tok, corpus, "out", engine=map, layout="npy", resume=True, **SAMPLED)
    done = {path: path.stat().st_mtime_ns for path in Path("out").glob("part-*")}
    assert len(done) == 8
    encode_files(tok, corpus, "out", engine=map, layout="npy", resume=True)
    assert done.items() <= {p: p.stat().st_mtime_ns for p in Path("out").glob("part-*")}.items()
    # Another run of the same finds all done.
    calls.clear()
    index = encode_files(tok, corpus, "out", engine=failing, layout="npy", resume=True)
    assert not calls
    assert rows_of(index, "out") == expected(tok)
    with pytest.raises(TokenFileError, match="holds other files"):
        encode_files(tok, corpus, "out", engine=map, layout="npy")
    with pytest.raises(TokenFileError, match="holds other files"):
        encode_files(tok, corpus, "out", engine=map, layout="raw", resume=True)


def test_arguments_of_numpy_are_kept_as_plain_ones(corpus, tok):
    plain = {"alpha": 0.25, "seed": 7, "epoch": 2, "allowed_special": ["<bos>", "<eos>"]}
    index = encode_files(tok, corpus, "out", engine=map, doc_id0=5, **plain)
    same = {"alpha": np.float32(0.25), "seed": np.int64(7), "epoch": np.uint8(2)}
    same["allowed_special"] = {"<eos>", "<bos>"}
    again = encode_files(tok, corpus, "out", engine=map, doc_id0=np.int64(5), resume=True, **same)
    assert again == index
    with pytest.raises(ArgumentError, match="doc_id0"):
        encode_files(tok, corpus, "other", engine=map, doc_id0="x", alpha=0.1, seed=1)


def test_errors(corpus, tok):
    with pytest.raises(ArgumentError, match="need the same seed"):
        encode_files(tok, corpus, "out", engine=map, alpha=0.1)
    with pytest.raises(ArgumentError, match="layout must be one of"):
        encode_files(tok, corpus, "out", engine=map, layout="other")
    with pytest.raises(CorpusError, match="no such file"):
        encode_files(tok, Files(["none"]), "out", engine=map)
    Path("data/b.jsonl").write_text('{"text": "a"}\n' * 99 + "[]\n")
    with pytest.raises(CorpusError, match=r"b\.jsonl:100: not a JSON object"):
        encode_files(tok, Files(["data/b.jsonl"]), "new", engine=map, layout="npy")
    Path("new").mkdir(exist_ok=True)
    assert not list(Path("new").glob("*.json"))


@pytest.fixture
def engine(model, monkeypatch):
    model_io.save(model, "bytepiece.model")
    monkeypatch.setattr(choices, "engine_named", lambda name: elsewhere if name == "ray" else None)


@pytest.mark.usefixtures("engine")
def test_the_command(tok):
    given = ["encode", "data", "--format", "megatron", "--engine", "ray"]
    sampled = ["--sample", "--seed", 7, "--alpha", 0.3, "--epoch", 2]
    told = invoke(*given, "-o", "out", "--bos", *sampled).stderr
    index = json.loads(Path("out", INDEX).read_bytes())
    assert rows_of(index, "out") == expected(tok, add_bos=True, **SAMPLED)
    counts = f"{len(TEXTS)} documents, {index['tokens']} ids in {len(index['parts'])} parts"
    assert f"bytepiece: {counts}; out/index.json lists them" in told
    assert "counting: " in told
    assert "holds other files" in invoke(*given, "-o", "out", *sampled, code=1).stderr
    invoke(*given, "-o", "out", "--bos", *sampled, "--resume")
    # A directory is read without an engine, too.
    lines = invoke("encode", "data", "--bos", *sampled).stdout.splitlines()
    assert [list(map(int, line.split())) for line in lines] == rows_of(index, "out")
    priced = ["--sample", "--seed", 7, "--more-tokens", "10%"]
    invoke(*given, "-o", "priced", *priced)
    price = tok.alpha_for_tokens(TEXTS, 1.1)
    priced_index = json.loads(Path("priced", INDEX).read_bytes())
    assert priced_index["run"]["alpha"] == price


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("data --engine ray", "name --format parquet, megatron"),
        ("data --engine ray --format npy", "name them with -o"),
        ("--engine ray --format npy -o out", "workers read files"),
        ("- --engine ray --format npy -o out", "workers read files"),
        ("data/a.txt --format npy -o data", "is a directory"),
    ],
)
def test_wrong_usage(options, words):
    assert words in invoke("encode", *options.split(), code=2).stderr


def test_ray_writes_the_same(corpus, tok):
    ray = pytest.importorskip("ray", reason="pip install ray")
    options = {"layout": "megatron", **SAMPLED}
    encode_files(tok, corpus, "one", engine=map, **options)
    encode_files(tok, corpus, "two", engine=RayEngine(), **options)
    ray.shutdown()  # Other tests start workers with other paths.
    assert contents("one") == contents("two")


def test_a_tokenizer_of_ours_encodes(corpus):
    small = bytepiece.Tokenizer(bytepiece.train(LINES, 300))
    index = encode_files(small, corpus, "out", engine=map, layout="npy")
    assert rows_of(index, "out") == expected(small)
