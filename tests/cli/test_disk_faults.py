"""Faults of the disk at every write; `python -m benchmarks.bench_disk` tries each of the calls."""

import json
import shutil
import subprocess
import sys

import pytest
from support import ROOT
from support.strategies import JIT


@pytest.mark.skipif(sys.platform != "linux", reason="the disk's faults need LD_PRELOAD")
@pytest.mark.skipif(shutil.which("cc") is None, reason="the disk's faults need a C compiler")
@pytest.mark.skipif(not JIT, reason="training with interpreted kernels takes long")
def test_commands_on_a_faulty_disk(tmp_path):
    command = [sys.executable, "-m", "benchmarks.bench_disk", "--every", "4", "--output", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [table] = json.loads((tmp_path / "disk.json").read_text("utf-8"))["tables"]
    assert table["found"] == []
    tried = {row["command"]: 0 for row in table["rows"]}
    for row in table["rows"]:
        if row["calls that failed"] != "all":
            tried[row["command"]] += int(row["calls that failed"])
    assert len(tried) > 10
    assert all(number >= 5 for number in tried.values()), tried
