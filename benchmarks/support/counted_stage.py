"""Repeat one stage of encoding, as a process whose instructions are counted; see `bench_counts`.

The arguments are a model, a text file, the name of a stage, and how often to repeat it. The output
is the bytes of the text.
"""

import sys
from pathlib import Path

import numpy as np

from bytepiece import Tokenizer, model_io
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.segmentation import segment
from bytepiece.kernels.automaton import scan

ALPHA = 0.1
STAGES = ("segments", "scan", "best", "sample")
"""The last two are whole calls, with a cut into segments and a scan."""


def main(model_path: str, text_path: str, stage: str, repeats: str) -> None:
    """Prepare the stage and repeat it."""
    model = model_io.load(Path(model_path))
    lines = Path(text_path).read_text("utf-8").split("\n")
    tokenizer = Tokenizer(model)
    segments = segment(lines, model.rules)
    text, bounds = segments.stretch(0, len(segments.special))
    automaton = Encoder(model).automaton
    matches = np.empty(len(text), dtype=np.uint32)
    calls = {
        "segments": lambda: segment(lines, model.rules),
        "scan": lambda: scan(automaton, text, bounds, matches),
        "best": lambda: tokenizer.encode_batch(lines),
        "sample": lambda: tokenizer.encode_batch(lines, alpha=ALPHA, seed=1),
    }
    for _ in range(int(repeats)):
        calls[stage]()
    print(len(text))


if __name__ == "__main__":
    main(*sys.argv[1:])
