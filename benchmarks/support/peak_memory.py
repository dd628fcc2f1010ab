"""The memory that a call needs, measured in a process of its own."""

import contextlib
import ctypes
import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.support.corpora import utf8_size
from bytepiece import Tokenizer

Call = Callable[[Tokenizer, list[str]], int]
"""The call to measure, which a new process can import; it returns the bytes not to be counted."""


def encoding(tokenizer: Tokenizer, texts: list[str], **options: Any) -> int:
    """Call `encode_batch`, and return the bytes of its result, which are not counted."""
    rows = tokenizer.encode_batch(texts, **options)
    return rows.ids.nbytes + rows.offsets.nbytes


def peak(model: Path, texts: list[str], call: Call) -> float:
    """Return the largest memory during one call, in bytes for each byte of text.

    Args:
        model: a model file.
        texts: the texts that the call gets; their own memory is not counted.
        call: the call to measure.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_measure, args=(there, model, call), daemon=True)
    process.start()
    there.close()  # otherwise a child that fails would leave this process waiting
    # The texts go through the pipe and are not made in the child. Making them there would leave
    # gaps of freed memory, which the call could use without being measured.
    here.send(texts)
    found = here.recv()
    process.join()
    return float(found)


def measurable() -> bool:
    """Return whether the system reports the largest memory of a process."""
    return sys.platform != "win32"


def _measure(pipe: Any, model: Path, call: Call) -> None:
    tokenizer = Tokenizer(model)
    texts = pipe.recv()
    # The first call compiles kernels, computes tables and starts threads.
    call(tokenizer, [text[:1000] for text in texts[:10]])
    before = _reset()
    uncounted = call(tokenizer, texts)
    pipe.send((_peak() - before - uncounted) / sum(map(utf8_size, texts)))


def _reset() -> int:
    """Set the recorded peak to the memory in use, where the system can, and return the peak."""
    with contextlib.suppress(OSError, AttributeError):
        # Freed memory goes back to the system. Otherwise the call could reuse it unmeasured.
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")
    return _peak()


def _peak() -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource  # noqa: PLC0415  # Windows does not have it

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024
