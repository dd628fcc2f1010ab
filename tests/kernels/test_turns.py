"""One process compiles a kernel while others wait, and nothing that happens to it stops them."""

import json
import subprocess
import sys

import pytest
from support.fresh import PACKAGE, run
from support.strategies import JIT

from bytepiece.kernels.turns import Turn

compiles = pytest.mark.skipif(not JIT, reason="needs compiled kernels")

CHILD = """
import json, numpy
from bytepiece.kernels import cache, jit, trie
child = trie.child(numpy.zeros((300, 2), numpy.int32), 0, 97)
print(json.dumps([child, jit.compiled_kernels(), cache.TURN.held]))
"""
"""Run a small kernel; print what it gives, and how many kernels were compiled."""

HOLDER = """
import sys, time
from pathlib import Path
from bytepiece.kernels.turns import Turn
turn = Turn(Path(sys.argv[1]))
print(turn.take() and turn.held, flush=True)
time.sleep(600)
"""


def found(script, folder):
    """Run a script with a folder for compiled kernels, and return what it prints."""
    done = run(script, PACKAGE, BYTEPIECE_CACHE=str(folder))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_turn_ends_when_its_process_is_killed(tmp_path):
    path = tmp_path / "turn"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], cwd=PACKAGE.parent, stdout=subprocess.PIPE
    )
    with holder:
        try:
            assert holder.stdout.readline() == b"True\n"
            turn = Turn(path)
            assert not turn.take()
            assert not turn.held
        finally:
            holder.kill()
    assert turn.take()
    assert turn.take()
    assert turn.held
    turn.end()
    assert not turn.held


def test_where_no_lock_can_be_had_everyone_may_work(tmp_path):
    for path in (None, tmp_path / "missing" / "turn"):
        turn = Turn(path)
        assert turn.take()
        assert not turn.held
        turn.end()


def test_a_lock_that_the_disk_refuses_is_done_without(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("bytepiece.kernels.turns._lock", refuse)
    turn = Turn(tmp_path / "turn")
    assert turn.take()
    assert not turn.held


@compiles
def test_of_four_processes_one_compiles(tmp_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD],
            env={"BYTEPIECE_CACHE": str(tmp_path), "PYTHONPATH": str(PACKAGE.parent)},
            stdout=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    results = [json.loads(process.communicate()[0]) for process in processes]
    assert [words for words, _, _ in results] == [97] * 4
    assert sorted(compiled for _, compiled, _ in results) == [0, 0, 0, 1]
    assert not any(held for _, _, held in results)


@compiles
def test_a_damaged_file_is_compiled_anew(tmp_path):
    assert found(CHILD, tmp_path) == [97, 1, False]
    for pattern in ("*.nbc", "*.nbi"):
        (file,) = tmp_path.rglob(pattern)
        for content in (b"", file.read_bytes()[:-9], b"nonsense"):
            file.write_bytes(content)
            assert found(CHILD, tmp_path) == [97, 1, False]
            assert found(CHILD, tmp_path) == [97, 0, False]


READ_ONLY = """
import tempfile
def refuse(**_): raise OSError(30, "Read-only file system")
tempfile.TemporaryFile = refuse
"""


@compiles
def test_a_folder_that_cannot_be_written_is_read(tmp_path):
    """An image of a container may hold it. Its place there does not matter."""
    built, moved = tmp_path / "built", tmp_path / "moved"
    assert found(CHILD, built) == [97, 1, False]
    built.rename(moved)
    before = sorted(moved.rglob("*"))
    assert found(READ_ONLY + CHILD, moved) == [97, 0, False]
    assert sorted(moved.rglob("*")) == before
    assert found(READ_ONLY + CHILD, built) == [97, 1, False]


@compiles
def test_an_interrupted_compilation_ends_the_turn(tmp_path):
    script = """
import json, numpy
from bytepiece.kernels import cache, trie
def interrupt(*_):
    assert cache.TURN.held
    raise KeyboardInterrupt
trie.child._compiler.compile = interrupt
try:
    trie.child(numpy.zeros((300, 2), numpy.int32), 0, 97)
except KeyboardInterrupt:
    print(json.dumps(cache.TURN.held))
"""
    assert found(script, tmp_path) is False


@compiles
def test_a_full_disk_stops_nobody(tmp_path):
    script = """
from numba.core import caching
def fail(self, name, data): raise OSError(28, "No space left on device")
caching.IndexDataCacheFile._save_data = fail
"""
    assert found(script + CHILD, tmp_path) == [97, 1, False]
