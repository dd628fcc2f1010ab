"""`bytepiece.train`: from a corpus to a model."""

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, overload

from bytepiece.inputs.corpus import Corpus
from bytepiece.inputs.spool import replayable
from bytepiece.model import Model
from bytepiece.parallel import Engine, usable_cores
from bytepiece.rules.text_rules import Digits, NormalizationStep, TextRules
from bytepiece.training.checked_options import (
    TrainingOptions,
    pieces_of,
    sizes_of,
    special_tokens_of,
)
from bytepiece.training.checkpoint import arguments_of
from bytepiece.training.memory import bytes_of, default_memory
from bytepiece.training.options import (
    Algorithm,
    JobStage,
    Newlines,
    Objective,
    Spaces,
    TrainingKeywords,
    current_algorithm,
    whole,
)
from bytepiece.training.progress import Progress, logged, silent
from bytepiece.training.run import RunSettings, models_of

if TYPE_CHECKING:
    from typing_extensions import Unpack


@overload
def train(
    corpus: Corpus, vocab_size: int = 32000, **options: "Unpack[TrainingKeywords]"
) -> Model: ...
@overload
def train(
    corpus: Corpus, vocab_size: Sequence[int], **options: "Unpack[TrainingKeywords]"
) -> list[Model]: ...
def train(
    corpus: Corpus,
    vocab_size: int | Sequence[int] = 32000,
    *,
    algorithm: Algorithm = "unigram",
    objective: Objective = "compression",
    newlines: Newlines = "apart",
    spaces: Spaces = "words",
    sparse: bool = False,
    order: int = 6,
    min_count: int = 2,
    ensure_unicode: bool | None = None,
    max_piece_length: int = 36,
    digits: Digits = "free",
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
    engine: Engine | JobStage | None = None,
    progress: Progress | None = None,
) -> Model | list[Model]:
    """Train a model. The result is the same for any number of threads.

    Args:
        corpus: a path, as in `bytepiece.Files`; `bytepiece.Files`; or a series of texts as
            `Tokenizer.encode_batch` takes it. If it can be iterated only once, it is copied to a
            temporary file during training. Nulls of a column are left out.
        vocab_size: the largest number of ids, special tokens included, at least 259. If there are
            several numbers, one run makes a model for each. A small corpus gives fewer ids.
        algorithm: "unigram", Kudo's trainer, begins with frequent substrings and drops pieces; its
            scores are likelihoods, and its vocabularies make the best language models. "merge"
            joins pairs of pieces that are neighbours on the best path, and compresses best. "bnlm",
            the original library's trainer, cuts where a byte n-gram language model says that
            something new begins, and compresses far less. "merge" was called "em", which is
            deprecated.
        objective: for "merge". "compression" gives pieces nearly equal scores, so that the best
            path has few tokens; "likelihood" gives them the logarithms of their frequencies.
        newlines: for "merge" and "unigram". A piece may "end" in newlines, or newlines stay "apart"
            in pieces of their own.
        spaces: for "merge" and "unigram". A word is letters, or numbers, or other characters in a
            row, with one blank before them if there is one. A piece lies within one word ("words");
            it may reach "across" words anywhere; or it lies within one word or is several whole
            words ("superwords", for "merge" only).
        sparse: for "unigram". Make probabilities proportional to exp(digamma(count)) instead of the
            expected count, so that pieces with a small count get less.
        order: for "bnlm", the order of the n-gram model, 2 … 7.
        min_count: for "bnlm", drop rarer n-grams, and rarer pieces of two or more bytes.
        ensure_unicode: form every piece of more than one byte from whole characters. A model that
            is to be written for SentencePiece needs this. The default is yes for "bnlm" and no for
            the others. Without it, these also make pieces that are the beginning of one character,
            which compress rare characters. In text that is not UTF-8, "bnlm" makes no piece that
            begins within a character, and the others make no piece that is not UTF-8.
        max_piece_length: the largest number of bytes in a piece, 1 … 1024.
        digits: "free": decimal digits are like other characters. "each": every digit is a segment
            of its own. "groups-of-three": a run of digits is cut from the left into groups of up to
            three, and each group is a segment of its own, so that no piece crosses its ends.
        normalization: Unicode normalization forms, such as ("NFC",). They are applied here, and in
            encoding, because the model remembers them.
        user_pieces: pieces that enter the vocabulary, however rare they are. They compete with
            the other pieces. A text that must always be one token is a special token instead.
        required_chars: characters that enter the vocabulary in the same way.
        special_tokens: names of tokens that stand for no text, besides <pad>, <bos> and <eos>.
        reserved: how many special tokens <reserved_0>, <reserved_1> … to add for later use.
        pad_to_multiple: make the model's size a multiple of this, with special tokens <unused_0>,
            <unused_1> … at its end. The size may then exceed `vocab_size`.
        memory: about how much memory the process may take, in bytes or as a text such as "2G". A
            limit below "512M" may be exceeded. The default is a quarter of the machine's memory. If
            the corpus is too large, pieces are found in a sample of it, and the model's record says
            `sampled_bytes`.
        checkpoint: a directory that keeps finished work. A run that was killed and is started again
            with the same corpus and arguments goes on from there, and ends with the same model.
            Delete it when the models are saved.
        temp_dir: the directory for temporary files; by default the system's.
        threads: by default all cores that this process may use.
        engine: applies the stages of training to parts of the corpus in other processes or on other
            machines; see `bytepiece.parallel.Engine` and `bytepiece.engines`. The result is the
            same. The corpus is then in files, and `checkpoint` is a directory that all workers see.
            `threads` is the number of threads of the worker that learns from the sample. A
            `bytepiece.training.options.JobStage` does one stage, and gives no model before the last
            one.
        progress: called as progress(phase, done, total), in bytes or rounds. `logging` also gets
            a line at the level INFO at the end of each phase.

    Returns:
        a Model, or a list of them in the order of `vocab_size`; an empty list after a stage before
        the last one.

    Raises:
        ArgumentError: if an argument is outside its range.
        CorpusError: if the corpus is empty, cannot be read, changes, or holds something that is
            neither str nor bytes.
        CheckpointError: if the checkpoint belongs to another run, is damaged, or cannot be written.

    Source: for "unigram", Kudo 2018, https://arxiv.org/abs/1804.10959; for "bnlm", Su,
    https://kexue.fm/archives/9752.

    >>> import bytepiece
    >>> model = bytepiece.train(["the cat", "the hat", "the rat"] * 9, vocab_size=300)
    >>> b" hat" in model.pieces
    True
    """
    current = current_algorithm(algorithm)
    if current != algorithm:
        warnings.warn(
            f'algorithm="{algorithm}" is now called "{current}"; the old name will go',
            DeprecationWarning,
            stacklevel=2,
        )
    rules = TextRules(tuple(normalization), digits)
    if ensure_unicode is None:
        ensure_unicode = current == "bnlm"
    options = TrainingOptions(
        current,
        objective,
        newlines,
        spaces,
        sparse,
        order,
        min_count,
        max_piece_length,
        ensure_unicode,
        rules,
        pieces_of(user_pieces, required_chars, rules, whole("max_piece_length", max_piece_length)),
        special_tokens_of(special_tokens, reserved),
        pad_to_multiple,
    )
    sizes = sizes_of(vocab_size, options)
    threads = usable_cores() if threads is None else whole("threads", threads)
    if memory is None:
        kept = None if checkpoint is None else arguments_of(checkpoint)
        memory = kept["memory"] if kept and "memory" in kept else default_memory()
    settings = RunSettings(
        threads,
        engine,
        bytes_of(memory),
        checkpoint,
        logged(silent if progress is None else progress),
    )
    with replayable(corpus, temp_dir) as texts:
        models = models_of(texts, sizes, options, settings)
    return models if isinstance(vocab_size, Iterable) or not models else models[0]
