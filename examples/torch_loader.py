"""Feed a language model blocks of sampled ids; stop in the middle, and go on from there.

python examples/torch_loader.py [TEXT_FILE]
"""

import sys
from functools import partial
from pathlib import Path

import torch
from torch.utils.data import DataLoader

import bytepiece
from bytepiece.integrations.torch import PackedBlocks

SAMPLE = Path(__file__).parent.parent / "data" / "sample.txt"


def main(corpus: Path) -> None:
    """Two epochs, and the second one again from its third batch on."""
    tok = bytepiece.Tokenizer(bytepiece.train(corpus, vocab_size=2000))

    def blocks() -> PackedBlocks:
        lines = partial(open, corpus, encoding="utf-8")  # each line is a document
        return PackedBlocks(
            tok, lines, length=128, alpha=(0.1, 1.0), sample_prob=0.5, seed=7, positions=True
        )

    dataset = blocks()
    loader = DataLoader(dataset, batch_size=4, num_workers=1)
    epochs = []
    for epoch in range(2):
        dataset.set_epoch(epoch)
        batches = list(loader)
        epochs.append(batches)
        tokens = sum(batch["input_ids"].numel() for batch in batches)
        print(f"epoch {epoch}: {len(batches)} batches, {tokens:,} tokens")
        print("    ", repr(tok.decode(batches[0]["input_ids"][0, :20])))
    assert not torch.equal(epochs[0][0]["input_ids"], epochs[1][0]["input_ids"])

    state = dataset.state_at(epochs[1][2]["position"])  # what a checkpoint holds
    print("stopped at", state)
    again = blocks()
    again.load_state_dict(state)
    rest = list(DataLoader(again, batch_size=4))  # with another number of workers
    assert len(rest) == len(epochs[1]) - 3
    for one, other in zip(rest, epochs[1][3:], strict=True):
        assert torch.equal(one["input_ids"], other["input_ids"])
    print(f"went on with the same {len(rest)} batches")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)
