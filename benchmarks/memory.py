"""How much memory a call needs, measured in a process of its own."""

import contextlib
import ctypes
import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.corpora import utf8_size
from bytepiece import Tokenizer

Call = Callable[[Tokenizer, list[str]], int]
"""What to measure, for a new process to import; returns how many bytes are not to be counted."""


def encoding(tokenizer: Tokenizer, texts: list[str], **options: Any) -> int:
    """`encode_batch`; its result is not counted."""
    rows = tokenizer.encode_batch(texts, **options)
    return rows.ids.nbytes + rows.offsets.nbytes


def peak(model: Path, texts: list[str], call: Call) -> float:
    """Bytes for each byte of text, at the worst moment of one call.

    Args:
        model: a model file.
        texts: what the call is about; memory they take is not counted.
        call: what to measure.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_measure, args=(there, model, call), daemon=True)
    process.start()
    there.close()  # so that a child that fails ends the wait
    # By the pipe and not made in the child: little objects freed there would leave room between
    # those that stay, which the call would use unnoticed.
    here.send(texts)
    found = here.recv()
    process.join()
    return float(found)


def measurable() -> bool:
    """Whether the system says how much memory a process had at most."""
    return sys.platform != "win32"


def _measure(pipe: Any, model: Path, call: Call) -> None:
    tokenizer = Tokenizer(model)
    texts = pipe.recv()
    call(tokenizer, [text[:1000] for text in texts[:10]])  # compiled, tables and threads there
    before = _reset()
    uncounted = call(tokenizer, texts)
    pipe.send((_peak() - before - uncounted) / sum(map(utf8_size, texts)))


def _reset() -> int:
    """Forget the peak so far, where that is possible, and return it or what is used now."""
    with contextlib.suppress(OSError, AttributeError):
        # What was freed goes back, or the call would take it up again unnoticed.
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")
    return _peak()


def _peak() -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource  # noqa: PLC0415  # not there on Windows

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024
