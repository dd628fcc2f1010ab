"""What the tests of the command line share."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from bytepiece_cli.main import cli
from click.testing import CliRunner, Result

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals and devices of POSIX")

TEXT = "the hat\r\n\ncafé 今天天气 the the ...\nno end".encode()
"""Lines with and without ends, one blank, one with a carriage return."""
LINES = TEXT.split(b"\n")


def invoke(*args: Any, input: bytes = b"", code: int = 0) -> Result:
    """Run a command in this process and check how it ends."""
    result = CliRunner().invoke(cli, list(map(str, args)), input=input)
    assert result.exit_code == code, result.stderr
    if code == 1:
        assert_one_line(result.stderr)
    return result


def start(*args: Any, **options: Any) -> "subprocess.Popen[bytes]":
    """Run a command as a program of its own, with pipes to and from it."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, "-m", "bytepiece", *map(str, args)]
    # Whoever started the tests in the background may have them ignore Ctrl-C, and so would it.
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, **{**pipes, **options})
    finally:
        signal.signal(signal.SIGINT, before)


def assert_one_line(error: str) -> None:
    """That an error is told in one line, and no notice of the compiler's is in its way."""
    lines = [line for line in error.splitlines() if not line.startswith("bytepiece: ")]
    assert len(lines) == 1, error
    assert lines[0].startswith("Error: "), error
