"""The comparison of ids on random texts runs, and finds what it has to find."""

import json
import sys

import pytest
from support import ROOT
from support.huggingface_files import byte_level

sys.path.append(str(ROOT))  # benchmarks/ does not belong to the installed package

from benchmarks import bench_bpe_fuzz
from bytepiece.rules.byte_level import alphabet


@pytest.mark.parametrize(("changed", "wrong"), [(False, False), (True, True)])
def test_ids_are_compared_with_those_of_tokenizers(changed, wrong, tmp_path, monkeypatch, capsys):
    pytest.importorskip("tokenizers.models", reason="the rival of this test")
    letters = sorted(alphabet())
    vocabulary = {**{char: i for i, char in enumerate(letters)}, "th": 256, "the": 257}
    file = {
        "model": {"type": "BPE", "vocab": vocabulary, "merges": ["t h", "th e"]},
        "pre_tokenizer": byte_level(use_regex=True),
    }
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(file), "utf-8")
    if changed:
        load = bench_bpe_fuzz.Tokenizer.load
        file["model"]["merges"] = []
        (tmp_path / "other.json").write_text(json.dumps(file), "utf-8")
        other = load(tmp_path / "other.json")
        monkeypatch.setattr(bench_bpe_fuzz.Tokenizer, "load", lambda *_: other)
    command = ["bench_bpe_fuzz", str(path), "--rival", f"tokenizers={sys.executable}"]
    monkeypatch.setattr(sys, "argv", [*command, "--texts", "21000"])
    with pytest.raises(SystemExit) as end:
        bench_bpe_fuzz.main()
    assert end.value.code == wrong
    shown = capsys.readouterr().out
    assert ("other ids: " in shown) == wrong
    assert "21,000 texts" in shown
