"""Stages: any engine, on any shards, in any order, gives the same model."""

import pickle
import random
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest
from support.windows import block_of, random_windows

from bytepiece.parallel import in_threads
from bytepiece.rules.text_rules import TextRules
from bytepiece.training import bnlm_trainer as bnlm
from bytepiece.training import growth, merge_trainer, ngrams, pace, pairs
from bytepiece.training.checked_options import TrainingOptions, special_tokens_of
from bytepiece.training.checkpoint import Checkpoint
from bytepiece.training.progress import silent
from bytepiece.training.run import RunSettings, models_of

TEXTS = [f"the cat number {i} and the hat of the {i * 7} rats, 今天天气不错\n" for i in range(300)]


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr("bytepiece.training.corpus_sample._WINDOW", 500)
    monkeypatch.setattr("bytepiece.training.corpus_sample._BLOCK", 2000)
    monkeypatch.setattr("bytepiece.training.corpus_sample._CHUNK", 3)
    monkeypatch.setattr(pace, "LARGE", pace.LARGE._replace(per_piece=4))


def options(algorithm):
    return TrainingOptions(
        algorithm, "compression", "apart", "across", False, 6, 2, 36, True, TextRules(), (),
        special_tokens_of((), 0), 1,
    )  # fmt: skip


def trained(algorithm, engine, memory=1 << 30):
    settings = RunSettings(1, engine, memory, None, silent)
    return models_of(TEXTS, [330, 400], options(algorithm), settings)


@pytest.mark.parametrize("algorithm", ["merge", "unigram", "bnlm"])
@pytest.mark.parametrize("memory", [1 << 30, 1])
def test_processes_and_threads_give_the_same_model(algorithm, memory, monkeypatch):
    monkeypatch.setattr("bytepiece.training.memory.LEAST_TEXT", 9000)
    expected = trained(algorithm, in_threads(2), memory)
    rng = random.Random(3)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:

        def engine(stage, shards):
            results = list(pool.map(stage, shards, chunksize=9))
            rng.shuffle(results)
            return iter(results)

        assert trained(algorithm, engine, memory) == expected


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
