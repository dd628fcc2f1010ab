"""Arguments in another encoding than the system's: the bytes given, or an error of one line."""

import os
import sys

import click
import pytest
from bytepiece_cli.main import cli
from support.cli import start

from bytepiece import Tokenizer, train

posix_text = pytest.mark.skipif(os.name != "posix", reason="arguments are bytes on POSIX only")
LATIN = b"caf\xe9"


def run(*args, **options):
    process = start(*args, **options)
    out, err = process.communicate(timeout=120)
    return process.returncode, out.decode(), err.decode("utf-8", "backslashreplace")


def walk(group):
    with click.Context(group) as ctx:
        for name in group.list_commands(ctx):
            yield name, group.get_command(ctx, name)


EVERY = [(name, param) for name, command in walk(cli) for param in command.params]


@pytest.mark.parametrize(("name", "param"), EVERY, ids=lambda x: getattr(x, "name", x))
def test_no_parameter_takes_whatever_python_makes_of_the_bytes(name, param):
    assert not isinstance(param.type, click.types.StringParamType), f"{name} {param.opts}"
    assert not isinstance(param.type, click.types.UnprocessedParamType), f"{name} {param.opts}"


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"the cat caf\xe9 the hat\n" * 30)
    return path


@posix_text
@pytest.mark.parametrize("piece", [LATIN, "caf\u00e9".encode(), b"\xff\xfe", b"\xed\xa0\x80"])
def test_a_piece_has_the_bytes_given(piece, corpus, tmp_path):
    target = tmp_path / "it.model"
    code, _, err = run("train", corpus, "--vocab-size", 280, "-o", target, *PIECE, bare(piece))
    assert code == 0, err
    assert piece in Tokenizer(str(target)).model.pieces


PIECE = ("--user-piece",)


def bare(raw):
    """Return an argument that the system hands over as these bytes."""
    return os.fsdecode(raw)


@posix_text
@pytest.mark.parametrize(
    "args",
    [
        ("train", "CORPUS", "--required-chars"),
        ("train", "CORPUS", "--special-token"),
        ("train", "CORPUS", "--jsonl"),
        ("train", "CORPUS", "--column"),
        ("train", "CORPUS", "--memory"),
        ("train", "CORPUS", "--user-piece", "a", "--algorithm"),
        ("train", "CORPUS", "--threads"),
        ("encode", "--jsonl"),
        ("encode", "--column"),
        ("encode", "--format"),
        ("encode", "--sample", "--alpha"),
        ("encode", "--no-such"),
        ("audit", "--text"),
        ("audit", "--sampler"),
        ("eval", "CORPUS", "--jsonl"),
        ("extend", "CORPUS", "CORPUS", "-o", "OUT", "--vocab-size", "300", "--jsonl"),
        ("prune", "CORPUS", "-o", "OUT", "--vocab-size", "300", "--column"),
        ("convert", "CORPUS", "OUT", "--to"),
        ("no-such",),
        (),
    ],
    ids=" ".join,
)
def test_a_text_in_another_encoding_is_an_error_of_one_line(args, corpus, tmp_path):
    names = {"CORPUS": str(corpus), "OUT": str(tmp_path / "out")}
    code, out, err = run(*[names.get(arg, arg) for arg in args], bare(LATIN))
    assert code == 2
    assert not out
    assert err.splitlines()[-1].startswith("Error: "), err
    assert "Traceback" not in err


@posix_text
def test_the_error_shows_the_bytes(corpus):
    _, _, err = run("train", corpus, "--required-chars", bare(LATIN))
    wanted = f"b'caf\\xe9' is not text in this system's {sys.getfilesystemencoding().upper()}"
    assert err.splitlines()[-1] == f"Error: Invalid value for '--required-chars': {wanted}"


@posix_text
def test_names_of_files_may_have_any_bytes(corpus, tmp_path):
    there = tmp_path / bare(LATIN)
    there.write_bytes(corpus.read_bytes())
    target = tmp_path / bare(b"\xe9.model")
    code, _, err = run("train", there, "--vocab-size", 280, "-o", target)
    assert code == 0, err
    assert target.exists()
    code, _, err = run("encode", "-m", target, there)
    assert code == 0, err
    kept = train([corpus.read_bytes()], 280)
    assert Tokenizer(target).model.pieces == kept.pieces
