r"""Measure this library against others, and on larger and larger inputs.

    python -m benchmarks speed      encoding and sampling against every rival, threads, latency
    python -m benchmarks foreign    models of SentencePiece and Hugging Face, here and there
    python -m benchmarks scaling    longer texts, larger vocabularies, threads, odd texts, memory
    python -m benchmarks lattice    the exact distribution of longer texts, and many draws
    python -m benchmarks continuations
                                    continuations of a prompt whose last tokens are taken back
    python -m benchmarks startup    the command line, the first call, loading a model
    python -m benchmarks command    the whole command on a file, the first token, decoding
    python -m benchmarks arrow      columns of Arrow as input, Parquet and token files as output
    python -m benchmarks memory     the command line on one line of 120 MB
    python -m benchmarks pipelines  datasets, PyTorch and transformers, beside plain encode_batch
    python -m benchmarks fuzz       random texts and damaged files: no promise may break
    python -m benchmarks all        all of these
    python -m benchmarks lm         language models on each tokenizer; its options: lm --help
    python -m benchmarks translation
                                    translators that differ in how training text is sampled; as lm
    python -m benchmarks formats-read
                                    token files, opened by the loaders of other libraries
    python -m benchmarks bound      tokens of each trainer beside a bound for any vocabulary; as lm

Install the rivals with `pip install -e ".[bench]"`. Install the original library with
`python -m bytepiece.adapters.original_library`, because its import name is the same as ours, and
SentencePiece's Lite runtime with `python -m bytepiece.adapters.sentencepiece_lite`. The tables name
each missing library.

Reliable figures need a real model, a real corpus of 50 MB or more, and a machine that does nothing
else. Compare ratios, which come from one run, and not MB/s:

    python -m benchmarks all --model bytepiece_80k.model --corpus mix100.txt \
        --output benchmarks/results

--quick takes about a minute and shows that everything runs. After its figures, each part prints
the project's targets (it calls them bars), and whether each is met or missed.
"""

import argparse
import sys
from pathlib import Path

from benchmarks import (
    bench_arrow,
    bench_bound,
    bench_command,
    bench_continuations,
    bench_foreign,
    bench_fuzz,
    bench_lattice,
    bench_lm,
    bench_memory,
    bench_pipelines,
    bench_scaling,
    bench_speed,
    bench_startup,
    bench_token_readers,
    bench_translation,
)
from benchmarks.support import SAMPLE, trained_models
from benchmarks.support.corpora import FreshTexts
from benchmarks.support.harness import BenchmarkSettings

PARTS = {
    "speed": bench_speed.run,
    "foreign": bench_foreign.run,
    "scaling": bench_scaling.run,
    "lattice": bench_lattice.run,
    "continuations": bench_continuations.run,
    "startup": bench_startup.run,
    "command": bench_command.run,
    "arrow": bench_arrow.run,
    "memory": bench_memory.run,
    "pipelines": bench_pipelines.run,
    "fuzz": bench_fuzz.run,
}


def main() -> None:
    """Run the chosen part, or all parts."""
    apart = {
        "lm": bench_lm.main,
        "translation": bench_translation.main,
        "formats-read": bench_token_readers.main,
        "bound": bench_bound.main,
    }
    if sys.argv[1:2] and sys.argv[1] in apart:
        apart[sys.argv[1]](sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", default="all", choices=[*PARTS, "all"])
    parser.add_argument(
        "--model",
        type=Path,
        help="a file in our format or the original's; by default a model is trained on the corpus",
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        nargs="+",
        default=[SAMPLE],
        help="text files; the default, data/sample.txt, is far too small and repeats",
    )
    parser.add_argument("--output", type=Path, help="folder for a JSON file of each part")
    parser.add_argument("--quick", action="store_true", help="little text and few repeats")
    arguments = parser.parse_args()
    for part in PARTS if arguments.part == "all" else [arguments.part]:
        texts = FreshTexts(arguments.corpus)
        model = arguments.model
        if model is None:
            lines = texts.beginning(bench_speed.TRAINED_ON)
            model = trained_models.bnlm(lines, 2_000 if arguments.quick else 80_000, ("NFC",))
        report = PARTS[part](BenchmarkSettings(texts, model, arguments.quick))
        if arguments.output:
            report.write(arguments.output)


if __name__ == "__main__":
    main()
