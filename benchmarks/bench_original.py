r"""Comparison with the original bytepiece 0.6.3: output, vocabulary, and training.

    python -m benchmarks.bench_original --model bytepiece_80k.model \
        --text mix10.txt heldout_mix.txt --small-corpus mix10.txt --large-corpus mix100.txt

Each part runs if its arguments are given:
    identity    --model, --text   the number of lines that both libraries encode alike
    vocabulary  --small-corpus    Jaccard index of the BNLM vocabularies, read line by line
    training    --large-corpus    seconds and peak memory, two threads against two workers
Without arguments, it runs identity with the model in tests/golden and data/sample.txt.
`python -m benchmarks speed` measures how much faster we encode.
Results are printed, and written to --output. benchmarks/results/original.json has the results of
all parts, with the original library's public model bytepiece_80k and mixes of 2, 10 and 100 MB.
"""

import argparse
import functools
import json
import os
import platform
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numba
import numpy as np

import bytepiece
from benchmarks.support import GOLDEN, SAMPLE, trainers
from bytepiece.adapters import original_library as library
from bytepiece.adapters.original_worker import CorpusLines
from bytepiece.training import bnlm_trainer as bnlm


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file, without line ends."""
    return path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")


def identity(original: library.Worker, model: Path, texts: list[Path]) -> dict[str, Any]:
    """Count the lines of each text that both libraries encode alike."""
    tokenizer = bytepiece.Tokenizer(model)
    found = {}
    for path in texts:
        lines = read_lines(path)
        theirs = original.ask(do="encode", model=str(model), texts=lines)["ids"]
        ours = tokenizer.encode_batch(lines)
        same = sum(a.tolist() == b for a, b in zip(ours, theirs, strict=True))
        found[path.name] = {"lines": len(lines), "identical": same}
    return found


def vocabulary(original: library.Worker, corpus: Path, directory: Path) -> dict[str, Any]:
    """Compare the vocabularies, with the original's fault mended and with the fault put back."""
    options: dict[str, Any] = {"order": 6, "min_count": 4}
    ours_options = {"algorithm": "bnlm", "normalization": ("NFC",), **options}
    path = directory / "small.model"
    original.ask(
        do="train", corpus=str(corpus), model=str(path), workers=2, max_vocab_size=32000, **options
    )
    theirs = set(bytepiece.Tokenizer(path).model.pieces)
    found: dict[str, Any] = {"original pieces": len(theirs)}
    mended = bnlm.Cutter
    for name, cutter in (
        ("mended", mended),
        ("fault put back", functools.partial(mended, mend=False)),
    ):
        bnlm.Cutter = cutter  # type: ignore[misc,assignment]
        for size in (60000, 32000):
            model = bytepiece.train(CorpusLines(str(corpus)), size, **ours_options)
            ours = set(model.pieces)
            found[f"{name}, at most {size}"] = {
                "pieces": len(ours),
                "only in ours": len(ours - theirs),
                "only in the original's": len(theirs - ours),
                "Jaccard index": len(ours & theirs) / len(ours | theirs),
            }
    bnlm.Cutter = mended  # type: ignore[misc]
    return found


def training(corpus: Path, directory: Path) -> dict[str, Any]:
    """Measure the time and the largest process of a whole training run."""
    ours, theirs = (
        trainers.train(key, corpus, 32000, directory / "large.model", {}).taken
        for key in ("bnlm", "original")
    )
    if not ours or not theirs:
        raise RuntimeError("the original library's training failed")
    return {
        "ours seconds": ours.seconds,
        "original seconds": theirs.seconds,
        "ratio": theirs.seconds / ours.seconds,
        "ours peak MB": ours.peak / (1 << 20),
        "original peak MB (largest process)": theirs.peak / (1 << 20),
    }


def main() -> None:
    """Run the parts whose arguments are given."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=GOLDEN / "original.model")
    parser.add_argument("--text", type=Path, nargs="+", default=[SAMPLE])
    parser.add_argument("--small-corpus", type=Path)
    parser.add_argument("--large-corpus", type=Path)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    results: dict[str, Any] = {
        "environment": {
            "bytepiece": bytepiece.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "numba": numba.__version__,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        }
    }
    texts = list(dict.fromkeys([*arguments.text, SAMPLE]))
    library.create()
    with closing(library.Worker()) as original, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        results["identity"] = identity(original, arguments.model, texts)
        if arguments.small_corpus:
            results["vocabulary"] = vocabulary(original, arguments.small_corpus, directory)
        if arguments.large_corpus:
            results["training"] = training(arguments.large_corpus.resolve(), directory)
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    print(text, end="")
    if arguments.output:
        arguments.output.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    main()
