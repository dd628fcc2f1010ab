"""gigabpe: a fast trainer of byte-level BPE within words.

    python -m benchmarks.peers.gigabpe CORPUS VOCAB_SIZE OUTPUT

trains one tokenizer.json in this process, with two threads. The library reads the file itself.
"""

import sys
from importlib import metadata

from bytepiece.adapters.huggingface import HuggingFace


class GigaBpe(HuggingFace):
    """Encodes with Hugging Face's library, because gigabpe only trains."""

    name = "gigabpe"
    module = "gigabpe"
    distribution = "gigabpe"

    @classmethod
    def version(cls) -> str:
        """As in the base class."""
        return metadata.version(cls.distribution)


if __name__ == "__main__":
    from gigabpe import train_tokenizer

    _corpus, _size, _output = sys.argv[1:]
    train_tokenizer(
        [_corpus], int(_size), _output, special_tokens=[], pretokenizer="bytelevel", threads=2
    )
