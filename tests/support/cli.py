"""Helpers for the tests of the command line."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from bytepiece_cli.main import cli
from click.testing import CliRunner, Result

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and devices")

TEXT = "the hat\r\n\ncafé 今天天气 the the ...\nno end".encode()
"""Lines: one blank, one with a carriage return, and the last one without a line end."""
LINES = TEXT.split(b"\n")


def invoke(*args: Any, input: bytes = b"", code: int = 0) -> Result:
    """Run a command in this process and check its exit code."""
    result = CliRunner().invoke(cli, list(map(str, args)), input=input)
    assert result.exit_code == code, result.stderr
    if code == 1:
        assert_one_line(result.stderr)
    return result


def start(*args: Any, **options: Any) -> "subprocess.Popen[bytes]":
    """Start a command as a separate program, with pipes to and from it."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, "-m", "bytepiece", *map(str, args)]
    # Tests that run in the background may ignore Ctrl-C, and the program would inherit that.
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, **{**pipes, **options})
    finally:
        signal.signal(signal.SIGINT, before)


def assert_one_line(error: str) -> None:
    """Assert that standard error is a single line that begins with "Error: ".

    Notices of the compiler do not count.
    """
    lines = [line for line in error.splitlines() if not line.startswith("bytepiece: ")]
    assert len(lines) == 1, error
    assert lines[0].startswith("Error: "), error
