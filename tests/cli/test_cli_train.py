"""`bytepiece train`: its inputs, its outputs, and the requests that it refuses at once."""

import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from support.cli import assert_one_line, invoke, posix_only, start

import bytepiece
from bytepiece import Tokenizer, model_io
from bytepiece.inputs.files import Files

LINES = [f"the cat number {i} and the hat of the {i * 7} rats, 今天天气不错\n" for i in range(300)]
TEXT = "".join(LINES).encode()


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Work in a directory with a corpus."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "corpus.txt"
    path.write_bytes(TEXT)
    return path


@pytest.fixture
def spools(tmp_path, monkeypatch):
    """Return the directory of temporary files, which is empty."""
    path = tmp_path / "spools"
    path.mkdir()
    monkeypatch.setenv("TMPDIR", str(path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield path
    tempfile.tempdir = None


def files_in(directory):
    return sorted(path.name for path in directory.iterdir())


def test_the_command_trains_the_same_model_as_the_library(corpus, tmp_path):
    result = invoke("train", corpus)
    assert not result.stdout
    model = model_io.load("bytepiece.model")
    assert model == bytepiece.train(Files([corpus]), 32000)
    assert files_in(tmp_path) == ["bytepiece.model", "corpus.txt"]


def test_the_options_reach_the_library(corpus):
    options = ["--order", 4, "--min-count", 5, "--max-piece-length", 7, "--threads", 2]
    rules = ["--digits", "each", "--no-ensure-unicode", "--normalization", "NFKC"]
    sizes = ["--vocab-size", 290, "--algorithm", "bnlm"]
    invoke("train", corpus, "-o", "x.model", *sizes, *options, *rules)
    model = model_io.load("x.model")
    assert model == bytepiece.train(
        Files([corpus]),
        290,
        algorithm="bnlm",
        order=4,
        min_count=5,
        max_piece_length=7,
        digits="each",
        ensure_unicode=False,
        normalization=["NFKC"],
    )
    assert model.rules.digits == "each"
    assert json.loads(invoke("info", "x.model", "--json").stdout)["digits"] == "each"
    assert model.rules.normalization == ("NFKC",)


def test_the_options_of_merge_reach_the_library(corpus):
    options = ["--algorithm", "merge", "--objective", "likelihood", "--newlines", "end"]
    options += ["--spaces", "across", "--ensure-unicode"]
    pieces = ["--user-piece", "xyzzy", "--user-piece", "<b>", "--required-chars", "鑫é"]
    tokens = ["--special-token", "<|user|>", "--reserved", 2, "--pad-to-multiple", 64]
    memory = ["--memory", "600M", "--max-piece-length", 9]
    invoke("train", corpus, "--vocab-size", 400, *options, *pieces, *tokens, *memory)
    model = model_io.load("bytepiece.model")
    expected = bytepiece.train(
        Files([corpus]),
        400,
        algorithm="merge",
        objective="likelihood",
        newlines="end",
        spaces="across",
        ensure_unicode=True,
        user_pieces=["xyzzy", "<b>"],
        required_chars="鑫é",
        special_tokens=["<|user|>"],
        reserved=2,
        pad_to_multiple=64,
        memory=600 << 20,
        max_piece_length=9,
    )
    assert model == expected
    assert model.record == expected.record
    assert model.vocab_size % 64 == 0
    assert b"xyzzy" in model.pieces


@pytest.mark.parametrize("algorithm", ["merge", "bnlm"])
def test_the_algorithm_decides_the_default_of_ensure_unicode(corpus, algorithm):
    made = []
    for options in ([], ["--ensure-unicode"], ["--no-ensure-unicode"]):
        invoke("train", corpus, "--vocab-size", 330, "--algorithm", algorithm, *options)
        made.append(model_io.load("bytepiece.model").record.get("ensure_unicode", False))
    assert made == [algorithm == "bnlm", True, False]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--order", 5], "--order is about --algorithm bnlm"),
        (["--min-count", 3], "--min-count is about --algorithm bnlm"),
        (["--algorithm", "bnlm", "--newlines", "end"], "--newlines is about --algorithm merge"),
        (["--algorithm", "bnlm", "--spaces", "words"], "--spaces is about --algorithm merge"),
        (["--memory", "much"], "'--memory'"),
        (["--memory", "0"], "'--memory'"),
    ],
)
def test_options_without_effect_are_wrong_usage(options, words, corpus):
    assert words in invoke("train", corpus, *options, code=2).stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--user-piece", "a\nb"], "can never match"),
        (["--user-piece", ""], "not empty"),
        (["--user-piece", "e\u0301", "--normalization", "NFC"], "not normalized"),
        (["--special-token", "<pad>"], "same name"),
        (["--vocab-size", 270, "--reserved", 20], "too small"),
    ],
)
def test_impossible_options_are_errors_of_one_line(options, words, corpus):
    error = invoke("train", corpus, *options, code=1).stderr
    assert_one_line(error)
    assert words in error


