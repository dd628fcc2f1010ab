"""bytepiece score learns scores and keeps the ids."""

import json

from support.cli import invoke

from bytepiece import Tokenizer
from bytepiece.rules.byte_level import alphabet

FILE = {
    "model": {
        "type": "BPE",
        "vocab": {char: id_ for id_, char in enumerate([*alphabet(), "th", "the"])},
        "merges": [["t", "h"], ["th", "e"]],
    },
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
    "decoder": {"type": "ByteLevel"},
}


def test_it_writes_a_model_with_the_same_ids(tmp_path):
    model, corpus, output = tmp_path / "bpe.json", tmp_path / "a.txt", tmp_path / "out.model"
    model.write_text(json.dumps(FILE), "utf-8")
    corpus.write_text("the hat, the cat\n" * 9, "utf-8")
    done = invoke("score", model, corpus, "-o", output)
    assert "reading: 0.2 kB" in done.stderr
    assert "fitting: 8 rounds" in done.stderr
    assert "258 pieces" in done.stderr
    assert "bits per byte" in done.stderr
    before, after = Tokenizer.load(model), Tokenizer.load(output)
    assert after.encode("the hat") == before.encode("the hat")
    assert after.model.scores.argmax() != 0
    assert before.model.scores.tolist() == [0.0] * 258
    assert "BPE by 2 pairs" in invoke("info", output).stdout
    assert "gpt2" in invoke("info", output).stdout
    invoke("score", model, corpus, "-o", model, code=2)
    corpus.write_text("")
    invoke("score", model, corpus, "-o", output, code=1)


def test_other_commands_refuse_a_bpe_model(tmp_path):
    model, output = tmp_path / "bpe.json", tmp_path / "out.json"
    model.write_text(json.dumps(FILE), "utf-8")
    assert "BPE" in invoke("convert", model, output, code=1).stderr
    assert "BPE" in invoke("prune", model, "--vocab-size", 257, "-o", output, code=1).stderr


def test_info_names_the_pattern(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.json").write_text(json.dumps(FILE), "utf-8")
    assert "byte-level BPE, pattern of GPT-2, " in invoke("info", "t.json").stdout
    facts = json.loads(invoke("info", "--json", "t.json").stdout)
    assert facts["model"] == f"byte-level BPE, pattern of GPT-2, {facts['vocab_size']} ids"


def test_encode_has_the_samplers_of_bpe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.json").write_text(json.dumps(FILE), "utf-8")
    tok = Tokenizer.load("t.json")
    lines = ["the the the", "then", ""]
    options = ("encode", "-m", "t.json", "--sample", "--seed", 4, "--threads", 2)
    for sampler in ("dropout", "splitting"):
        shown = invoke(
            *options, "--sampler", sampler, "--alpha", 0.5, input="\n".join(lines)
        ).stdout
        rows = tok.encode_batch(lines, alpha=0.5, sampler=sampler, seed=4)
        assert [[*map(int, line.split())] for line in shown.splitlines()] == [
            row.tolist() for row in rows
        ][:2]
        more = invoke(*options, "--sampler", sampler, "--more-tokens", "20%", input="the\n" * 50)
        assert len(more.stdout.split()) >= 50
    invoke(*options, "--sampler", "dropout", "--alpha", 2, input="a", code=2)
    invoke(*options, "--made-only", "--alpha", 0, input="the")
    invoke("encode", "-m", "t.json", "--made-only", input="the", code=2)
