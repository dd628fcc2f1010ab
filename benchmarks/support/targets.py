"""The targets that the project has set itself, so that every run says which of them it meets.

A printed line calls a target a "bar", and so do the files in benchmarks/results/.
"""

from typing import NamedTuple


class Target(NamedTuple):
    """A limit for one figure.

    Args:
        what: what the figure measures.
        at_least: True if the limit is the smallest good figure, False if it is the largest.
        limit: the limit, in `unit`.
        unit: the text after a figure, with the space before it.
    """

    what: str
    at_least: bool
    limit: float
    unit: str

    def line(self, measured: float) -> str:
        """Return a line with the target, the figure, and whether the target is met."""
        sign = "≥" if self.at_least else "≤"
        verdict = "met" if self.met(measured) else "MISSED"
        return (
            f"bar {self.what}: {sign} {self.limit:g}{self.unit}, measured {measured:.5g}, {verdict}"
        )

    def met(self, measured: float) -> bool:
        """Return whether a figure is on the right side of the limit."""
        return measured >= self.limit if self.at_least else measured <= self.limit


TARGETS = {
    "small bpe": Target("compression over byte-level BPE's, worst size", True, 1, " ×"),
    "small sentencepiece": Target("compression over SentencePiece's, worst size", True, 1, " ×"),
    "best original": Target("best path against the original", True, 25, " ×"),
    "best sentencepiece": Target(
        "best path against SentencePiece, same vocabulary", True, 4.5, " ×"
    ),
    "best sentencepiece own": Target("best path against SentencePiece, its own", True, 4, " ×"),
    "best tokie": Target("best path against tokie", True, 2, " ×"),
    "sample sentencepiece": Target("sampling against SentencePiece", True, 20, " ×"),
    "sample sentencepiece own": Target("sampling against SentencePiece, its own", True, 15, " ×"),
    "sample huggingface": Target("sampling against Hugging Face", True, 25, " ×"),
    "sample original": Target("sampling against the original", True, 20, " ×"),
    "further sample": Target("a further sample, of the cost of the first", False, 30, " %"),
    "threads best": Target(
        "speed-up of 2 threads over that of 2 processes, best path", True, 0.95, ""
    ),
    "threads sample": Target(
        "speed-up of 2 threads over that of 2 processes, sampling", True, 0.95, ""
    ),
    "latency": Target("encode of 100 bytes, time of SentencePiece's over ours", True, 1, " ×"),
    "foreign best": Target("SentencePiece's model, best path, over SentencePiece", True, 2.5, " ×"),
    "foreign lite": Target("SentencePiece's model, best path, over cached Lite", True, 1, " ×"),
    "foreign sample": Target("SentencePiece's model, sampling, over SentencePiece", True, 8, " ×"),
    "foreign huggingface": Target("tokenizer.json, over Hugging Face's tokenizers", True, 15, " ×"),
    "foreign splintr": Target("tokenizer.json, pieces within words, over splintr", True, 1.8, " ×"),
    "foreign nfc": Target("speed with NFC, of the speed without", True, 0.9, " ×"),
    "decoding": Target("decode_batch over the fastest other library", True, 1, " ×"),
    "decoding lists": Target("decode_batch of lists over the fastest other", True, 1, " ×"),
    "command": Target("processor time of SentencePiece's program over ours", True, 3, " ×"),
    "command threads": Target("the same, time with all threads", True, 3, " ×"),
    "odd": Target("normal text's MB/s over the slowest odd text's", False, 3, " ×"),
    "memory": Target("encode_batch beyond its result, per byte of text", False, 40, " bytes"),
    "line best": Target("encoding one line, per byte of input", False, 10, " bytes"),
    "line decoded": Target("decoding one line, per byte of input", False, 10, " bytes"),
    "line sampled": Target("sampling one line, per byte of input", False, 16, " bytes"),
    "lattice": Target("log_z, entropy and marginals of a million bytes", False, 3, " s"),
    "lattice memory": Target("their memory, per byte of text", False, 1000, " bytes"),
    "draws": Target("a million draws of a text of 30 bytes", False, 2, " s"),
    "glue": Target("time beyond encode_batch of the same texts", False, 30, " %"),
    "prefix search": Target("pieces that begin with given bytes", False, 10, " µs"),
    "help": Target("bytepiece --help", False, 0.25, " s"),
    "warm encode": Target("warm echo hi | bytepiece encode", False, 1, " s"),
    "cold encode": Target("first token ever, cold cache", False, 4, " s"),
    "cold at once": Target("four cold processes at once over one", False, 1.3, " ×"),
    "after warm-up": Target("first token after warm-up", False, 1.8, " s"),
    "read-only encode": Target("first token of a read-only install", False, 8, " s"),
    "load own": Target("Tokenizer load, our format", False, 0.25, " s"),
    "load original": Target("Tokenizer load, the original format", False, 0.25, " s"),
    "unpickle": Target("Tokenizer unpickle", False, 0.1, " s"),
    "small": Target("bytes per token over the best rival's, 32 k from 10 MB", True, 1.03, " ×"),
    "others": Target("the same on other kinds of text, geometric mean", True, 1.01, " ×"),
    "worst other": Target("the same, the worst text", True, 0.95, " ×"),
    "large 32 k": Target(
        "bytes per token over the best rival's, 32 k from 100 MB", True, 1.02, " ×"
    ),
    "large 100 k": Target(
        "bytes per token over the best rival's, 100 k from 100 MB", True, 1.02, " ×"
    ),
    "words": Target("bytes per token, --spaces words, over gigabpe's", True, 1.05, " ×"),
    "words time": Target(
        "training time, --spaces words, over 1.5 × gigabpe's and a second", False, 1, " ×"
    ),
    "superwords time": Target("training time, --spaces superwords, over across", False, 1.5, " ×"),
    "small unigram": Target(
        "training time of SentencePiece Unigram over ours, 10 MB", True, 5, " ×"
    ),
    "large unigram": Target(
        "training time of SentencePiece Unigram over ours, 100 MB", True, 10, " ×"
    ),
    "large bpe": Target("training time over that of SentencePiece BPE, 100 MB", False, 2, " ×"),
    "large bnlm": Target("training time of the original over our BNLM's, 100 MB", True, 25, " ×"),
    "training memory": Target("memory of training on 100 MB", False, 1500, " MB"),
    "512 MB": Target("memory of training on 100 MB with --memory 512M", False, 700, " MB"),
    "512 MB, 2 GB": Target("memory of training on 2 GB with --memory 512M", False, 700, " MB"),
    "linear": Target("training time per MB over that in a smaller corpus", False, 1.1, " ×"),
    "kills": Target("models that are not the undisturbed run's", False, 0, ""),
    "huggingface export": Target("lines alike in Hugging Face's tokenizers", True, 99.9, " %"),
    "sentencepiece export": Target(
        "lines alike in SentencePiece, of those whose pieces it can carry", True, 99.9, " %"
    ),
    "sentencepiece import": Target("lines of SentencePiece's models alike here", True, 99.99, " %"),
    "unexplained": Target("lines that differ without a cause", False, 0, ""),
    "training threads": Target("models that are not one thread's", False, 0, ""),
    "disk": Target("promises that a faulty disk breaks", False, 0, ""),
    "fuzz": Target("promises that random texts and damaged files break", False, 0, ""),
    "soak": Target("wrong results, errors and hangs of the soak", False, 0, ""),
    "soak memory": Target("memory of the last third over the second third", False, 1.05, " ×"),
}
