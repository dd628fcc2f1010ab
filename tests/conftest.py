"""Fixtures of all tests, and the settings of hypothesis."""

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings
from support import ROOT, SAMPLE
from support.strategies import JIT, make_model

import bytepiece
from bytepiece import Tokenizer

# There is no deadline, because the first example of a test may compile a kernel. Every run has the
# same examples, so that a failure always comes from a change in the code.
settings.register_profile(
    "bytepiece",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=60 if JIT else 12,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("bytepiece")

# The width of somebody's terminal, which expected output must not depend on.
os.environ.pop("COLUMNS", None)


def pytest_xdist_auto_num_workers():
    """Return how many processes `-n auto` runs tests in: each takes up to 1 GB of memory."""
    return min(os.cpu_count() or 1, 4)


@pytest.fixture(scope="session")
def model():
    """Return a small model: pieces of one to twelve bytes, some with newlines or invalid UTF-8."""
    pieces = {
        b"th": -4.0,
        b"the": -3.5,
        b"the ": -3.0,
        b"at": -4.25,
        b" hat": -5.5,
        b" cat": -5.25,
        b" and the hat": -7.0,
        b"..": -6.0,
        b"...": -6.5,
        b"\n\n": -6.0,
        b"\r\n": -5.0,
        "é".encode(): -6.0,
        "今天".encode(): -6.5,
        "天".encode(): -7.0,
        "天气".encode(): -7.5,
        "👍".encode(): -8.0,
        b"\xe4\xbb": -7.0,
        b"\x00\x00": -6.0,
    }
    return make_model(pieces, byte_score=-8.0)


@pytest.fixture(scope="session")
def tok(model):
    return Tokenizer(model)


@pytest.fixture(scope="session")
def trained():
    """Return models of the sample by two trainers.

    "whole" has only whole characters in its longer pieces, and "nfc" normalizes to NFC.
    """
    options = {"vocab_size": 2000, "threads": 2}
    merge = options | {"algorithm": "merge", "spaces": "across"}
    return {
        "merge": bytepiece.train(SAMPLE, **merge),
        "whole": bytepiece.train(SAMPLE, ensure_unicode=True, **merge),
        "bnlm": bytepiece.train(SAMPLE, algorithm="bnlm", **options),
        "nfc": bytepiece.train(SAMPLE, algorithm="bnlm", normalization=("NFC",), **options),
    }


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """Make a folder with the sample the current one, and return it; examples run there."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path
