"""A program for the original library's environment: it answers JSON requests, one per line.

    {"do": "encode", "model": PATH, "texts": [STR, …], "alpha": FLOAT} → {"seconds", "ids"}
    {"do": "train", "corpus": PATH, "model": PATH, "workers": INT, …}  → {"seconds", "peak"}

A request to encode may have a "seed" for the random numbers. "peak" is the largest resident memory
of a single process, in bytes.
"""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bytepiece import Tokenizer, Trainer


class CorpusLines:
    """The lines of a corpus file, read like in the README of the original library."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def __iter__(self) -> Iterator[str]:
        with self.path.open(encoding="utf-8", newline="\n") as file:
            yield from file


def encode(
    tokenizers: dict[str, Tokenizer],
    model: str,
    texts: list[str],
    alpha: float = -1,
    seed: int | None = None,
) -> dict[str, Any]:
    """Encode each text with a call of its own. The seconds do not include loading the model."""
    if model not in tokenizers:
        tokenizers[model] = Tokenizer(model)
    tokenizer = tokenizers[model]
    if seed is not None:
        tokenizer.set_seed(seed)  # type: ignore[attr-defined]  # this library has no such method
    begin = time.perf_counter()
    ids = [tokenizer.encode(text, alpha=alpha) for text in texts]
    return {"seconds": time.perf_counter() - begin, "ids": ids}


def train(corpus: str, model: str, workers: int, **options: Any) -> dict[str, Any]:
    """Train a model and write it."""
    import resource  # noqa: PLC0415  # Windows has no such module, but can encode

    begin = time.perf_counter()
    trainer = Trainer(**options)
    trainer.train(CorpusLines(corpus), workers=workers)
    trainer.save(model)
    seconds = time.perf_counter() - begin
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {"seconds": seconds, "peak": max(usage.ru_maxrss for usage in usages) * 1024}


def main() -> None:
    """Answer requests until the input ends."""
    tokenizers: dict[str, Tokenizer] = {}
    for line in sys.stdin:
        request = json.loads(line)
        do = request.pop("do")
        # Progress bars go to standard error, because standard output holds the answers.
        with contextlib.redirect_stdout(sys.stderr):
            answer = encode(tokenizers, **request) if do == "encode" else train(**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
