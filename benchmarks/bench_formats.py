r"""Formats: the part of the lines that we and another library encode alike with the same model.

    python -m benchmarks.bench_formats --model bytepiece_80k.model em32k.model \
        em32k-unicode.model bnlm32k.model --corpus heldout_mix.txt --output benchmarks/results

Exports are models of ours, written for Hugging Face's tokenizers and for SentencePiece. Imports are
models that SentencePiece (identity and nmt_nfkc) and tokenizers train on the first half of the
first corpus, and that we read. Every model encodes all lines of the corpora and of data/sample.txt.
docs/formats.md explains the causes of differences.
Without arguments it takes the model in tests/golden and data/sample.txt, and needs a minute. Then
the imports' figures mean little, because their models are trained on little text. --output writes
formats.json.
"""

import argparse
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.support import GOLDEN, SAMPLE
from benchmarks.support.harness import BenchmarkReport
from bytepiece import model_io
from bytepiece.errors import ModelError
from bytepiece.formats import Format
from bytepiece.model import Model
from bytepiece.parity import conversion
from bytepiece.parity.comparison import CANNOT_CARRY, OTHER, Parity

_HEADS = ("model", "text", "lines", "identical", "%", "causes of the others")


def exports(
    report: BenchmarkReport, models: Sequence[Path], texts: Sequence[Path], folder: Path
) -> None:
    """Write our models for other libraries, and compare the libraries' output with ours."""
    names: dict[Format, str] = {
        "huggingface": "tokenizer.json",
        "sentencepiece": "sp.model",
        "original": "original.model",
    }
    unexplained = 0
    for to, name in names.items():
        found = []
        for path in models:
            model = model_io.load(path)
            try:
                messages = conversion.write(model, folder / name, to)
            except ModelError as error:
                print(f"{path.name}: {error}\n")
                continue
            print(*(f"{path.name}: {message}\n" for message in messages), sep="")
            found += [(path.name, parity) for parity in checks(model, folder / name, to, texts)]
        table(report, f"Written for {to}", found)
        unexplained += sum(parity.causes.get(OTHER, 0) for _, parity in found)
        if to != "original":
            shares = [share(of for name, of in found if name == path.name) for path in models]
            report.target(f"{to} export", min(shares, default=None))
    report.target("unexplained", unexplained)


def share(found: Iterable[Parity]) -> float:
    """Return the percentage of identical lines among the lines whose pieces both libraries have."""
    parities = list(found)
    lines = sum(parity.lines - parity.causes.get(CANNOT_CARRY, 0) for parity in parities)
    return 100 * sum(parity.identical for parity in parities) / max(lines, 1)


def imports(report: BenchmarkReport, texts: Sequence[Path], folder: Path) -> None:
    """Read other libraries' models, and compare our output with theirs."""
    lines = texts[0].read_text("utf-8").split("\n")
    half = [line for line in lines[: len(lines) // 2] if line]
    found = []
    for name, its_format, train in (
        ("SentencePiece, identity", "sentencepiece", sentencepiece_trainer("identity")),
        ("SentencePiece, nmt_nfkc", "sentencepiece", sentencepiece_trainer("nmt_nfkc")),
        ("tokenizers, Metaspace", "huggingface", train_metaspace),
    ):
        path = folder / f"{len(found)}.model"
        train(half, path)
        try:
            model, _ = model_io.load_with_format(path)
        except ModelError as error:
            print(f"{name}: {error}\n")
            continue
        found += [(name, parity) for parity in checks(model, path, its_format, texts)]
    table(report, "Read here", found)
    names = {name for name, _ in found if name.startswith("SentencePiece")}
    shares = [share(of for its, of in found if its == name) for name in names]
    report.target("sentencepiece import", min(shares, default=None))


def sentencepiece_trainer(rule: str) -> Callable[[Iterable[str], Path], None]:
    """Return SentencePiece's Unigram trainer with byte fallback, and with a normalization rule."""

    def train(lines: Iterable[str], path: Path) -> None:
        with warnings.catch_warnings():
            # In newer Pythons, the import of its bindings warns.
            warnings.simplefilter("ignore")
            import sentencepiece  # noqa: PLC0415

        with path.open("wb") as file:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(lines),
                model_writer=file,
                vocab_size=8000,
                hard_vocab_limit=False,
                byte_fallback=True,
                normalization_rule_name=rule,
                minloglevel=2,
            )

    return train


def train_metaspace(lines: Iterable[str], path: Path) -> None:
    """Train a Unigram model of tokenizers, over words that begin with a space."""
    from tokenizers import (  # noqa: PLC0415
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        trainers,
    )

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=8000, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.save(str(path))


def checks(model: Model, path: Path, format: str, texts: Sequence[Path]) -> list[Parity]:
    """Return a comparison for each text."""
    return [
        conversion.check(model, path, format, [text.read_bytes().split(b"\n")], text.name)
        for text in texts
    ]


def table(report: BenchmarkReport, title: str, found: Sequence[tuple[str, Parity]]) -> None:
    """Print a row for each model and text."""
    rows = []
    for name, parity in found:
        causes = ", ".join(f"{cause} {count}" for cause, count in parity.causes.items())
        share = f"{100 * parity.share:.3f}"
        counts = [f"{parity.lines}", f"{parity.identical}"]
        rows.append([name, parity.sample, *counts, share, causes or "—"])
    kept: list[dict[str, Any]] = [{"model": name, **parity.as_dict()} for name, parity in found]
    for entry in kept:
        del entry["differences"]
    report.table(title, _HEADS, rows, parity=kept)


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, nargs="+", default=[GOLDEN / "original.model"])
    parser.add_argument("--corpus", type=Path, nargs="+", default=[SAMPLE])
    parser.add_argument("--output", type=Path, help="the folder for formats.json")
    arguments = parser.parse_args()
    texts = list(dict.fromkeys([*arguments.corpus, SAMPLE]))
    report = BenchmarkReport("formats")
    with tempfile.TemporaryDirectory() as name:
        exports(report, arguments.model, texts, Path(name))
        imports(report, texts, Path(name))
    if arguments.output:
        report.write(arguments.output)


if __name__ == "__main__":
    main()
