"""The notebooks in examples/: the cells print what is stored below them, and Jupyter runs them."""

import contextlib
import io
import json
import warnings

import pytest
from support import ROOT
from support.strategies import JIT

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
pytestmark = pytest.mark.skipif(not JIT, reason="training with interpreted kernels takes long")


def printed(cell):
    return "".join(line for output in cell["outputs"] for line in output["text"])


def cells(path):
    notebook = json.loads(path.read_text("utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_cells_print_what_is_stored(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    names = {}
    for number, cell in enumerate(cells(path), 1):
        assert cell["execution_count"] == number
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile("".join(cell["source"]), f"{path.name}, cell {number}", "exec"), names)
        assert output.getvalue() == printed(cell)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_jupyter_runs_the_notebook(path):
    nbformat = pytest.importorskip("nbformat", reason="pip install nbclient ipykernel")
    nbclient = pytest.importorskip("nbclient", reason="pip install nbclient ipykernel")
    pytest.importorskip("ipykernel", reason="pip install nbclient ipykernel")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    before = cells(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Jupyter warns about its own loop
        nbclient.NotebookClient(
            notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}
        ).execute()
    after = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for old, new in zip(before, after, strict=True):
        assert printed(new) == printed(old)
