"""Token files in the current directory: written, interrupted, and read again."""

import os
import random
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import numpy as np

from bytepiece import Encoded
from bytepiece.token_files import TokenFileWriter

module = import_module("bytepiece.token_files.writer")
LAYOUTS = ["megatron", "npy", "raw", "llmc", "datatrove"]
SIZES = [256, 257, 1 << 16, (1 << 16) + 1, 1 << 24]
FINISHED = {
    "megatron": ["x.bin", "x.idx"],
    "npy": ["x.ids.npy", "x.offsets.npy"],
    "raw": ["x.bin", "x.raw.offsets.npy"],
    "llmc": ["x.bin", "x.llmc.offsets.npy"],
    "datatrove": ["x.ds", "x.ds.index"],
}


def encoded(rows):
    ids = np.array([id_ for row in rows for id_ in row], dtype=np.int32)
    return Encoded(ids, np.cumsum([0, *map(len, rows)]))


def batches(count, vocab_size=1000, seed=0):
    rng = random.Random(seed)
    return [
        [
            [rng.randrange(vocab_size) for _ in range(rng.randint(0, 9))]
            for _ in range(rng.randint(0, 5))
        ]
        for _ in range(count)
    ]


def write(parts, layout="megatron", vocab_size=1000, resume=False, **run):
    with TokenFileWriter("x", vocab_size, layout, run=run, resume=resume) as writer:
        number = 0
        for part in parts:
            # Documents that were written before a resumption are skipped.
            rest = part[max(writer.documents - number, 0) :] if number < writer.documents else part
            number += len(part)
            writer.append(encoded(rest))


def listed():
    return sorted(path.name for path in Path().iterdir())


def contents(layout):
    return [Path(name).read_bytes() for name in FINISHED[layout]]


def rows_of(found):
    return [row.tolist() for row in found]


class StopError(Exception):
    """Ends a run."""


def stop_at(monkeypatch, number):
    """Let the system call with this number, and all later ones, raise an error."""
    count = 0
    for place, function in ((os, "fsync"), (module, "_write"), (Path, "replace"), (Path, "unlink")):
        real = getattr(place, function)

        def failing(*args, real=real, **options):
            nonlocal count
            count += 1
            if count >= number:
                raise StopError
            return real(*args, **options)

        monkeypatch.setattr(place, function, failing)


def begin(parts=([[1, 2], [3]],), layout="megatron", vocab_size=1000, **run):
    """Write some documents and stop; return how many documents and ids were written."""
    with suppress(StopError), TokenFileWriter("x", vocab_size, layout, run=run) as writer:
        for part in parts:
            writer.append(encoded(part))
        raise StopError
    return writer.documents, writer.tokens
