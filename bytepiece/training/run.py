"""A training run: the corpus is read, vocabularies are learned from it, and become models."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import bytepiece
from bytepiece.errors import ArgumentError
from bytepiece.formats import original
from bytepiece.inputs.corpus import Corpus
from bytepiece.inputs.files import Files
from bytepiece.model import Model
from bytepiece.parallel import Engine
from bytepiece.tokenizer import Tokenizer
from bytepiece.training import bnlm_trainer as bnlm
from bytepiece.training import merge_trainer as em
from bytepiece.training import pruning as prune
from bytepiece.training.checkpoint import Checkpoint, clear
from bytepiece.training.growth import Rules, Vocabulary, beginning
from bytepiece.training.memory import room
from bytepiece.training.options import Options, unused_tokens
from bytepiece.training.progress import Progress
from bytepiece.training.reader import Reader
from bytepiece.training.sample import Sample, read


class Work(NamedTuple):
    """How the work is done; the result does not depend on it, but for memory.

    Args:
        threads: of this process.
        engine: applies the stages that go through the corpus to its shards.
        memory: bytes that the process may take, about.
        checkpoint: a directory in which the work is kept, if it is.
        progress: is told how far it is.
    """

    threads: int
    engine: Engine
    memory: int
    checkpoint: str | os.PathLike[str] | None
    progress: Progress


def models_of(corpus: Corpus, sizes: Sequence[int], options: Options, work: Work) -> list[Model]:
    """Learn models of these sizes from a corpus that can be read again; see `bytepiece.train`."""
    run = {"vocab_size": list(sizes), "memory": work.memory, **options.to_json()}
    checkpoint = Checkpoint(work.checkpoint, run)
    if work.checkpoint is not None:
        _check_apart(work.checkpoint, corpus)
    rules = options.rules
    reader = Reader(corpus, rules.normalization, rules.isolate_digits)
    most = [size - len(options.special_tokens) for size in sizes]
    if options.algorithm == "em":
        space = room(work.memory, em.MEMORY_PER_BYTE)
        sample = read(reader, space, True, checkpoint, work.progress)
        models, sample = _by_em(sample, reader, most, options, work, checkpoint)
    else:
        space = room(work.memory, bnlm.MEMORY_PER_BYTE)
        sample = read(reader, space, False, checkpoint, work.progress)
        models = _by_bnlm(sample, reader.unit, most, options, work, checkpoint)
    finished = []
    for size, model in zip(sizes, models, strict=True):
        record = {
            "bytepiece": bytepiece.__version__,
            "vocab_size": size,
            "algorithm": options.algorithm,
            **options.of_algorithm(),
            **facts_of(corpus, reader, sample),
            **_held_out(model, sample, work.threads),
        }
        finished.append(_padded(replace(model, record=record), options.pad_to_multiple))
    return finished


def _check_apart(checkpoint: str | os.PathLike[str], corpus: Corpus) -> None:
    """See that what is kept, which is there already, is no part of the corpus.

    Raises:
        ArgumentError: it is.
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


def _by_em(
    sample: Sample,
    reader: Reader,
    most: Sequence[int],
    options: Options,
    work: Work,
    checkpoint: Checkpoint,
) -> tuple[list[Model], Sample]:
    chosen = em.Options(
        options.objective,
        Rules(
            options.max_piece_length,
            options.newlines,
            options.within_words,
            parts=not options.ensure_unicode,
        ),
        beginning(options.pieces),
        frozenset(options.pieces),
    )
    learned = em.learn(sample, reader, most, chosen, work.engine, checkpoint, work.progress)
    models = [_from_em(vocabulary, reader.unit, options) for vocabulary in learned.vocabularies]
    return models, learned.sample


def _from_em(vocabulary: Vocabulary, unit: int, options: Options) -> Model:
    pieces = vocabulary.pieces
    scores = em.scores_of(vocabulary.counts, options.objective, unit)
    order = sorted(range(len(pieces)), key=lambda i: (len(pieces[i]), pieces[i]))
    return Model(
        tuple(pieces[i] for i in order),
        scores[order],
        special_tokens=options.special_tokens,
        rules=options.rules,
    )


def _by_bnlm(
    sample: Sample,
    unit: int,
    most: Sequence[int],
    options: Options,
    work: Work,
    checkpoint: Checkpoint,
) -> list[Model]:
    chosen = bnlm.Options(
        options.order, options.min_count, options.max_piece_length, options.ensure_unicode
    )
    learned = bnlm.learn(
        sample, unit, most, chosen, work.threads, work.engine, checkpoint, work.progress
    )
    models = []
    for vocabulary, size in zip(learned, most, strict=True):
        counts = prune.with_pieces(vocabulary, options.pieces, size, unit)
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


def facts_of(corpus: Corpus, reader: Reader, sample: Sample) -> dict[str, Any]:
    """What a record says of a corpus that was read, and of its weights if there are any but 1."""
    record: dict[str, Any] = {"corpus_bytes": reader.size, "corpus_sha256": reader.digest}
    if not sample.whole:
        record["sampled_bytes"] = sample.size
    if isinstance(corpus, Files) and set(corpus.weights) != {1.0}:
        record["weights"] = list(corpus.weights)
    if reader.weight != reader.size:
        record["weighted_bytes"] = reader.weight / reader.unit
    if reader.unit != 1:
        record["count_unit"] = 1 / reader.unit
    return record


def _held_out(model: Model, sample: Sample, threads: int) -> Mapping[str, Any]:
    """How well the model encodes the lines that it did not learn from, without their ends."""
    lines = [line for part in sample.held_out for line in part.text.tobytes().split(b"\n")]
    size = sum(map(len, lines))
    if size == 0:
        return {}
    tokens = len(Tokenizer(model).encode_batch(lines, threads=threads).ids)
    return {"held_out_bytes": size, "held_out_bytes_per_token": size / tokens}


def _padded(model: Model, multiple: int) -> Model:
    """The model, with as many special tokens more as make its size a multiple of this."""
    size = model.vocab_size
    tokens = unused_tokens(size, -size % multiple)
    return replace(model, special_tokens=(*model.special_tokens, *tokens))
