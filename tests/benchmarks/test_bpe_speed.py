"""The comparison of byte-level BPE with other libraries runs, and finds the same ids."""

import json
import sys

import pytest
from support import ROOT

sys.path.append(str(ROOT))  # benchmarks/ does not belong to the installed package

from benchmarks import bench_bpe
from benchmarks.support import SAMPLE


def test_ours_and_tokenizers_take_turns(tmp_path, monkeypatch, capsys):
    library = pytest.importorskip("tokenizers", reason="the rival of this test")
    file = tmp_path / "tokenizer.json"
    trained = library.Tokenizer(library.models.BPE())
    trained.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.train_from_iterator(
        [SAMPLE.read_text("utf-8")[:20_000]],
        library.trainers.BpeTrainer(
            vocab_size=400,
            initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    trained.save(str(file))
    monkeypatch.setattr(bench_bpe, "_SIZES", (1_000,))
    command = ["bench_bpe", str(file), "--text", str(SAMPLE), "--output", str(tmp_path)]
    options = ["--rival", f"tokenizers={sys.executable}", "--repeats", "2", "--size", "3000"]
    monkeypatch.setattr(sys, "argv", command + options)
    bench_bpe.main()
    found = json.loads((tmp_path / "bpe.json").read_text("utf-8"))
    assert found["same ids"] == ["bytepiece", f"tokenizers {library.__version__}"]
    assert "one word of many letters" in capsys.readouterr().out
