r"""Translation: whether sampled segmentations of the training text make better translations.

    python -m benchmarks translation --results translation.jsonl \
        --pair en-fi en-fi.train.tsv.xz en-fi.dev.tsv.xz en-fi.test.tsv.xz

trains a small encoder-decoder transformer for each run of the plan, on files whose lines are a
text, a tab, and its translation. It adds one line to the results for each run. A run whose line is
there is not repeated, so the same command goes on after a break. Two processes share the plan and
the results with `--shard 1/2` and `--shard 2/2`; when both have ended, run the command once more
for runs that waited for the other process. --report prints the tables of the results and stops.

All runs have the same network and the same number of passes over the training text, each pass with
fresh samples. The networks differ only in the vocabulary, which is trained on both sides of the
training text, and in how the training text is segmented. For each sampler the price (the share of
tokens that it adds) is chosen on dev, with a seed of its own. Then other seeds are scored on test.
The vocabularies have 4,000 ids: with so little text, larger ones have many pieces that are seen a
few times only.

--quick takes a minute with any pair; its figures mean nothing.
"""

import argparse
import ctypes
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.support.result_lines import append
from benchmarks.translation import plan
from benchmarks.translation.pairs import Pairs, pairs_of

if TYPE_CHECKING:
    from benchmarks.translation.runs import Recipe, TranslationData

_QUICK_PAIRS = 200
_SYSTEMS = [system for group in plan.GROUPS for system in group]


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the runs of the plan that are not done yet."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks translation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--pair", nargs=4, action="append", default=[], metavar=("NAME", "TRAIN", "DEV", "TEST")
    )
    parser.add_argument("--results", type=Path, required=True, help="a JSON-lines file")
    parser.add_argument("--systems", nargs="*", default=_SYSTEMS, choices=_SYSTEMS)
    parser.add_argument("--vocabulary", type=int, default=4000, help="the number of ids")
    parser.add_argument("--epochs", type=int, default=12, help="passes over the training text")
    parser.add_argument(
        "--prices",
        type=float,
        nargs="+",
        default=plan.PRICES,
        help="the prices that are tried on dev: 0.1 for 10 %% more tokens",
    )
    parser.add_argument("--shard", default="1/1", help="which part of the runs, as 1/2")
    parser.add_argument("--report", action="store_true", help="print the tables and stop")
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args(arguments)
    if chosen.report:
        from benchmarks.translation import report  # noqa: PLC0415

        print(report.text_of(plan.results_of(chosen.results)))
        return
    try:
        import sacrebleu  # noqa: F401, PLC0415
        import torch  # noqa: PLC0415
    except ImportError as error:
        parser.error(f'{error.name} is not installed; pip install -e ".[lm]"')
    from benchmarks.translation import runs  # noqa: PLC0415

    torch.set_num_threads(1)
    _keep_memory()
    part, parts = map(int, chosen.shard.split("/"))
    recipe = runs.Recipe(vocabulary=chosen.vocabulary, epochs=chosen.epochs)
    for name, *paths in chosen.pair:
        read = [pairs_of(Path(path)) for path in paths]
        planned = plan.Plan(name, chosen.systems, chosen.prices)
        if chosen.quick:
            read = [Pairs(*(side[:_QUICK_PAIRS] for side in pairs)) for pairs in read]
            planned = plan.Plan(name, ("none", "perfect"), (0.1,), (1,))
            size = replace(recipe.size, width=32, layers=1, inner=64)
            recipe = replace(recipe, vocabulary=300, epochs=1, longest=30, size=size)
        data = runs.TranslationData(*read, chinese=name.endswith(("zh", "zh_CN")))
        while _one_run(planned, data, recipe, chosen.results, (part - 1, parts)):
            pass


def _one_run(
    planned: plan.Plan,
    data: "TranslationData",
    recipe: "Recipe",
    path: Path,
    shard: tuple[int, int],
) -> bool:
    """Do the first run that is left for this process; return whether there was one."""
    from benchmarks.translation import runs  # noqa: PLC0415

    part, parts = shard
    results = plan.results_of(path)
    left = (r for n, r in planned.runs(results) if n % parts == part and r not in results)
    run = next(left, None)
    if run is None:
        return False
    figures = runs.done(run, data, recipe) or {**run._asdict(), "unreachable": True}
    append(path, figures)
    said = f"{run.pair} {run.system} {run.more:+.0%} seed {run.seed} {run.part}"
    if "dev" in figures:
        said += f": dev chrF2 {figures['dev']['chrf']:.2f}, {figures['cpu']:.0f} CPU s"
    print(said, flush=True)
    return True


def _keep_memory() -> None:
    """Let malloc keep freed memory: otherwise each step pays for its pages anew."""
    if os.name == "posix" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        trim_threshold, mmap_threshold = -1, -3
        libc.mallopt(mmap_threshold, 1 << 30)
        libc.mallopt(trim_threshold, (1 << 31) - 1)
