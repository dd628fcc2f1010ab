"""`warmup` uses every kernel, so that all of them are compiled."""

import ast
import json
import os
import subprocess
import sys

import pytest
from support.cli import invoke
from support.strategies import JIT

import bytepiece
from bytepiece import errors
from bytepiece.kernels import cache

CALLED = """
import json, sys, threading
called = set()
def note(frame, event, _):
    if event == "call":
        called.add((frame.f_code.co_filename, frame.f_code.co_name))
threading.setprofile(note)
sys.setprofile(note)
import bytepiece
from bytepiece.kernels import windows
windows.LONG = windows.WINDOW = 1024  # interpreted kernels are slow
steps = bytepiece.warmup()
sys.setprofile(None)
print(json.dumps([sorted(called), steps]))
"""


STEPS = ["encoding", "sampling", "lattice", "training"]


def kernels():
    """Return the file and the name of each kernel."""
    found = set()
    for name, content in cache._kernel_sources():
        for node in ast.parse(content).body:
            names = [getattr(d, "id", "") for d in getattr(node, "decorator_list", [])]
            if {*cache.DECORATORS} & {*names}:
                found.add((str(cache._PACKAGE / name), node.name))
    return found


def test_every_kernel_is_used():
    done = subprocess.run(
        [sys.executable, "-c", CALLED],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=cache._PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    called, steps = json.loads(done.stdout)
    assert kernels() - {tuple(one) for one in called} == set()
    assert [step[:2] for step in steps] == [[name, 0] for name in STEPS]


@pytest.mark.skipif(not JIT, reason="slow without the compiler")
def test_the_command_says_what_was_compiled():
    done = invoke("warmup")
    shown = [line for line in done.stderr.splitlines() if "warming up" in line]
    assert shown == [f"bytepiece: warming up: {name}" for name in STEPS]
    *lines, folder = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [*STEPS, "all"]
    assert folder == f"in {cache.FOLDER.path}"
    again = invoke("warmup").stdout.splitlines()
    assert again[-2].split()[:3] == ["all", "0", "compiled"]


def test_kernels_that_cannot_be_kept_are_an_error(monkeypatch):
    monkeypatch.setattr(cache.KernelCache, "unsaved", 1)
    monkeypatch.setattr("bytepiece.warm_start._WORK", {"nothing": lambda: None})
    with pytest.raises(errors.ArgumentError, match="name a folder with free space in BYTEPIECE_CA"):
        bytepiece.warmup()
