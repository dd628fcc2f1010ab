"""Errors of the library name options of the command in place of Python's arguments."""

from pathlib import Path

import pytest
from bytepiece_cli import train
from bytepiece_cli.arguments import with_options
from support.cli import invoke


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            'spaces="superwords" needs algorithm="merge"',
            "--spaces superwords needs --algorithm merge",
        ),
        ("a directory; name one with checkpoint=", "a directory; name one with --checkpoint"),
        ("the checkpoint in kept cannot be kept", "the checkpoint in kept cannot be kept"),
        ("vocab_size 3 is too small", "--vocab-size 3 is too small"),
        ("give min_count or vocab_size", "give --min-count or --vocab-size"),
        ("memory must be a size", "--memory must be a size"),
        ("not enough memory", "not enough memory"),
        ("ensure_unicode=True is needed", "--ensure-unicode is needed"),
        ("/data/min_count.txt: no min_count_x", "/data/min_count.txt: no min_count_x"),
        ('the field "min_count" is none', 'the field "min_count" is none'),
        ("alpha=0.5 is no option of this command", "alpha=0.5 is no option of this command"),
        ("min_count[8] is null", "min_count[8] is null"),
        ("special_tokens must be a list", "--special-token must be a list"),
    ],
)
def test_errors_name_options(message, shown):
    assert with_options(message, train.command) == shown


def test_a_command_names_its_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("the cat\n" * 9)
    error = invoke("train", "a.txt", "--spaces", "superwords", code=1).stderr
    assert "Error: --spaces superwords needs --algorithm merge" in error
    error = invoke("train", "a.txt", "--engine", "ray", code=1).stderr
    assert "name one with --checkpoint" in error
