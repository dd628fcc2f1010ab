"""The examples in pages, run as doctest runs them."""

import doctest
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """Where examples run: a folder with the sample in it."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_examples(page, language):
    examples = "\n".join(blocks(page, language))
    test = doctest.DocTestParser().get_doctest(examples, {}, page.name, str(page), 0)
    report = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
    assert not report, "".join(report)