def test_the_result_is_the_same_for_any_number_of_threads(corpus):
    for threads in (1, 3):
        invoke("train", corpus, "--threads", threads, "-o", f"{threads}.model")
    assert Path("1.model").read_bytes() == Path("3.model").read_bytes()


def test_several_sizes_in_one_run(corpus, tmp_path):
    sizes = ["--vocab-size", 300, "--vocab-size", 270, "--vocab-size", 300]
    shown = invoke("train", corpus, *sizes, "-o", "x.model", "--vocab").stderr
    written = [f"x.model.{size}{end}" for size in (270, 300) for end in ("", ".vocab")]
    assert files_in(tmp_path) == ["corpus.txt", *written]
    models = bytepiece.train(Files([corpus]), [270, 300])
    for size, model in zip((270, 300), models, strict=True):
        assert model_io.load(f"x.model.{size}") == model
        assert f"x.model.{size}: " in shown


def test_the_vocabulary_as_a_table(corpus):
    invoke("train", corpus, "-o", "x.model", "--vocab")
    table = Path("x.model.vocab").read_text("utf-8")
    assert table.startswith("0\t<pad>\tpad\n")
    assert len(table.splitlines()) == model_io.load("x.model").vocab_size


def test_the_closing_summary_describes_the_model(corpus):
    shown = invoke("train", corpus, "--vocab-size", 30000).stderr.splitlines()
    model = model_io.load("bytepiece.model")
    tokens = len(Tokenizer(model).encode_batch(TEXT.split(b"\n")).ids)
    ratio = (len(TEXT) - len(LINES)) / tokens
    pieces = len(model.pieces)
    phases, closing = shown[-6:-3], shown[-3:]
    for phase, line in zip(("reading", "seeding", "pruning"), phases, strict=True):
        assert line.startswith(f"{phase}: ")
    assert closing[0].startswith(f"trained on {len(TEXT) / 1e3:.1f} kB of text in ")
    assert f"bytepiece.model: {pieces} pieces and 3 special tokens; {ratio:.2f} " in closing[1]
    assert f"only {pieces} pieces" in closing[2]
    assert "30000" in closing[2]


def test_the_closing_summary_gives_the_held_out_figure(corpus):
    corpus.write_bytes(b"".join(b"the cat %d and the hat\n" % i for i in range(20_000)))
    shown = invoke("train", corpus, "--vocab-size", 300).stderr.splitlines()[-1]
    record = model_io.load("bytepiece.model").record
    assert 900 < record["held_out_bytes"] < 3000
    rate = record["held_out_bytes_per_token"]
    assert f"{rate:.2f} bytes per token on {record['held_out_bytes'] / 1000:.1f} kB held" in shown
    assert f"held_out_bytes_per_token {rate:.6g}\n" in invoke("info", "bytepiece.model").stdout


def test_a_full_vocabulary_gets_no_remark(corpus):
    size = bytepiece.train(Files([corpus]), 280).vocab_size
    assert "only" not in invoke("train", corpus, "--vocab-size", size).stderr


def test_standard_input_is_kept_as_long_as_needed(corpus, spools):
    invoke("train", "-", "-o", "piped.model", input=TEXT)
    assert model_io.load("piped.model") == bytepiece.train(Files([corpus]))
    assert files_in(spools) == []


def test_standard_input_beside_files(corpus, spools):
    half = len(b"".join(line.encode() for line in LINES[:150]))
    corpus.write_bytes(TEXT[:half])
    invoke("train", corpus, "-", input=TEXT[half:])
    corpus.write_bytes(TEXT)
    assert model_io.load("bytepiece.model") == bytepiece.train(Files([corpus]))


