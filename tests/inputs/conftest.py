"""Fixtures of the tests that read corpora."""

from importlib import import_module

import pytest
from support.corpora import PACKERS


@pytest.fixture(params=PACKERS)
def packed(request):
    """Return a function that compresses, and the suffix of its files."""
    return PACKERS[request.param], request.param


@pytest.fixture
def parquet():
    """Return a function that writes columns to a Parquet file."""
    arrow = pytest.importorskip("pyarrow", reason="bytepiece[parquet] is not installed")
    module = import_module("pyarrow.parquet")

    def write(path, columns, **options):
        module.write_table(arrow.table(columns), path, **options)

    return write


@pytest.fixture
def empty_directory(tmp_path, monkeypatch):
    """Work in an empty directory."""
    monkeypatch.chdir(tmp_path)
