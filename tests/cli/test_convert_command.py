"""`bytepiece convert`: formats, notes, errors and the report on standard output."""

import dataclasses
import json
import warnings

import pytest
from support import GOLDEN, SAMPLE
from support.cli import assert_one_line, invoke
from support.strategies import make_model

import bytepiece
from bytepiece import SpecialToken, model_io
from bytepiece._logarithms import rounded

with warnings.catch_warnings():
    # Its bindings raise warnings on import in newer Python versions.
    warnings.simplefilter("ignore")
    import sentencepiece


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "ours.model"
    model = bytepiece.train(SAMPLE, 1000, algorithm="bnlm", normalization=("NFC",), threads=2)
    model_io.save(model, path)
    return path


def test_the_suffix_json_means_hugging_face(ours, tmp_path):
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    out = tmp_path / "tokenizer.json"
    result = invoke("convert", ours, out, "--check", SAMPLE, "--check", SAMPLE)
    assert json.loads(out.read_text("utf-8"))["model"]["type"] == "Unigram"
    first, second, *rest = result.stdout.splitlines()
    assert first.startswith("bytepiece and Hugging Face tokenizers")
    assert first.endswith(f"{SAMPLE}, {SAMPLE}")
    assert second.endswith("588 of 588, 100 %")
    assert rest == []
    assert f"{out}: {model_io.load(ours).vocab_size} ids, in huggingface format" in (result.stderr)


def test_to_sentencepiece(ours, tmp_path):
    out = tmp_path / "sp.model"
    result = invoke("convert", ours, out, "--to", "sentencepiece")
    assert sentencepiece.SentencePieceProcessor(model_file=str(out)).vocab_size() > 1000
    assert "1000 lines drawn from the model's pieces" in result.stdout
    assert "invalid UTF-8" in result.stdout
    assert f"{out}: SentencePiece gets texts as they are: normalize them (NFC)" in result.stderr


def test_to_the_original_format_and_back(ours, tmp_path):
    there, back = tmp_path / "original.model", tmp_path / "back.model"
    result = invoke("convert", ours, there, "--to", "original", "--check", SAMPLE)
    assert "294 of 294, 100 %" in result.stdout
    result = invoke("convert", there, back)
    assert "in bytepiece format" in result.stderr
    assert model_io.load(back) == model_io.load(ours)
    assert model_io.load_with_format(back)[1] == "bytepiece"


def test_records_of_jsonl_files_are_compared_as_lines(ours, tmp_path):
    records = tmp_path / "texts.jsonl"
    records.write_text('{"text": "one"}\n{"text": "\\ud800"}\n{"text": ""}\n', "utf-8")
    result = invoke("convert", ours, tmp_path / "o", "--to", "original", "--check", records)
    assert "2 of 2, 100 %" in result.stdout


def test_no_check_compares_nothing(ours, tmp_path):
    result = invoke("convert", GOLDEN / "original.model", tmp_path / "new.model", "--no-check")
    assert result.stdout == ""
    assert model_io.load(tmp_path / "new.model") == model_io.load(GOLDEN / "original.model")


def test_a_missing_library_is_reported(ours, tmp_path, monkeypatch):
    from bytepiece import conversion

    monkeypatch.setattr(
        conversion.HuggingFace,
        "missing",
        classmethod(lambda _: "not installed; pip install tokenizers"),
    )
    result = invoke("convert", ours, tmp_path / "tokenizer.json")
    report = "not compared: Hugging Face tokenizers is not installed; pip install tokenizers\n"
    assert result.stdout == report
    assert (tmp_path / "tokenizer.json").exists()


def test_a_model_that_the_format_cannot_hold_is_refused(tmp_path):
    path = tmp_path / "merge.model"
    model_io.save(make_model({b"ab": -1.0}), path)
    result = invoke("convert", path, tmp_path / "out", "--to", "original", code=1)
    assert "NFC" in result.stderr
    model_io.save(make_model({}, special_tokens=(SpecialToken("a", 0, "control"),)), path)
    result = invoke("convert", path, tmp_path / "out.json", code=1)
    assert "rename it" in result.stderr
    result = invoke("convert", SAMPLE, tmp_path / "out.json", code=1)
    assert str(SAMPLE) in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["merge.model"]


