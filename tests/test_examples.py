"""Programs of examples/, run as a user would: each by itself, with no arguments."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NEEDS = {
    "datasets_map": ["datasets"],
    "export_to_transformers": ["transformers"],
    "torch_loader": ["torch"],
    "train_on_dataset": ["datasets"],
}
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


@pytest.mark.parametrize("name", NEEDS)
def test_example_runs(name, tmp_path):
    for library in NEEDS[name]:
        pytest.importorskip(library, reason=f"pip install {library}")
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / f"{name}.py"],
        cwd=tmp_path,
        env={**os.environ, **OFFLINE, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") >= 3
    assert not list(tmp_path.iterdir()), "it leaves files behind"