def test_the_copy_is_deleted_after_an_error(spools, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records = b'{"body": "the"}\n{"body": 5}\n'
    error = invoke("train", "--jsonl", "body", "-", input=records, code=1).stderr
    assert "<stdin>:2: " in error
    assert str(spools) not in error
    assert files_in(spools) == []
    assert not Path("bytepiece.model").exists()


@posix_only
def test_a_pipe_is_copied_like_standard_input(corpus, spools):
    command = [sys.executable, "-m", "bytepiece", "train"]
    script = 'cat corpus.txt > pipe.txt & exec "$@" pipe.txt'
    os.mkfifo("pipe.txt")
    subprocess.run(["sh", "-c", script, "sh", *command], check=True, capture_output=True)
    assert model_io.load("bytepiece.model") == bytepiece.train(Files([corpus]))
    assert files_in(spools) == []


def test_records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = [{"body": line, "text": line * 2} for line in LINES]
    Path("x.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts), "utf-8")
    invoke("train", "x.jsonl", "-o", "text.model")
    assert model_io.load("text.model") == bytepiece.train([line * 2 for line in LINES])
    invoke("train", "--jsonl", "body", "x.jsonl", "-o", "body.model")
    assert model_io.load("body.model") == bytepiece.train(LINES)
    error = invoke("train", "--jsonl", "title", "x.jsonl", code=1).stderr
    assert "x.jsonl:1: " in error
    assert '"title"' in error


def test_the_original_format_normalizes(corpus):
    for algorithm in ("merge", "bnlm"):
        invoke("train", corpus, "--format", "original", "--algorithm", algorithm)
        model = model_io.load("bytepiece.model")
        assert model.rules.normalization == ("NFC",)
        expected = bytepiece.train(Files([corpus]), normalization=["NFC"], algorithm=algorithm)
        assert model.pieces == expected.pieces
        # In the file the probabilities add up to 1; rounded scores miss that by half a step.
        assert model.scores == pytest.approx(expected.scores, rel=1e-9, abs=2**-13)
    assert "original" in invoke("info").stdout


@pytest.mark.parametrize(
    "option",
    [
        ["--digits", "groups-of-three"],
        ["--normalization", "NFKC"],
        ["--special-token", "<x>"],
        ["--reserved", 1],
        ["--pad-to-multiple", 8],
    ],
)
def test_options_that_the_original_format_cannot_express_are_refused_at_once(option, corpus):
    error = invoke("train", corpus, "--format", "original", *option, code=2).stderr
    assert "original format" in error
    assert "reading" not in error


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (".", "no regular file"),
        ("./", "no regular file"),
        ("missing/x.model", "No such file or directory"),
        ("corpus.txt/x.model", "cannot be written"),
        ("x" * 250, "cannot be written"),
        pytest.param("/dev/null", "no regular file", marks=posix_only),
        pytest.param("/proc/x.model", "cannot be written", marks=posix_only),
    ],
)
def test_an_output_that_cannot_be_written_is_an_error_before_the_work(
    output, words, corpus, tmp_path
):
    error = invoke("train", corpus, "-o", output, code=1).stderr
    assert words in error
    assert "-o" in error
    assert files_in(tmp_path) == ["corpus.txt"]


def test_several_models_do_not_go_to_a_directory(corpus, tmp_path):
    sizes = ["--vocab-size", 270, "--vocab-size", 300]
    assert "no regular file" in invoke("train", corpus, *sizes, "-o", ".", code=1).stderr
    assert files_in(tmp_path) == ["corpus.txt"]


def test_a_model_does_not_go_to_standard_output(corpus):
    assert "name one with -o" in invoke("train", corpus, "-o", "-", code=2).stderr


