"""Helpers of the tests that read corpora: compressors, and files of texts."""

import bz2
import gzip
import lzma
import sys
from pathlib import Path

import pytest

import bytepiece
from bytepiece import Files

TEXT = "".join(
    f"the cat {i} and the hat of {i * 7} rats, 今天天气不错\n" for i in range(200)
).encode()
ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


def zstd(data):
    """Compress with zstd, or skip the test."""
    return pytest.importorskip(ZSTD, reason="bytepiece[zstd] is not installed").compress(data)


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}


def texts_of(paths, **options):
    """Return all texts as bytes, each as often as it counts; a plain file is a single text."""
    found = []
    for text, weight in Files(paths, **options).weighted():
        raw = text.encode() if isinstance(text, str) else text
        found += [raw] * weight
    return found


def train(corpus, size=400, **options):
    """Train by BNLM, which gives exactly the same model for the same texts."""
    return bytepiece.train(corpus, size, algorithm="bnlm", **options)


def write_lines(path, lines):
    """Write lines to a file, and create its directory."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(b"".join(line + b"\n" for line in lines))
