"""The original bytepiece 0.6.3, in an environment of its own, for its import name is ours.

`python -m benchmarks.peers.original` makes the environment (a C compiler and the Python headers
are needed): Cython, then pyahocorasick from source over bytes, then bytepiece without isolation.
"""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from types import TracebackType
from typing import Any

ENVIRONMENT = Path(__file__).parent.parent / ".environments" / "original"
_PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
_WORKER = Path(__file__).with_name("original_worker.py")
_VERSION = "0.6.3"


def create() -> None:
    """Make the environment, unless it is there."""
    if installed():
        return
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [str(_PYTHON), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "numpy", "cython", "setuptools", "wheel", "tqdm"], check=True)
    over_bytes = dict(os.environ, AHOCORASICK_BYTES="1")
    subprocess.run(
        [*pip, "--no-binary", "pyahocorasick", "pyahocorasick"], check=True, env=over_bytes
    )
    subprocess.run([*pip, "--no-build-isolation", f"bytepiece=={_VERSION}"], check=True)


def installed() -> bool:
    """Whether the environment works."""
    if not _PYTHON.exists():
        return False
    return subprocess.run([str(_PYTHON), "-c", "import bytepiece"], check=False).returncode == 0


class Original:
    """A process that runs the original library and answers requests; see `original_worker`."""

    def __enter__(self) -> "Original":
        create()
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        self._process = subprocess.Popen(
            [str(_PYTHON), str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=clean,
            encoding="utf-8",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def ask(self, **request: Any) -> Any:
        """What the worker answers to a request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the original library's process ended; its message is above")
        return json.loads(answer)


if __name__ == "__main__":
    create()
    print(f"bytepiece {_VERSION} is in {ENVIRONMENT}", file=sys.stderr)
