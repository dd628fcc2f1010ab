"""Weights on the command line: PATH:WEIGHT."""

import os
from pathlib import Path

import pytest
from bytepiece_cli.weighted import weighted
from support.cli import invoke
from support.corpora import TEXT

import bytepiece
from bytepiece import model_io
from bytepiece.errors import ArgumentError
from bytepiece.inputs.files import Files


@pytest.mark.parametrize(
    ("argument", "path", "weight"),
    [
        ("x.txt", "x.txt", 1),
        ("x.txt:2", "x.txt", 2),
        ("x.txt:0.25", "x.txt", 0.25),
        ("-:2", "-", 2),
        ("a:b:2", "a:b", 2),
        ("there:2", "there:2", 1),
        ("there:2:3", "there:2", 3),
        ("x.txt:", "x.txt:", 1),
        (":2", ":2", 1),
        ("x:y", "x:y", 1),
        (r"C:\corpus.txt", r"C:\corpus.txt", 1),
        (r"C:\corpus.txt:2", r"C:\corpus.txt", 2),
        ("data/**/*.txt:2", "data/**/*.txt", 2),
    ],
)
def test_weights_stand_behind_a_colon(argument, path, weight, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if os.name == "posix":
        Path("there:2").touch()
    elif "there" in argument:
        pytest.skip("no name has a colon here")
    assert weighted(argument) == (Path(path), weight)


def test_weights_reach_the_library(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("corpus.txt").write_bytes(TEXT)
    Path("other.txt").write_bytes(TEXT[::-1])
    invoke("train", "corpus.txt:0.5", "-:2", "other.txt:0", input=TEXT.upper())
    Path("upper.txt").write_bytes(TEXT.upper())
    files = Files(["corpus.txt", "upper.txt", "other.txt"], weights=[0.5, 2, 0])
    model = model_io.load("bytepiece.model")
    assert model == bytepiece.train(files)
    assert model.record["weights"] == [0.5, 2, 0]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("", "an input is empty"),
        ("x.txt:5000000", "weight must be at least 0 and at most"),
        ("x.txt:-1", "weight must be at least 0"),
        ("x.txt:nan", "weight must be at least 0"),
        ("-:1e9", "weight must be at least 0"),
    ],
)
def test_a_wrong_input_is_wrong_usage(argument, words, tmp_path, monkeypatch):
    """An empty one would be the current directory, if a variable of the shell is not set."""
    monkeypatch.chdir(tmp_path)
    Path("x.txt").write_bytes(TEXT)
    assert words in invoke("train", "x.txt", argument, "-o", "x.model", code=2).stderr
    assert not Path("x.model").exists()
    with pytest.raises(ArgumentError, match="a path is empty"):
        Files(["x.txt", ""])
