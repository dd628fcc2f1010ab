"""The example of continuations: it trains a language model and takes back tokens of prompts."""

import os
import subprocess
import sys

import pytest
from support import ROOT
from support.strategies import JIT

pytest.importorskip("torch", reason="the example trains a language model with it")


@pytest.mark.skipif(not JIT, reason="training with interpreted kernels takes long")
def test_taking_tokens_back_raises_the_right_continuation():
    run = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / "continuation.py"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode == 0, run.stderr
    _, *lines = run.stdout.splitlines()
    assert len(lines) == 4
    assert "'import numpy' → ' as np'" in run.stdout
    for line in lines:
        share, as_it_is, one_piece, one_back, two_back, sampled = map(float, line.split()[:6])
        assert 0.5 < share <= 1
        assert as_it_is < 0.05
        assert one_piece <= one_back + 0.01
        assert two_back > 0.7 * share
        assert sampled > 0.7 * share
