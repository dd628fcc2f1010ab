"""What a corpus can be read from: whatever the wrapping, the texts are those of its slow twin."""

import bz2
import gzip
import json
import lzma
import os
import random
import sys
import tracemalloc
import zlib
from importlib import import_module
from pathlib import Path

import pytest
from support.cli import posix_only
from support.strategies import JIT

import bytepiece
from bytepiece import Files
from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.inputs import texts
from bytepiece.inputs.decompress import decompressed, opened, suffix_of
from bytepiece.training.corpus_reader import CorpusReader

TEXT = "".join(
    f"the cat {i} and the hat of {i * 7} rats, 今天天气不错\n" for i in range(200)
).encode()
ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


def zstd(data):
    return pytest.importorskip(ZSTD, reason="bytepiece[zstd] is not installed").compress(data)


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}


@pytest.fixture(params=PACKERS)
def packed(request):
    """A way to compress, and how its files are named."""
    return PACKERS[request.param], request.param


@pytest.fixture
def parquet():
    """A function that writes columns to a Parquet file."""
    arrow = pytest.importorskip("pyarrow", reason="bytepiece[parquet] is not installed")
    module = import_module("pyarrow.parquet")

    def write(path, columns, **options):
        module.write_table(arrow.table(columns), path, **options)

    return write


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """The working directory is empty."""
    monkeypatch.chdir(tmp_path)


def content(path):
    with opened(Path(path)) as file:
        return file.read()


def texts_of(paths, **options):
    """All the texts, as bytes, each as often as it counts; of plain files, the bytes in one."""
    found = []
    for text, weight in Files(paths, **options).weighted():
        raw = text.encode() if isinstance(text, str) else text
        found += [raw] * weight
    return found


def train(corpus, size=400, **options):
    return bytepiece.train(corpus, size, algorithm="bnlm", **options)


def write_lines(path, lines):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(b"".join(line + b"\n" for line in lines))


# Compression.


@pytest.mark.parametrize("name", ["x.txt", "x", "x.txt{}", "x.bz2"])
def test_compression_is_told_by_content(packed, name):
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


def test_streams_that_follow_one_another_are_one(packed):
    pack, end = packed
    parts = [TEXT[:1000], b"", TEXT[1000:], b"the end"]
    between = b"\0" * 8 if end in (".xz", ".gz") else b""
    Path("x").write_bytes(between.join(map(pack, parts)) + between)
    assert content("x") == b"".join(parts)


@pytest.mark.parametrize("data", [b"", b"x", b"BZh", b"BZh9 is text\n", b"PAR1 is text", b"\x1f"])
def test_what_is_not_compressed_stays_as_it_is(data):
    for name in ("x", "x.txt", "x.gz"):
        Path(name).write_bytes(data)
        assert b"".join(texts_of([name])) == data


def test_a_file_that_was_cut_off_is_told(packed):
    pack, _ = packed
    data = pack(TEXT[:500])
    for length in range(14, len(data)):
        Path("x.txt").write_bytes(data[:length])
        with pytest.raises(CorpusError, match=r"^x\.txt: .*(too early|cannot be decompressed)"):
            texts_of(["x.txt"])


def test_damage_never_ends_in_another_error(packed):
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
    """A file whose header asks for a dictionary of 4 GiB; some bytes are in it."""
    data = bytearray(lzma.compress(b"abc"))
    size = (data[12] + 1) * 4  # of the block's header
    assert data[14:16] == b"\x21\x01"  # LZMA2, one byte of properties
    data[16] = 40
    data[8 + size : 12 + size] = zlib.crc32(data[12 : 8 + size]).to_bytes(4, "little")
    return bytes(data)


def greedy_zstd():
    """A frame with a window of 2 GiB, and a raw block, the last, of three bytes."""
    zstd(b"")
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(31 - 10) << 3]) + b"\x19\x00\x00abc"


@pytest.mark.parametrize("greedy", [greedy_xz, greedy_zstd])
def test_a_file_does_not_say_how_much_memory_it_gets(greedy):
    Path("x").write_bytes(greedy())
    with pytest.raises(CorpusError, match=r"^x: .*[mM]emory"):
        texts_of(["x"])


def test_the_bytes_that_are_read_are_told(packed):
    pack, _ = packed
    data = pack(random.Random(0).randbytes(3_000_000))
    Path("x").write_bytes(data)
    told = []
    with opened(Path("x"), told.append) as file:
        file.read(50_000)
        assert 0 < sum(told) < len(data)
        file.read()
    assert sum(told) == len(data)


