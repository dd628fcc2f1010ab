"""Stages: any engine, on any shards, in any order, gives the same model."""

import json
import pickle
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from support import ROOT, small_shards
from support.cli import invoke
from support.windows import block_of, random_windows

import bytepiece
from bytepiece.engines import RayEngine, SparkEngine
from bytepiece.errors import ArgumentError, CheckpointError, CorpusError
from bytepiece.parallel import in_threads
from bytepiece.training import bnlm_trainer as bnlm
from bytepiece.training import growth, merge_trainer, ngrams, pairs, relay
from bytepiece.training.checkpoint import Checkpoint
from bytepiece.training.options import JobStage

LINES = [f"the cat number {i} and the hat of the {i * 7} rats, 今天天气不错\n" for i in range(300)]
ALGORITHMS = ["merge", "unigram", "bnlm"]


@pytest.fixture
def small(monkeypatch):
    """Make windows and shards small in this process, until the end of the test."""
    for module, name in small_shards.CONSTANTS:
        monkeypatch.setattr(module, name, getattr(module, name))
    small_shards.make_small()


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/a.txt").write_text("".join(LINES), "utf-8")
    Path("data/b.jsonl").write_text("\n".join(json.dumps({"text": one}) for one in LINES[:99]))
    return Path("data")


def trained(corpus, **options):
    """Return two models and their records."""
    models = bytepiece.train(corpus, [330, 400], **{"memory": 1, "threads": 1, **options})
    return [(model, dict(model.record)) for model in models]


def pickled(stage, items):
    """Apply a stage as workers elsewhere do: all is pickled, and the last result comes first."""
    elsewhere = pickle.loads(pickle.dumps(stage))
    results = [pickle.dumps(elsewhere(pickle.loads(pickle.dumps(item)))) for item in items]
    received.append(sum(map(len, results)))
    return map(pickle.loads, reversed(results))


received = []
"""The bytes of the results of each pass."""


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", [1, "1G"])
def test_an_engine_and_threads_give_the_same_model(corpus, algorithm, size):
    options = {"algorithm": algorithm, "memory": size}
    expected = trained(corpus, **options)
    assert ("sampled_bytes" in expected[0][1]) == (size == 1)
    assert trained(corpus, threads=3, **options) == expected
    received.clear()
    assert trained(corpus, engine=pickled, checkpoint="kept", **options) == expected
    # The samples do not come back, only facts, vocabularies and held-out text.
    assert received[0] < 5000
    assert trained(corpus, engine=pickled, checkpoint="kept", **options) == expected
    assert trained(corpus, checkpoint="kept", **options) == expected


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_weights_count_on_an_engine_as_in_threads(corpus, algorithm):
    files = bytepiece.Files(["data/a.txt", "data/b.jsonl"], weights=[0.25, 3])
    expected = trained(files, algorithm=algorithm)
    assert expected != trained(corpus, algorithm=algorithm)
    assert trained(files, algorithm=algorithm, engine=pickled, checkpoint="kept") == expected


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_rounds_elsewhere_are_reported_here(corpus, algorithm, monkeypatch):
    monkeypatch.setattr(relay, "_PAUSE", 0.01)
    here, there = [], []
    trained(corpus, algorithm=algorithm, progress=lambda *report: here.append(report))
    options = {"algorithm": algorithm, "engine": pickled, "checkpoint": "kept"}
    trained(corpus, progress=lambda *report: there.append(report), **options)
    assert {report for report in there if report[1] == report[2]} == {
        report for report in here if report[1] == report[2]
    }
    assert {report for report in there if report[0] not in ("reading", "scoring")} <= {*here}
    again = []
    trained(corpus, progress=lambda *report: again.append(report), **options)
    assert {phase for phase, *_ in again} <= {"reading", "scoring"}


