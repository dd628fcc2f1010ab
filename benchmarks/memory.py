"""What `encode_batch` needs beyond its result, measured in a process of its own."""

import contextlib
import ctypes
import multiprocessing
import sys
from pathlib import Path
from typing import Any

from benchmarks.corpora import utf8_size
from bytepiece import Tokenizer


def peak(model: Path, texts: list[str], **options: Any) -> float:
    """Bytes beyond the result for each byte of text, at the worst moment of one call.

    Args:
        model: a model file.
        texts: what is encoded; memory they take is not counted.
        options: of `encode_batch`.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_measure, args=(there, model, options), daemon=True)
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


def _measure(pipe: Any, model: Path, options: Any) -> None:
    tokenizer = Tokenizer(model)
    texts = pipe.recv()
    warm_up = [text[:1000] for text in texts[:10]]
    tokenizer.encode_batch(warm_up, **options)  # compiled, tables and threads there
    before = _reset()
    rows = tokenizer.encode_batch(texts, **options)
    extra = _peak() - before - rows.ids.nbytes - rows.offsets.nbytes
    pipe.send(extra / sum(map(utf8_size, texts)))


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
