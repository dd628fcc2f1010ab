"""Limits that the system sets to this program: memory, address space, threads."""

import importlib

import click

_LEAST = 512 << 20
"""The bytes of address space that the program and its libraries need. With less, libraries that are
not ours abort or wait for ever while they are loaded."""


def check() -> None:
    """Raise, before libraries are loaded, if the limit of the address space is too small."""
    try:
        resource = importlib.import_module("resource")
    except ImportError:  # Windows has no such limits
        return
    limit: int = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < _LEAST:
        raise click.ClickException(
            f"not enough memory: the limit (ulimit -v) is {limit >> 20} MiB, and this program "
            f"needs {_LEAST >> 20} MiB"
        )


def explained(error: BaseException | None) -> str | None:
    """Return what to say about an error that comes from a limit, or None.

    Libraries say this in many ways, and often another error hides the first one.
    """
    while error is not None:
        if isinstance(error, MemoryError) or "failed to map segment" in str(error):
            return "not enough memory"
        if "can't start new thread" in str(error):
            return "no thread can be started: take fewer --threads, or raise the limit (ulimit -u)"
        error = error.__cause__ or error.__context__
    return None
