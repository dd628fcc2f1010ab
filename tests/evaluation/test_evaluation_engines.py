"""Evaluation on engines: the same report, byte for byte."""

import json
from pathlib import Path

import pytest
from bytepiece_cli import choices
from support.cli import invoke
from support.engines import elsewhere
from support.strategies import make_model

import bytepiece
from bytepiece import Tokenizer, evaluate, model_io
from bytepiece.engines import RayEngine
from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.evaluation.report import to_json
from bytepiece.inputs import shards, texts

LINES = [f"the cat number {i}, это \u0301ο 今天天气不错\n" for i in range(99)]
MODELS = {"one": make_model({b"the ": -1.0, b"cat": -2.0}), "two": make_model({b"the": -1.0})}


@pytest.fixture(autouse=True)
def corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shards, "_SHARD", 700)
    Path("data").mkdir()
    Path("data/a.txt").write_bytes(("\n\n" + "".join(LINES) + "\n\nno end").encode() + b"\xff\x80")
    Path("data/b.jsonl").write_text("\n".join(json.dumps({"text": t}) for t in LINES[:50]))
    Path("data/c.txt").write_bytes(b"")
    return Path("data")


def test_an_engine_and_threads_give_the_same_report(corpus):
    here = to_json(evaluate(MODELS, corpus))
    assert to_json(evaluate(MODELS, corpus, engine=elsewhere)) == here
    every = [file.read_bytes() for file in (corpus / "a.txt", corpus / "c.txt")]
    assert to_json(evaluate(MODELS, [*every, *LINES[:50]])) == here


def test_long_lines_are_cut_at_the_same_places(corpus, monkeypatch):
    monkeypatch.setattr(texts, "BLOCK", 64)
    monkeypatch.setattr(texts, "LONGEST_LINE", 100)
    (corpus / "a.txt").write_text("the cat " * 500 + "\n" + "".join(LINES) + "the hat " * 500)
    here = evaluate(MODELS, corpus)
    assert here.lines > 200
    assert evaluate(MODELS, corpus, engine=elsewhere) == here


def test_models_come_from_files_in_any_directory(corpus, monkeypatch):
    for name, model in MODELS.items():
        model_io.save(model, f"{name}.model")
    paths = [f"{name}.model" for name in MODELS]
    here = evaluate(paths, corpus)

    def engine(stage, items):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir("/")
            yield from elsewhere(stage, items)

    assert evaluate(paths, corpus, engine=engine) == here
    assert evaluate(iter([Tokenizer(MODELS["one"])]), corpus, engine=elsewhere).lines == here.lines


def test_progress_counts_the_bytes_of_the_files(corpus):
    size = bytepiece.Files([corpus]).size
    for engine in (None, elsewhere):
        seen = []
        evaluate(MODELS, corpus, engine=engine, progress=lambda *report: seen.append(report))  # noqa: B023
        done = [report[1] for report in seen]
        assert len(done) > 3
        assert done == sorted(done)
        assert seen[-1] == ("evaluating", size, size)


def test_an_engine_reads_files_only(corpus):
    with pytest.raises(ArgumentError, match="give it as files"):
        evaluate(MODELS, LINES, engine=elsewhere)
    (corpus / "b.jsonl").write_text("[]\n")
    with pytest.raises(CorpusError, match=r"b\.jsonl:1: not a JSON object"):
        evaluate(MODELS, corpus, engine=elsewhere)


def test_the_command_has_engines(corpus, monkeypatch):
    names = [f"{name}.model" for name in MODELS]
    for name, model in zip(names, MODELS.values(), strict=True):
        model_io.save(model, name)
    threads = invoke("eval", *names, "--on", corpus, "--json", "1.json", "--engine", "threads")
    monkeypatch.setattr(choices, "engine_named", lambda name: elsewhere if name == "ray" else None)
    ray = invoke("eval", *names, "--on", corpus, "--json", "2.json", "--engine", "ray")
    assert ray.stdout == threads.stdout
    assert Path("2.json").read_bytes() == Path("1.json").read_bytes()


def test_ray_gives_the_same_report(corpus):
    ray = pytest.importorskip("ray", reason="pip install ray")
    found = evaluate(MODELS, corpus, engine=RayEngine())
    ray.shutdown()  # Other tests start workers with other paths.
    assert found == evaluate(MODELS, corpus)
