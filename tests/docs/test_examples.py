"""The programs in examples/, each run by itself and without arguments, like users run them."""

import os
import subprocess
import sys

import pytest
from support import ROOT
from support.strategies import JIT

NEEDS = {
    "datasets_map": ["datasets"],
    "export_to_transformers": ["transformers"],
    "marginal_likelihood": ["torch", "transformers"],
    "torch_loader": ["torch"],
    "train_on_dataset": ["datasets"],
}
# Python 3.12 and later warn if a loader forks while any thread runs.
WARNINGS = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


@pytest.mark.skipif(not JIT, reason="training with interpreted kernels takes long")
@pytest.mark.parametrize("name", NEEDS)
def test_example_runs(name, tmp_path):
    for library in NEEDS[name]:
        pytest.importorskip(library, reason=f"pip install {library}")
    done = subprocess.run(
        [sys.executable, *WARNINGS, ROOT / "examples" / f"{name}.py"],
        cwd=tmp_path,
        env={**os.environ, **OFFLINE, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") >= 3
    assert not list(tmp_path.iterdir()), "it leaves files behind"
