r"""Translation: whether sampled segmentations of the training text make better translations.

    python -m benchmarks.bench_translation --pair en-fi en-fi.train.tsv.xz en-fi.dev.tsv.xz \
        en-fi.test.tsv.xz --results translation.jsonl

trains a small encoder-decoder transformer for each run of the plan, on files whose lines are a
text, a tab, and its translation. It adds one line to the results for each run. A run whose line is
there is not repeated, so the same command goes on after a break. Two processes share the plan with
`--shard 1/2` and `--shard 2/2`, each with a file of results of its own or the same file.

All runs have the same network and the same number of passes over the training text, each pass with
fresh samples. The networks differ only in how the training text is segmented.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.translation.runs import Run

PRICES = (0.05, 0.1, 0.2, 0.6)
"""The prices that are tried on dev: 0.1 is 10 % more tokens than without sampling."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the runs of the plan that are not done yet."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_translation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--pair", nargs=4, action="append", default=[], metavar=("NAME", "TRAIN", "DEV", "TEST")
    )
    parser.add_argument("--results", type=Path, required=True, help="a JSON-lines file")
    parser.add_argument("--systems", nargs="*", default=["none", "perfect"])
    parser.add_argument("--epochs", type=int, help="passes over the training text")
    parser.add_argument("--shard", default="1/1", help="which part of the runs, as 1/2")
    chosen = parser.parse_args(arguments)
    try:
        import sacrebleu  # noqa: F401, PLC0415
        import torch  # noqa: PLC0415
    except ImportError as error:
        parser.error(f'{error.name} is not installed; pip install -e ".[lm]"')
    from benchmarks.translation import runs  # noqa: PLC0415
    from benchmarks.translation.pairs import pairs_of  # noqa: PLC0415

    torch.set_num_threads(1)
    part, parts = map(int, chosen.shard.split("/"))
    recipe = runs.Recipe(**({"epochs": chosen.epochs} if chosen.epochs else {}))
    for name, *paths in chosen.pair:
        read = [pairs_of(Path(path)) for path in paths]
        data = runs.TranslationData(*read, chinese=name.endswith(("zh", "zh_CN")))
        for number, run in enumerate(dev_runs(name, chosen.systems)):
            if number % parts != part - 1 or run in done_runs(chosen.results):
                continue
            figures = runs.done(run, data, recipe) or {**run._asdict(), "unreachable": True}
            append(chosen.results, figures)
            said = [f"{key} {value}" for key, value in run._asdict().items()]
            if dev := figures.get("dev"):
                said.append(f"chrF2 {dev['chrf']:.2f} BLEU {dev['bleu']:.2f}")
                said.append(f"{figures['cpu']:.0f} CPU s")
            print(", ".join(said), flush=True)


def dev_runs(pair: str, systems: Sequence[str]) -> "Iterator[Run]":
    """Yield the runs that choose a setting on dev, with a seed that no other run has."""
    from benchmarks.translation.runs import Run  # noqa: PLC0415

    for system in systems:
        sampled = system not in ("none", "sentencepiece", "bpe")
        for more in PRICES if sampled else (0.0,):
            yield Run(pair, system, more, 0, "dev")


def done_runs(path: Path) -> "dict[Run, dict[str, Any]]":
    """Return the runs of a file of results, and their figures."""
    from benchmarks.translation.runs import Run  # noqa: PLC0415

    if not path.exists():
        return {}
    lines = path.read_text("utf-8").splitlines(keepends=True)
    # a process that was killed leaves half a line
    found = [json.loads(line) for line in lines if line.endswith("}\n")]
    return {Run(*(line[key] for key in Run._fields)): line for line in found}


def append(path: Path, figures: dict[str, Any]) -> None:
    """Add a line to a file of results, and wait until it is on the disk."""
    line = json.dumps(figures) + "\n"
    with path.open("ab+") as file:
        file.seek(max(0, file.tell() - 1))
        broken = file.read(1) not in (b"", b"\n")
        file.write((b"\n" if broken else b"") + line.encode())
        file.flush()
        os.fsync(file.fileno())


if __name__ == "__main__":
    main(sys.argv[1:])
