"""The import of the package is quick, because it loads no compiler before its first use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bytepiece


def run(script):
    """Run a script in a fresh interpreter that finds this package; return the words it prints."""
    root = Path(bytepiece.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_neither_numba_nor_numpy_is_imported():
    script = (
        "import sys, bytepiece; bytepiece.__version__; dir(bytepiece); "
        "print(*{'numba', 'numpy', 'llvmlite', 'ahocorasick', 'sentencepiece'} & {*sys.modules})"
    )
    assert run(script) == []


def test_encoding_does_not_import_sentencepiece():
    script = "import sys, bytepiece; bytepiece.Tokenizer; print('sentencepiece' in sys.modules)"
    assert run(script) == ["False"]


@pytest.mark.parametrize("name", bytepiece.__all__)
def test_public_names_resolve(name):
    assert getattr(bytepiece, name) is not None
    assert name in dir(bytepiece)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="nothing"):
        bytepiece.nothing  # noqa: B018


def test_the_version_is_above_the_original_librarys():
    assert tuple(map(int, bytepiece.__version__.split(".")[:2])) > (0, 6)
