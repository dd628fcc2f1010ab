"""Tests of the whole audit: verdicts, power, arguments and errors."""

import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from support import ROOT
from support.strategies import JIT, make_model

from bytepiece import Model, TextRules, Tokenizer, model_io
from bytepiece.adapters.base import Adapter
from bytepiece.adapters.ours import Ours
from bytepiece.audit import THRESHOLD, audit
from bytepiece.audit.run import combined
from bytepiece.audit.samplers import (
    FOR_BPE,
    NAMED_SAMPLERS,
    OURS,
    AuditedSampler,
    LibrarySampler,
    piece_scores,
)
from bytepiece.audit.summary import table, to_json
from bytepiece.audit.vocabularies import built_in
from bytepiece.errors import ArgumentError, ModelError

sys.path.append(str(ROOT))  # benchmarks/ is not part of the package

from benchmarks.support import weak_random_numbers as weak
from benchmarks.support.broken_samplers import BROKEN, RIGHT

DRAWS = 2000 if JIT else 300
PIECES = {b"th": -4.0, b"the": -3.5, b"he": -4.5, b"he ": -3.0, b"at": -4.25, b" hat": -5.5}


@pytest.fixture(scope="module")
def small():
    return make_model(PIECES, byte_score=-6.0)


def verdict_of(*arguments, **options):
    return audit(*arguments, **{"draws": DRAWS, **options}).verdicts[0]


class Absent(Adapter):
    name, module, distribution = "absent", "a_module_that_nobody_has", "absent-library"


class Unable(Adapter):
    name, module, distribution = "unable", "json", "pytest"


class Panic(BaseException):
    """A panic of a library in Rust, which is not an Exception."""


class Panicking(Ours):
    def sample(self, text, alpha, count, seed):
        if alpha > 1.0:
            raise Panic("not finite")
        return super().sample(text, alpha, count, seed)


# ---- verdicts


def test_verdicts_on_our_samplers():
    report = audit(draws=DRAWS)
    verdicts = {verdict.sampler: verdict for verdict in report.verdicts}
    assert {name: verdict.follows for name, verdict in verdicts.items()} == {
        "perfect": True,
        "nbest": True,
        "viterbi": False,
    }
    assert len(verdicts["perfect"].cases) == 21
    assert verdicts["perfect"].evidence is None
    assert all(v > 1e-4 for v in verdicts["perfect"].uniformity.values())
    assert "short texts only" in verdicts["nbest"].note
    evidence = verdicts["viterbi"].evidence
    assert evidence.case == "three equal"
    assert evidence.draws <= 1600
    assert evidence.p < THRESHOLD


def test_viterbi_dilutes_three_equal_candidates():
    draws, near = (20_000, 0.02) if JIT else (1000, 0.08)
    verdict = verdict_of(samplers=["viterbi"], alphas=[1.0], draws=draws)
    case = verdict.cases[0]
    assert (case.name, case.text, case.paths) == ("three equal", "abc", 4)
    shares = {f.shown: f.drawn / case.draws for f in case.frequencies}
    assert sorted(shares.values()) == pytest.approx([0.0, 0.25, 0.25, 0.5], abs=near)
    assert [f.probability for f in case.frequencies[:3]] == pytest.approx([1 / 3] * 3)
    assert case.total_variation == pytest.approx(1 / 6, abs=near)
    assert case.noise < 0.03
    assert not case.impossible


@pytest.mark.parametrize(
    "name", [*OURS, "sentencepiece", "sentencepiece-nbest", "sentencepiece-lite", "original"]
)
def test_the_same_seed_gives_the_same_verdict(name):
    options = {"samplers": [name], "alphas": [0.5]}
    found = [replace(verdict_of(seed=seed, **options), seconds=0.0) for seed in (5, 5, 6)]
    if found[0].follows is None:
        pytest.skip(found[0].note)
    assert found[0] == found[1]
    assert found[0] != found[2]


