"""Helpers for the tests of the command line."""

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from bytepiece_cli.main import cli
from click.testing import CliRunner, Result

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and devices")

TEXT = "the hat\r\n\ncafé 今天天气 the the ...\nno end".encode()
"""Lines: one blank, one with a carriage return, and the last one without a line end."""
LINES = TEXT.split(b"\n")
_TIMEOUT = 300
"""Seconds after which a separate program is killed. It may have to compile all kernels."""


def invoke(*args: Any, input: bytes = b"", code: int = 0) -> Result:
    """Run a command in this process and check its exit code."""
    result = CliRunner().invoke(cli, list(map(str, args)), input=input)
    assert result.exit_code == code, result.stderr
    if code == 1:
        assert_one_line(result.stderr)
    return result


class Program(subprocess.Popen[bytes]):
    """A separate program with pipes to and from it. A `with` block kills it if it hangs."""

    def __init__(self, command: list[str], **options: Any) -> None:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        # Tests that run in the background may ignore Ctrl-C, and the program would inherit that.
        before = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            super().__init__(command, **{**pipes, **options})
        finally:
            signal.signal(signal.SIGINT, before)
        self._timer = threading.Timer(_TIMEOUT, self.kill)

    def __enter__(self) -> "Program":
        self._timer.start()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._timer.cancel()
        super().__exit__(*error)


def start(*args: Any, **options: Any) -> Program:
    """Start a command as a separate program, with pipes to and from it."""
    return Program([sys.executable, "-m", "bytepiece", *map(str, args)], **options)


def assert_one_line(error: str) -> None:
    """Assert that standard error is a single line that begins with "Error: ".

    Notices of the compiler do not count.
    """
    lines = [line for line in error.splitlines() if not line.startswith("bytepiece: ")]
    assert len(lines) == 1, error
    assert lines[0].startswith("Error: "), error
