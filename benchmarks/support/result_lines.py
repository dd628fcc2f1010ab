"""A file of results: one JSON object on each line, added when a run has ended."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file of results; lines that a kill cut off are left out."""
    if path.exists():
        for line in path.read_bytes().split(b"\n"):
            try:
                yield json.loads(line)
            except ValueError:
                continue


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Add a line to a file of results, in one write, and wait until it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
    with path.open("ab") as file:
        file.write(b"\n" * torn + (json.dumps(line, ensure_ascii=False) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())
