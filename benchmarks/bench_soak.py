"""A long soak: mixed calls from several threads and from forks, for hours.

    python -m benchmarks.bench_soak --minutes 60 --output benchmarks/results

Every call is a function of its number. One thread makes all calls first, and keeps a checksum of
each result. Then the threads make them again in random order, until the time is over, and each
result must have the same checksum. Every half minute the process forks while its threads work, and
the child makes some of the calls, too. The memory must not grow.
"""

import argparse
import faulthandler
import os
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.fuzzing import models
from benchmarks.fuzzing.mixed_calls import MixedCalls
from benchmarks.support.harness import BenchmarkReport

CALLS = 1500
"""The number of different calls."""
_SAMPLED = 5.0
"""Seconds between two measurements of the memory."""
_FORKED = 30.0
"""Seconds between two forks."""
_CALLS_OF_A_FORK = 20
_LONGEST_FORK = 600.0
"""Seconds after which a child hangs; it needs a few, but the machine may be busy."""


class Soaked(NamedTuple):
    """The outcome of a soak.

    Args:
        calls: the number of calls of the threads.
        forks: the number of children.
        wrong: for each wrong result or failure, what it was and how often it came.
        memory: the resident memory in bytes, measured every few seconds.
    """

    calls: int
    forks: int
    wrong: Counter[str]
    memory: list[int]


def soak(
    calls: MixedCalls, expected: Sequence[str], seconds: float, threads: int, seed: int
) -> Soaked:
    """Make calls in many threads and in forks, and compare each result.

    Args:
        calls: the calls.
        expected: the right checksum of each call.
        seconds: the time to run for.
        threads: the number of threads.
        seed: decides the order of the calls.
    """
    end = time.monotonic() + seconds
    wrong: Counter[str] = Counter()
    counts = [0] * threads

    def work(thread: int) -> None:
        rng = random.Random(f"{seed}/{thread}")
        while time.monotonic() < end:
            fault = _fault(calls, expected, rng)
            counts[thread] += 1
            if fault:
                wrong[fault] += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    memory: list[int] = []
    forks = 0
    next_fork = time.monotonic() + min(_FORKED, seconds / 4)
    while time.monotonic() < end:
        time.sleep(min(_SAMPLED, seconds / 100))
        memory.append(resident())
        if hasattr(os, "fork") and time.monotonic() >= next_fork:
            forks += 1
            if fault := _forked(calls, expected, f"{seed}/fork {forks}"):
                wrong[fault] += 1
            next_fork = time.monotonic() + _FORKED
    for worker in workers:
        worker.join()
    return Soaked(sum(counts), forks, wrong, memory)


def _fault(calls: MixedCalls, expected: Sequence[str], rng: random.Random) -> str:
    """Make one call; return what is wrong with its result, or nothing."""
    number = rng.randrange(len(expected))
    try:
        found = calls.digest(number)
    except Exception as error:
        return f"call {number}: {error!r:.200}"
    return "" if found == expected[number] else f"call {number} gave another result"


def _forked(calls: MixedCalls, expected: Sequence[str], seed: str) -> str:
    """Make some calls in a child; return what is wrong, or nothing."""
    child = os.fork()
    if child == 0:
        # No cleanup of the parent may run here.
        try:
            faulthandler.dump_traceback_later(_LONGEST_FORK)
            rng = random.Random(seed)
            os._exit(any(_fault(calls, expected, rng) for _ in range(_CALLS_OF_A_FORK)))
        finally:
            os._exit(2)
    limit = time.monotonic() + _LONGEST_FORK
    while time.monotonic() < limit:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return f"a fork ended with {status}" if status else ""
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return "a fork hung"


def resident() -> int:
    """Return the memory of this process that is resident, in bytes; 0 if the system hides it."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def growth(memory: Sequence[int]) -> float:
    """Return the median memory of the last third over that of the second third."""
    third = len(memory) // 3
    if not third or not memory[0]:
        return 1.0
    return statistics.median(memory[2 * third :]) / statistics.median(memory[third : 2 * third])


def main() -> None:
    """Run the soak, print its figures, and keep them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--calls", type=int, default=CALLS, help="the number of different calls")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="folder for soak.json")
    arguments = parser.parse_args()
    report = BenchmarkReport("soak")
    calls = MixedCalls(models.tokenizers(), arguments.seed)
    expected = [calls.digest(number) for number in range(arguments.calls)]
    begin = time.monotonic()
    found = soak(calls, expected, arguments.minutes * 60, arguments.threads, arguments.seed)
    minutes = (time.monotonic() - begin) / 60
    megabytes = [size / 1e6 for size in found.memory] or [0.0]
    third = len(megabytes) // 3
    rows = [
        ["minutes", f"{minutes:.1f}"],
        ["seed", str(arguments.seed)],
        ["threads", str(arguments.threads)],
        ["calls", f"{found.calls:,}"],
        ["different calls", f"{len(expected):,}"],
        ["forks", f"{found.forks:,}"],
        ["wrong results, errors and hangs", str(sum(found.wrong.values()))],
        ["memory at first, MB", f"{megabytes[0]:.0f}"],
        [
            "median of the second third, MB",
            f"{statistics.median(megabytes[third : 2 * third or 1]):.0f}",
        ],
        ["median of the last third, MB", f"{statistics.median(megabytes[2 * third :]):.0f}"],
        ["most, MB", f"{max(megabytes):.0f}"],
    ]
    report.table("Mixed calls", ["", "figure"], rows, memory=found.memory, wrong=dict(found.wrong))
    report.target("soak", sum(found.wrong.values()))
    report.target("soak memory", growth(found.memory))
    if arguments.output:
        report.write(arguments.output)
    if found.wrong:
        raise SystemExit("\n".join(f"{count} × {fault}" for fault, count in found.wrong.items()))


if __name__ == "__main__":
    main()
