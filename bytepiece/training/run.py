"""A training run: reads the corpus, learns vocabularies from it, and makes models of them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import bytepiece
from bytepiece._arrays import F64
from bytepiece.errors import ArgumentError
from bytepiece.formats import original
from bytepiece.inputs.corpus import Corpus
from bytepiece.inputs.files import Files
from bytepiece.model import Model
from bytepiece.parallel import Engine
from bytepiece.tokenizer import Tokenizer
from bytepiece.training import bnlm_trainer, merge_trainer, unigram_trainer
from bytepiece.training.checked_options import TrainingOptions, unused_tokens
from bytepiece.training.checkpoint import Checkpoint, clear
from bytepiece.training.corpus_reader import CorpusReader
from bytepiece.training.corpus_sample import CorpusSample, read_sample
from bytepiece.training.corpus_words import CorpusWords, read_words
from bytepiece.training.growth import CountedPieces, PieceRules, initial_pieces
from bytepiece.training.memory import room
from bytepiece.training.progress import Progress
from bytepiece.training.pruning import with_pieces


class RunSettings(NamedTuple):
    """The settings of a run. Only `memory` can change the result.

    Args:
        threads: how many threads this process uses.
        engine: applies a stage to the shards of the corpus.
        memory: about how many bytes the process may take.
        checkpoint: the directory that keeps the work, or None.
        progress: called after each part of the work.
    """

    threads: int
    engine: Engine
    memory: int
    checkpoint: str | os.PathLike[str] | None
    progress: Progress


def models_of(
    corpus: Corpus, sizes: Sequence[int], options: TrainingOptions, settings: RunSettings
) -> list[Model]:
    """Learn models of the given sizes from a corpus that can be read more than once."""
    run = {"vocab_size": list(sizes), "memory": settings.memory, **options.to_json()}
    checkpoint = Checkpoint(settings.checkpoint, run)
    if settings.checkpoint is not None:
        _check_apart(settings.checkpoint, corpus)
    rules = options.rules
    reader = CorpusReader(corpus, rules.normalization, rules.digit_group)
    most = [size - len(options.special_tokens) for size in sizes]
    sample: CorpusSample | CorpusWords
    if options.algorithm == "unigram":
        sample = _unigram_sample(reader, options, settings, checkpoint)
        models = _by_unigrams(sample, reader, most, options, settings, checkpoint)
    elif options.algorithm == "merge":
        space = room(settings.memory, merge_trainer.MEMORY_PER_BYTE)
        sample = read_sample(reader, space, True, checkpoint, settings.progress)
        models, sample = _by_merges(sample, reader, most, options, settings, checkpoint)
    else:
        space = room(settings.memory, bnlm_trainer.MEMORY_PER_BYTE)
        sample = read_sample(reader, space, False, checkpoint, settings.progress)
        models = _by_bnlm(sample, reader.unit, most, options, settings, checkpoint)
    finished = []
    for size, model in zip(sizes, models, strict=True):
        record = {
            "bytepiece": bytepiece.__version__,
            "vocab_size": size,
            "algorithm": options.algorithm,
            **options.of_algorithm(),
            **facts_of(corpus, reader, sample),
            **_held_out(model, sample, settings.threads),
        }
        finished.append(_padded(replace(model, record=record), options.pad_to_multiple))
    return finished


def _check_apart(checkpoint: str | os.PathLike[str], corpus: Corpus) -> None:
    """Check that the checkpoint's directory is not part of the corpus.

    Raises:
        ArgumentError: if it is. The checkpoint is deleted again.
    """
    if isinstance(corpus, (str, os.PathLike)):
        corpus = Files([corpus])
    directory = Path(checkpoint).resolve()
    files = corpus.inputs() if isinstance(corpus, Files) else []
    if any(directory in file.path.resolve().parents for file in files):
        clear(checkpoint)
        raise ArgumentError(
            f"the checkpoint {os.fspath(checkpoint)} is part of the corpus; name another directory"
        )


def _by_merges(
    sample: CorpusSample,
    reader: CorpusReader,
    most: Sequence[int],
    options: TrainingOptions,
    settings: RunSettings,
    checkpoint: Checkpoint,
) -> tuple[list[Model], CorpusSample]:
    chosen = merge_trainer.MergeOptions(
        options.objective,
        _piece_rules(options),
        initial_pieces(options.pieces),
        frozenset(options.pieces),
    )
    learned = merge_trainer.learn(
        sample, reader, most, chosen, settings.engine, checkpoint, settings.progress
    )
    models = [_merge_model(vocabulary, reader.unit, options) for vocabulary in learned.vocabularies]
    return models, learned.sample


def _merge_model(vocabulary: CountedPieces, unit: int, options: TrainingOptions) -> Model:
    scores = merge_trainer.scores_of(vocabulary.counts, options.objective, unit)
    return _sorted_model(vocabulary.pieces, scores, options)


def _sorted_model(pieces: Sequence[bytes], scores: F64, options: TrainingOptions) -> Model:
    order = sorted(range(len(pieces)), key=lambda i: (len(pieces[i]), pieces[i]))
    return Model(
        tuple(pieces[i] for i in order),
        scores[order],
        special_tokens=options.special_tokens,
        rules=options.rules,
    )


def _piece_rules(options: TrainingOptions) -> PieceRules:
    return PieceRules(
        options.max_piece_length,
        options.newlines,
        options.spaces,
        parts=not options.ensure_unicode,
    )


def _unigram_sample(
    reader: CorpusReader, options: TrainingOptions, settings: RunSettings, checkpoint: Checkpoint
) -> CorpusSample | CorpusWords:
    rules = _piece_rules(options)
    if rules.spaces == "words":
        space = room(settings.memory, unigram_trainer.MEMORY_PER_WORD_BYTE)
        return read_words(reader, rules, space, checkpoint, settings.progress)
    space = room(settings.memory, unigram_trainer.MEMORY_PER_BYTE)
    return read_sample(reader, space, True, checkpoint, settings.progress)


def _by_unigrams(
    sample: CorpusSample | CorpusWords,
    reader: CorpusReader,
    most: Sequence[int],
    options: TrainingOptions,
    settings: RunSettings,
    checkpoint: Checkpoint,
) -> list[Model]:
    chosen = unigram_trainer.UnigramOptions(_piece_rules(options), options.pieces, options.sparse)
    learned = unigram_trainer.learn(
        sample, reader, most, chosen, settings.engine, checkpoint, settings.progress
    )
    return [
        _sorted_model(pieces, scores, options)
        for pieces, scores in zip(learned.pieces, learned.scores, strict=True)
    ]


def _by_bnlm(
    sample: CorpusSample,
    unit: int,
    most: Sequence[int],
    options: TrainingOptions,
    settings: RunSettings,
    checkpoint: Checkpoint,
) -> list[Model]:
    chosen = bnlm_trainer.BnlmOptions(
        options.order, options.min_count, options.max_piece_length, options.ensure_unicode
    )
    learned = bnlm_trainer.learn(
        sample, unit, most, chosen, settings.threads, settings.engine, checkpoint, settings.progress
    )
    models = []
    for vocabulary, size in zip(learned, most, strict=True):
        counts = with_pieces(vocabulary, options.pieces, size, unit)
        pieces = sorted(counts, key=lambda piece: (len(piece), piece))
        model = original.from_counts(pieces, [counts[piece] for piece in pieces])
        models.append(
            Model(
                model.pieces,
                model.scores,
                special_tokens=options.special_tokens,
                rules=options.rules,
                counts=model.counts,
            )
        )
    return models


def facts_of(
    corpus: Corpus, reader: CorpusReader, sample: CorpusSample | CorpusWords
) -> dict[str, Any]:
    """Return what a model's record says of the corpus. Weights are left out if all are 1."""
    record: dict[str, Any] = {"corpus_bytes": reader.size, "corpus_sha256": reader.digest}
    if not sample.whole:
        record["sampled_bytes"] = sample.size
    if isinstance(corpus, Files) and set(corpus.weights) != {1.0}:
        record["weights"] = list(corpus.weights)
    if isinstance(corpus, Files) and corpus.balance is not None:
        record["balance"] = corpus.balance.record()
    if reader.weight != reader.size:
        record["weighted_bytes"] = reader.weight / reader.unit
    if reader.unit != 1:
        record["count_unit"] = 1 / reader.unit
    return record


def _held_out(model: Model, sample: CorpusSample | CorpusWords, threads: int) -> Mapping[str, Any]:
    """Measure how well the model encodes held-out lines without their line ends."""
    lines = [line for part in sample.held_out for line in part.text.tobytes().split(b"\n")]
    size = sum(map(len, lines))
    if size == 0:
        return {}
    tokens = len(Tokenizer(model).encode_batch(lines, threads=threads).ids)
    return {"held_out_bytes": size, "held_out_bytes_per_token": size / tokens}


def _padded(model: Model, multiple: int) -> Model:
    """Return the model with special tokens added until its size is a multiple of a number."""
    size = model.vocab_size
    tokens = unused_tokens(size, -size % multiple)
    return replace(model, special_tokens=(*model.special_tokens, *tokens))
