"""Write the ids of a corpus to token files, and read them back like a training loop.

python examples/token_files.py [TEXT_FILE]
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import bytepiece
from bytepiece.token_files import TokenFile, TokenFileWriter

SAMPLE = Path(__file__).parent.parent / "data" / "sample.txt"
BATCH = 256


def main(corpus: Path) -> None:
    """Write token files, map them into memory, and take blocks of a fixed length."""
    tok = bytepiece.Tokenizer(bytepiece.train(corpus, 2000))
    lines = corpus.read_text("utf-8").splitlines()
    sampling = {"alpha": 0.3, "seed": 7, "epoch": 0}
    run = {"model": tok.fingerprint, **sampling}

    with tempfile.TemporaryDirectory() as directory:
        prefix = Path(directory) / "corpus"
        # If this program is killed and run again with the same prefix, the writer goes on where it
        # stopped: `writer.documents` is the number of documents that are written already. Samples
        # depend on the number of a document, so they are the same as without the kill. (Here the
        # directory is temporary, so every run starts anew.)
        with TokenFileWriter(prefix, tok.vocab_size, run=run, resume=True) as writer:
            for first in range(writer.documents, len(lines), BATCH):
                texts = lines[first : first + BATCH]
                writer.append(tok.encode_batch(texts, add_eos=True, doc_id0=first, **sampling))
        for path in sorted(Path(directory).iterdir()):
            print(f"{path.name}: {path.stat().st_size:,} bytes")

        # The files .bin and .idx have Megatron-LM's layout. They are mapped, not loaded.
        tokens = TokenFile(prefix)
        print(f"{len(tokens):,} documents, {len(tokens.ids):,} ids of type {tokens.ids.dtype}")
        print("document 1:", tok.ids_to_pieces(tokens[1].tolist())[:6])
        assert tok.decode_batch(tokens) == lines

        length = 128
        starts = np.random.default_rng(0).integers(len(tokens.ids) - length, size=4)
        block = np.stack([tokens.ids[start : start + length] for start in starts])
        print(f"a batch of {block.shape[0]} blocks of {block.shape[1]} ids")
        del tokens  # Windows cannot delete files that are mapped into memory


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)
