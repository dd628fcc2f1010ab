"""Commands that do not encode work without the compiler: they are quick, and never load numba."""

import os
import subprocess
import sys

import pytest

from bytepiece import model_io

RUN = """
import sys
from bytepiece_cli.main import main
try:
    main()
finally:
    heavy = {"numba", "llvmlite"} & sys.modules.keys()
    assert not heavy, heavy
"""


@pytest.mark.parametrize(
    ("args", "input", "output"),
    [
        (["--help"], b"", b"Commands:"),
        (["--version"], b"", b"bytepiece 0."),
        (["explain", "--help"], b"", b"Examples:"),
        (["info"], b"", b"piece length"),
        (["info", "--json"], b"", b'"fingerprint"'),
        (["decode"], b"107 104\n", b"he\n"),
        (["decode", "--format", "jsonl"], b'{"ids": [107, 104]}\n', b'{"text": "he"}\n'),
    ],
)
def test_numba_is_not_imported(args, input, output, model, tmp_path):
    path = tmp_path / "small.model"
    model_io.save(model, path)
    done = subprocess.run(
        [sys.executable, "-c", RUN, *args],
        env={**os.environ, "BYTEPIECE_MODEL": str(path)},
        input=input,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert output in done.stdout


@pytest.mark.parametrize("args", [["--help"], ["info", "small.model"]])
def test_the_times_of_imports_do_not_list_numba(args, model, tmp_path):
    model_io.save(model, tmp_path / "small.model")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bytepiece", *args],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert b"bytepiece_cli.main" in done.stderr
    assert b"numba" not in done.stderr
