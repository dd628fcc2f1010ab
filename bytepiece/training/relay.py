"""Reports that a worker elsewhere leaves in the checkpoint, and that are passed on here."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from bytepiece.training.checkpoint import Checkpoint
from bytepiece.training.progress import Progress

_PAUSE = 1.0
"""Seconds between two looks, and between two reports that are kept."""
_REPORTS = "reports"
"""The name of the reports in the checkpoint."""


class KeptReports:
    """A `Progress` that keeps the last report of each phase in a checkpoint.

    Args:
        checkpoint: has a directory that the other process sees.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._reports: list[tuple[str, int, int]] = []
        self._next = 0.0

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Keep a report, unless the last one was kept a moment ago and the phase goes on."""
        if self._reports and self._reports[-1][0] == phase:
            self._reports.pop()
        self._reports.append((phase, done, total))
        if done == total or time.monotonic() >= self._next:
            content = np.frombuffer(json.dumps(self._reports).encode(), dtype=np.uint8)
            self._checkpoint.save(_REPORTS, lambda: {"json": content})
            self._next = time.monotonic() + _PAUSE


@contextmanager
def relayed(checkpoint: Checkpoint, progress: Progress) -> Iterator[None]:
    """Pass on the reports that a worker keeps in a checkpoint, until the block ends.

    Args:
        checkpoint: the worker's.
        progress: called in a thread of its own.
    """
    ended = threading.Event()
    shown = _kept(checkpoint)  # An earlier run may have left them.

    def watch() -> None:
        nonlocal shown
        last = False
        while not last:
            last = ended.wait(_PAUSE)
            found = _kept(checkpoint)
            for report in found:
                if report not in shown:
                    progress(*report)
            shown = found

    with ThreadPoolExecutor(1, "bytepiece") as pool:
        watching = pool.submit(watch)
        try:
            yield
        finally:
            ended.set()
        watching.result()


def _kept(checkpoint: Checkpoint) -> list[Any]:
    arrays = checkpoint.load(_REPORTS)
    return [] if arrays is None else json.loads(arrays["json"].tobytes())
