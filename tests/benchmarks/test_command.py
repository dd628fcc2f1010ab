"""The benchmark of the whole command, and of its rival."""

import sys

import pytest
from support import ROOT
from support.strategies import JIT

sys.path.append(str(ROOT))  # benchmarks/ does not belong to the installed package

from benchmarks import bench_command
from benchmarks.support import commands
from benchmarks.support.corpora import FreshTexts
from benchmarks.support.harness import BenchmarkReport, BenchmarkSettings
from bytepiece import Tokenizer, model_io

LINES = ["the cat and the hat", "", "今天天气 é"]


@pytest.mark.skipif(not JIT, reason="nobody times interpreted kernels")
@pytest.mark.skipif(not commands.measurable(), reason="needs os.wait4")
def test_both_commands_write_the_ids_of_a_model(tmp_path, model):
    pytest.importorskip("sentencepiece", reason="the rival is a program over SentencePiece")
    path, text = tmp_path / "own.model", tmp_path / "text.txt"
    model_io.save(model, path)
    text.write_text("".join(f"{line}\n" for line in LINES), "utf-8")
    settings = BenchmarkSettings(FreshTexts([text]), path, quick=True)
    files = bench_command.models_of(settings, tmp_path)[0]
    report = BenchmarkReport("command", settings)
    ratios = bench_command.against_the_rival(report, settings, text, files)
    assert set(ratios) == {"command", "command threads"}
    assert min(ratios.values()) > 0
    taken = report.content()["tables"][0]["taken"]
    assert [(name, len(runs)) for name, runs in taken.items()] == [
        ("bytepiece encode 1", 1),
        ("SentencePiece 1", 1),
        ("bytepiece encode default", 1),
        ("SentencePiece default", 1),
        ("cat 1", 1),
    ]
    rival = [sys.executable, str(bench_command.PROGRAM), str(files.theirs), "1"]
    bench_command.redirected(rival, text)
    rows = Tokenizer.load(files.theirs).encode_batch(LINES)
    written = text.with_suffix(".ids").read_text("utf-8")
    assert written == "".join(" ".join(map(str, row)) + "\n" for row in rows)