@pytest.mark.parametrize("name", [n for n in NAMED_SAMPLERS if n not in OURS + FOR_BPE])
def test_installed_libraries_are_audited(name):
    verdict = verdict_of(samplers=[name], alphas=[0.5])
    if verdict.follows is None:
        assert "install" in verdict.note
    else:
        assert verdict.follows == (name not in ("huggingface", "sentencepiece-lite"))
        assert verdict.version
        assert not any(case.impossible for case in verdict.cases)


def test_a_missing_library_is_not_an_error():
    report = audit(samplers=[LibrarySampler("absent", Absent)], draws=DRAWS)
    assert report.verdicts[0].follows is None
    assert report.verdicts[0].note == "not installed; pip install absent-library"
    assert "not audited" in table(report)


def test_a_library_that_cannot_hold_the_model(small):
    verdict = verdict_of(small, [LibrarySampler("unable", Unable)], ["the hat"])
    assert verdict.follows is None
    assert "cannot hold" in verdict.note


def test_a_library_that_fails_at_some_alphas(small):
    samplers = [LibrarySampler("panicking", Panicking)]
    verdict = verdict_of(small, samplers, ["the hat"], [0.5, 2.0, 3.0])
    assert verdict.follows
    assert [case.alpha for case in verdict.cases] == [0.5]
    assert "fails at alpha 2 with Panic: not finite" in verdict.note
    assert verdict_of(small, samplers, ["the hat"], [2.0]).follows is None


# ---- power and calibration, with few draws


@pytest.mark.parametrize("sampler", BROKEN, ids=lambda sampler: sampler.name)
def test_broken_samplers_are_refuted(sampler):
    if not JIT:
        pytest.skip("too many draws")
    draws = 500_000 if sampler.name in ("1 % overlooked", "log sums in 16 bits") else 20_000
    alpha = 1.0 if sampler.name == "log sums in 16 bits" else 0.5
    assert verdict_of(samplers=[sampler], alphas=[alpha], draws=draws).follows is False


def test_the_same_walk_without_a_fault_follows_the_law():
    assert verdict_of(samplers=[RIGHT], alphas=[0.5], draws=20_000 if JIT else DRAWS).follows


@pytest.mark.parametrize("sampler", [weak.WEAK, weak.GOOD], ids=lambda sampler: sampler.name)
def test_the_originals_algorithm_passes_with_few_draws(sampler):
    # The random numbers of one sampler depend on each other. Only many draws of long texts show it.
    assert verdict_of(samplers=[sampler], alphas=[0.5], draws=DRAWS).follows


def test_random_numbers_match_glibc():
    assert weak.glibc(1, 3).tolist() == [1804289383, 846930886, 1681692777]


def test_a_correct_sampler_is_hardly_ever_refuted():
    ps = [verdict_of(samplers=["perfect"], draws=500, seed=s).p for s in range(20 if JIT else 2)]
    assert min(ps) > THRESHOLD
    assert sum(p < 0.05 for p in ps) <= 5  # six or more have a probability of 3e-4


def test_p_values_that_are_too_large_refute_a_sampler():
    case = verdict_of(samplers=["perfect"], alphas=[0.5]).cases[1]
    tests = {kind: replace(test, p=0.999) for kind, test in case.tests.items() if kind != "rare"}
    p, spread = combined([replace(case, tests=tests)] * 9)
    assert p < THRESHOLD
    assert spread["paths"] < THRESHOLD


# ---- functions


def exact_sampler(small):
    tok = Tokenizer(small)
    rng = np.random.default_rng(1)
    return lambda text: tok.tokenize(text, alpha=0.3, seed=int(rng.integers(2**63)))


def test_a_function_that_follows_the_law(small):
    verdict = verdict_of(small, [exact_sampler(small)], ["the hat"], [0.3])
    assert verdict.follows
    assert verdict.cases[0].paths > 10


def test_a_function_with_another_alpha(small):
    verdict = verdict_of(small, [exact_sampler(small)], ["the hat"], [0.6])
    assert verdict.follows is False
    assert verdict.evidence.text == "the hat"


def test_a_function_may_return_texts(small):
    tok, rng = Tokenizer(small), np.random.default_rng(2)

    def function(text):
        ids = tok.encode(text, alpha=1.0, seed=int(rng.integers(2**63)))
        return (tok.decode([id_]) for id_ in ids)

    assert verdict_of(small, [function], ["the hat"], [1.0]).follows


