"""Encode a Hugging Face dataset with `map`: a new sample for each epoch, which the cache keeps.

python examples/datasets_map.py [TEXT_FILE]
"""

import sys
import tempfile
import time
from pathlib import Path

import datasets

import bytepiece
from bytepiece.integrations.datasets import Encode

SAMPLE = Path(__file__).parent.parent / "data" / "sample.txt"


def main(corpus: Path) -> None:
    """Encode by the best path, sample two epochs, and find one of them again in the cache."""
    datasets.disable_progress_bars()
    tok = bytepiece.Tokenizer(bytepiece.train(corpus, vocab_size=2000))
    with tempfile.TemporaryDirectory() as directory:
        lines = corpus.read_text("utf-8").splitlines()
        datasets.Dataset.from_dict({"text": lines}).save_to_disk(directory)
        dataset = datasets.load_from_disk(directory)

        best = dataset.map(Encode(tok, add_eos=True), batched=True, with_indices=True)
        print("best path:", sum(map(len, best["input_ids"])), "tokens")
        assert [tok.decode(ids) for ids in best["input_ids"]] == lines

        for epoch in (0, 1, 0):
            start = time.perf_counter()
            encode = Encode(tok, add_eos=True, alpha=0.3, seed=7, epoch=epoch)
            sampled = dataset.map(encode, batched=True, with_indices=True)
            seconds = time.perf_counter() - start
            tokens = sum(map(len, sampled["input_ids"]))
            print(f"epoch {epoch}: {tokens} tokens, {seconds:.3f} s, {sampled._fingerprint}")
        # The third run is epoch 0 again; `map` found it in the cache by its fingerprint.
        assert [tok.decode(ids) for ids in sampled["input_ids"]] == lines
        del dataset, best, sampled  # Windows cannot delete files that are mapped into memory


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)