@pytest.mark.parametrize(
    "options", [["-o", "./corpus.vocab"], ["-o", "corpus", "--vocab"], ["-o", "link"]]
)
def test_the_corpus_is_not_overwritten(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corpus = Path("corpus.vocab")
    corpus.write_bytes(TEXT)
    os.link(corpus, "link")
    assert "part of the corpus" in invoke("train", corpus, *options, code=2).stderr
    assert corpus.read_bytes() == TEXT


@pytest.mark.parametrize(
    "option",
    [
        ["--vocab-size", 258],
        ["--vocab-size", 0],
        ["--order", 1],
        ["--order", 8],
        ["--min-count", 0],
        ["--max-piece-length", 0],
        ["--threads", 0],
        ["--normalization", "nfx"],
        ["--format", "sentencepiece"],
    ],
)
def test_values_out_of_range_are_wrong_usage(option, corpus):
    assert f"'{option[0]}'" in invoke("train", corpus, *option, code=2).stderr


def test_a_corpus_is_needed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "PATH" in invoke("train", code=2).stderr
    assert "is empty" in invoke("train", "-", code=1).stderr
    Path("empty.txt").touch()
    assert "is empty" in invoke("train", "empty.txt", code=1).stderr


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing.txt", "missing.txt: there is no such file"),
        ("missing.txt:2", "missing.txt: there is no such file"),
        ("*.csv", "*.csv: there is no file that fits"),
        ("empty", "empty: there is no file in this directory"),
        ("cut.gz", "cut.gz: the gzip data end too early"),
        ("x.parquet", "x.parquet is not what its name says"),
        ("x" * 300, "xxx: File name too long"),
    ],
)
def test_inputs_that_cannot_be_read_are_errors_of_one_line(path, words, corpus, tmp_path):
    Path("empty").mkdir()
    Path("cut.gz").write_bytes(gzip.compress(TEXT)[:100])
    Path("x.parquet").write_bytes(bytes(99))
    assert words in invoke("train", corpus, path, code=1).stderr
    assert not Path("bytepiece.model").exists()


def test_directories_and_patterns(corpus, tmp_path):
    for name in ("data/a.txt", "data/b/c.txt", "data/b/d.md"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(TEXT + name.encode())
    invoke("train", "data", "-o", "all.model")
    assert model_io.load("all.model") == bytepiece.train(Files(["data"]))
    invoke("train", "data/**/*.txt", "-o", "some.model")
    assert model_io.load("some.model") == bytepiece.train(Files(["data/a.txt", "data/b/c.txt"]))


def test_a_directory_is_not_written_over(corpus):
    Path("data").mkdir()
    corpus.rename("data/corpus.txt")
    assert "part of the corpus" in invoke("train", "data", "-o", "data/corpus.txt", code=2).stderr
    invoke("train", "data", "-o", "data/x.model")
    assert "x.model is a model" in invoke("train", "data", "-o", "data/x.model", code=1).stderr


def test_compressed_standard_input(corpus, spools):
    invoke("train", "-", "-o", "piped.model", input=gzip.compress(TEXT))
    assert model_io.load("piped.model") == bytepiece.train(Files([corpus]))


def test_a_column_of_parquet(tmp_path, monkeypatch):
    arrow = pytest.importorskip("pyarrow", reason="bytepiece[parquet] is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.chdir(tmp_path)
    parquet.write_table(arrow.table({"body": LINES, "text": LINES[::2] * 2}), "x.parquet")
    for column, lines in (("body", LINES), ("text", LINES[::2] * 2)):
        options = [] if column == "text" else ["--column", column]
        shown = invoke("train", "x.parquet", *options).stderr
        assert model_io.load("bytepiece.model") == bytepiece.train(lines)
        assert " bytes per token on the first " in shown
    error = invoke("train", "x.parquet", "--column", "title", code=1).stderr
    assert '"body", "text"' in error
    assert "--column" in error


def test_copies_go_to_the_given_directory(corpus, spools, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    invoke("train", "-", "--temp-dir", spools, input=TEXT)
    assert files_in(spools) == []
    assert "--temp-dir" in invoke("train", "-", "--temp-dir", "nowhere", input=TEXT, code=2).stderr


def test_an_older_model_stays_whole_when_training_fails(corpus):
    Path("bytepiece.model").write_bytes(b"older")
    invoke("train", "-", code=1)
    assert Path("bytepiece.model").read_bytes() == b"older"


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_behind(number, tmp_path, spools, monkeypatch):
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("the tests run under nohup, so programs that they start ignore this signal")
    monkeypatch.chdir(tmp_path)
    with start("train", "-") as program:
        program.stdin.write(TEXT)
        program.stdin.flush()
        while not any(spools.glob("*/*")):  # it keeps what it was given
            time.sleep(0.01)
        program.send_signal(number)
        error = program.stderr.read().decode()
        assert program.wait() == 128 + number
    assert error == "Interrupted\n"
    assert files_in(spools) == []
    assert files_in(tmp_path) == ["spools"]


@posix_only
def test_too_small_a_disk_for_standard_input_is_an_error(tmp_path, spools, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = 'ulimit -f 1; exec "$0" -m bytepiece train -'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable], input=TEXT * 99, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert_one_line(done.stderr.decode())
    assert "TMPDIR" in done.stderr.decode()
    assert files_in(spools) == []
