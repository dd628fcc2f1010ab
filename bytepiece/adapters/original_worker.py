"""Runs in the original library's environment: a JSON request a line in, a JSON answer a line out.

    {"do": "encode", "model": PATH, "texts": [STR, …], "alpha": FLOAT} → {"seconds", "ids"}
    {"do": "train", "corpus": PATH, "model": PATH, "workers": INT, …}  → {"seconds", "peak"}

A "seed" for encode is that of its random numbers; "peak" is the largest resident memory of any one
of its processes, in bytes.
"""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bytepiece import Tokenizer, Trainer


class Lines:
    """A corpus file read line by line, as the original's README has it."""

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
    """One call for each text, after the model is loaded."""
    if model not in tokenizers:
        tokenizers[model] = Tokenizer(model)
    tokenizer = tokenizers[model]
    if seed is not None:
        tokenizer.set_seed(seed)  # type: ignore[attr-defined]  # ours has none
    begin = time.perf_counter()
    ids = [tokenizer.encode(text, alpha=alpha) for text in texts]
    return {"seconds": time.perf_counter() - begin, "ids": ids}


def train(corpus: str, model: str, workers: int, **options: Any) -> dict[str, Any]:
    """A whole training run."""
    import resource  # noqa: PLC0415  # not there on Windows, which can still encode

    begin = time.perf_counter()
    trainer = Trainer(**options)
    trainer.train(Lines(corpus), workers=workers)
    trainer.save(model)
    seconds = time.perf_counter() - begin
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {"seconds": seconds, "peak": max(usage.ru_maxrss for usage in usages) * 1024}


def main() -> None:
    """Answer requests until there are no more."""
    tokenizers: dict[str, Tokenizer] = {}
    for line in sys.stdin:
        request = json.loads(line)
        do = request.pop("do")
        # Its progress bars go where they do not disturb the answers.
        with contextlib.redirect_stdout(sys.stderr):
            answer = encode(tokenizers, **request) if do == "encode" else train(**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
