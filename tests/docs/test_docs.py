"""Runs every example in the README and the docs: `>>>` in Python, `$` in a shell."""

import doctest
import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import warnings

import pytest
from support import ROOT
from support.documents import blocks, run_examples

sys.path.append(str(ROOT))  # benchmarks/ does not belong to the installed package

import bytepiece
from benchmarks.bench_token_readers import LOADERS

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ENGINES = {"ray", "pyspark", "dask", "daft", "polars"}
MODULES = [
    module.name
    for module in pkgutil.walk_packages(bytepiece.__path__, "bytepiece.")
    if module.name != "bytepiece.__main__"
]


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """Return a folder with the program, so that the examples can start and kill it."""
    folder = tmp_path_factory.mktemp("programs")
    program = folder / "bytepiece"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bytepiece "$@"\n', "utf-8")
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples(page, directory):
    run_examples(page, "python")


@pytest.mark.parametrize(
    ("page", "library"),
    [
        (page, library)
        for page in PAGES
        for library in sorted({*re.findall(r"^```python (\w+)$", page.read_text("utf-8"), re.M)})
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_examples_for_another_library(page, library, directory, monkeypatch):
    if library in LOADERS:
        warnings.simplefilter("ignore")  # Their warnings say nothing about our files.
    pytest.importorskip(library)
    if library == "tokenizers":
        pytest.importorskip("tokenizers.models", reason="tokenizers 1.0 has other calls")
    if library == "pyspark" and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Spark needs Java")
    if library == "transformers":  # its models need PyTorch
        pytest.importorskip("torch")
    if library in ENGINES:
        warnings.simplefilter("ignore")  # they warn about one another
        monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    run_examples(page, f"python(?: {library})?")


@pytest.mark.skipif(shutil.which("bash") is None, reason="the examples are for bash")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_shell_examples(page, directory, programs):
    run_shell_examples(page, "console", programs)


@pytest.mark.skipif(shutil.which("bash") is None, reason="the examples are for bash")
@pytest.mark.parametrize("page", ["formats.md", "how-to/move-a-model.md"])
def test_shell_examples_for_another_library(page, directory, programs):
    pytest.importorskip("tokenizers")
    run_shell_examples(ROOT / "docs" / page, "console(?: tokenizers)?", programs)


def run_shell_examples(page, language, programs):
    """Run each command of a page's code blocks, and compare its output with the page."""
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": path}
    for block in blocks(page, language):
        for example in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, expected = example.partition("\n")
            run = subprocess.run(
                ["bash", "-c", command],
                capture_output=True,
                env=environment,
                encoding="utf-8",
                check=False,
            )
            assert run.returncode == 0, run.stderr
            assert run.stdout == expected, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_figure_is_missing(page):
    assert "TBD" not in page.read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if not name.startswith("bytepiece.integrations."):
            raise
        pytest.skip(str(error))
    assert doctest.testmod(module).failed == 0


def test_quick_start_has_one_line_to_run_and_one_to_test():
    part = (ROOT / "README.md").read_text("utf-8").split("## Quick start")[1].split("\n## ")[0]
    run, test = re.findall(r"^```sh\n(.*?)^```", part, re.M | re.S)
    assert run.count("\n") == test.count("\n") == 1
