"""What the project set out to reach, as data, so that every run says whether it did."""

from typing import NamedTuple


class Bar(NamedTuple):
    """A limit for one figure: at least or at most so much of a unit."""

    what: str
    at_least: bool
    limit: float
    unit: str

    def line(self, measured: float) -> str:
        """The bar, the figure, and whether it is met."""
        sign = "≥" if self.at_least else "≤"
        verdict = "met" if self.met(measured) else "MISSED"
        return (
            f"bar {self.what}: {sign} {self.limit:g}{self.unit}, measured {measured:.5g}, {verdict}"
        )

    def met(self, measured: float) -> bool:
        """Whether the figure is on the right side of the limit."""
        return measured >= self.limit if self.at_least else measured <= self.limit


BARS = {
    "best original": Bar("best path against the original", True, 25, " ×"),
    "best sentencepiece": Bar("best path against SentencePiece, same vocabulary", True, 3, " ×"),
    "best sentencepiece own": Bar("best path against SentencePiece, its own", True, 3, " ×"),
    "best tokie": Bar("best path against tokie", True, 2, " ×"),
    "sample sentencepiece": Bar("sampling against SentencePiece", True, 15, " ×"),
    "sample huggingface": Bar("sampling against Hugging Face", True, 25, " ×"),
    "sample original": Bar("sampling against the original", True, 20, " ×"),
    "further sample": Bar("a further sample, of the cost of the first", False, 30, " %"),
    "threads best": Bar("speed-up of 2 threads over that of 2 processes, best path", True, 0.9, ""),
    "threads sample": Bar(
        "speed-up of 2 threads over that of 2 processes, sampling", True, 0.9, ""
    ),
    "latency": Bar("encode of 100 bytes, time of SentencePiece's over ours", True, 1, " ×"),
    "odd": Bar("normal text's MB/s over the slowest odd text's", False, 3, " ×"),
    "memory": Bar("encode_batch beyond its result, per byte of text", False, 40, " bytes"),
    "lattice": Bar("log_z, entropy and marginals of a million bytes", False, 3, " s"),
    "lattice memory": Bar("their memory, per byte of text", False, 1000, " bytes"),
    "draws": Bar("a million draws of a text of 30 bytes", False, 2, " s"),
    "glue": Bar("time beyond encode_batch of the same texts", False, 30, " %"),
    "prefix search": Bar("pieces that begin with given bytes", False, 10, " µs"),
    "help": Bar("bytepiece --help", False, 0.25, " s"),
    "warm encode": Bar("warm echo hi | bytepiece encode", False, 1, " s"),
    "cold encode": Bar("first token ever, cold cache", False, 8, " s"),
    "read-only encode": Bar("first token of a read-only install", False, 8, " s"),
    "load own": Bar("Tokenizer load, our format", False, 0.25, " s"),
    "load original": Bar("Tokenizer load, the original format", False, 0.25, " s"),
    "unpickle": Bar("Tokenizer unpickle", False, 0.1, " s"),
    "small": Bar("bytes per token over the best rival's, 32 k from 10 MB", True, 1.03, " ×"),
    "others": Bar("the same on other kinds of text, geometric mean", True, 1.01, " ×"),
    "worst other": Bar("the same, the worst text", True, 0.95, " ×"),
    "large 32 k": Bar("bytes per token over the best rival's, 32 k from 100 MB", True, 1.02, " ×"),
    "large 100 k": Bar(
        "bytes per token over the best rival's, 100 k from 100 MB", True, 1.02, " ×"
    ),
    "small unigram": Bar("training time of SentencePiece Unigram over ours, 10 MB", True, 5, " ×"),
    "large unigram": Bar(
        "training time of SentencePiece Unigram over ours, 100 MB", True, 10, " ×"
    ),
    "large bpe": Bar("training time over that of SentencePiece BPE, 100 MB", False, 2, " ×"),
    "large bnlm": Bar("training time of the original over our BNLM's, 100 MB", True, 25, " ×"),
    "training memory": Bar("memory of training on 100 MB", False, 1500, " MB"),
    "512 MB": Bar("memory of training on 100 MB with --memory 512M", False, 700, " MB"),
    "512 MB, 2 GB": Bar("memory of training on 2 GB with --memory 512M", False, 700, " MB"),
    "linear": Bar("training time per MB over that in a smaller corpus", False, 1.1, " ×"),
    "kills": Bar("models that are not the undisturbed run's", False, 0, ""),
    "huggingface export": Bar("lines alike in Hugging Face's tokenizers", True, 99.9, " %"),
    "sentencepiece export": Bar(
        "lines alike in SentencePiece, of those whose pieces it can carry", True, 99.9, " %"
    ),
    "sentencepiece import": Bar("lines of SentencePiece's models alike here", True, 99.99, " %"),
    "unexplained": Bar("lines that differ without a cause", False, 0, ""),
    "training threads": Bar("models that are not one thread's", False, 0, ""),
}
