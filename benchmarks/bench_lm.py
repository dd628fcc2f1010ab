r"""Language models that differ in nothing but the tokenizer: bits per byte of unseen text.

    python -m benchmarks lm --corpus mix10.txt --held-out heldout_mix.txt --results lm.jsonl

trains a small decoder-only transformer for each run of the plan, and adds one line to the results
for each run. A run whose line is there is not repeated, so the same command goes on after a break.
Two processes share the plan with `--shard 1/2` and `--shard 2/2`.

All transformers have the same matrices, and an embedding that is also the output layer. The bits
of a text are those of its tokens and its newlines, divided by its bytes. A run has the floating-
point operations of our default tokenizer on --megabytes of text ("compute", attention and the
output layer counted), or it reads that text ("text"). It reads 1,024 bytes at a time, whichever
the tokenizer.

--quick takes a minute on data/sample.txt; its figures mean nothing.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.support import ROOT, SAMPLE
from benchmarks.support.commands import FailedError

if TYPE_CHECKING:
    from benchmarks.language_models.runs import Experiment, Run

_KEPT = ROOT / "benchmarks" / ".models" / "lm"


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the runs of the plan that are not done yet."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks lm",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, default=SAMPLE)
    parser.add_argument("--held-out", type=Path, default=SAMPLE, help="a text of the same kinds")
    parser.add_argument("--other", type=Path, nargs="*", default=[], help="texts of other kinds")
    parser.add_argument("--results", type=Path, help="a JSON-lines file, kept between calls")
    parser.add_argument("--megabytes", type=float, default=5.0, help="text of the reference")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shard", default="1/1", help="which part of the runs, as 1/2")
    parser.add_argument("--tokenizers", nargs="*", help="only the runs of these")
    parser.add_argument("--kept", type=Path, default=_KEPT, help="the folder of tokenizers")
    parser.add_argument("--plan", action="store_true", help="show the runs and stop")
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args(arguments)
    try:
        import torch  # noqa: PLC0415
    except ImportError:
        parser.error('torch is not installed; pip install -e ".[lm]"')
    from benchmarks.language_models import plan, runs  # noqa: PLC0415
    from benchmarks.language_models.transformer import Shape  # noqa: PLC0415

    torch.set_num_threads(chosen.threads)
    planned = plan.default()
    texts = [chosen.held_out, *chosen.other]
    experiment = runs.Experiment(
        chosen.corpus,
        {path.name: path for path in texts},
        round(chosen.megabytes * 1e6),
        chosen.kept,
    )
    if chosen.quick:
        planned = [
            runs.Run(tokenizer, 1000, "compute", 1) for tokenizer in ("merge", "hf-bpe-words")
        ]
        experiment = runs.Experiment(
            chosen.corpus,
            experiment.held_out,
            20_000,
            chosen.kept,
            reference_vocabulary=1000,
            shape=Shape(64, 2, 2),
            tested=20_000,
        )
    part, parts = map(int, chosen.shard.split("/"))
    planned = [run for run in planned if run.tokenizer in (chosen.tokenizers or [run.tokenizer])]
    planned = planned[part - 1 :: parts]
    if chosen.plan:
        print(*planned, sep="\n")
        return
    with tempfile.TemporaryDirectory() as name:
        path = chosen.results or Path(name) / "lm.jsonl"
        _do(planned, experiment, path)


def _do(planned: Sequence["Run"], experiment: "Experiment", path: Path) -> None:
    from benchmarks.language_models import runs  # noqa: PLC0415

    for number, run in enumerate(planned, 1):
        key = (asdict(run), experiment.described())
        before = list(runs.lines_of(path))
        if any(runs.key_of(line) == key and "texts" in line for line in before):
            continue
        try:
            line = experiment.result(run)
        except FailedError as error:
            line = {"run": key[0], "experiment": key[1], "reason": str(error)}
            if line in before:
                continue
        runs.append(path, line)
        print(f"{number} of {len(planned)}: {runs.shown(line)}", file=sys.stderr, flush=True)
