"""The manual's site: its pages, the reference of all public names, llms.txt and the man page."""

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys

import pytest
from bytepiece_cli.main import cli
from support import ROOT

import bytepiece

DOCS = ROOT / "docs"
_spec = importlib.util.spec_from_file_location("manual", ROOT / ".ci" / "manual.py")
manual = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(manual)

PAGES = sorted(DOCS.rglob("*.md"))
REFERENCE = {
    name
    for page in DOCS.glob("api/*.md")
    for name in re.findall(r"^::: (\S+)$", page.read_text("utf-8"), re.M)
}


def home(name):
    """Return the object of a dotted name."""
    module, found = name.split("."), []
    while not found:
        try:
            found = [importlib.import_module(".".join(module))]
        except ImportError:
            module.pop()
    value = found[0]
    for part in name.split(".")[len(module) :]:
        value = getattr(value, part)
    return value


def documented():
    """Return the objects of the reference; a module stands for all of its public names."""
    objects = []
    for name in REFERENCE:
        if name.startswith("bytepiece.integrations."):
            continue  # needs libraries that may not be there
        value = home(name)
        objects.append(value)
        if type(value) is type(sys):
            objects += [getattr(value, inner) for inner in dir(value) if not inner.startswith("_")]
    return objects


def test_every_public_name_has_an_entry_in_the_reference():
    names = {*dir(bytepiece)} - {"__version__"}
    known = documented()
    assert {n for n in names if not any(getattr(bytepiece, n) is one for one in known)} == set()


def imported_by_pages():
    """Yield module and name of each import from bytepiece in an example."""
    for page in (ROOT / "README.md", *PAGES):
        text = page.read_text("utf-8")
        for module, names in re.findall(r"from (bytepiece\.\S+) import ([\w, ]+)", text):
            if module.startswith(("bytepiece.kernels", "bytepiece.rules.byte_level")):
                continue  # test vectors and files of other libraries are made with these
            yield from ((module, name.strip()) for name in names.split(","))


@pytest.mark.parametrize(("module", "name"), sorted({*imported_by_pages()}))
def test_what_examples_import_is_in_the_reference(module, name):
    if module.startswith("bytepiece.integrations."):
        assert any(entry.endswith(f".{name}") for entry in REFERENCE)
    else:
        value = home(f"{module}.{name}")
        inside = any(entry.startswith(f"{module}.{name}.") for entry in REFERENCE)
        assert inside or any(value is one for one in documented())


def test_every_page_is_in_the_navigation():
    found = [path for _, pages in manual.nav() for _, path in pages]
    assert sorted(found) == [page.relative_to(DOCS).as_posix() for page in PAGES]


def test_llms_txt_is_fresh():
    assert (DOCS / "llms.txt").read_text("utf-8") == manual.llms_txt(), "run python .ci/manual.py"


def test_the_page_of_commands_has_each_command_and_option():
    page = manual.commands_page()
    for command in manual.commands():
        assert f"## {command.name}\n" in page
    assert page.count("\n## ") == len(cli.list_commands(None))
    assert "| `--alpha NUMBER|LOW:HIGH` |" in page
    assert "bytepiece encode --sample --more-tokens 10% --seed 7" in page


def test_the_man_page_has_each_command_and_no_faults():
    page = manual.man_page()
    assert page.startswith(".TH BYTEPIECE 1")
    for name in cli.list_commands(None):
        assert f".SS bytepiece {name} " in page
    assert r"\fB\-o, \-\-output PATH\fR" in page
    if shutil.which("groff"):
        command = ["groff", "-man", "-Tutf8", "-ww", "-K", "utf8"]
        run = subprocess.run(command, input=page.encode(), capture_output=True, check=True)
        assert run.stderr == b""
        assert b"seed" in run.stdout


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="pip install '.[docs]'")
def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("mkdocstrings", reason="pip install '.[docs]'")
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode == 0, run.stderr
    text = (tmp_path / "api" / "tokenizer" / "index.html").read_text("utf-8")
    assert "Encodes text with a model" in text
    for page in tmp_path.rglob("*.html"):  # which load nothing from another machine
        loaded = r'<(?:script|link|img)[^>]+"(https?://[^"]+)"'
        assert re.findall(loaded, page.read_text("utf-8")) == [], page
    assert (tmp_path / "llms.txt").exists()
    assert (tmp_path / "bytepiece.1").exists()
