"""Runs in the original library's environment: a JSON request a line in, a JSON answer a line out.

    {"do": "encode", "model": PATH, "texts": [STR, …], "alpha": FLOAT} → {"seconds", "ids"}
    {"do": "train", "corpus": PATH, "model": PATH, "workers": INT, …}  → {"seconds", "peak"}

"peak" is the largest resident memory of any one of its processes, in bytes.
"""

import contextlib
import json
import resource
import sys
import time
from pathlib import Path

from bytepiece import Tokenizer, Trainer


class Lines:
    """A corpus file read line by line, as the original's README has it."""

    def __init__(self, path):
        self.path = Path(path)

    def __iter__(self):
        with self.path.open(encoding="utf-8", newline="\n") as file:
            yield from file


def encode(tokenizers, model, texts, alpha=-1):
    if model not in tokenizers:
        tokenizers[model] = Tokenizer(model)
    tokenizer = tokenizers[model]
    begin = time.perf_counter()
    ids = [tokenizer.encode(text, alpha=alpha) for text in texts]
    return {"seconds": time.perf_counter() - begin, "ids": ids}


def train(corpus, model, workers, **options):
    begin = time.perf_counter()
    trainer = Trainer(**options)
    trainer.train(Lines(corpus), workers=workers)
    trainer.save(model)
    seconds = time.perf_counter() - begin
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {"seconds": seconds, "peak": max(usage.ru_maxrss for usage in usages) * 1024}


def main():
    tokenizers = {}
    for line in sys.stdin:
        request = json.loads(line)
        do = request.pop("do")
        with contextlib.redirect_stdout(sys.stderr):
            answer = encode(tokenizers, **request) if do == "encode" else train(**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
