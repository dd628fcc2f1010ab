"""Reading and writing model files loads no compiler."""

import subprocess
import sys
from pathlib import Path

import pytest
from support import GOLDEN

import bytepiece

PACKAGE = Path(bytepiece.__file__).parent
LIGHT = [
    "bytepiece.model",
    "bytepiece.model_io",
    "bytepiece.display",
    "bytepiece.errors",
    "bytepiece.parallel",
    *(f"bytepiece.{path.stem}" for path in sorted(PACKAGE.glob("_[a-z]*.py"))),
    *(
        f"bytepiece.rules.{path.stem}"
        for path in sorted((PACKAGE / "rules").glob("[a-z]*.py"))
        if path.stem != "character_tables"  # It makes the tables of a kernel.
    ),
    *(
        f"bytepiece.formats.{path.stem}"
        for path in sorted((PACKAGE / "formats").glob("[a-z]*.py"))
        if path.stem != "to_sentencepiece"  # It cuts pieces into segments, which takes a kernel.
    ),
]


def run_without(library, script):
    """Run a script in a fresh interpreter in which importing the library fails."""
    script = f"import sys\nsys.modules[{library!r}] = None\n{script}"
    subprocess.run([sys.executable, "-c", script], cwd=PACKAGE.parent, check=True)


@pytest.mark.parametrize("library", ["numba", "llvmlite", "sentencepiece", "ahocorasick"])
def test_modules_for_model_files_are_light(library):
    run_without(library, "import " + ", ".join(LIGHT))
    assert {"bytepiece._files", "bytepiece.rules.foreign", "bytepiece.formats.reading"} <= {*LIGHT}


@pytest.mark.parametrize("library", ["numba", "sentencepiece"])
def test_a_model_is_read_and_written_without_them(library, tmp_path):
    golden = GOLDEN / "original.model"
    run_without(
        library,
        "from bytepiece import model_io\n"
        f"model = model_io.load({str(golden)!r})\n"
        f"model_io.save(model, {str(tmp_path / 'm.model')!r})\n"
        f"assert model_io.load({str(tmp_path / 'm.model')!r}) == model\n",
    )
