"""The adapter of SentencePiece's Lite runtime, where the runtime is compiled."""

import json
import subprocess
import sys

import numpy as np
import pytest
from support import ROOT
from support.strategies import make_model

from bytepiece.adapters import sentencepiece_lite
from bytepiece.adapters.base import Adapter, NotPossibleError
from bytepiece.adapters.sentencepiece_lite import CachedSentencePieceLite, SentencePieceLite
from bytepiece.audit.samplers import NAMED_SAMPLERS

TEXT = "abab é\t🦥"


@pytest.fixture
def lite():
    if reason := SentencePieceLite.missing():
        pytest.skip(f"the Lite runtime is {reason}")
    found = SentencePieceLite.from_model(make_model({b"ab": -3.0, b"ba": -3.0, b"bab": -5.0}, -4.0))
    yield found
    found.close()


def test_samples_spell_the_text(lite):
    drawn = lite.sample(TEXT, 0.5, 300, 1).result
    rows = lite.pieces(drawn)
    assert {b"".join(row) for row in rows} == {TEXT.encode()}
    assert len({tuple(row) for row in rows}) > 4
    assert [len(row) for row in lite.rows(drawn)] == lite.flat(drawn)[1].tolist()
    assert lite.decode_batch(lite.sample_batch([TEXT, "", "b"], 0.5).result) == [
        TEXT.encode(),
        b"",
        b"b",
    ]


@pytest.mark.parametrize("kind", [SentencePieceLite, CachedSentencePieceLite])
def test_batches_and_single_calls(lite, kind):
    texts = ["b", "", TEXT, "ab ab ab", "🦥", "b"]
    loaded = kind.from_model(make_model({b"ab": -3.0, b"ba": -3.0, b"bab": -5.0}, -4.0))
    rows = [lite.rows(lite.encode_batch([text]).result)[0] for text in texts]
    for _ in range(2):  # the second time, the words are in the cache
        assert loaded.rows(loaded.encode_batch(texts).result) == rows
    assert loaded.rows(loaded.encode_each(texts).result) == rows
    if kind is SentencePieceLite:
        assert loaded.rows(loaded.sample_batch(texts, 1e4).result) == rows
        assert loaded.rows(loaded.encode_each(texts, 1e4).result) == rows
    else:
        calls = [
            lambda: loaded.sample_batch(texts, 1e4),
            lambda: loaded.encode_each(texts, 1e4),
            lambda: loaded.sample(TEXT, 1e4, 1, 1),
        ]
        for call in calls:
            with pytest.raises(NotPossibleError, match="no part in sampling"):
                call()
    loaded.close()


@pytest.mark.usefixtures("lite")
def test_a_text_that_normalization_makes_longer(tmp_path):
    trainer = pytest.importorskip("sentencepiece").SentencePieceTrainer
    trainer.train(
        sentence_iterator=iter(["the cat sat on the mat", "the hat"] * 20),
        model_prefix=str(tmp_path / "small"),
        vocab_size=280,
        byte_fallback=True,
        hard_vocab_limit=False,
    )
    loaded = SentencePieceLite(tmp_path / "small.model")
    texts = ["\u33af", "\ufdfa", ""]  # "rad/s^2" in one character, and a phrase of 18
    rows = loaded.rows(loaded.encode_batch(texts).result)
    assert len(rows[1]) > len(texts[1].encode()) + 1
    assert loaded.rows(loaded.sample_batch(texts, 1e4).result) == rows
    assert loaded.rows(loaded.encode_batch([]).result) == []
    assert loaded.rows(loaded.encode_each([]).result) == []
    loaded.close()


def test_the_seed_decides(lite):
    first, again, other = (lite.sample(TEXT, 0.5, 50, seed).result for seed in (1, 1, 2))
    assert np.array_equal(first.ids, again.ids)
    assert not np.array_equal(first.ids, other.ids)


def test_the_exponent_is_one_over_the_runtimes_alpha(lite):
    """A large exponent draws the best path, where a large alpha of the runtime draws evenly."""
    best = lite.rows(lite.encode_batch([TEXT]).result)
    assert lite.rows(lite.sample(TEXT, 1e4, 20, 1).result) == best * 20
    varied = lite.rows(lite.sample(TEXT, 1e-4, 20, 1).result)
    assert len({tuple(row) for row in varied}) > 3
    with pytest.raises(NotPossibleError, match="infinite"):
        lite.sample(TEXT, 0.0, 20, 1)


def test_a_missing_runtime(monkeypatch, tmp_path):
    monkeypatch.setattr(sentencepiece_lite, "library", lambda: tmp_path / "none.so")
    assert SentencePieceLite.missing().startswith("not installed; python -m bytepiece.adapters.")


def test_an_old_package(monkeypatch):
    monkeypatch.setattr(Adapter, "version", classmethod(lambda cls: "0.2.1"))
    assert SentencePieceLite.missing() == "not installed; pip install 'sentencepiece>=0.2.3'"


def test_one_noise_for_each_piece_is_not_the_law(lite):
    """Three paths have equal scores. An exact sampler draws each of them a third of the time."""
    model = make_model({b"a": -1.0, b"c": -1.0, b"ab": -2.0, b"bc": -2.0, b"abc": -3.0})
    equal = SentencePieceLite.from_model(model)
    for exponent in (0.5, 1.0, 3.0):
        lengths = equal.sample("abc", exponent, 20_000, 5).result.lengths
        assert 0.19 < np.mean(lengths == 1) < 0.24
    equal.close()


def test_the_benchmark_runs_in_one_command(lite, tmp_path):
    command = [sys.executable, "-m", "benchmarks.bench_lite", "--draws", "10000"]
    run = subprocess.run(
        [*command, "--output", tmp_path],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode == 0, run.stderr
    cases = json.loads((tmp_path / "lite.json").read_text("utf-8"))["cases"]
    assert len(cases) == 18
    for case in cases:
        assert case["1 / alpha"] == pytest.approx(case["in NumPy"], abs=0.03)
    assert min(case["1 / alpha"] - 2 * case["noise"] for case in cases) > 0


def test_the_sampler_has_a_name():
    assert NAMED_SAMPLERS["sentencepiece-lite"].law == "over characters"
