"""Training: from a corpus to a model."""

import os
from collections.abc import Iterable, Sequence
from typing import Any, Literal, overload

from bytepiece.inputs.corpus import Corpus
from bytepiece.inputs.spool import replayable
from bytepiece.model import Model
from bytepiece.parallel import in_threads, usable_cores
from bytepiece.rules.text_rules import NormalizationStep, TextRules
from bytepiece.training.checkpoint import arguments_of
from bytepiece.training.memory import bytes_of, sensible
from bytepiece.training.options import Options, pieces_of, sizes_of, special_tokens_of, whole
from bytepiece.training.progress import Progress, logged, silent
from bytepiece.training.run import Work, models_of


@overload
def train(corpus: Corpus, vocab_size: int = 32000, **options: Any) -> Model: ...
@overload
def train(corpus: Corpus, vocab_size: Sequence[int], **options: Any) -> list[Model]: ...
def train(  # type: ignore[misc]  # the overloads leave the options to this one
    corpus: Corpus,
    vocab_size: int | Sequence[int] = 32000,
    *,
    algorithm: Literal["em", "bnlm"] = "em",
    objective: Literal["compression", "likelihood"] = "compression",
    newlines: Literal["apart", "end"] = "apart",
    within_words: bool = False,
    order: int = 6,
    min_count: int = 2,
    ensure_unicode: bool | None = None,
    max_piece_length: int = 36,
    isolate_digits: bool = False,
    normalization: Sequence[NormalizationStep] = (),
    user_pieces: Iterable[str | bytes] = (),
    required_chars: str = "",
    special_tokens: Iterable[str] = (),
    reserved: int = 0,
    pad_to_multiple: int = 1,
    memory: int | str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Model | list[Model]:
    """Train a model. The result is the same for any number of threads.

    Args:
        corpus: a path, as in `bytepiece.Files`; `bytepiece.Files`; or any iterable of str or bytes.
            What can be iterated only once is copied to a temporary file meanwhile.
        vocab_size: the most ids, special tokens among them, at least 259; or several such numbers,
            for as many models from one reading. A small corpus gives fewer.
        algorithm: "em" joins pairs of pieces that are neighbours in the best segmentation; "bnlm",
            the original library's, cuts where a byte n-gram language model says that something
            begins, and compresses far less.
        objective: for "em", "compression" gives pieces nearly equal scores, which makes the best
            path one of few tokens; "likelihood" gives them the logarithms of how frequent they are.
        newlines: for "em", whether a piece may "end" in newlines, or they stay "apart" in pieces
            of their own.
        within_words: for "em", whether spaces stand at the beginning of pieces only, so that no
            piece reaches from one word into the next.
        order: for "bnlm", of the n-gram model, 2 … 7.
        min_count: for "bnlm", n-grams and pieces of two or more bytes that are rarer are dropped.
        ensure_unicode: pieces of more than one byte consist of whole characters, which a model
            needs that is to be written for SentencePiece. By default this is so for "bnlm"; "em"
            also makes beginnings of single characters, which compress rare ones. Where the text is
            not UTF-8, "bnlm" sees to it that no piece begins within a character, and "em" makes no
            piece that is not UTF-8, whatever else is in the text.
        max_piece_length: no piece is longer, in bytes; 1 … 1024.
        isolate_digits: every decimal digit is a segment of its own, so no piece has two.
        normalization: Unicode normalization forms, such as ("NFC",), applied here and, for the
            model remembers them, in encoding.
        user_pieces: pieces that come into the vocabulary however rare they are. They compete with
            others as all do; what must always be one token is a special token.
        required_chars: characters that come into the vocabulary in the same way.
        special_tokens: names of tokens that stand for no text, beside <pad>, <bos> and <eos>.
        reserved: how many special tokens more, <reserved_0> and so on, are there for later use.
        pad_to_multiple: the model's size is made a multiple of this by special tokens at its end,
            <unused_0> and so on, so it may be larger than `vocab_size`.
        memory: how much the process may take, about, as bytes or a text such as "2G"; at least
            "512M" is of use. By default a quarter of the machine's. Where a corpus is too large
            for it, pieces are found in a sample of it; the model's record says `sampled_bytes`.
        checkpoint: a directory in which the work is kept as it is done. A run that was killed, and
            is started again with the same corpus and arguments, goes on there, and ends with the
            same model. Delete it when the models are saved.
        temp_dir: where temporary files are kept; by default where the system keeps them.
        threads: by default all cores that this process may use.
        progress: called as progress(phase, done, total), in bytes or rounds. The end of each phase
            is logged as well, by `logging`, at the level INFO.

    Returns:
        a Model, or a list of them in the order of `vocab_size`.

    Raises:
        ArgumentError: an argument is outside its range.
        CorpusError: the corpus is empty, cannot be read, changes, or holds something that is
            neither str nor bytes.
        CheckpointError: the checkpoint is of another run, is damaged, or cannot be kept.

    Source: for "bnlm", Su, https://kexue.fm/archives/9752.

    >>> import bytepiece
    >>> model = bytepiece.train(["the cat", "the hat", "the rat"] * 9, vocab_size=300)
    >>> b"the hat" in model.pieces
    True
    """
    rules = TextRules(tuple(normalization), isolate_digits)
    if ensure_unicode is None:
        ensure_unicode = algorithm == "bnlm"
    options = Options(
        algorithm,
        objective,
        newlines,
        within_words,
        order,
        min_count,
        max_piece_length,
        ensure_unicode,
        rules,
        pieces_of(user_pieces, required_chars, rules, max_piece_length),
        special_tokens_of(special_tokens, reserved),
        pad_to_multiple,
    )
    sizes = sizes_of(vocab_size, options)
    threads = usable_cores() if threads is None else whole("threads", threads)
    if memory is None:
        kept = None if checkpoint is None else arguments_of(checkpoint)
        memory = kept["memory"] if kept and "memory" in kept else sensible()
    work = Work(
        threads,
        in_threads(threads),
        bytes_of(memory),
        checkpoint,
        logged(silent if progress is None else progress),
    )
    with replayable(corpus, temp_dir) as texts:
        models = models_of(texts, sizes, options, work)
    return models if isinstance(vocab_size, Iterable) else models[0]
