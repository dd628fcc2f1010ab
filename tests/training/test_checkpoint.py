"""Checkpoints: a run that is killed at any point and started again ends with the same model."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support.cli import invoke, posix_only, start
from support.strategies import JIT

import bytepiece
from bytepiece.errors import ArgumentError, CheckpointError, CorpusError
from bytepiece.inputs.files import Files
from bytepiece.training import checkpoint as module
from bytepiece.training import pace
from bytepiece.training.checkpoint import Checkpoint, clear

LINES = [f"the cat number {i} and the hat of the {i * 7} rats, 今天天气不错\n" for i in range(200)]
SAMPLED = {"memory": 1}


class StopError(Exception):
    """Ends a run."""


@pytest.fixture
def small(monkeypatch):
    """Make windows, blocks, chunks and shards so small that a little text has many steps."""
    monkeypatch.setattr("bytepiece.inputs.shards._SHARD", 3000)
    monkeypatch.setattr("bytepiece.training.corpus_sample._WINDOW", 300)
    monkeypatch.setattr("bytepiece.training.corpus_sample._BLOCK", 900)
    monkeypatch.setattr("bytepiece.training.corpus_sample._CHUNK", 2)
    monkeypatch.setattr("bytepiece.training.corpus_reader._BLOCK", 1000)
    monkeypatch.setattr(pace, "LARGE", pace.LARGE._replace(per_piece=4))
    monkeypatch.setattr("bytepiece.training.memory.LEAST_TEXT", 4000)


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("corpus.txt")
    path.write_bytes("".join(LINES).encode())
    return path


def train(corpus, size=(330, 400), **options):
    return bytepiece.train(corpus, list(size), checkpoint="kept", **options)


def stopped(corpus, after, **options):
    """Train until `after` steps were reported. Return whether the run was stopped."""
    left = after

    def report(*step):
        nonlocal left
        left -= 1
        if left < 0:
            raise StopError

    try:
        train(corpus, progress=report, **options)
    except StopError:
        return True
    return False


def same(models, others):
    return [(m, dict(m.record)) for m in models] == [(m, dict(m.record)) for m in others]


RUNS = [
    {"algorithm": algorithm, **memory}
    for algorithm in ("merge", "unigram", "bnlm")
    for memory in ({}, SAMPLED)
]
RUNS += [{"algorithm": algorithm, "spaces": "across"} for algorithm in ("merge", "unigram")]
RUNS += [{"algorithm": "merge", "spaces": "superwords", **SAMPLED}]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("options", RUNS, ids=str)
def test_a_run_stopped_at_any_step_resumes(corpus, options):
    expected = bytepiece.train(corpus, [330, 400], **options)
    assert "sampled_bytes" in expected[0].record or "memory" not in options
    after = 0
    while stopped(corpus, after, **options):
        if JIT or after % 5 == 0:
            assert same(train(corpus, **options), expected)
        clear("kept")
        after += 1
    assert after >= 10


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("options", RUNS, ids=str)
def test_a_run_stopped_again_and_again_finishes(corpus, options):
    # Each run gets one step further. Steps that were kept are reported, but not done again.
    expected = bytepiece.train(corpus, [330, 400], **options)
    after = 0
    while stopped(corpus, after, **options):
        after += 1
    assert same(train(corpus, **options), expected)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("options", RUNS, ids=str)
def test_a_full_disk_loses_nothing(corpus, options, monkeypatch):
    expected = bytepiece.train(corpus, [330, 400], **options)
    write = module.write_atomically
    written = 0

    def sometimes(path, chunks):
        nonlocal written
        written += 1
        if written % 3 == 0:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, chunks)

    monkeypatch.setattr(module, "write_atomically", sometimes)
    failures = 0
    while True:
        try:
            models = train(corpus, **options)
            break
        except CheckpointError as error:
            assert "No space left on device" in str(error)  # noqa: PT017  # as often as it comes
            assert "kept" in str(error)  # noqa: PT017
            failures += 1
    assert failures >= 3
    assert same(models, expected)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("algorithm", ["merge", "unigram", "bnlm"])
def test_kept_steps_are_not_done_again(corpus, algorithm, monkeypatch):
    expected = train(corpus, algorithm=algorithm)
    for stage in (
        "merge_trainer.count",
        "substrings._bucket_seeds",
        "unigram_trainer.expect",
        "ngrams.count_block",
        "bnlm_trainer.cut_block",
    ):
        monkeypatch.setattr(f"bytepiece.training.{stage}", lambda *_: pytest.fail("again"))
    assert same(train(corpus, algorithm=algorithm, threads=2), expected)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("options", [{}, SAMPLED], ids=str)
@pytest.mark.parametrize("done", [2, 7, 1000])
def test_a_changed_corpus_is_refused(corpus, done, options):
    text = corpus.read_bytes()
    # The text that was read last ends with a block, so that more text is a block of its own.
    text = text[: 1 + text.rindex(b"\n", 0, 1010 * (len(text) // 1000))]
    corpus.write_bytes(text)
    stopped(corpus, done, **options)
    changed = [text.replace(b"cat", b"dog", 1)]
    if done > 2:  # text that was not read yet may change
        changed += [text + b"more\n", text[:-700], b""]
    for other in changed:
        corpus.write_bytes(other)
        with pytest.raises(CorpusError, match=r"not the one|empty"):
            train(corpus, **options)
    corpus.write_bytes(text)
    assert same(train(corpus, **options), bytepiece.train(corpus, [330, 400], **options))


@pytest.mark.usefixtures("small")
def test_changed_weights_are_refused(corpus):
    stopped(Files([corpus], weights=[2]), 8)
    for weight in (3, 1, 0.5):
        with pytest.raises(CorpusError, match="not the one"):
            train(Files([corpus], weights=[weight]))


def test_texts_with_other_ends_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stopped(["the cat", "the hat", "the rat"] * 9, 8)
    with pytest.raises(CorpusError, match="not the one"):
        train(["the ca", "tthe ha", "tthe rat"] * 9)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": (330,)}, "vocab_size was [330, 400], not 330"),
        ({"algorithm": "bnlm"}, 'algorithm was "unigram", not "bnlm"'),
        ({"newlines": "end"}, "newlines"),
        ({"spaces": "across"}, 'spaces was "words", not "across"'),
        ({"ensure_unicode": True}, "ensure_unicode was false, not true"),
        ({"digits": "each"}, 'digits was "free", not "each"'),
        ({"normalization": ["NFC"]}, "normalization"),
        ({"user_pieces": ["cat"]}, "pieces"),
        ({"memory": "2G"}, "memory"),
        ({"special_tokens": ["<x>"]}, "special_tokens"),
        ({"reserved": 1}, "special_tokens"),
        ({"pad_to_multiple": 8}, "pad_to_multiple was 1, not 8"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(corpus, options, words):
    stopped(corpus, 3, memory="1G")
    with pytest.raises(CheckpointError) as caught:
        train(corpus, **({"memory": "1G"} | options))
    assert words in str(caught.value)
    assert "name another directory" in str(caught.value)


def test_without_memory_the_memory_of_the_checkpoint_is_used(corpus, monkeypatch):
    stopped(corpus, 3)
    monkeypatch.setattr("bytepiece.training.trainer.default_memory", lambda: 5 << 30)
    assert same(train(corpus), bytepiece.train(corpus, [330, 400]))


def test_a_checkpoint_of_another_release_is_refused(corpus, monkeypatch):
    stopped(corpus, 3)
    monkeypatch.setattr(bytepiece, "__version__", "9.9.9")
    with pytest.raises(CheckpointError, match=r"version was \"0\..*9\.9\.9"):
        train(corpus)


def damaged(content):
    flipped = bytearray(content)
    flipped[-1] ^= 1
    head, _, data = content.partition(b"\n")
    negative = head.replace(b'"sizes", "<i8", 1', b'"sizes", "<i8", -1')
    return [
        b"",
        b"{}",
        content[:-1],
        content + b"x",
        bytes(flipped),
        negative + b"\n" + data,
        head.replace(b"<i8", b"<O8") + b"\n" + data,
        head.replace(b"<i8", b"|O") + b"\n" + data,
        head.replace(b"1]", b"99999999999999999999]") + b"\n" + data,
        b"[" * 50_000 + b"\n" + data,
        head.replace(b'"sizes"', b'"izess"') + b"\n" + data,
        head.replace(b'"flat"', b'"talf"') + b"\n" + data,
        b"\xff\n" + data,
        b'{"arrays": 5, "sha256": ""}\n',
        b'{"arrays": [["a", ["b"], 5]], "sha256": ""}\n',
        b'{"arrays": [["a", "<i8", 0.5]], "sha256": ""}\n',
    ]


def test_a_damaged_step_is_named_and_can_be_deleted(corpus):
    expected = train(corpus, algorithm="merge")
    for name in ("learned", "windows-0", "round-3", "scoring-1"):
        path = Path("kept", f"{name}.step")
        if name in ("round-3", "scoring-1"):  # what was learned from them is kept, too
            Path("kept", "learned.step").unlink()
        content = path.read_bytes()
        for other in damaged(content):
            if other != content:
                path.write_bytes(other)
                with pytest.raises(CheckpointError, match=rf"{name}\.step is damaged; delete"):
                    train(corpus, algorithm="merge")
        path.unlink()
        assert same(train(corpus, algorithm="merge"), expected)
        assert path.read_bytes() == content


@pytest.mark.parametrize("content", ["", "[]", "5", "{}", '{"format": "bytepiece checkpoint"}'])
def test_a_damaged_run_file_is_named(corpus, content):
    train(corpus)
    Path("kept", "run.json").write_text(content, "utf-8")
    with pytest.raises(CheckpointError, match=r"run\.json is damaged"):
        train(corpus)


def test_a_directory_with_other_files_is_left_alone(corpus):
    Path("kept").mkdir()
    Path("kept", "thesis.txt").touch()
    with pytest.raises(CheckpointError, match="holds other files and no checkpoint"):
        train(corpus)
    with pytest.raises(CheckpointError):
        clear("kept")
    assert os.listdir("kept") == ["thesis.txt"]  # noqa: PTH208


@pytest.mark.parametrize("place", ["corpus.txt", "corpus.txt/kept"])
def test_a_directory_that_cannot_be_created_is_an_error_at_once(corpus, place):
    with pytest.raises(CheckpointError, match="cannot be kept"):
        bytepiece.train(corpus, checkpoint=place, progress=lambda *_: pytest.fail("it began"))


def test_half_written_files_are_deleted(corpus):
    stopped(corpus, 5)
    left = Path("kept", ".round-1.step.0123456789abcdef.tmp")
    left.write_bytes(b"half")
    train(corpus)
    assert not left.exists()
    clear("kept")
    assert not Path("kept").exists()
    clear("kept")  # nothing is left to delete


def test_clearing_leaves_other_files(corpus):
    train(corpus)
    Path("kept", "notes.txt").touch()
    clear("kept")
    assert os.listdir("kept") == ["notes.txt"]  # noqa: PTH208


def test_arrays_are_loaded_as_saved(tmp_path):
    kept = Checkpoint(tmp_path / "kept", {"a": 1})
    arrays = {
        "bytes": np.frombuffer(b"\x00\xffabc", dtype=np.uint8),
        "numbers": np.array([-(2**63), 2**63 - 1], dtype=np.int64),
        "empty": np.empty(0, dtype=np.int64),
    }
    kept.save("one", lambda: arrays)
    found = Checkpoint(tmp_path / "kept", {"a": 1}).load("one")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
    assert kept.load("two") is None


def test_without_a_directory_nothing_is_kept():
    nowhere = Checkpoint(None, {"a": 1})
    nowhere.save("one", lambda: pytest.fail("it was made"))
    assert nowhere.load("one") is None
    arrays = {"a": np.arange(3)}
    assert nowhere.step("one", lambda: arrays) is arrays


# The command line.


def test_the_command_deletes_its_checkpoint_at_the_end(corpus):
    stopped(corpus, 9)
    sizes = ["--vocab-size", 330, "--vocab-size", 400]
    invoke("train", corpus, *sizes, "--checkpoint", "kept", "-o", "x.model")
    assert sorted(os.listdir()) == ["corpus.txt", "x.model.330", "x.model.400"]  # noqa: PTH208
    assert bytepiece.model_io.load("x.model.400") == bytepiece.train(corpus, 400)


def test_errors_of_the_command_have_one_line(corpus):
    Path("kept").mkdir()
    Path("kept", "x").touch()
    error = invoke("train", corpus, "--checkpoint", "kept", code=1).stderr
    assert "holds other files" in error


def test_a_checkpoint_within_the_corpus_is_refused(corpus):
    Path("data").mkdir()
    corpus.rename("data/corpus.txt")
    for names in ("data", "data/**"):
        error = invoke("train", names, "--checkpoint", "data/kept", code=1).stderr
        assert "the checkpoint data/kept is part of the corpus" in error
        assert os.listdir("data") == ["corpus.txt"]  # noqa: PTH208
    with pytest.raises(ArgumentError, match="part of the corpus"):
        bytepiece.train("data", checkpoint="data/kept")
    with pytest.raises(CheckpointError, match="holds other files"):
        bytepiece.train("data", checkpoint="data")
    invoke("train", "data/*.txt", "--checkpoint", "data/kept")
    assert os.listdir("data") == ["corpus.txt"]  # noqa: PTH208


@posix_only
def test_a_link_may_lead_to_the_checkpoint(corpus):
    Path("real").mkdir()
    Path("kept").symlink_to("real")
    invoke("train", corpus, "--checkpoint", "kept")
    assert not any(Path("real").iterdir())


def test_a_corpus_deleted_before_the_end_costs_no_model(corpus, monkeypatch):
    trained = bytepiece.train

    def train_and_delete(*args, **options):
        models = trained(*args, **options)
        corpus.unlink()
        return models

    monkeypatch.setattr(bytepiece, "train", train_and_delete)
    invoke("train", corpus)
    assert bytepiece.model_io.load("bytepiece.model").vocab_size > 300


def test_only_leftovers_of_a_kill_are_deleted(corpus):
    Path("kept").mkdir()
    Path("kept", ".precious.tmp").touch()
    with pytest.raises(CheckpointError, match="holds other files"):
        train(corpus)
    assert Path("kept", ".precious.tmp").exists()


COMMAND = ("train", "corpus.txt", "--vocab-size", "3000", "--checkpoint", "kept", "-o", "x.model")


@posix_only
def test_ctrl_c_says_how_to_resume(corpus):
    corpus.write_bytes(many_lines())
    # With so many pieces, even a busy machine is far from done when it is interrupted.
    command = ("train", "corpus.txt", "--vocab-size", "60000", "--checkpoint", "kept")
    command += ("--algorithm", "merge", "--spaces", "across")
    with start(*command) as program:
        while program.poll() is None and not Path("kept", "round-2.step").exists():
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        error = program.stderr.read().decode()
        assert program.wait() == 128 + signal.SIGINT
    assert "what was done is kept in kept; the same command goes on from there" in error
    assert error.endswith("Interrupted\n")
    assert Path("kept", "round-2.step").exists()


@posix_only
@pytest.mark.parametrize(
    "options",
    [(), ("--spaces", "across"), ("--algorithm", "merge", "--spaces", "across")],
    ids=str,
)
def test_a_run_killed_at_random_moments_ends_with_the_same_model(corpus, options):
    corpus.write_bytes(many_lines())
    command = [sys.executable, "-m", "bytepiece", *COMMAND[:1], *options, *COMMAND[1:]]
    begin = time.monotonic()
    subprocess.run([*command[:-4], "-o", "y.model"], check=True, capture_output=True)
    whole = time.monotonic() - begin
    rng = random.Random(4)
    kills = 0
    for _ in range(4):
        program = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            program.wait(timeout=rng.uniform(0.2, 0.9) * whole)
        except subprocess.TimeoutExpired:
            program.kill()
            kills += 1
        program.wait()
    subprocess.run(command, check=True, capture_output=True)
    assert kills
    assert Path("x.model").read_bytes() == Path("y.model").read_bytes()
    assert not Path("kept").exists()


def many_lines():
    rng = random.Random(1)
    words = ["".join(rng.choices("aeioubcdfg", k=rng.randint(2, 7))) for _ in range(3000)]
    size = 20_000 if JIT else 500
    return "".join(" ".join(rng.choices(words, k=9)) + "\n" for _ in range(size)).encode()
