"""Make tests/golden/ with the original library: a small model, and texts with their ids.

    python -m benchmarks.make_golden

Run it only if the golden texts change. The files it writes are part of the project.
"""

import json
from contextlib import closing

from benchmarks.support import GOLDEN, SAMPLE
from bytepiece.adapters import original_library as library

ODD_TEXTS = [
    "",
    "\n",
    "\n\n\nthree newlines first",
    "a line\n\n\nand another\n",
    "carriage\r\nreturn\r",
    "cafe\u0301 is normalized to caf\u00e9",
    "nul \x00 and \x7f and \ufeff and \u200b",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u4eca\u5929\u5929\u6c14\u4e0d\u9519 and so on",
    "a" * 300,
    "ab" * 200 + "\n" * 150 + "end",
]


def main() -> None:
    """Train the model, encode the texts, and write both."""
    texts = SAMPLE.read_bytes().decode("utf-8").split("\n") + ODD_TEXTS
    model = GOLDEN / "original.model"
    library.create()
    with closing(library.Worker()) as original:
        original.ask(
            do="train",
            corpus=str(SAMPLE),
            model=str(model),
            workers=1,
            order=6,
            max_vocab_size=1000,
            min_count=2,
        )
        rows = original.ask(do="encode", model=str(model), texts=texts)["ids"]
    lines = [
        json.dumps({"text": text, "ids": ids}, ensure_ascii=False, separators=(",", ":"))
        for text, ids in zip(texts, rows, strict=True)
    ]
    (GOLDEN / "original.jsonl").write_text("\n".join(lines) + "\n", "utf-8", newline="\n")


if __name__ == "__main__":
    main()
