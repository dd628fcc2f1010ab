"""The time before the first result: processes, the first call, loading a model."""

import os
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.support import ROOT
from benchmarks.support.harness import BenchmarkReport, BenchmarkSettings
from bytepiece import Tokenizer, model_io
from bytepiece.adapters.base import timed
from bytepiece.errors import ModelError

PYTHON = [sys.executable, "-m", "bytepiece"]
_AT_ONCE = 4
"""Processes that start at once with an empty cache."""
ENCODE = "import bytepiece, sys; print(bytepiece.Tokenizer.load(sys.argv[1]).encode('hi'{}))"


def run(settings: BenchmarkSettings) -> BenchmarkReport:
    """Measure everything, print it, and return the report."""
    report = BenchmarkReport("startup", settings)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        processes(report, settings)
        first_calls(report, settings, directory)
        if not settings.quick:
            at_once(report, settings)
        loading(report, settings, directory)
    return report


def process(
    command: list[str], environment: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> tuple[float, str]:
    """Return the seconds that a command takes with the input "hi", and its standard error."""
    begin = time.perf_counter()
    done = subprocess.run(
        command,
        input="hi\n",
        capture_output=True,
        encoding="utf-8",
        env=environment,
        cwd=cwd,
        check=False,
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(f"{command} failed: {done.stderr}")
    return seconds, done.stderr.strip()


def cold(command: list[str]) -> tuple[float, str]:
    """Return the same as `process`, with an empty folder for compiled kernels."""
    with tempfile.TemporaryDirectory() as empty:
        return process(command, {**os.environ, "NUMBA_CACHE_DIR": empty})


def program() -> list[str]:
    """Return the installed command `bytepiece` or, if it is not installed, the module."""
    script = shutil.which("bytepiece", path=str(Path(sys.executable).parent))
    return [script] if script else PYTHON


def processes(report: BenchmarkReport, settings: BenchmarkSettings) -> None:
    """Measure whole processes whose kernels are already compiled."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        'python -c "import bytepiece"': [sys.executable, "-c", "import bytepiece"],
        'python -c "import numba"': [sys.executable, "-c", "import numba"],
        "bytepiece --help": [*program(), "--help"],
        "echo hi | bytepiece encode": [*program(), "encode", "-m", str(settings.model)],
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(settings.repeats + 1):  # the first repeat is the warm-up
        for name, command in commands.items():
            found[name].append(process(command)[0])
    found = {name: seconds[1:] for name, seconds in found.items()}
    report.table(
        "Processes, warm",
        ["command", "best s", "median s"],
        [[n, f"{min(s):.3f}", f"{statistics.median(s):.3f}"] for n, s in found.items()],
    )
    report.target("help", statistics.median(found["bytepiece --help"]))
    report.target("warm encode", statistics.median(found["echo hi | bytepiece encode"]))


def first_calls(report: BenchmarkReport, settings: BenchmarkSettings, directory: Path) -> None:
    """Measure whole processes that must compile: with an empty cache, and without any cache."""
    model = str(settings.model.resolve())
    commands = {
        "bytepiece encode": [*PYTHON, "encode", "-m", model],
        "Tokenizer.encode": [sys.executable, "-c", ENCODE.format(""), model],
    }
    if not settings.quick:
        commands |= {
            "bytepiece encode --sample": [*PYTHON, "encode", "-m", model, "--sample"],
            "Tokenizer.encode, alpha": [sys.executable, "-c", ENCODE.format(", alpha=0.1"), model],
        }
    installed, nowhere = read_only_install(directory)
    rows = []
    for target in ("cold encode", "read-only encode"):
        for name, command in commands.items():
            found = []
            for _ in range(1 if settings.quick else 3):
                if target == "cold encode":
                    seconds, said = cold(command)
                else:
                    seconds, said = process(command, nowhere, installed)
                found.append(seconds)
            rows.append(
                [target, name, f"{min(found):.2f}", f"{statistics.median(found):.2f}", said[:100]]
            )
    report.table("First calls", ["", "command", "best s", "median s", "said"], rows)
    for target in ("cold encode", "read-only encode"):
        report.target(target, max(float(row[3]) for row in rows if row[0] == target))


def at_once(report: BenchmarkReport, settings: BenchmarkSettings) -> None:
    """Measure processes that start at once with an empty cache, and one that comes after them."""
    command = [sys.executable, "-c", ENCODE.format(""), str(settings.model.resolve())]
    rows, cold_seconds, warm_seconds = [], {}, []
    for number in (1, _AT_ONCE):
        with tempfile.TemporaryDirectory() as empty, ThreadPoolExecutor(number) as pool:
            environment = {**os.environ, "BYTEPIECE_CACHE": empty}
            begin = time.perf_counter()
            list(pool.map(process, [command] * number, [environment] * number))
            cold_seconds[number] = time.perf_counter() - begin
            warm_seconds.append(process(command, environment)[0])
        rows.append([str(number), f"{cold_seconds[number]:.2f}", f"{warm_seconds[-1]:.2f}"])
    report.table(
        "Cold processes at once", ["processes", "s until all end", "s of a later one"], rows
    )
    report.target("cold at once", cold_seconds[_AT_ONCE] / cold_seconds[1])
    report.target("after warm-up", max(warm_seconds))


def read_only_install(directory: Path) -> tuple[Path, dict[str, str]]:
    """Copy the package so that it finds no place for compiled kernels.

    The places of the cache's folders are taken by files. Permissions would not do, because root may
    write into any folder.

    Returns:
        the folder of the copy, and the environment for its process.
    """
    installed = directory / "installed"
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "bytepiece", installed / "bytepiece", ignore=leave)
    shutil.copytree(ROOT / "cli", installed / "bytepiece_cli", ignore=leave)
    (installed / "bytepiece" / "__pycache__").touch()
    file = directory / "a file"
    file.touch()
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        environment[name] = str(file / "home")
    environment["PYTHONPATH"] = str(installed)
    return installed, environment


def loading(report: BenchmarkReport, settings: BenchmarkSettings, directory: Path) -> None:
    """Measure loading a tokenizer from a model file, and unpickling it as in another process."""
    model = model_io.load(settings.model)
    model_io.save(model, directory / "own.model")
    calls: dict[str, Callable[[], object]] = {
        "load own": lambda: Tokenizer.load(directory / "own.model")
    }
    try:
        model_io.save_original(model, directory / "original.model")
    except ModelError:
        pass  # the original format cannot hold this model
    else:
        calls["load original"] = lambda: Tokenizer.load(directory / "original.model")
    pickled = pickle.dumps(Tokenizer(model))
    calls["unpickle"] = lambda: pickle.loads(pickled)
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(settings.repeats + 1):  # the first repeat is the warm-up
        for name, call in calls.items():
            found[name].append(timed(call).seconds)
    rows = [
        [name, f"{min(s[1:]):.3f}", f"{statistics.median(s[1:]):.3f}"] for name, s in found.items()
    ]
    heads = ["", "best s", "median s"]
    report.table(f"A tokenizer of {len(model.pieces):,} pieces", heads, rows)
    for name, seconds in found.items():
        report.target(name, statistics.median(seconds[1:]))