def test_an_end_stays_an_end():
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


def test_a_package_that_is_missing_is_named(monkeypatch):
    Path("x").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(9))
    monkeypatch.setitem(sys.modules, ZSTD, None)
    with pytest.raises(CorpusError, match=r"^x: .*pip install 'bytepiece\[zstd\]'"):
        train("x")
    Path("y.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CorpusError, match=r"^y\.parquet: .*pip install 'bytepiece\[parquet\]'"):
        train("y.parquet")


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
    with pytest.raises(CorpusError, match=r"^x\.tsv:2: .* is no count"):
        texts_of(["x.tsv"])


def test_counts_too_large_to_be_exact_are_refused():
    write_lines("x.tsv", [b"ab\t%d" % (1 << 52)])
    assert train("x.tsv", 300).record["weighted_bytes"] == 1 << 53
    write_lines("x.tsv", [b"ab\t%d" % (1 << 52), b"c\t1"])
    with pytest.raises(CorpusError, match="exact"):
        train("x.tsv")


def test_a_record_too_long_to_be_held_is_refused(monkeypatch, parquet):
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


def test_bytes_in_parquet_need_not_be_text(parquet):
    parquet("x.parquet", {"body": [b"\xff\x00", b"\xe4\xb8"]})
    assert texts_of(["x.parquet"], parquet_column="body") == [b"\xff\x00", b"\xe4\xb8"]


def test_a_column_that_is_not_there_or_no_text_is_named(parquet):
    parquet("x.parquet", {"body": ["a"], "number": [5], "list": [["a"]]})
    with pytest.raises(
        CorpusError, match=r'x\.parquet: no column "text".* "body", "number", "list"'
    ):
        train("x.parquet")
    for name in ("number", "list"):
        with pytest.raises(CorpusError, match=f'x.parquet: the column "{name}" holds .*not text'):
            train(Files(["x.parquet"], parquet_column=name))


def test_damaged_parquet_never_ends_in_another_error(parquet):
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
)
def test_what_is_surely_no_text_is_refused(name, data, words):
    Path(name).write_bytes(data)
    with pytest.raises(CorpusError, match=f"^{name} is {words}"):
        train(name)


def test_any_bytes_can_be_learned_from_if_they_are_named():
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
    # Sorted as lists of names are, so that a directory is where its name is.
    expected = sorted(names, key=lambda name: name.split("/"))
    assert texts_of(["data"]) == [name.encode() for name in expected]
    assert expected[0] == "B.txt"
    assert train("data") == train(Files(["data"])) == train([name.encode() for name in expected])


def test_what_in_a_directory_is_no_text_is_named():
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


def test_a_directory_without_files_is_told():
    Path("data/sub").mkdir(parents=True)
    Path("data/.hidden").touch()
    with pytest.raises(CorpusError, match=r"data: .*no file"):
        train("data")


@posix_only
def test_a_pipe_is_not_waited_for():
    Path("data").mkdir()
    os.mkfifo("data/pipe")
    for path in ("data", "data/pipe"):
        with pytest.raises(CorpusError, match=r"pipe is no regular file"):
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
def test_a_path_that_leads_nowhere_is_told_before_anything_is_read(path):
    Path("data.txt").write_bytes(TEXT)
    with pytest.raises(CorpusError, match=r"missing|xxx|x\0y|data\.txt.x"):
        train(Files(["data.txt", path]), progress=lambda *_: pytest.fail("it began"))


# Weights.


@pytest.fixture
def parts():
    """Three files of different texts."""
    lines = (Path(__file__).resolve().parents[2] / "data/sample.txt").read_bytes().splitlines()
    for i, name in enumerate("abc"):
        write_lines(f"{name}.txt", lines[i::3] if JIT else lines[i::30])
    return ["a.txt", "b.txt", "c.txt"]


@pytest.mark.parametrize("options", [{}, {"min_count": 5, "order": 3}, {"isolate_digits": True}])
@pytest.mark.parametrize("weights", [[2, 1, 1], [1, 3, 2], [0, 1, 2], [5, 5, 0]])
def test_a_whole_weight_is_that_many_readings(parts, weights, options):
    repeated = [part for part, weight in zip(parts, weights, strict=True) for _ in range(weight)]
    for size in (300, 900):
        weighted = train(Files(parts, weights=weights), size, **options)
        assert weighted == train(Files(repeated), size, **options)
        assert len(weighted.pieces) > 290 or not JIT
    assert weighted.record["weights"] == weights


