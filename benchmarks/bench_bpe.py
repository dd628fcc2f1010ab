r"""The speed of byte-level BPE beside other libraries, on one thread and text new to all of them.

    python -m benchmarks.bench_bpe tokenizer.json --text corpus.txt
    python -m benchmarks.bench_bpe cl100k_base.tiktoken --pattern cl100k --text corpus.txt \
        --rival tiktoken=python
    python -m benchmarks.bench_bpe tokenizer.json --text corpus.txt --unigram our_80k.model \
        --rival tokenizers=python --rival tokenizers=venv-rc/bin/python \
        --rival fastokens=venv-fast/bin/python

A rival is a library and the Python of an environment that has it, since several versions of one
library cannot be in one environment. In each turn all encode the same new text, ours in a process
of ours and each rival in its own; another begins in each turn. The figures are CPU time, since
other programs may run on the machine, and the ratios are medians over the turns. The ids of all
are compared. Then ours draws samples in turns with a Unigram model of ours. At last come texts that
are made to be slow.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.support.corpora import FreshTexts
from benchmarks.support.harness import environment, markdown, megabytes, write_json
from bytepiece import Tokenizer

_WORKER = Path(__file__).parent / "peers" / "bpe_worker.py"
_ALPHAS = (0.0, 0.3)
_LETTERS = "etaoinshrdlu"
_SIZES = (100_000, 1_000_000)
"""Bytes of the texts that are made to be slow."""

Answer = tuple[float, int, str]
"""The CPU seconds of one call, the number of ids, and a hash of them."""


class BpeRival:
    """A library in a process of its own.

    Args:
        given: the library's name and the Python of its environment, with "=" between them.
        vocabulary: the file that the library loads.
        pattern: the pattern for a file without one.
    """

    def __init__(self, given: str, vocabulary: Path, pattern: str) -> None:
        library, _, python = given.partition("=")
        # Isolated, so that the modules beside the worker do not hide the library.
        command = [python or "python", "-I", str(_WORKER), library, str(vocabulary), pattern]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.name = f"{library} {self._read()}"

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def encode(self, texts: Sequence[str]) -> Answer:
        """Encode texts in one call."""
        assert self._process.stdin is not None
        print(json.dumps(texts), file=self._process.stdin, flush=True)
        seconds, count, digest = self._read()
        return seconds, count, digest

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def ours(tokenizer: Tokenizer, alpha: float | None, texts: Sequence[str]) -> Answer:
    """Encode or sample texts in one call."""
    begin = time.thread_time()
    rows = tokenizer.encode_batch(texts, alpha=alpha, seed=1)
    seconds = time.thread_time() - begin
    ids = rows.ids.astype("<i4")
    return seconds, len(ids), hashlib.sha256(ids.tobytes()).hexdigest()


def turns(
    calls: dict[str, Callable[[Sequence[str]], Answer]],
    fresh: Callable[[], Sequence[str]],
    repeats: int,
) -> tuple[dict[str, list[float]], set[str]]:
    """Let calls take turns; return the MB/s of each, and the calls with the ids of the first."""
    for call in calls.values():
        call(fresh())
    rates: dict[str, list[float]] = {name: [] for name in calls}
    names, same = list(calls), set(calls)
    for repeat in range(repeats):
        texts, found = fresh(), {}
        first = repeat % len(names)
        for name in names[first:] + names[:first]:
            found[name] = calls[name](texts)
            rates[name].append(megabytes(texts) / found[name][0])
        same -= {name for name in names if found[name][2] != found[names[0]][2]}
    return rates, same


def rows(rates: dict[str, list[float]], same: set[str]) -> list[list[str]]:
    """Return the rows of a table: MB/s, how many times the first is faster, and the same ids."""
    first = next(iter(rates.values()))
    table = []
    for name, its in rates.items():
        ratios = [a / b for a, b in zip(first, its, strict=True)]
        middle, least, most = statistics.median(ratios), min(ratios), max(ratios)
        table.append(
            [
                name,
                f"{statistics.median(its):.1f}",
                f"{middle:.2f} ({least:.2f}…{most:.2f})",
                "yes" if name in same else "no",
            ]
        )
    return table


def slow_texts(size: int) -> dict[str, str]:
    """Return texts that are made to be slow."""
    letters = "".join(_LETTERS[n * n * 31 % 101 % len(_LETTERS)] for n in range(size))
    return {
        "one letter": "a" * size,
        "one word of many letters": letters,
        "one blank": " " * size,
        "words of 39 letters": " ".join(letters[i : i + 39] for i in range(0, size, 39)),
        "one character of three bytes": "的" * (size // 3),
    }


def main() -> None:
    """Measure, print tables, and write bpe.json."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_bpe",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--pattern", help="the pattern of a .tiktoken file, or its name")
    parser.add_argument("--text", type=Path, nargs="+", required=True)
    parser.add_argument("--rival", action="append", default=[], metavar="LIBRARY=PYTHON")
    parser.add_argument("--unigram", type=Path, help="a model of ours, to compare sampling with")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--size", type=int, default=1_000_000, help="bytes of text in a turn")
    parser.add_argument("--output", type=Path, help="folder for bpe.json")
    arguments = parser.parse_args()
    tokenizer = Tokenizer.load(arguments.vocabulary, arguments.pattern)
    pattern = "|".join(cut.pattern for cut in tokenizer.model.rules.words)
    texts = FreshTexts(arguments.text)
    fresh = partial(texts.take, min(arguments.size, texts.size))
    rivals = [BpeRival(given, arguments.vocabulary, pattern) for given in arguments.rival]
    calls: dict[str, Callable[[Sequence[str]], Answer]] = {
        "bytepiece": partial(ours, tokenizer, None)
    }
    calls |= {rival.name: rival.encode for rival in rivals}
    best, same = turns(calls, fresh, arguments.repeats)
    for rival in rivals:
        rival.close()
    print(markdown(["best path", "MB/s", "ours is faster by", "same ids"], rows(best, same)), "\n")
    found: dict[str, Any] = {"environment": environment(), "best": best, "same ids": sorted(same)}
    if arguments.unigram:
        unigram = Tokenizer.load(arguments.unigram)
        for alpha in _ALPHAS:
            calls = {
                "BPE": partial(ours, tokenizer, alpha),
                "Unigram": partial(ours, unigram, alpha),
            }
            rates, _ = turns(calls, fresh, arguments.repeats)
            table = [row[:3] for row in rows(rates, set())]
            print(markdown([f"alpha {alpha:g}", "MB/s", "BPE is faster by"], table), "\n")
            found[f"alpha {alpha:g}"] = rates
    table = []
    for size in _SIZES:
        for name, text in slow_texts(size).items():
            rate = len(text.encode()) / 1e6 / ours(tokenizer, None, [text])[0]
            table.append([name, f"{size:,}", f"{rate:.1f}"])
    print(markdown(["slow text", "bytes", "MB/s"], table))
    if arguments.output:
        write_json(arguments.output / "bpe.json", found | {"slow texts": table})


if __name__ == "__main__":
    main()
