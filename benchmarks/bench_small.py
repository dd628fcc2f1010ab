r"""Small vocabularies: compression on logs, DNA, English, Chinese and source code.

    python -m benchmarks.bench_small --corpus mix10.txt --output benchmarks/results

Logs and DNA are made from fixed seeds. Source code is Python's standard library. The lines of
English and of Chinese come from --corpus. The models are trained on 2 MB of each kind and measured
on lines that were left out, by bytes per token. All vocabularies have the same number of ids, with
three special tokens, and pieces of at most 36 bytes.

The rivals are Hugging Face's byte-level BPE, which joins across spaces here, because that
compresses better, and SentencePiece with byte fallback, BPE and Unigram, with the options of
`benchmarks.peers.training` that compress best. SentencePiece needs a vocabulary with room for 256
byte pieces and all characters; "—" means that it refused to train. Its Unigram takes minutes for
each model of DNA. --quick takes a tenth of the text and three sizes; its figures mean little.
--output writes small.json and keeps the kinds that are not run.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.peers import training
from benchmarks.support import SAMPLE, kinds
from benchmarks.support.harness import BenchmarkReport, write_json
from bytepiece import Tokenizer, train

_SIZES = (260, 300, 400, 500, 700, 1000, 1500, 2000)
_QUICK_SIZES = (300, 500, 1000)
_TRAINED_ON = 2_000_000
_HELD_OUT = 400_000
_SPECIAL = ["<pad>", "<bos>", "<eos>"]
_LONGEST = 36
_BPE = "byte-level BPE"
_SENTENCEPIECE = {"SentencePiece BPE": "bpe", "SentencePiece Unigram": "unigram"}

Kind = tuple[list[str], list[str]]
"""The lines to train on, and the lines that are held out."""


def texts_of(corpus: Path, share: float) -> dict[str, Kind]:
    """Return the lines of each kind.

    Args:
        corpus: a file with lines of English and of Chinese.
        share: the part of the full size to take.
    """
    train_size, held_out_size = int(_TRAINED_ON * share), int(_HELD_OUT * share)
    lines = corpus.read_text("utf-8", errors="replace").split("\n")
    both = train_size + held_out_size
    found = {
        "logs": (kinds.logs(train_size, 1), kinds.logs(held_out_size, 2)),
        "DNA": (kinds.dna(train_size, 1), kinds.dna(held_out_size, 2)),
        "English": kinds.split(kinds.english(lines, both)),
        "Chinese": kinds.split(kinds.chinese(lines, both)),
        "source code": kinds.split(kinds.source_code(both)),
    }
    return {name: kind for name, kind in found.items() if kind[0] and kind[1]}


def ours(kind: Kind, sizes: Sequence[int], directory: Path) -> list[float | None]:
    """Return the bytes per token of our models of all sizes, made by the merge trainer."""
    corpus = directory / "corpus.txt"
    corpus.write_text("".join(f"{line}\n" for line in kind[0]), "utf-8", newline="\n")
    rules = {"algorithm": "merge", "spaces": "across", "max_piece_length": _LONGEST}
    models = train(corpus, list(sizes), **rules)
    return [_rate(kind[1], Tokenizer(model).encode_batch(kind[1]).ids.size) for model in models]


def byte_level_bpe(kind: Kind, size: int, directory: Path) -> float | None:
    """Return the bytes per token of Hugging Face's byte-level BPE."""
    from tokenizers import Tokenizer as TheirTokenizer  # noqa: PLC0415

    path = directory / "tokenizer.json"
    training.byte_level_bpe(
        kind[0], size, path, False, max_token_length=_LONGEST, special_tokens=_SPECIAL
    )
    encoded = TheirTokenizer.from_file(str(path)).encode_batch(kind[1], add_special_tokens=False)
    return _rate(kind[1], sum(len(one.ids) for one in encoded))


def sentencepiece(kind: Kind, size: int, directory: Path, model_type: str) -> float | None:
    """Return the bytes per token of SentencePiece; None if it refuses to train.

    Raises:
        AssertionError: if its model does not give the text back.
    """
    from sentencepiece import SentencePieceProcessor  # noqa: PLC0415

    path = directory / "sp.model"
    _, options = training.TRAINERS[model_type]
    try:
        training.sentencepiece(kind[0], size, path, **options)
    except (OSError, RuntimeError):
        return None
    processor = SentencePieceProcessor(model_file=str(path))
    encoded = processor.encode(kind[1])
    assert processor.decode(encoded) == kind[1], "SentencePiece's model loses text"
    return _rate(kind[1], sum(map(len, encoded)))


def _rate(lines: Sequence[str], tokens: int) -> float:
    return sum(len(line.encode()) for line in lines) / tokens


def measure(
    report: BenchmarkReport, kind: str, lines: Kind, sizes: Sequence[int], chosen: Sequence[str]
) -> None:
    """Train all vocabularies for a kind of text, and print their table.

    Args:
        report: gets the table.
        kind: the name of the kind.
        lines: the text.
        sizes: the numbers of ids.
        chosen: the names of the rivals.
    """
    rivals: dict[str, Callable[[Kind, int, Path], float | None]] = {_BPE: byte_level_bpe}
    for name, model_type in _SENTENCEPIECE.items():
        rivals[name] = partial(sentencepiece, model_type=model_type)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        rates = {"bytepiece": ours(lines, sizes, directory)}
        for rival in chosen:
            rate = rivals[rival]
            rates[rival] = [rate(lines, size, directory) for size in sizes]
    rows = [
        [trainer, *("—" if one is None else f"{one:.3f}" for one in of_sizes)]
        for trainer, of_sizes in rates.items()
    ]
    report.table(f"{kind}: bytes per token", ["trainer", *map(str, sizes)], rows, rates=rates)
    for rival in chosen:
        pairs = zip(rates["bytepiece"], rates[rival], strict=True)
        ratios = [a / b for a, b in pairs if a and b]
        target = "small bpe" if rival == _BPE else "small sentencepiece"
        report.target(target, min(ratios, default=None))


def main() -> None:
    """Measure each kind of text."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_small",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, default=SAMPLE, help="lines of English and Chinese")
    parser.add_argument("--kinds", nargs="*", help="the kinds to measure; by default all")
    rivals = [_BPE, *_SENTENCEPIECE]
    parser.add_argument("--rivals", nargs="*", choices=rivals, default=rivals)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path, help="folder for small.json")
    arguments = parser.parse_args()
    sizes = _QUICK_SIZES if arguments.quick else _SIZES
    for kind, lines in texts_of(arguments.corpus, 0.1 if arguments.quick else 1).items():
        if not arguments.kinds or kind in arguments.kinds:
            report = BenchmarkReport(kind)
            measure(report, kind, lines, sizes, arguments.rivals)
            if arguments.output:
                path = arguments.output / "small.json"
                kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
                write_json(path, kept | {kind: report.content()})


if __name__ == "__main__":
    main()
