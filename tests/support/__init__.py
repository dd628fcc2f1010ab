"""What tests share: slow twins of the kernels, strategies, and models made by hand."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample.txt"
GOLDEN = ROOT / "tests" / "golden"
