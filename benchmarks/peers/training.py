"""Other libraries' trainers.

    python -m benchmarks.peers.training TRAINER CORPUS VOCAB_SIZE OUTPUT

trains one model in this process, which imports only the trainer's library. It reads the corpus
line by line, and leaves out line ends and empty lines.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_WITHIN_WORDS = {
    "split_by_unicode_script": False,
    "split_by_number": False,
    "allow_whitespace_only_pieces": True,
    "max_sentencepiece_length": 36,
    "num_threads": 2,
}
_ACROSS_SPACES = {**_WITHIN_WORDS, "split_by_whitespace": False}
"""The options that compress best.

Bytes per token of BPE across spaces, with 32 k pieces from 10 MB of mixed text, on other such text:
- 4.12 with the defaults of the other options;
- 4.47 if pieces may also cross scripts and numbers;
- 4.53 if pieces may also consist of whitespace alone, as indented text has it;
- 4.54 if pieces may also have 36 characters instead of 16.
64 characters are no better, other values of the character coverage are no better, and whitespace at
the ends of pieces is no better.
"""


def sentencepiece(lines: Iterable[str], size: int, path: Path, kind: str, **options: Any) -> None:
    """Train SentencePiece's "unigram" or "bpe", without the defaults that would change the text.

    Args:
        lines: the text to train on.
        size: the number of pieces.
        path: the file to write the model to.
        kind: "unigram" or "bpe".
        options: other options of SentencePiece's trainer.

    Raises:
        RuntimeError: if the corpus is too small for `size` pieces.
    """
    from sentencepiece import SentencePieceTrainer  # noqa: PLC0415

    defaults = {
        "vocab_size": size,
        "model_type": kind,
        "hard_vocab_limit": kind != "unigram",
        "byte_fallback": True,
        "normalization_rule_name": "identity",
        "add_dummy_prefix": False,
        "remove_extra_whitespaces": False,
        "max_sentence_length": 1 << 24,
        "minloglevel": 2,
    }
    with path.open("wb") as file:
        SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=file, **(defaults | options)
        )


def byte_level_bpe(
    lines: Iterable[str], size: int, path: Path, within_words: bool = True, **options: Any
) -> None:
    """Train Hugging Face's byte-level BPE, and write it as a tokenizer.json.

    Args:
        lines: the text to train on.
        size: the number of pieces and special tokens.
        path: the file to write the model to.
        within_words: whether the text is first cut into words by GPT-2's rules.
        options: other options of the trainer.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers  # noqa: PLC0415

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=within_words
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        **options,
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.save(str(path))


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, without line ends and without empty lines."""
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            if text := line.removesuffix("\n"):
                yield text


TRAINERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "bpe": (sentencepiece, {"kind": "bpe", **_ACROSS_SPACES}),
    "unigram": (sentencepiece, {"kind": "unigram", **_ACROSS_SPACES}),
    "words": (sentencepiece, {"kind": "bpe", **_WITHIN_WORDS}),
    "unigram-words": (sentencepiece, {"kind": "unigram", **_WITHIN_WORDS}),
    "bytes": (byte_level_bpe, {}),
}

if __name__ == "__main__":
    os.environ["RAYON_NUM_THREADS"] = "2"
    _trainer, _corpus, _size, _output = sys.argv[1:]
    _train, _options = TRAINERS[_trainer]
    _train(lines_of(Path(_corpus)), int(_size), Path(_output), **_options)
