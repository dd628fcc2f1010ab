"""Pruning a model: a smaller vocabulary of the pieces that matter most."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from bytepiece._arrays import F64, I64
from bytepiece._logarithms import rounded
from bytepiece.editing.arguments import size_of
from bytepiece.editing.characters import edited_characters
from bytepiece.editing.ids import Edited, compacted, id_map
from bytepiece.editing.record import record_of
from bytepiece.editing.shrink import Usage, shrink
from bytepiece.editing.usage import read_text
from bytepiece.editing.weighed_pieces import WeighedPieces, weighed
from bytepiece.formats import original
from bytepiece.inputs.corpus import Corpus
from bytepiece.model import Model
from bytepiece.parallel import in_threads, usable_cores
from bytepiece.training.options import whole
from bytepiece.training.progress import Progress, silent


def prune(
    model: Model,
    vocab_size: int,
    corpus: Corpus | None = None,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Edited:
    """Make a vocabulary smaller by dropping the pieces whose loss costs the fewest tokens.

    Single bytes and special tokens stay. A piece that stays keeps its id if the id is below the new
    size; the others move to vacant ids. A dropped piece is cut into pieces that stay, and adds its
    count to theirs. The result is the same for any number of threads.

    A model over characters, which was read from another library's file, keeps its rules and the
    scores of the pieces that stay. Symbols stay, and single characters if the model has no byte
    fallback. Ids that no text gets are dropped first.

    Args:
        model: a model made with bytepiece, or a model over characters.
        vocab_size: the largest number of ids, special tokens included; at most the number that the
            model has.
        corpus: text of the kind that the model is for, as in `bytepiece.train`; a few megabytes are
            enough. The pieces that this text needs stay. Without a corpus, the model's scores say
            how frequent pieces are.
        threads: by default all cores that this process may use.
        progress: called as progress(phase, done, total).

    Raises:
        ArgumentError: if an argument is outside its range.
        ModelError: if the model is another library's and its pieces are made of bytes.
        CorpusError: as in `bytepiece.train`.

    >>> import bytepiece
    >>> model = bytepiece.train(["the cat", "the hat", "the rat"] * 9, 265, algorithm="merge")
    >>> small, id_map = bytepiece.prune(model, 262)
    >>> small.vocab_size, id_map.tolist()[:259] == list(range(259))
    (262, True)
    """
    progress = progress or silent
    specials = model.special_tokens
    characters = None
    if model.rules.unknown is None:
        model.check_own("prune")
        kept = np.zeros(len(model.pieces), dtype=np.bool_)
        weights, ids = weighed(model), model.ids.astype(np.int64)
        fixed = [token.id for token in specials]
        reason = f"the 256 single bytes and {len(specials)} special tokens stay"
    else:
        characters = edited_characters(model, "prune")
        weights, ids, fixed = characters.weighed, characters.ids, characters.fixed
        kept = characters.kept
        others = "bytes" if characters.vocabulary.byte_ids else "single characters"
        reason = f"special tokens, symbols and {others} stay"
    without_id = int((ids < 0).sum())
    size = size_of(
        vocab_size,
        len(fixed) - without_id + 256 + int(kept.sum()),
        reason,
        model.vocab_size,
        "the model has no more; extend makes a vocabulary larger",
    )
    engine = in_threads(usable_cores() if threads is None else whole("threads", threads))
    facts: dict[str, Any] = {}
    usage: Usage | None = None
    if corpus is not None:
        text = read_text(corpus, model.rules, progress)
        usage, facts = partial(text.usage, engine=engine), text.facts
    most = min(size - len(fixed) + without_id, len(weights.pieces))
    done = partial(progress, "pruning")
    staying, after = shrink(weights, most, kept, usage, done)
    old_ids = sorted([*(int(id_) for id_ in ids[staying] if id_ >= 0), *fixed])
    moved = dict(zip(old_ids, compacted(np.array(old_ids, dtype=np.int32)).tolist(), strict=True))
    record = record_of("prune", size, model, **facts)
    if characters is not None:
        pruned = characters.pruned(staying, moved, record)
        return Edited(pruned, id_map(model.vocab_size, moved))
    scores, counts = _made_again(model, after)
    pruned = Model(
        tuple(after.pieces),
        scores,
        np.array([moved[i] for i in model.ids[staying].tolist()], dtype=np.int32),
        tuple(replace(token, id=moved[token.id]) for token in specials),
        model.rules,
        counts,
        record,
    )
    return Edited(pruned, id_map(model.vocab_size, moved))


def _made_again(model: Model, after: WeighedPieces) -> tuple[F64, I64 | None]:
    """Return the scores of the pieces that stay, and their counts if the model has counts."""
    if len(after.pieces) == len(model.pieces):
        return model.scores, model.counts
    if original.counts_of(model) is None or sum(after.counts.tolist()) > original.MOST_COUNTED:
        return rounded(after.scores), None
    return original.scores_of(after.counts), after.counts