def test_a_function_that_returns_another_text(small):
    verdict = verdict_of(small, [lambda text: [b"the ", b"cat"]], ["the hat"], [1.0])
    assert verdict.follows is False
    assert verdict.p == 0.0
    assert verdict.cases[0].impossible == DRAWS
    assert verdict.evidence.draws == 100
    assert verdict.evidence.worst.shown == "the▁ cat"


def failing(text):
    raise ZeroDivisionError("no luck")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (failing, "failing raised ZeroDivisionError for 'the hat': no luck"),
        (lambda text: None, "returned None; it must return a list of pieces"),
        (lambda text: "the hat", "returned 'the hat'; it must"),
        (lambda text: b"the hat", "it must return"),
        (lambda text: [1, 2], "it must return"),
        (lambda text: [b"the", None], "it must return"),
        ("json:no_such_function", "cannot be loaded"),
        ("no_such_module:function", "cannot be loaded"),
        ("json:__name__", "is not a function"),
        ("exact", "no sampler 'exact'; there are perfect, "),
        (7, "a name or a function, not 7"),
    ],
)
def test_bad_functions_are_refused(function, message, small):
    with pytest.raises(ArgumentError, match=message):
        audit(small, [function], ["the hat"], [1.0], draws=100)


# ---- models and texts


def test_models_and_texts_of_the_caller(small, tmp_path):
    path = tmp_path / "own.model"
    model_io.save(small, path)
    for model in (small, path, str(path)):
        report = audit(model, ["perfect"], ["the hat", "ab"], [0.0, 0.5], draws=DRAWS)
        cases = report.verdicts[0].cases
        assert [(case.text, case.alpha) for case in cases] == [
            ("the hat", 0.0),
            ("the hat", 0.5),
            ("ab", 0.0),
            ("ab", 0.5),
        ]
        assert report.verdicts[0].follows
        assert small.fingerprint[:16] in report.model
    assert "own.model" in report.model


def test_the_default_texts_have_several_scripts(small):
    cases = verdict_of(small, ["perfect"], alphas=[1.0]).cases
    assert any("气" in case.text for case in cases)


def test_texts_are_normalized_as_the_model_says():
    model = make_model(PIECES | {"é".encode(): -3.0}, rules=TextRules(normalization=("NFC",)))
    verdict = verdict_of(model, ["perfect", "sentencepiece"], ["the e\u0301"], [0.5])
    assert verdict.follows
    assert verdict.cases[0].text == "the é"


def test_isolated_digits():
    pieces = {b"12": -1.0, b"1a": -1.0, b"ab": -2.0}
    model = make_model(pieces, byte_score=-3.0, rules=TextRules(digits="each"))
    report = audit(model, ["perfect", "nbest"], ["12ab", "abab"], [0.5], draws=DRAWS)
    perfect, nbest = report.verdicts
    assert perfect.follows
    assert perfect.cases[0].paths == 2
    assert [case.text for case in nbest.cases] == ["abab"]
    assert "between digits" in nbest.note


def test_groups_of_digits():
    pieces = {b"12": -1.0, b"345": -1.0, b"34": -1.0, b"45": -2.0, b"5a": -1.0}
    model = make_model(pieces, byte_score=-3.0, rules=TextRules(digits="groups-of-three"))
    report = audit(model, ["perfect", "nbest", "sentencepiece"], ["12345a"], [0.5], draws=DRAWS)
    perfect, nbest, sentencepiece = report.verdicts
    assert perfect.follows
    assert perfect.cases[0].paths == 4
    assert "between digits" in nbest.note
    assert "groups of three" in sentencepiece.note


def test_a_model_that_the_original_library_cannot_hold(small):
    verdict = verdict_of(small, ["original"], ["the hat"])
    assert verdict.follows is None
    assert verdict.note


