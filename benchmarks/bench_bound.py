r"""How far each trainer is from the best possible vocabulary: the tokens of its own words.

    python -m benchmarks bound --corpus mix10.txt --english --output benchmarks/results

cuts the beginning of the corpus into words: some white space, or none, and the other characters
that follow it. With --english it leaves out all lines but prose in English. All trainers learn from
these words, each of which is a text of its own, and their tokens are counted over the same words.
So the rules of the libraries for words play no part.

The bound is the optimum of ConvexTok's linear program (arXiv 2605.22821). No vocabulary of this
size has fewer tokens, if its pieces have at most 36 bytes, occur at least twice, and lie within
words. The sizes count the 256 single bytes, but no special tokens. SentencePiece needs room for
every different character besides; "—" means that it refused to train.

Two more vocabularies are made here: "ConvexTok, rounded" has the pieces with the largest shares in
the solution of the program, and "MinGram" follows arXiv 2606.27019. The last two columns give the
fewest tokens that the pieces of a row allow: what is left there is the choice of pieces, and the
rest is the way of encoding.

--quick takes a minute; its figures mean little.
"""

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.bound import vocabularies
from benchmarks.bound.program import Program
from benchmarks.bound.vocabularies import Words
from benchmarks.peers.training import lines_of
from benchmarks.support import SAMPLE, kinds
from benchmarks.support.harness import BenchmarkReport
from bytepiece.adapters.base import Adapter
from bytepiece.adapters.huggingface import HuggingFace

_SIZES = (500, 1000, 2000)
_BYTES = 50_000
_WORD = re.compile(r"\s*\S+|\s+", re.ASCII)


def words_of(lines: Iterable[str], size: int) -> Counter[str]:
    """Return the different words of the first lines, each with its count.

    Args:
        lines: the lines of a text, without line ends.
        size: about the number of bytes to take.
    """
    words: Counter[str] = Counter()
    for line in lines:
        words.update(_WORD.findall(line))
        size -= len(line.encode()) + 1
        if size <= 0:
            break
    return words


def entries(
    words: Words, size: int, path: Path
) -> Iterator[tuple[str, str | None, Callable[[], Adapter]]]:
    """Yield the name of each row, the reason why it cannot be had, and what trains it.

    Args:
        words: the corpus.
        size: the number of pieces.
        path: a file to write models to.
    """
    for said, options in vocabularies.OURS.values():
        yield f"bytepiece {said}", None, partial(vocabularies.ours, words, size, options)
    for key, (library, said) in vocabularies.RIVALS.items():
        train = partial(vocabularies.rival, key, words, size, path)
        yield f"{library.name} {said}", library.missing(), train
    yield "MinGram", HuggingFace.missing(), partial(vocabularies.mingram, words, size, path)


def measure(report: BenchmarkReport, words: Words, program: Program, size: int, path: Path) -> None:
    """Train all vocabularies of a size, and print their table.

    Args:
        report: gets the table.
        words: the corpus.
        program: the linear program of these words.
        size: the number of pieces.
        path: a file to write models to.
    """
    print(f"solving for {size} pieces", file=sys.stderr, flush=True)
    solution = program.solve(size - len(vocabularies.BYTES))
    bound = solution.bound

    def row(name: str, adapter: Adapter) -> list[str]:
        pieces = vocabularies.longer(adapter)
        counts = [vocabularies.tokens(one, words) for one in (adapter, vocabularies.fewest(pieces))]
        cells = [cell for n in counts for cell in (f"{n:,}", f"{100 * n / bound:.1f} %")]
        kept[name] = {"tokens": counts[0], "fewest": counts[1], "pieces": len(pieces) + 256}
        kept[name]["outside"] = len(set(pieces).difference(program.candidates))
        return [name, *cells, ""]

    kept: dict[str, dict[str, int]] = {}
    rows = [row("ConvexTok, rounded", vocabularies.rounded(program, solution, size))]
    for name, missing, train in entries(words, size, path):
        print(f"training {name}, {size} pieces", file=sys.stderr, flush=True)
        try:
            rows.append([name, *["—"] * 4, missing] if missing else row(name, train()))
        except RuntimeError as error:
            rows.append([name, *["—"] * 4, str(error).rpartition("] ")[2]])
    report.table(
        f"{size:,} pieces; the bound is {bound:,.1f} tokens",
        ["vocabulary", "tokens", "of the bound", "fewest tokens", "of the bound ", "note"],
        rows,
        bound=bound,
        steps=solution.steps,
        vocabularies=kept,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks bound",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, default=SAMPLE)
    parser.add_argument("--bytes", type=int, default=_BYTES, help="how much of the corpus to take")
    parser.add_argument("--english", action="store_true", help="take only prose in English")
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES, help="numbers of pieces")
    parser.add_argument("--quick", action="store_true", help="5 KB and 400 pieces")
    parser.add_argument("--output", type=Path, help="folder for bound.json")
    chosen = parser.parse_args(arguments)
    if min(chosen.sizes) <= len(vocabularies.BYTES):
        parser.error("--sizes counts the 256 single bytes; give numbers above 256")
    size = 5_000 if chosen.quick else chosen.bytes
    lines: Iterable[str] = lines_of(chosen.corpus)
    words = words_of(kinds.english(lines, size) if chosen.english else lines, size)
    if not words:
        parser.error(f"{chosen.corpus}: there is no text in it; name another --corpus")
    report = BenchmarkReport("bound")
    program = Program({word.encode(): count for word, count in words.items()}, vocabularies.LONGEST)
    figures = {
        "words": words.total(),
        "different words": len(words),
        "bytes": sum(len(word.encode()) * count for word, count in words.items()),
        "candidates": len(program.candidates),
    }
    cells = [chosen.corpus.name, *(f"{figure:,}" for figure in figures.values())]
    report.table("The words", ["corpus", *figures], [cells])
    with tempfile.TemporaryDirectory() as name:
        for size in [400] if chosen.quick else chosen.sizes:
            measure(report, words, program, size, Path(name) / "model")
    if chosen.output:
        report.write(chosen.output)
