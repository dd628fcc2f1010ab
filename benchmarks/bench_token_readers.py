r"""Token files, opened by the loaders of other libraries.

    python -m benchmarks formats-read

runs the examples of docs/pipelines.md that belong to a loader, and prints a line for each loader:
its version, and whether it gives back the ids that were written. A loader that is not installed is
skipped. Install the loaders with

    pip install megatron-core ai2-olmo-core datatrove grain array-record mosaicml-streaming litdata

It needs a minute. The exit code is 1 if a loader gives other ids.
"""

import argparse
import doctest
import importlib
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.support import ROOT

PAGE = ROOT / "docs" / "pipelines.md"
LOADERS = {
    "megatron": "megatron-core",
    "olmo_core": "ai2-olmo-core",
    "datatrove": "datatrove",
    "grain": "grain",
    "array_record": "array-record",
    "streaming": "mosaicml-streaming",
    "litdata": "litdata",
}
"""The distribution of each module that has examples on the page."""


def check(module: str, text: str) -> tuple[int, str]:
    """Run the examples of a loader in a folder of their own.

    Args:
        module: the loader's module.
        text: the page.

    Returns:
        how many examples ran, and what doctest reports of those that failed.
    """
    blocks = re.findall(rf"^```python {module}\n(.*?)^```", text, re.M | re.S)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, module, str(PAGE), 0)
    report: list[str] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shutil.copytree(ROOT / "data", Path(folder, "data"))
        here = Path.cwd()
        os.chdir(folder)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Their warnings say nothing about our files.
                found = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(
                    test, out=report.append
                )
        finally:
            os.chdir(here)
    return found.attempted, "".join(report)


def main(arguments: Sequence[str]) -> None:
    """Run the examples of all loaders."""
    argparse.ArgumentParser(
        prog="python -m benchmarks formats-read",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    failed = False
    text = PAGE.read_text("utf-8")
    for module, distribution in LOADERS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(module)
        except ImportError as error:
            print(f"{distribution}: skipped, {error}")
            continue
        count, report = check(module, text)
        failed = failed or bool(report)
        outcome = f"FAILED\n{report}" if report else f"{count} examples right"
        print(f"{distribution} {version(distribution)}: {outcome}", flush=True)
    sys.exit(failed)
