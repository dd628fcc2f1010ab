"""Shared code of the tests, and the paths of the project's own files."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample.txt"
GOLDEN = ROOT / "tests" / "golden"
