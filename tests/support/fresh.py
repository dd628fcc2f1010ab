"""Scripts in a fresh interpreter, with their own folder for compiled kernels."""

import os
import subprocess
import sys
from pathlib import Path

import bytepiece

PACKAGE = Path(bytepiece.__file__).resolve().parent


def run(script, package, **environment):
    """Run a script in a fresh interpreter that finds this package."""
    own = ("NUMBA_CACHE_DIR", "BYTEPIECE_CACHE")
    inherited = {k: v for k, v in os.environ.items() if k not in own}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**inherited, "PYTHONPATH": str(package.parent), **environment},
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=False,
    )