@pytest.mark.parametrize("alpha", [0.0, 1e-9, 50.0, 1e6])
def test_extreme_exponents(alpha):
    verdict = verdict_of(samplers=["perfect"], alphas=[alpha])
    assert verdict.follows
    to_json(audit(samplers=["perfect"], alphas=[alpha], draws=100))


def test_a_long_text(small):
    verdict = verdict_of(
        small, ["perfect"], ["the hat " * (1250 if JIT else 100)], [0.3], draws=100
    )
    assert verdict.follows
    assert verdict.cases[0].paths is None
    assert verdict.cases[0].total_variation is None
    assert "[" in verdict.cases[0].worst.shown


def test_longer_texts_get_fewer_draws(small):
    cases = verdict_of(small, ["perfect"], ["the hat", "the hat " * 8], [1.0], draws=8000).cases
    assert [case.draws for case in cases] == [8000, 2000]


def test_a_text_with_one_segmentation(small):
    case = verdict_of(small, ["perfect"], ["x"], [1.0]).cases[0]
    assert (case.paths, case.p, case.kl, case.total_variation) == (1, 1.0, 0.0, 0.0)
    assert set(case.tests) == {"rare"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alphas": [math.nan]}, "finite"),
        ({"alphas": [math.inf]}, "finite"),
        ({"alphas": [-0.1]}, "at least 0"),
        ({"alphas": ["1"]}, "must be a number"),
        ({"alphas": [True]}, "must be a number"),
        ({"alphas": []}, "no alpha"),
        ({"draws": 0}, "at least 100"),
        ({"draws": 99}, "at least 100"),
        ({"draws": 1e6}, "whole number"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"samplers": []}, "no sampler"),
        ({"samplers": "perfect"}, "must be a list"),
        ({"texts": ["a"]}, "need the model"),
        ({"alphas": 0.5}, "are a list"),
        ({"samplers": [str.split]}, "give the model and the one alpha"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        audit(**options)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("the hat", "a list or other series"),
        ([""], "not empty"),
        (["a\nb"], "one line"),
        ([b"\xe9"], "not UTF-8"),
        (["\ud800"], "not UTF-8"),
        (["a" * 20_001], "more than 20000"),
        ([], "0 texts"),
        (["a"] * 1001, "1001 texts"),
    ],
)
def test_bad_texts_are_refused(texts, message, small):
    with pytest.raises(ArgumentError, match=message):
        audit(small, texts=texts)


def test_a_file_that_holds_no_model(tmp_path):
    path = tmp_path / "no.model"
    path.write_text("{}", "utf-8")
    with pytest.raises(ModelError, match=r"no\.model"):
        audit(path)


# ---- the report


def test_a_report_becomes_json_and_a_table(small):
    report = audit(small, ["perfect", lambda text: [text[:2], text[2:]]], ["the hat"], [0.3], 500)
    found = json.loads(to_json(report))
    assert [verdict["follows"] for verdict in found["verdicts"]] == [True, False]
    assert found["verdicts"][0]["cases"][0]["tests"]["paths"]["p"] > 0
    shown = table(report).splitlines()
    assert shown[0].split()[:3] == ["sampler", "version", "law"]
    assert "follows" in shown[1]
    assert "does not" in shown[2]
    assert "draws of 'the hat', alpha 0.3" in shown[2]


def test_progress_ends_at_the_total(small):
    reports = []
    audit(
        small, ["perfect"], ["the hat"], [1.0], 200, progress=lambda *state: reports.append(state)
    )
    assert reports == [("auditing perfect", 200, 200)]


def test_the_built_in_vocabularies():
    assert built_in()[0].name == "three equal"
    for vocabulary in built_in():
        assert isinstance(vocabulary.model, Model)
        assert vocabulary.model.scores.max() < 0
    scores = piece_scores(built_in()[0].model)
    assert scores[b"abc"] == pytest.approx(scores[b"a"] + scores[b"bc"], abs=1e-12)
    assert scores[b"abc"] == pytest.approx(scores[b"ab"] + scores[b"c"], abs=1e-12)


def test_named_samplers_have_a_law():
    assert all(
        isinstance(sampler, AuditedSampler) and sampler.law for sampler in NAMED_SAMPLERS.values()
    )
