"""bytepiece warmup: compile everything ahead."""

import click

import bytepiece

from .streams import say, write


@click.command("warmup", short_help="Compile everything ahead, for a fast start.")
def command() -> None:
    """Compile all inner loops that are not in the cache yet, so that later programs start warm.

    Run it once on each machine, or when an image of a container is built: it takes about a minute.
    The compiled code is kept in the folder that $BYTEPIECE_CACHE names, or else in the user's
    cache. It belongs to one version of bytepiece and one kind of processor. If several programs
    start at once, one compiles and the others wait for it.

    \b
    Examples:
      bytepiece warmup
      BYTEPIECE_CACHE=/opt/bytepiece-cache bytepiece warmup
      NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES= bytepiece warmup   # for other processors, too
    """  # noqa: D301
    from bytepiece.kernels.cache import FOLDER  # noqa: PLC0415  # it loads the compiler

    steps = bytepiece.warmup(progress=lambda name: say(f"bytepiece: warming up: {name}"))
    lines = [f"{step.name:<10}{step.kernels:>5} compiled{step.seconds:>8.1f} s" for step in steps]
    kernels, seconds = sum(step.kernels for step in steps), sum(step.seconds for step in steps)
    lines += [f"{'all':<10}{kernels:>5} compiled{seconds:>8.1f} s", f"in {FOLDER.path}"]
    write("\n".join(lines).encode("utf-8", "backslashreplace") + b"\n")
