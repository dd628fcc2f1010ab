"""Cases that the fuzz tests found: each is tried again. `python -m benchmarks.bench_fuzz` finds more.

A finding is written to benchmarks/.found/. When its fault is mended, it goes into one of these:

- files/KIND/SEED-NUMBER-NAME/ holds the files of a trial; NAME is the damaged one.
- texts/ holds texts.
"""

import os
import shutil
import sys
import time
import warnings
from pathlib import Path

import pytest
from support import ROOT
from support.cli import posix_only
from support.strategies import JIT

sys.path.append(str(ROOT))  # benchmarks/ does not belong to the installed package

from benchmarks import bench_fuzz
from benchmarks.fuzzing import files, models, workers
from benchmarks.fuzzing.file_checks import check_file
from benchmarks.fuzzing.mutations import mutated
from benchmarks.fuzzing.text_checks import check_texts
from benchmarks.fuzzing.workers import Finding, Isolated

HERE = Path(__file__).parent
FILES = sorted(path for path in HERE.glob("files/*/*") if path.is_dir())
TEXTS = sorted(HERE.glob("texts/*"))

pytestmark = pytest.mark.skipif(not JIT, reason="training with interpreted kernels takes long")


@pytest.mark.parametrize("case", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_damaged_file_that_was_found(case, tmp_path):
    folder = tmp_path / "case"
    shutil.copytree(case, folder)
    assert check_file(case.parent.name, folder, case.name.split("-", 2)[2]) is None


@pytest.mark.parametrize("model", models.NAMES)
def test_texts_that_were_found(model):
    texts = [path.read_bytes() for path in TEXTS]
    texts += [text.decode("utf-8", "surrogateescape") for text in texts]
    texts *= 60  # some checks take one text in fifty
    assert list(check_texts(model, models.tokenizers()[model], texts, 0)) == []


@pytest.mark.parametrize("number", range(6))
def test_some_random_texts(number, tmp_path):
    trials = bench_fuzz.TextTrials(3, tmp_path)
    assert trials.run(number * 3 + number % 3) == []


def test_some_damaged_files(tmp_path):
    trials = bench_fuzz.FileTrials(3, tmp_path)
    with warnings.catch_warnings():
        trials.prepare()
        found = [one for number in range(180) for one in trials.run(number)]
    assert found == []


def test_a_trial_is_a_function_of_its_number(tmp_path):
    import random

    sound = files.sound()
    contents = [folder[name] for some in sound.values() for folder in some for name in folder]
    damaged = [mutated(content, random.Random(5)) for content in contents]
    assert damaged == [mutated(content, random.Random(5)) for content in contents]
    assert sum(one != other for one, other in zip(damaged, contents, strict=True)) > 20


class Bad:
    """Trials that end in every bad way."""

    name, seed, seconds = "bad", 0, 1

    def prepare(self):
        pass

    def run(self, number):
        if number == 1:
            os.abort()
        if number == 2:
            while True:
                pass
        if number == 3:
            with pytest.raises(MemoryError):
                bytearray(2 * workers.MEMORY)
        return [Finding(number, "bad", "broken", None)] if number == 4 else []

    def kind(self, number):
        return "bad"


@posix_only
def test_a_crash_and_a_hang_are_findings():
    worker = Isolated(Bad())
    begin = time.monotonic()
    found = list(worker.run(0, 6))
    worker.close()
    assert [one.number for one in found] == [1, 2, 4]
    assert found[0].what == "crash: ended with -6"
    assert found[1].what == "hang: computed for 1 s"
    assert found[2].what == "broken"
    assert worker.peak > 0
    assert time.monotonic() - begin < 120
