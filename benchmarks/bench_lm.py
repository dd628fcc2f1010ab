r"""Language models that differ in nothing but the tokenizer: bits per byte of unseen text.

    python -m benchmarks lm --corpus mix10.txt --held-out heldout_mix.txt --results lm.jsonl

trains a small decoder-only transformer for each run of the plan, and adds lines to the results:
one with its bits, and one with its bits on other kinds of text, after noisy text and after cuts.
What is there is not done again, so the same command goes on after a break. Two processes share
the plan with `--shard 1/2` and `--shard 2/2`. `--plan` shows what is left to do, and `--report`
prints the tables of the results.

All transformers have the same matrices, and an embedding that is also the output layer. The bits
of a text are those of its tokens and its newlines, divided by its bytes. A run has the floating-
point operations of merges across spaces on --megabytes of text ("compute", attention and the
output layer counted), or it reads that text ("text"). It reads 1,024 bytes at a time, whichever
the tokenizer. Models that were trained on samples are tested on best paths.

--quick takes a minute on data/sample.txt; its figures mean nothing.
"""

import argparse
import multiprocessing
import sys
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.support import ROOT, SAMPLE
from benchmarks.support.commands import FailedError
from benchmarks.support.result_lines import append, lines_of

if TYPE_CHECKING:
    from benchmarks.language_models.runs import Experiment, Left, Run

_KEPT = ROOT / "benchmarks" / ".models" / "lm"


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the runs of the plan that are not done yet."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks lm",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, default=SAMPLE)
    parser.add_argument(
        "--held-out",
        type=Path,
        nargs="+",
        default=[SAMPLE],
        help="a text of the same kinds, then any others",
    )
    parser.add_argument("--results", type=Path, help="a JSON-lines file, kept between calls")
    parser.add_argument("--megabytes", type=float, default=5.0, help="text of the reference")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shard", default="1/1", help="which part of the runs, as 1/2")
    parser.add_argument("--tokenizers", nargs="*", help="only the runs of these")
    parser.add_argument("--kept", type=Path, default=_KEPT, help="the folder of models")
    parser.add_argument("--plan", action="store_true", help="show the runs that are left and stop")
    parser.add_argument("--report", action="store_true", help="print tables of the results")
    parser.add_argument("--against", help="the tokenizer that the tables compare the others with")
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args(arguments)
    try:
        from benchmarks.language_models import plan, runs, tables  # noqa: PLC0415
        from benchmarks.language_models.transformer import Shape  # noqa: PLC0415
        from benchmarks.language_models.vocabularies import REFERENCE  # noqa: PLC0415
    except ImportError as error:
        parser.error(f'{error}; pip install -e ".[lm]"')
    if chosen.report:
        if not chosen.results:
            parser.error("--report needs --results")
        print(tables.report(list(lines_of(chosen.results)), chosen.against or REFERENCE), end="")
        return
    experiment = runs.Experiment(
        chosen.corpus,
        {path.name: path for path in chosen.held_out},
        round(chosen.megabytes * 1e6),
        chosen.kept,
        threads=chosen.threads,
    )
    planned = plan.runs
    if chosen.quick:
        planned = plan.quick_runs
        experiment = replace(
            experiment,
            size=20_000,
            reference_vocabulary=1000,
            shape=Shape(64, 2, 2),
            tested=20_000,
        )
    part, parts = map(int, chosen.shard.split("/"))

    def left() -> "list[Left]":
        """Return the runs of this process that are left."""
        lines = list(lines_of(path))
        of_all = experiment.left(planned(lines), lines)
        return [
            (run, context)
            for run, context in of_all
            if zlib.crc32(str(run).encode()) % parts == part - 1
            and run.tokenizer in (chosen.tokenizers or [run.tokenizer])
        ]

    with tempfile.TemporaryDirectory() as name:
        path = chosen.results or Path(name) / "lm.jsonl"
        if chosen.plan:
            print(*(run for run, _ in left()), sep="\n")
            return
        tried: list[Left] = []
        while todo := [one for one in left() if one not in tried]:
            tried.append(todo[0])
            line = _line(experiment, *todo[0])
            if line not in lines_of(path):
                append(path, line)
            print(f"{len(todo)} left: {runs.shown(line)}", file=sys.stderr, flush=True)


def _line(experiment: "Experiment", run: "Run", context: int) -> dict[str, Any]:
    """Return the line of a run, made in a process of its own, whose memory is then the run's."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        try:
            if context:
                return pool.apply(experiment.further, (run, context))
            return pool.apply(experiment.result, (run,))
        except FailedError as error:
            return {
                "run": asdict(run),
                "experiment": experiment.described(),
                "reason": str(error),
            }
