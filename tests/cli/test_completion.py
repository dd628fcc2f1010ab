"""Completion by the shell, as click documents it and docs/cli.md shows it."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from bytepiece_cli.main import cli
from support import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text("utf-8")


PROGRAM = "import sys; sys.argv[0] = 'bytepiece'; from bytepiece_cli.main import main; main()"
"""The installed program `bytepiece`, whose name decides about the variable that click reads."""


def complete(shell, words):
    """Return what the program prints if a shell asks it to complete the last word."""
    index = {"fish": words[-1]}.get(shell, str(len(words) - 1))
    typed = " ".join(words[:-1] if shell == "fish" else words)
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ
        | {"_BYTEPIECE_COMPLETE": f"{shell}_complete", "COMP_WORDS": typed, "COMP_CWORD": index},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert run.stderr == ""
    return run.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_options_and_values_are_completed(shell):
    assert "encode" in complete(shell, ["bytepiece", "enc"])
    assert "--more-tokens" in complete(shell, ["bytepiece", "encode", "--more"])
    assert "viterbi" in complete(shell, ["bytepiece", "encode", "--sampler", "v"])
    assert "file" in complete(shell, ["bytepiece", "encode", "-m", "my"])


def test_an_unknown_command_completes_nothing():
    assert complete("bash", ["bytepiece", "nonsense", "--a"]).strip() == ""


@pytest.mark.parametrize("name", cli.list_commands(None))
def test_each_command_is_completed(name):
    assert f"plain,{name}\n" in complete("bash", ["bytepiece", name])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_documented_lines_load_in_the_shell(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (line,) = re.findall(rf"^(.*_BYTEPIECE_COMPLETE={shell}_source bytepiece.*?) +#", PAGE, re.M)
    program = tmp_path / "bytepiece"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    before = "autoload -U compinit; compinit -D\n" if shell == "zsh" else ""
    run = subprocess.run(
        [shell, "-c", before + line],
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
