"""What all tests share: how hypothesis runs, and a small model made by hand."""

import shutil

import pytest
from hypothesis import HealthCheck, settings
from support import ROOT
from support.strategies import JIT, make_model

import bytepiece
from bytepiece import Tokenizer

# The first example of a test may compile a kernel, so no deadline; the same examples in every
# run, so that a failure is one of the code and never of the day.
settings.register_profile(
    "bytepiece",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=60 if JIT else 12,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("bytepiece")


@pytest.fixture(scope="session")
def model():
    """Pieces of one to twelve bytes, some not valid UTF-8, some with spaces and newlines."""
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
    """Models of the sample: of merges, the same of whole characters, of BNLM, and that in NFC."""
    sample = ROOT / "data" / "sample.txt"
    options = {"vocab_size": 2000, "threads": 2}
    return {
        "merge": bytepiece.train(sample, **options),
        "whole": bytepiece.train(sample, ensure_unicode=True, **options),
        "bnlm": bytepiece.train(sample, algorithm="bnlm", **options),
        "nfc": bytepiece.train(sample, algorithm="bnlm", normalization=("NFC",), **options),
    }


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """Where examples run: a folder with the sample in it."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path
