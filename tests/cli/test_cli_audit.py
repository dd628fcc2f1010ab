"""`bytepiece audit`: its options, inputs and output files."""

import json
import os
import re
import signal
import sys
import time

import pytest
from support.cli import invoke, posix_only, start
from support.strategies import JIT, make_model

from bytepiece import model_io

QUICK = ["--draws", "300", "--alpha", "0.5"]


@pytest.fixture(autouse=True)
def model_file(tmp_path, monkeypatch):
    """Save a model in the current folder."""
    model = make_model({b"th": -4.0, b"the": -3.5, b"he": -4.5, b" hat": -5.5}, byte_score=-6.0)
    model_io.save(model, tmp_path / "small.model")
    monkeypatch.chdir(tmp_path)


def rows(result):
    return [re.split(" {2,}", line) for line in result.stdout.splitlines()]


def test_our_samplers_run_without_a_model():
    result = invoke("audit", *QUICK, "--draws", 2000 if JIT else 300)
    table = rows(result)
    assert table[0][:3] == ["sampler", "version", "law"]
    assert [row[0] for row in table[1:4]] == ["perfect", "nbest", "viterbi"]
    assert "follows the law" in table[1]
    assert "does not" in table[3]
    assert "auditing perfect: " in result.stderr
    assert " draws in " in result.stderr


def test_texts_come_from_options_files_and_standard_input(tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_bytes("the hat\n\nthe é\n".encode())
    records = tmp_path / "records.jsonl"
    records.write_text('{"text": "he"}\n', "utf-8")
    command = ["audit", *QUICK, "-m", "small.model", "--sampler", "perfect", "--json", "out.json"]
    invoke(*command, "--text", "that", lines, "-", records, input=b"hat\n")
    cases = json.loads((tmp_path / "out.json").read_text("utf-8"))["verdicts"][0]["cases"]
    assert [case["text"] for case in cases] == ["that", "the hat", "the é", "hat", "he"]


def test_the_same_seed_gives_the_same_report(tmp_path):
    found = []
    for number in (1, 1, 2):
        command = ["audit", *QUICK, "--seed", number, "--sampler", "perfect", "--json", "out.json"]
        invoke(*command)
        verdict = json.loads((tmp_path / "out.json").read_text("utf-8"))["verdicts"][0]
        found.append({**verdict, "seconds": 0.0})
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_html_is_written(tmp_path):
    pytest.importorskip("bytepiece.audit.page")
    invoke("audit", *QUICK, "--sampler", "perfect", "--html", "out.html")
    assert "<html" in (tmp_path / "out.html").read_text("utf-8")


def test_all_stands_for_every_sampler():
    table = rows(invoke("audit", *QUICK, "-m", "small.model", "--sampler", "all", "--text", "hat"))
    names = [row[0] for row in table[1:9]]
    assert names[:4] == ["perfect", "nbest", "viterbi", "sentencepiece"]
    assert "original" in names
    assert table[names.index("original") + 1][1:] != []


def test_a_function_beside_the_model(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("def cut(text):\n    return [text[:2], text[2:]]\n", "utf-8")
    monkeypatch.setattr(sys, "path", sys.path[:])
    command = ["audit", *QUICK, "-m", "small.model", "--sampler", "mine:cut", "--text"]
    table = rows(invoke(*command, "the"))
    assert table[1][0] == "mine:cut"
    assert "does not" in table[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--alpha", "nan"], "nan is not a finite number"),
        (["--alpha", "-1"], "at least 0"),
        (["--draws", "0"], "--draws"),
        (["--seed", "-1"], "--seed"),
        (["--sampler", "exact"], "no sampler 'exact'"),
        (["--sampler", "nowhere:sampler"], "cannot be loaded"),
        (["--sampler", "json:dumps"], "say which, with -m and one --alpha"),
        (["--text", "the hat"], "by -m"),
        (["nowhere.txt"], "nowhere.txt"),
    ],
)
def test_wrong_usage(arguments, message, monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path[:])
    assert message in " ".join(invoke("audit", *arguments, code=2).stderr.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "nowhere.model"], "no model at nowhere.model"),
        (["-m", "small.model", "--text", "a\nb"], "one line"),
        (["-m", "small.model", "--text", ""], "not empty"),
        (["-m", "small.model", "latin.txt"], "is not UTF-8"),
        (["-m", "small.model", "empty.txt"], "0 texts"),
        (["-m", "latin.txt"], "latin.txt"),
        (["--json", "nowhere/out.json"], "no such directory"),
        (
            ["-m", "small.model", "--alpha", "1", "--sampler", "json:loads"],
            "raised JSONDecodeError",
        ),
    ],
)
def test_bad_inputs_are_refused(arguments, message, tmp_path, monkeypatch):
    (tmp_path / "latin.txt").write_bytes("caf\xe9\n".encode("latin-1"))
    (tmp_path / "empty.txt").write_bytes(b"\n")
    monkeypatch.setattr(sys, "path", sys.path[:])
    assert message in invoke("audit", *arguments, code=1).stderr


@posix_only
def test_ctrl_c_leaves_nothing_half_written(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import time\nfrom pathlib import Path\n"
        "def cut(*_):\n    Path('began').touch()\n    time.sleep(600)\n"
    )
    command = ["audit", "-m", "small.model", "--alpha", "1", "--sampler", "slow:cut", "--text", "a"]
    options = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    with start(*command, "--json", "out.json", cwd=tmp_path, env=options) as process:
        while process.poll() is None and not (tmp_path / "began").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert output == b""
    assert error.rstrip().endswith(b"Interrupted")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["began", "slow.py", "small.model"]
