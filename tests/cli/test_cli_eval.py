"""`bytepiece eval`: its input, output and errors."""

import json
import signal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.cli import TEXT, invoke, posix_only, start
from support.strategies import make_model

from bytepiece import evaluate, model_io
from bytepiece.evaluation.report import table, to_json
from bytepiece.inputs import texts


@pytest.fixture(autouse=True)
def input_files(model, tmp_path, monkeypatch):
    """Save two models and a text in the current folder."""
    model_io.save(model, tmp_path / "one.model")
    model_io.save(make_model({b"the": -1.0}), tmp_path / "two.model")
    (tmp_path / "text.txt").write_bytes(TEXT)
    monkeypatch.chdir(tmp_path)


def expected(*texts, models=("one.model", "two.model")):
    return table(evaluate(models, texts))


def test_several_models_share_one_table():
    shown = invoke("eval", "one.model", "two.model", "--on", "text.txt").stdout
    assert shown == expected(TEXT)
    assert "one.model" in shown.splitlines()[2]


def test_standard_input_is_the_default():
    assert invoke("eval", "one.model", "two.model", input=TEXT).stdout == expected(TEXT)
    shown = invoke("eval", "one.model", "two.model", "--on", "-", input=TEXT).stdout
    assert shown == expected(TEXT)


@pytest.mark.parametrize(
    "args",
    [
        ["one.model", "--on", "text.txt", "--on", "more.txt", "--on", "-"],
        ["--on", "text.txt", "--on", "more.txt", "--on", "-", "--threads", "1", "one.model"],
        ["--on", "text.txt", "one.model", "--on", "more.txt", "--on", "-"],
        ["one.model", "--on=text.txt", "--on", "more.txt", "--threads=2", "--on", "-"],
    ],
)
def test_on_is_repeated_for_several_files(args, tmp_path):
    (tmp_path / "more.txt").write_bytes(b"\n\nthe\n")
    shown = invoke("eval", *args, input=b"hat").stdout
    assert shown == expected(TEXT, b"\n\nthe\n", b"hat", models=["one.model"])


def test_records_are_texts(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "the\\nhat"}\n{"text": ""}\n', "utf-8")
    shown = invoke("eval", "one.model", "--on", "a.jsonl").stdout
    assert shown == expected("the\nhat", "", models=["one.model"])
    (tmp_path / "b.txt").write_text('{"body": "the"}\n', "utf-8")
    shown = invoke("eval", "one.model", "--on", "b.txt", "--jsonl", "body").stdout
    assert shown == expected("the", models=["one.model"])
    error = invoke("eval", "one.model", "--on", "b.txt", "--jsonl", "text", code=1).stderr
    assert "b.txt:1:" in error


@pytest.mark.parametrize("most", [1, 2, 7, 1000])
def test_the_size_of_reads_does_not_matter(most, monkeypatch):
    text = b"\n\n" + TEXT * 3 + b"\n\n\nthe\n\n\n\nhat\n\n"
    monkeypatch.setattr(texts, "BLOCK", most)
    assert invoke("eval", "one.model", input=text).stdout == expected(text, models=["one.model"])


def test_results_are_written_to_files():
    invoke("eval", "one.model", "--on", "text.txt", "--json", "all.json", "--plot", "bars.svg")
    found = evaluate(["one.model"], [TEXT])
    assert json.loads(Path("all.json").read_text("utf-8")) == json.loads(to_json(found))
    assert ElementTree.parse("bars.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "Missing argument 'MODEL...'"),
        (["--on", "text.txt"], "Missing argument 'MODEL...'"),
        (["none.model", "--on", "text.txt"], "'none.model' does not exist"),
        (["one.model", "--on", "none.txt"], "'none.txt' does not exist"),
        (["one.model", "--on"], "requires an argument"),
        ([".", "--on", "text.txt"], "is a directory"),
        (["one.model", "--on", "text.txt", "--thread"], "--threads"),
    ],
)
def test_wrong_usage(args, words):
    assert words in invoke("eval", *args, code=2).stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["text.txt", "--on", "text.txt"], "holds no model"),
        (["one.model", "text.txt"], "--on"),
        (["one.model", "--on", "text.txt", "text.txt"], "needs an --on before its name"),
        (["one.model", "--on", "-"], "nothing to measure"),
        (["one.model", "--on", "text.txt", "--json", "no/where.json"], "no such directory"),
        (["one.model", "--on", "text.txt", "--plot", "no/where.svg"], "no such directory"),
    ],
)
def test_errors_are_one_line(args, words):
    assert words in invoke("eval", *args, code=1).stderr


def test_invalid_utf8_is_measured():
    shown = invoke("eval", "one.model", input=b"\xff\xfe the \x00\xe4\xbb\n").stdout
    assert "not UTF-8" in shown


@posix_only
def test_an_interrupted_run_leaves_no_file(tmp_path):
    with start("eval", "one.model", "--json", "all.json") as program:
        program.stdin.write(TEXT * 40_000)  # more than a pipe holds, so the program is reading now
        program.stdin.flush()
        program.send_signal(signal.SIGINT)
        error = program.stderr.read().decode().splitlines()
        assert program.wait() == 128 + signal.SIGINT
    assert error[-1] == "Interrupted"
    assert not any("Traceback" in line for line in error)
    assert not (tmp_path / "all.json").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--json", "one.model"], "one.model is read; name another file for the result"),
        (["--plot", "text.txt"], "text.txt is read"),
        (["--json", "x", "--plot", "./x"], "two results have the same file"),
        (["--json", "-"], "name one in place of -"),
    ],
)
def test_results_replace_neither_inputs_nor_each_other(options, words):
    before = {path: path.read_bytes() for path in Path().iterdir()}
    done = invoke("eval", "one.model", "--on", "text.txt", *options, code=2)
    assert words in done.stderr
    assert {path: path.read_bytes() for path in Path().iterdir()} == before
    assert (
        "one.model is read"
        in invoke("explain", "ab", "-m", "one.model", "--html", "one.model", code=2).stderr
    )
