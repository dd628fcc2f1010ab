"""Train a model on a column of a Hugging Face dataset, and look at the pieces of some lines.

python examples/train_on_dataset.py [TEXT_FILE]
"""

import sys
import tempfile
from pathlib import Path

import datasets

import bytepiece
from bytepiece import model_io

SAMPLE = Path(__file__).parent.parent / "data" / "sample.txt"


def main(corpus: Path) -> None:
    """Train, save and load a model, measure its compression, and print the pieces of some lines."""
    # In your program, use datasets.load_dataset("…", split="train"), also with streaming=True.
    dataset = datasets.Dataset.from_dict({"text": corpus.read_text("utf-8").splitlines()})

    # The corpus can be any iterable of texts that can be read more than once, such as a column of
    # a dataset. The column stays on the disk.
    model = bytepiece.train(dataset["text"], vocab_size=2000)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "bytepiece.model"
        model_io.save(model, path)
        tok = bytepiece.Tokenizer.load(path)
    print(tok)

    size = tokens = 0
    for batch in dataset.iter(batch_size=1000):
        rows = tok.encode_batch(batch["text"])
        assert tok.decode_batch(rows) == batch["text"]
        size += sum(len(text.encode()) for text in batch["text"])
        tokens += len(rows.ids)
    print(f"{size:,} bytes in {tokens:,} tokens: {size / tokens:.2f} bytes per token")
    for text in dataset["text"][:3]:
        print([piece.decode("utf-8", "replace") for piece in tok.tokenize(text[:40])])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)