def test_reports_of_an_earlier_run_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(relay, "_PAUSE", 0.01)
    checkpoint, seen = Checkpoint(tmp_path / "kept", {}), []
    first, second = relay.KeptReports(checkpoint), relay.KeptReports(checkpoint)
    first("pruning", 3, 9)
    with relay.relayed(checkpoint, lambda *report: seen.append(report)):
        time.sleep(0.1)
        assert seen == []
        second("seeding", 5, 5)
        second("pruning", 1, 9)
        second("pruning", 9, 9)
    assert seen[0] == ("seeding", 5, 5)
    assert seen[-1] == ("pruning", 9, 9)
    with pytest.raises(ZeroDivisionError), relay.relayed(checkpoint, lambda *_: 1 // 0):
        second("pruning", 10, 10)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_processes_give_the_same_model(corpus, algorithm):
    rng = random.Random(3)
    with ProcessPoolExecutor(2, get_context("spawn"), small_shards.make_small) as pool:

        def engine(stage, items):
            results = list(pool.map(stage, items))
            rng.shuffle(results)
            return iter(results)

        found = trained(corpus, algorithm=algorithm, engine=engine, checkpoint="kept")
    assert found == trained(corpus, algorithm=algorithm)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("jobs", [1, 3])
def test_jobs_give_the_same_model(corpus, algorithm, jobs, monkeypatch):
    worked = []

    def noting(real):
        def noted(block, **options):
            worked.append((real.__name__, block.text.tobytes()))
            return real(block, **options)

        return noted

    for module, name in ((ngrams, "count_block"), (bnlm, "cut_block")):
        monkeypatch.setattr(module, name, noting(getattr(module, name)))

    def run(name, first=0, every=1):
        stage = JobStage(name, first, every)
        return trained(corpus, algorithm=algorithm, engine=stage, checkpoint="kept")

    with pytest.raises(CheckpointError, match=r"has no windows-0\.step; run the stage"):
        run("rounds")
    for job in reversed(range(jobs)):
        assert run("sample", job, jobs) == []
    if algorithm == "bnlm":
        # Each part is counted and cut once, by these jobs and not by the rounds.
        worked.clear()
        for name in ("count", "cut"):
            for job in reversed(range(jobs)):
                assert run(name, job, jobs) == []
        assert len(worked) == len(set(worked)) > 2
        blocks = worked[:]
    else:
        with pytest.raises(ArgumentError, match='count needs algorithm="bnlm"'):
            run("count")
    with pytest.raises(CheckpointError, match=r"has no learned\.step"):
        run("score")
    assert run("rounds") == []
    assert algorithm != "bnlm" or worked == blocks
    for job in range(jobs):
        assert run("score", job, jobs) == []
    assert run("combine") == trained(corpus, algorithm=algorithm)


@pytest.mark.usefixtures("small")
def test_jobs_notice_another_corpus(corpus):
    options = {"engine": JobStage("sample"), "checkpoint": "kept"}
    trained(corpus, **options)
    trained(corpus, **{**options, "engine": JobStage("rounds")})
    Path("data/a.txt").write_text("".join(LINES).replace("cat", "dog"), "utf-8")
    with pytest.raises(CorpusError, match="not the one"):
        trained(corpus, **options)
    with pytest.raises(CorpusError, match="changed"):
        trained(corpus, **{**options, "engine": JobStage("score")})
    Path("data/c.txt").write_text("".join(LINES) * 2, "utf-8")
    with pytest.raises(CorpusError, match="not the one"):
        trained(corpus, **{**options, "engine": JobStage("combine")})


@pytest.mark.usefixtures("small")
def test_an_engine_whose_workers_fail_goes_on_later(corpus):
    calls = 0

    def failing(stage, items):
        nonlocal calls
        for item in items:
            calls += 1
            if calls in (2, 9, 20, 33, 47):
                raise ConnectionError("a worker is gone")
            yield stage(item)

    found, failures = None, 0
    while found is None:
        try:
            found = trained(corpus, engine=failing, checkpoint="kept")
        except ConnectionError:
            failures += 1
    assert failures == 5
    assert found == trained(corpus)


def test_an_engine_needs_files_and_a_directory(corpus):
    with pytest.raises(ArgumentError, match="name one with checkpoint"):
        trained(corpus, engine=pickled)
    with pytest.raises(ArgumentError, match="give it as files"):
        trained(LINES, engine=pickled, checkpoint="kept")


@pytest.mark.usefixtures("small")
def test_the_command_does_stages_as_jobs(corpus):
    common = ["train", "data", "--vocab-size", 330, "--memory", 1, "--checkpoint", "kept"]
    for more in ("sample 2/2", "sample 1/2", "rounds 1/1", "score 1/2", "score 2/2"):
        stage, shard = more.split()
        invoke(*common, "--stage", stage, "--shard", shard, "-o", "x.model")
        assert not Path("x.model").exists()
    invoke(*common, "--stage", "combine", "-o", "x.model")
    invoke("train", "data", "--vocab-size", 330, "--memory", 1, "-o", "y.model")
    assert Path("x.model").read_bytes() == Path("y.model").read_bytes()
    assert not Path("kept").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--stage sample --memory 1G", "needs --checkpoint DIR and --memory"),
        ("--stage sample --checkpoint kept", "needs --checkpoint DIR and --memory"),
        ("--shard 1/2", "needs --stage"),
        ("--stage rounds --shard 1/2 --checkpoint kept --memory 1G", "is one job"),
        ("--stage score --shard 3/2 --checkpoint kept --memory 1G", "write it like 3/16"),
        ("--stage score --engine ray --checkpoint kept --memory 1G", "without an engine"),
    ],
)
def test_wrong_stages_are_usage_errors(corpus, options, words):
    assert words in invoke("train", "data", *options.split(), code=2).stderr


@pytest.mark.parametrize("name", ["ray", "spark"])
def test_a_missing_package_of_an_engine_is_named(corpus, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    error = invoke("train", "data", "--engine", name, "--checkpoint", "kept", code=1).stderr
    assert f"pip install 'bytepiece[{name}]'" in error


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("package", "engine"), [("ray", RayEngine()), ("pyspark", SparkEngine())])
def test_clusters_give_the_same_model(corpus, package, engine, monkeypatch):
    pytest.importorskip(package, reason="the engine's package is not installed")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests"))  # the workers import `small_shards`

    def with_small(stage, items):
        return engine(partial(small_shards.applied, stage), items)

    assert trained(corpus, engine=with_small, checkpoint="kept") == trained(corpus)
    Path("data/b.jsonl").write_text("[]\n")
    with pytest.raises(CorpusError, match=r"b\.jsonl:1: not a JSON object"):
        trained(corpus, engine=with_small, checkpoint="other")


def test_a_stage_is_a_pure_function_of_shard_and_state():
    blocks = [block_of(segments) for segments in random_windows(3)]
    vocabulary = growth.initial_pieces([b"aa"])
    state = merge_trainer.scored_automaton(vocabulary, "compression")
    table = ngrams.count(blocks, 4, in_threads(1), Checkpoint(None, {}), lambda _: None)
    cutter = bnlm.Cutter(ngrams.model(*table, 4, 1), 4, True)
    for stage in (
        partial(pairs.count, state=state),
        partial(ngrams.count_block, order=4),
        partial(bnlm.cut_block, cutter=cutter),
    ):
        elsewhere = pickle.loads(pickle.dumps(stage))
        for block in blocks:
            same = pickle.loads(pickle.dumps(block))
            assert flat(elsewhere(same)) == flat(stage(block)) == flat(stage(block))


def flat(value):
    """Return a result in a form that can be compared."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [flat(one) for one in value] if isinstance(value, tuple) else value
