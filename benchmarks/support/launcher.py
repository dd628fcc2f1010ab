"""A script that runs a command, and prints what the command took as a JSON list.

The script is a process of its own between `benchmarks.support.commands.run` and the command. The
reason is the peak memory: a system reports for a new process at least the peak of the process that
started it, and the process that measures holds models and texts. The script imports only what it
needs, so that its own peak is small.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence


def launch(command: Sequence[str]) -> int:
    """Run a command, print its seconds, CPU seconds and peak bytes, and return an exit status."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit]))
    return 1 if process.returncode else 0


if __name__ == "__main__":
    sys.exit(launch(sys.argv[1:]))
