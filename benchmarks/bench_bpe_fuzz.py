r"""Random texts: does a BPE vocabulary give the ids of its own library?

    python -m benchmarks.bench_bpe_fuzz tokenizer.json --rival tokenizers=python
    python -m benchmarks.bench_bpe_fuzz cl100k_base.tiktoken --pattern cl100k \
        --rival tiktoken=venv/bin/python --texts 1_000_000
    python -m benchmarks.bench_bpe_fuzz tekken.json --rival mistral_common=venv/bin/python
    python -m benchmarks.bench_bpe_fuzz tokenizer.model --rival sentencepiece=venv/bin/python

A rival is a library and the Python of an environment that has it. The texts are those of
`benchmarks.bench_fuzz`: random bytes, damaged text and odd Unicode. A text is a function of the
seed and its number. Each text that gets other ids is printed, and the exit code is then 1.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench_bpe import BpeRival, ours
from benchmarks.fuzzing import texts
from bytepiece import Tokenizer

_TOGETHER = 2_000
"""How many texts are compared at once."""
_MOST_SHOWN = 20


def random_texts(seed: int, count: int) -> Iterator[list[str]]:
    """Yield lists of random texts, `count` in all. Libraries take characters, so all are UTF-8."""
    number = done = 0
    while done < count:
        batch = texts.batch(seed, number)[: count - done]
        some = [_characters(text) for text in batch]
        for low in range(0, len(some), _TOGETHER):
            yield some[low : low + _TOGETHER]
        number, done = number + 1, done + len(some)


def _characters(text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return raw.decode("utf-8", "replace").replace("\0", " ")  # SentencePiece ends a text there


def differing(tokenizer: Tokenizer, rival: BpeRival, some: list[str]) -> Iterator[str]:
    """Yield the texts that get other ids."""
    if ours(tokenizer, None, some)[2] == rival.encode(some)[2]:
        return
    if len(some) == 1:
        yield some[0]
        return
    middle = len(some) // 2
    yield from differing(tokenizer, rival, some[:middle])
    yield from differing(tokenizer, rival, some[middle:])


def main() -> None:
    """Compare, and print the texts with other ids."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_bpe_fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--pattern", help="the pattern of a .tiktoken file, or its name")
    parser.add_argument("--rival", required=True, metavar="LIBRARY=PYTHON")
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    tokenizer = Tokenizer.load(arguments.vocabulary, arguments.pattern)
    pattern = "|".join(cut.pattern for cut in tokenizer.model.rules.words)
    rival = BpeRival(arguments.rival, arguments.vocabulary, pattern)
    wrong = size = 0
    for some in random_texts(arguments.seed, arguments.texts):
        size += sum(len(text.encode()) for text in some)
        for text in differing(tokenizer, rival, some):
            wrong += 1
            if wrong <= _MOST_SHOWN:
                print(f"other ids: {text!r}")
    rival.close()
    print(
        f"{arguments.vocabulary.name}, {rival.name}: {arguments.texts:,} texts of "
        f"{size / 1e6:.1f} MB, seed {arguments.seed}; {wrong} with other ids"
    )
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