def test_wrong_usage(ours, tmp_path):
    for arguments, message in (
        ([ours, tmp_path / "x.model"], "say --to sentencepiece, --to original or"),
        ([ours, ours], "is read"),
        ([ours, SAMPLE, "--to", "original", "--check", SAMPLE], "is read"),
        ([ours, "-", "--to", "original"], "written to a file"),
        ([ours, tmp_path / "x.json", "--no-check", "--check", SAMPLE], "exclude each other"),
        ([ours, tmp_path / "x", "--to", "tiktoken"], "huggingface"),
        ([ours, tmp_path / "x.json", "--check", SAMPLE, SAMPLE], "--check takes one value"),
    ):
        before = SAMPLE.read_bytes()
        result = invoke("convert", *arguments, code=2)
        assert message in result.stderr
        assert SAMPLE.read_bytes() == before
    result = invoke("convert", ours, tmp_path / "no" / "x.json", code=1)
    assert_one_line(result.stderr)
    assert "no such directory" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_another_library_is_compared_with_that_library(ours, tmp_path):
    theirs, back = tmp_path / "sp.model", tmp_path / "back.model"
    invoke("convert", ours, theirs, "--to", "sentencepiece", "--no-check")
    result = invoke("convert", theirs, back, "--check", SAMPLE)
    assert result.stdout.splitlines()[0] == f"bytepiece and SentencePiece, on {SAMPLE}"
    assert "294 of 294, 100 %" in result.stdout
    assert f"{back}: " in result.stderr
    assert "in bytepiece format" in result.stderr
    assert "compared with SentencePiece " in result.stderr
    result = invoke("convert", theirs, tmp_path / "x", "--to", "original", code=1)
    assert_one_line(result.stderr)
    assert "the original format is for models made with bytepiece" in result.stderr


def test_a_model_of_another_library_in_a_third_format(ours, tmp_path):
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    theirs, file = tmp_path / "sp.model", tmp_path / "tokenizer.json"
    invoke("convert", ours, theirs, "--to", "sentencepiece", "--no-check")
    result = invoke("convert", theirs, file, "--check", SAMPLE)
    assert result.stdout.count("294 of 294, 100 %") == 2
    assert f"bytepiece and Hugging Face tokenizers, on {SAMPLE}" in result.stdout
    assert "finds the names of special tokens" in result.stderr
    small, back = tmp_path / "small.model", tmp_path / "small.json"
    invoke("prune", file, "--vocab-size", 700, "--on", SAMPLE, "-o", small)
    invoke("extend", small, SAMPLE, "--vocab-size", 720, "-o", tmp_path / "more.model")
    result = invoke("convert", tmp_path / "more.model", back, "--check", SAMPLE)
    assert "294 of 294, 100 %" in result.stdout
    result = invoke("audit", "-m", back, "--draws", 300, "--alpha", 0.5, "--sampler", "perfect")
    assert "over characters" in result.stdout
    assert "follows the law" in result.stdout


def test_to_hugging_face_and_back_gives_the_same_model(ours, tmp_path):
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    there, back = tmp_path / "tokenizer.json", tmp_path / "back.model"
    invoke("convert", ours, there, "--no-check")
    result = invoke("convert", there, back, "--to", "bytepiece", "--check", SAMPLE)
    assert "294 of 294, 100 %" in result.stdout
    model = model_io.load(ours)
    assert model_io.load(back) == dataclasses.replace(model, scores=rounded(model.scores))


def test_notes_on_reading_are_shown(ours, tmp_path, monkeypatch):
    model = model_io.load(ours)
    noted = dataclasses.replace(model, record={"notes": ["a symbol\x1b[2J is lost"]})
    monkeypatch.setattr(model_io, "load_with_format", lambda _: (noted, "sentencepiece"))
    result = invoke("convert", ours, tmp_path / "out.model", "--no-check")
    assert f"{ours}: a symbol\\x1b[2J is lost\n" in result.stderr
