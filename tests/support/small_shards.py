"""Windows and shards so small that a little text has many of them, also in other processes."""

from bytepiece.inputs import shards
from bytepiece.training import corpus_reader, corpus_sample, memory, pace

CONSTANTS = (
    (corpus_sample, "_WINDOW"),
    (corpus_sample, "_BLOCK"),
    (corpus_sample, "_CHUNK"),
    (corpus_reader, "_BLOCK"),
    (shards, "_SHARD"),
    (memory, "LEAST_TEXT"),
    (pace, "LARGE"),
)
"""What `make_small` changes: modules and names."""


def make_small():
    """Make everything small in this process."""
    large = pace.LARGE._replace(per_piece=4)
    for (module, name), value in zip(
        CONSTANTS, (500, 2000, 3, 2000, 5000, 9000, large), strict=True
    ):
        setattr(module, name, value)


def applied(stage, item):
    """Apply a stage in a process in which everything is made small."""
    make_small()
    return stage(item)
