"""The adapter of the original bytepiece 0.6.3.

The original library has an environment of its own, because its import name is the same as this
library's. `python -m bytepiece.adapters.original_library` makes the environment. It needs a C
compiler and the Python headers: it installs Cython, builds pyahocorasick from source for bytes, and
builds bytepiece without isolation.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bytepiece import model_io
from bytepiece._files import user_cache
from bytepiece.adapters.base import Adapter, NotPossibleError, TimedResult
from bytepiece.errors import ModelError
from bytepiece.model import Model

_VERSION = "0.6.3"
WORKER = Path(__file__).with_name("original_worker.py")


def environment() -> Path:
    """Return the environment's folder, whether it exists or not.

    It is in the user's cache, beside the compiled kernels.
    """
    return user_cache() / "environments" / f"original-{_VERSION}"


def interpreter() -> str:
    """Return the path of the environment's Python, which runs `WORKER`."""
    return str(environment() / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def create() -> None:
    """Make the environment, unless it works already."""
    if installed():
        return
    venv.create(environment(), with_pip=True, clear=True)
    pip = [interpreter(), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "numpy", "cython", "setuptools", "wheel", "tqdm"], check=True)
    over_bytes = dict(os.environ, AHOCORASICK_BYTES="1")
    subprocess.run(
        [*pip, "--no-binary", "pyahocorasick", "pyahocorasick"], check=True, env=over_bytes
    )
    subprocess.run([*pip, "--no-build-isolation", f"bytepiece=={_VERSION}"], check=True)


def installed() -> bool:
    """Return whether the environment works."""
    if not Path(interpreter()).exists():
        return False
    command = [interpreter(), "-I", "-c", "import bytepiece"]
    return subprocess.run(command, check=False).returncode == 0


class Worker:
    """A process that answers requests with the original library; see `original_worker`."""

    def __init__(self) -> None:
        # -I isolates Python: neither PYTHONPATH nor the worker's folder can hide a library. The
        # worker has a session of its own, so that Ctrl-C reaches this process and not the worker.
        self._process = subprocess.Popen(
            [interpreter(), "-I", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def close(self) -> None:
        """End the process and its child processes."""
        with contextlib.suppress(ProcessLookupError):  # the process has ended already
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGTERM)
            else:
                self._process.terminate()
        self._process.communicate()

    def ask(self, **request: Any) -> Any:
        """Send a request to the worker; return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the original library's process ended; its message is above")
        return json.loads(answer)


def save(model: Model, path: Path) -> dict[int, bytes]:
    """Write a model in the original library's format; return the piece of each id.

    Raises:
        NotPossibleError: if the format cannot hold the model.
    """
    try:
        model_io.save_original(model, path)
    except ModelError as error:
        raise NotPossibleError(str(error)) from None
    return dict(zip(model.ids.tolist(), model.pieces, strict=True))


class Original(Adapter):
    """Calls `encode` once per text, because the library has no batch call.

    The worker makes the calls and measures their time.
    """

    name = "original bytepiece"
    module = "bytepiece"
    distribution = f"bytepiece=={_VERSION}"

    def __init__(self, model: Model) -> None:
        self._directory = tempfile.TemporaryDirectory()
        path = Path(self._directory.name) / "original.model"
        self._path = str(path)
        try:
            self._pieces = save(model, path)
        except NotPossibleError:
            self._directory.cleanup()
            raise
        self._worker = Worker()

    @classmethod
    def missing(cls) -> str | None:
        """As in the base class."""
        return None if installed() else f"not installed; python -m {__spec__.name} installs it"

    @classmethod
    def version(cls) -> str:
        """As in the base class."""
        return _VERSION

    @classmethod
    def from_model(cls, model: Model) -> "Original":
        """As in the base class. The original format must be able to hold the model."""
        return cls(model)

    def sample_batch(self, texts: Sequence[str], alpha: float) -> TimedResult:
        """As in the base class."""
        return self.encode_each(texts, alpha)

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """As in the base class."""
        return self._encode(texts, -1.0 if alpha is None else alpha)

    def sample(self, text: str, alpha: float, count: int, seed: int) -> TimedResult:
        """As in the base class."""
        return self._encode([text] * count, alpha, seed=seed % 2**32)

    def _encode(self, texts: Sequence[str], alpha: float, **more: int) -> TimedResult:
        answer = self._worker.ask(
            do="encode", model=self._path, texts=list(texts), alpha=alpha, **more
        )
        return TimedResult(answer["ids"], answer["seconds"])

    def piece(self, id_: int) -> bytes:
        """As in the base class."""
        return self._pieces.get(id_, b"")

    def close(self) -> None:
        """As in the base class."""
        self._worker.close()
        self._directory.cleanup()


if __name__ == "__main__":
    create()
    print(f"bytepiece {_VERSION} is in {environment()}", file=sys.stderr)
