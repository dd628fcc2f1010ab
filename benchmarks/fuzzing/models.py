"""The models of the fuzz tests: our own of several kinds, and models of other libraries."""

import tempfile
import warnings
from functools import cache
from pathlib import Path

import bytepiece
from benchmarks.peers import training
from benchmarks.support import SAMPLE
from bytepiece import Tokenizer, model_io
from bytepiece.formats import to_huggingface

NAMES = ("own", "digits", "nfc", "read", "characters", "unknown")
"""The names of the models."""
_TOKENS = ("<|im_start|>", "<|im_end|>")


@cache
def tokenizers() -> dict[str, Tokenizer]:
    """Return a tokenizer of each kind of model, by name; the same ones in every process.

    "own" and "digits" keep every byte of a text, "nfc" normalizes, "read" comes from a
    tokenizer.json, and "characters" from a SentencePiece model with byte fallback. "unknown" lacks
    byte fallback, so that it loses characters.
    """
    own = bytepiece.train(SAMPLE, 1500, special_tokens=_TOKENS)
    lines = SAMPLE.read_text("utf-8").splitlines()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            to_huggingface.save(own, folder / "read.json")
        for kind, fallback in (("characters", True), ("unknown", False)):
            training.sentencepiece(
                lines,
                1200,
                folder / kind,
                "unigram",
                byte_fallback=fallback,
                normalization_rule_name="nmt_nfkc",
                add_dummy_prefix=True,
                character_coverage=0.98,
                num_threads=1,
            )
        models = {
            "own": own,
            "digits": bytepiece.train(SAMPLE, 400, digits="each"),
            "nfc": bytepiece.train(SAMPLE, 800, algorithm="bnlm", normalization=("NFC",)),
            "read": model_io.load(folder / "read.json"),
            "characters": model_io.load(folder / "characters"),
            "unknown": model_io.load(folder / "unknown"),
        }
    return {name: Tokenizer(models[name]) for name in NAMES}
