r"""Measure this library against others, and itself against larger inputs.

    python -m benchmarks speed      encoding and sampling against every rival, threads, latency
    python -m benchmarks scaling    longer texts, larger vocabularies, threads, odd texts, memory
    python -m benchmarks lattice    the exact distribution of longer texts, and many draws
    python -m benchmarks continuations
                                    what may follow a prompt whose last tokens are taken back
    python -m benchmarks startup    the command line, the first call, loading a model
    python -m benchmarks arrow      columns of Arrow in, Parquet and token files out
    python -m benchmarks pipelines  datasets, PyTorch and transformers, beside plain encode_batch
    python -m benchmarks all        all of these

Install the rivals with `pip install -e ".[bench]"` and, as its import name is ours, the original
library with `python -m bytepiece.adapters.original_library`. One that is missing is reported so.

The figures that count are for a real model and a real corpus of 50 MB or more, on a machine that
does nothing else; take ratios from them, which are of one run, and not MB/s:

    python -m benchmarks all --model bytepiece_80k.model --corpus mix100.txt \
        --output benchmarks/results

--quick takes about a minute and shows that everything runs. Each part ends what it measures with
the bars that the project has set itself, met or missed.
"""

import argparse
from pathlib import Path

from benchmarks import (
    arrow,
    bench_continuations,
    bench_lattice,
    bench_pipelines,
    bench_scaling,
    bench_speed,
    bench_startup,
    models,
)
from benchmarks.corpora import SAMPLE, Fresh
from benchmarks.harness import Setting

PARTS = {
    "speed": bench_speed.run,
    "scaling": bench_scaling.run,
    "lattice": bench_lattice.run,
    "continuations": bench_continuations.run,
    "startup": bench_startup.run,
    "arrow": arrow.run,
    "pipelines": bench_pipelines.run,
}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", default="all", choices=[*PARTS, "all"])
    parser.add_argument(
        "--model",
        type=Path,
        help="a file in our format or the original's; by default one is trained on the corpus",
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        nargs="+",
        default=[SAMPLE],
        help="text files; by default data/sample.txt, again and again, which is far too small",
    )
    parser.add_argument("--output", type=Path, help="folder for one JSON file of each part")
    parser.add_argument("--quick", action="store_true", help="little text and few repeats")
    arguments = parser.parse_args()
    for part in PARTS if arguments.part == "all" else [arguments.part]:
        texts = Fresh(arguments.corpus)
        model = arguments.model
        if model is None:
            lines = texts.beginning(bench_speed.TRAINED_ON)
            model = models.bnlm(lines, 2_000 if arguments.quick else 80_000, ("NFC",))
        report = PARTS[part](Setting(texts, model, arguments.quick))
        if arguments.output:
            report.write(arguments.output)


if __name__ == "__main__":
    main()
