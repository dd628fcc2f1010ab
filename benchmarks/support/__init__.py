"""Machinery that several benchmarks share, and the paths of the project's own files."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample.txt"
GOLDEN = ROOT / "tests" / "golden"
