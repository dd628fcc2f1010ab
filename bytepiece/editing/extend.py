"""Extending a vocabulary: pieces learned from new text follow the old ones."""

import os
from itertools import compress
from typing import Any, NamedTuple

from bytepiece.editing.arguments import size_of
from bytepiece.editing.characters import EditedCharacters, edited_characters
from bytepiece.editing.ids import Edited, id_map, ids_of
from bytepiece.editing.newcomers import NewPiece, added
from bytepiece.editing.record import record_of
from bytepiece.editing.weighed_pieces import WeighedPieces, objective_of, offset, weighed
from bytepiece.inputs.corpus import Corpus
from bytepiece.inputs.spool import replayable
from bytepiece.model import MAX_ID, MAX_PIECE_LENGTH, Model
from bytepiece.parallel import Engine, in_threads, usable_cores
from bytepiece.training import merge_trainer
from bytepiece.training.checkpoint import Checkpoint
from bytepiece.training.corpus_reader import CorpusReader
from bytepiece.training.corpus_sample import read_sample
from bytepiece.training.growth import NEWLINES, CountedPieces, PieceRules
from bytepiece.training.memory import bytes_of, default_memory, room
from bytepiece.training.options import SPACES, current_options, whole
from bytepiece.training.progress import Progress, silent
from bytepiece.training.run import facts_of

_LONGEST = 36
"""The largest number of bytes in a new piece if the model's record has none."""
_SPACES_OF = {False: "across", True: "words"}


def extend(
    model: Model,
    corpus: Corpus,
    vocab_size: int,
    *,
    threads: int | None = None,
    memory: int | str | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Edited:
    """Add to a vocabulary pieces that are learned from new text.

    All old pieces and special tokens keep their ids, and the new pieces follow. The rounds of
    `bytepiece.train(algorithm="merge")` find them, beginning with the old vocabulary. Their scores
    are on the scale of the old scores. The result is the same for any number of threads.

    The new pieces of a model over characters, which was read from another library's file, consist
    of whole characters. If no old piece has a space within, no new piece has one. The old scores
    stay.

    Args:
        model: a model made with bytepiece, or a model over characters. Its rules also apply to the
            new text.
        corpus: the new text, as in `bytepiece.train`.
        vocab_size: the largest number of ids, more than the model has. A small corpus gives fewer.
        threads, memory, temp_dir, progress: see `bytepiece.train`.

    Raises:
        ArgumentError: if an argument is outside its range.
        ModelError: if the model is another library's and its pieces are made of bytes.
        CorpusError: as in `bytepiece.train`.

    >>> import bytepiece
    >>> model = bytepiece.train(["the cat", "the hat", "the rat"] * 9, 262)
    >>> larger, id_map = bytepiece.extend(model, ["el gato", "el pato"] * 9, 264)
    >>> larger.pieces[:259] == model.pieces, larger.pieces[259:]
    (True, (b'at', b'el'))
    """
    characters = None
    if model.rules.unknown is None:
        model.check_own("extend")
    else:
        characters = edited_characters(model, "extend")
    size = size_of(
        vocab_size,
        model.vocab_size + 1,
        f"the model has {model.vocab_size} ids; prune makes a vocabulary smaller",
        MAX_ID + 1,
        "larger ids are not possible",
    )
    settings = _ExtendSettings(
        in_threads(usable_cores() if threads is None else whole("threads", threads)),
        room(
            default_memory() if memory is None else bytes_of(memory), merge_trainer.MEMORY_PER_BYTE
        ),
        silent if progress is None else progress,
    )
    with replayable(corpus, temp_dir) as texts:
        newcomers, facts = _learn(model, characters, texts, size - model.vocab_size, settings)
    newcomers.sort(key=lambda one: (len(one.piece), one.piece))
    record = record_of("extend", size, model, **facts)
    if characters is None:
        extended = added(model, newcomers, record)
    else:
        extended = characters.extended(newcomers, record)
    old_ids = ids_of(model).values()
    return Edited(extended, id_map(model.vocab_size, dict(zip(old_ids, old_ids, strict=True))))


class _ExtendSettings(NamedTuple):
    """The settings of an extension. Of these, only `room` can change the result.

    Args:
        engine: applies a stage to windows.
        room: the largest number of bytes of text in memory.
        progress: called after each part of the work.
    """

    engine: Engine
    room: int
    progress: Progress


def _learn(
    model: Model,
    characters: EditedCharacters | None,
    corpus: Corpus,
    number: int,
    settings: _ExtendSettings,
) -> tuple[list[NewPiece], dict[str, Any]]:
    """Learn a number of new pieces. Also return what a record says of the corpus."""
    rules, old = model.rules, weighed(model) if characters is None else characters.weighed
    options = merge_trainer.MergeOptions(
        objective_of(model), _rules(model, characters), _start(old), frozenset(old.pieces)
    )
    checkpoint = Checkpoint(None, {})
    reader = CorpusReader(corpus, rules.normalization, rules.digit_group, rules.library)
    sample = read_sample(reader, settings.room, False, checkpoint, settings.progress)
    found = merge_trainer.learn(
        sample,
        reader,
        [len(old.pieces) + number],
        options,
        settings.engine,
        checkpoint,
        settings.progress,
    )
    [learned] = found.vocabularies
    ours = dict(zip(old.pieces, old.scores.tolist(), strict=True))
    if characters is not None:
        ours = characters.scored
    logs = merge_trainer.scores_of(learned.counts, options.objective, reader.unit).tolist()
    theirs = dict(zip(learned.pieces, logs, strict=True))
    counted = dict(compress(theirs.items(), learned.counts.tolist()))
    # It may be that no old piece occurs on the best paths of the new text.
    added_to = offset(ours, theirs if ours.keys().isdisjoint(counted) else counted)
    known = set(old.pieces)
    newcomers = [NewPiece(p, score + added_to) for p, score in theirs.items() if p not in known]
    if characters is not None:
        newcomers = [one for one in newcomers if characters.may_have(one.piece)]
    return newcomers, facts_of(corpus, reader, found.sample)


def _start(old: WeighedPieces) -> CountedPieces:
    """Return the old pieces and their counts to begin with, the single bytes first."""
    order = sorted(range(len(old.pieces)), key=lambda i: len(old.pieces[i]) > 1)
    return CountedPieces([old.pieces[i] for i in order], old.counts[order])


def _rules(model: Model, characters: EditedCharacters | None) -> PieceRules:
    """Return the rules for new pieces: those in the model's record, and defaults for the others."""
    record = current_options(model.record)
    length, newlines = record.get("max_piece_length"), record.get("newlines")
    spaces = record.get("spaces") if characters is None else _SPACES_OF[characters.words]
    return PieceRules(
        length if type(length) is int and 1 <= length <= MAX_PIECE_LENGTH else _LONGEST,
        newlines if newlines in NEWLINES else NEWLINES[0],
        spaces if spaces in SPACES else SPACES[0],
        parts=characters is None and record.get("ensure_unicode") is not True,
    )