def test_a_weight_of_one_changes_nothing(parts):
    model = train(Files(parts, weights=[1, 1.0, True]))
    assert model == train(Files(parts))
    assert model.record == train(Files(parts)).record


def test_fractions_are_whole_numbers_of_smaller_units(parts):
    # Halves and quarters: four units, and what counts are compared with is in units as well.
    model = train(Files(parts, weights=[0.5, 1, 0.25]), 600, min_count=2)
    four = train(Files(parts, weights=[2, 4, 1]), 600, min_count=8)
    counts = [dict(zip(m.pieces, m.counts.tolist(), strict=True)) for m in (model, four)]
    # But bytes that do not occur count as if they occurred once.
    assert (counts[0][b"\0"], counts[1][b"\0"]) == (4, 1)
    assert len(model.pieces) > 500 or not JIT
    assert len({piece for piece in counts[0] if counts[0][piece] != counts[1].get(piece)}) < 250
    sizes = [Path(part).stat().st_size for part in parts]
    assert model.record["corpus_bytes"] == sum(sizes)
    assert model.record["weighted_bytes"] == sizes[0] / 2 + sizes[1] + sizes[2] / 4
    assert model.record["count_unit"] == 0.25


def test_weights_do_not_depend_on_threads_order_or_blocks(parts, monkeypatch):
    weights = {"a.txt": 0.3, "b.txt": 1.7, "c.txt": 0.001}
    expected = train(Files(parts, weights=[weights[part] for part in parts]), threads=1)
    monkeypatch.setattr("bytepiece.training.corpus_reader._BLOCK", 999)
    monkeypatch.setattr(texts, "BLOCK", 77)
    for order in (parts, parts[::-1]):
        files = Files(order, weights=[weights[part] for part in order])
        assert train(files, threads=3) == expected


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf"), 1_000_001, 0.0004, "two", None])
def test_weights_out_of_range_are_refused(parts, weight):
    with pytest.raises(ArgumentError, match="weight"):
        Files(parts, weights=[1, 1, weight])


def test_there_are_as_many_weights_as_paths(parts):
    with pytest.raises(ArgumentError, match="2 weights for 3 paths"):
        Files(parts, weights=[1, 1])


def test_weight_zero_for_all_leaves_nothing(parts):
    with pytest.raises(CorpusError, match="empty"):
        train(Files(parts, weights=[0, 0, 0]))


# Passes.


def test_counts_that_change_between_passes_are_noticed():
    write_lines("x.tsv", [b"ab\t1", b"cd\t2"])
    reader = CorpusReader("x.tsv", (), False)
    list(reader)
    list(reader)
    write_lines("x.tsv", [b"ab\t2", b"cd\t1"])
    with pytest.raises(CorpusError, match="changed"):
        list(reader)


def test_a_file_that_appears_between_passes_is_noticed():
    write_lines("data/a.txt", [b"ab"])
    reader = CorpusReader("data", (), False)
    list(reader)
    write_lines("data/b.txt", [b"ab"])
    with pytest.raises(CorpusError, match="changed"):
        list(reader)


def test_progress_of_what_is_compressed_is_in_bytes_of_text(packed, monkeypatch):
    pack, _ = packed
    monkeypatch.setattr("bytepiece.training.corpus_reader._BLOCK", 1 << 16)
    monkeypatch.setattr(texts, "BLOCK", 1 << 14)
    rng = random.Random(3)
    text = "".join(f"{rng.randrange(1 << 60)} hat\n" for _ in range(20_000)).encode()
    Path("x").write_bytes(pack(text))
    reader = CorpusReader("x", (), False)
    assert reader.size == Path("x").stat().st_size
    done, estimates = 0, []
    for block in reader:
        done += len(block.text)
        if done > len(text) // 2:
            estimates.append(reader.size)
    assert len(estimates) > 2
    assert all(0.5 < estimate / len(text) < 2 for estimate in estimates)
    assert done == reader.size == len(text)


def test_progress_of_what_is_compressed_reaches_its_end(packed):
    pack, _ = packed
    Path("x").write_bytes(pack(TEXT))
    seen = []
    train("x", progress=lambda *step: seen.append(step))
    counting = [(done, total) for phase, done, total in seen if phase == "counting"]
    assert counting[-1] == (len(TEXT), len(TEXT))
    assert all(done < total for done, total in counting[:-1])
