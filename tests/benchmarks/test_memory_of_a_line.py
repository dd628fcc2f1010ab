"""One long line takes a bounded amount of memory for each of its bytes."""

import sys

import pytest
from support import ROOT
from support.strategies import JIT

sys.path.append(str(ROOT))  # benchmarks/ does not belong to the installed package

import bytepiece
from benchmarks.bench_memory import per_byte, prepared
from benchmarks.support import commands
from benchmarks.support.targets import TARGETS
from bytepiece import model_io

pytestmark = pytest.mark.skipif(
    not commands.measurable() or not JIT, reason="needs os.wait4 and compiled kernels"
)
SIZE = 8_000_000
"""The windows of the kernels take 1 to 2 bytes for each byte of a line of this size."""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("memory") / "it.model"
    model_io.save(bytepiece.train(ROOT / "data" / "sample.txt", 2000), path)
    return path


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    text = (ROOT / "data" / "sample.txt").read_bytes().replace(b"\n", b" ")
    line = (text * (SIZE // len(text) + 1))[:SIZE]
    return prepared(tmp_path_factory.mktemp("line"), model, line)


@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        ("line best", ["encode"]),
        ("line decoded", ["decode"]),
        ("line sampled", ["encode", "--sample", "--seed", "1"]),
    ],
)
def test_memory_per_byte_of_a_line_is_bounded(target, arguments, model, files):
    file = files.ids if arguments == ["decode"] else files.line
    found = per_byte(arguments, model, file, files.empty)
    assert found <= TARGETS[target].limit
