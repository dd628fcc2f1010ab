"""The command explain: texts, models, formats, colours, and its errors."""

import json
import os
import subprocess
import sys

import pytest
from bytepiece_cli import explain as command
from support.cli import invoke, posix_only

from bytepiece import model_io

pytestmark = pytest.mark.usefixtures("model_of_the_environment")


def test_it_shows_the_encoding_and_the_best_paths(tok):
    shown = invoke("explain", "the hat", "--nbest", 2, "--alpha", 0.5).stdout
    assert shown.startswith("small.model\nalpha 0.5   tokens 2   ")
    assert shown.count("the ▁hat") == 1
    assert str(tok.piece_to_id(b" hat")) in shown
    assert len(shown.split("best paths")[1].splitlines()) == 3
    assert "\x1b" not in shown


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_text_comes_from_standard_input(end):
    given = invoke("explain", "the hat").stdout
    assert invoke("explain", input=b"the hat" + end).stdout == given


@posix_only
def test_bytes_that_are_no_text_are_explained():
    found = json.loads(invoke("explain", "--json", input=b"\xff the").stdout)
    assert found[0]["text_hex"] == b"\xff the".hex()
    done = subprocess.run(
        [sys.executable, "-m", "bytepiece", "explain", "--json", b"\xff the"],
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout) == found


def test_json_has_an_object_for_each_model(tok, tmp_path):
    model_io.save(tok.model, tmp_path / "other.model")
    models = ("-m", "small.model", "-m", "other.model")
    found = json.loads(invoke("explain", "the", "--json", "--seed", 3, *models).stdout)
    assert [one["name"] for one in found] == ["small.model", "other.model"]
    facts = tok.explain("the", seed=3, name="small.model").as_json()
    assert found[0] == facts


def test_models_are_compared(tok, tmp_path):
    model_io.save(tok.model, tmp_path / "other.model")
    shown = invoke("explain", "the hat", "-m", "small.model", "-m", "other.model").stdout
    assert "small.model  the│▁hat│\nother.model  the│▁hat│\n" in shown


def test_pages_and_pictures_are_files(tmp_path):
    invoke("explain", "the", "--html", "page.html", "--svg", "lattice.svg")
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "lattice.svg").read_text("utf-8").startswith("<svg ")


@pytest.mark.parametrize(
    ("terminal", "variables", "coloured"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals(terminal, variables, coloured, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(command, "is_terminal", lambda _: terminal)
    assert ("\x1b[" in invoke("explain", "the").stdout) == coloured


def test_the_width_of_the_terminal_counts(monkeypatch):
    text = "the hat and the cat " * 5
    monkeypatch.setenv("COLUMNS", "40")
    assert max(map(len, invoke("explain", text).stdout.splitlines())) <= 40
    monkeypatch.setenv("COLUMNS", "200")
    assert max(map(len, invoke("explain", text).stdout.splitlines())) > 100


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["x" * 16385], 1, "16,384 are the most that can be explained"),
        (["the", "--alpha", "-1"], 2, "not a finite number of at least 0"),
        (["the", "--nbest", "1001"], 2, "1001"),
        (["the", "-m", "none.model"], 1, "no model at none.model"),
        (["the", "--svg", "no/folder.svg"], 1, "no such directory"),
        (
            ["the", "-m", "a", "-m", "b", "--svg", "x.svg"],
            2,
            "--svg draws the lattice of one model",
        ),
        (
            ["the", "hat"],
            2,
            "argument (hat); put a text with spaces into quotes; name a model with -m",
        ),
    ],
)
def test_errors_say_what_to_do(args, code, message):
    assert message in invoke("explain", *args, code=code).stderr


def test_a_long_standard_input_is_not_read_to_its_end():
    done = invoke("explain", input=b"x" * 100_000, code=1)
    assert "16,384 are the most" in done.stderr


def test_several_models_in_the_variable(monkeypatch, tok, tmp_path):
    model_io.save(tok.model, tmp_path / "other.model")
    monkeypatch.setenv("BYTEPIECE_MODEL", os.pathsep.join(["small.model", "other.model"]))
    assert "other.model" in invoke("explain", "the").stdout
