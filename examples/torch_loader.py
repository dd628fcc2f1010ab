"""Feed a language model blocks of sampled ids, stop in the middle of an epoch, and go on there.

python examples/torch_loader.py [TEXT_FILE]
"""

import sys
from functools import partial
from pathlib import Path

from torch.utils.data import DataLoader

import bytepiece
from bytepiece.integrations.torch import PackedBlocks

SAMPLE = Path(__file__).parent.parent / "data" / "sample.txt"


def main(corpus: Path) -> None:
    """Run two epochs, then repeat the second one from the place after its third batch."""
    tok = bytepiece.Tokenizer(bytepiece.train(corpus, vocab_size=2000))

    lines = partial(open, corpus, encoding="utf-8")  # each line is a document
    texts = corpus.read_text("utf-8").splitlines()
    # Samples have 10 % more tokens than best paths.
    settings = {"more_tokens": 0.1, "price_texts": texts, "seed": 7}
    dataset = PackedBlocks(tok, lines, length=128, positions=True, **settings)
    loader = DataLoader(dataset, batch_size=4, num_workers=1)
    epochs = []
    for epoch in range(2):
        dataset.set_epoch(epoch)
        epochs.append([])
        for step, batch in enumerate(loader):
            # A real program trains the model here on batch["input_ids"] and batch["labels"].
            epochs[-1].append(batch["input_ids"].tolist())
            if (epoch, step) == (1, 2):
                state = dataset.state_at(batch["position"])  # save this in your checkpoint
        print(f"epoch {epoch}: {len(epochs[-1])} batches,", repr(tok.decode(epochs[-1][0][0][:9])))
    assert epochs[0][0] != epochs[1][0]

    print("stopped at", state)
    again = PackedBlocks(tok, lines, length=128, **settings)
    again.load_state_dict(state)
    loader = DataLoader(again, batch_size=4)  # any number of workers gives the same blocks
    rest = [batch["input_ids"].tolist() for batch in loader]
    assert rest == epochs[1][3:]
    print(f"went on with the same {len(rest)} batches")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)
