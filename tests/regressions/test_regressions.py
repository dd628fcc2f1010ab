"""Cases that the fuzz tests found are tried again; `python -m benchmarks.bench_fuzz` finds more.

A finding is written to benchmarks/.found/. When its fault is mended, it goes into one of these:

- files/KIND/SEED-NUMBER-NAME/ holds the files of a trial; NAME is the damaged one.
- texts/ holds texts.
"""

import random
import shutil
import sys
import time
import warnings
from pathlib import Path

import pytest
from support import ROOT
from support.strategies import JIT

sys.path.append(str(ROOT))  # benchmarks/ does not belong to the installed package

from support.bad_trials import BadTrials

from benchmarks import bench_fuzz
from benchmarks.fuzzing import files, models
from benchmarks.fuzzing.file_checks import check_file
from benchmarks.fuzzing.mutations import mutated
from benchmarks.fuzzing.text_checks import check_texts
from benchmarks.fuzzing.workers import Isolated

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


@pytest.mark.parametrize("number", range(0, 18, 3))
def test_some_random_texts(number, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.fuzzing.texts.PER_BATCH", 2000)
    assert bench_fuzz.TextTrials(3, tmp_path).run(number + number % 2) == []


def test_some_damaged_files(tmp_path):
    trials = bench_fuzz.FileTrials(3, tmp_path)
    with warnings.catch_warnings():
        trials.prepare()
        found = [one for number in range(90) for one in trials.run(number)]
    assert found == []


def test_a_trial_is_a_function_of_its_number(tmp_path):
    sound = files.sound()
    contents = [folder[name] for some in sound.values() for folder in some for name in folder]
    damaged = [mutated(content, random.Random(5)) for content in contents]
    assert damaged == [mutated(content, random.Random(5)) for content in contents]
    assert sum(one != other for one, other in zip(damaged, contents, strict=True)) > 20


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")
def test_a_crash_a_hang_and_too_much_memory_are_findings():
    worker = Isolated(BadTrials())
    begin = time.monotonic()
    found = list(worker.run(0, 6))
    worker.close()
    assert [one.number for one in found] == [1, 2, 3, 4]
    assert found[0].what == "crash: ended with -6"
    assert found[1].what == "hang: computed for 1 s"
    assert found[-1].what == "broken"
    assert worker.peak > 0
    assert time.monotonic() - begin < 120
