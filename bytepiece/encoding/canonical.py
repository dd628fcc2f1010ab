"""Canonical ids: those of the best path."""

from collections.abc import Iterable
from operator import index

from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.segmentation import segment_stretches
from bytepiece.encoding.vocabulary import Vocabulary
from bytepiece.errors import ArgumentError
from bytepiece.rules.text import to_bytes


def canonical_ids(ids: Iterable[int], vocabulary: Vocabulary, encoder: Encoder) -> list[int]:
    """Return the ids of the best path of the bytes that ids stand for.

    Special tokens keep their places. The bytes between them are encoded anew.

    Args:
        ids: ids of the vocabulary.
        vocabulary, encoder: those of the model.

    Raises:
        VocabularyError: if an id is not in the vocabulary.
    """
    try:
        numbers = list(map(index, ids))
    except TypeError:
        raise ArgumentError("ids must be a series of whole numbers") from None
    special = set(vocabulary.special_ids.values())
    stretches: list[list[int]] = [[]]
    tokens = []
    for id_ in numbers:
        if id_ in special:
            tokens.append(id_)
            stretches.append([])
        else:
            stretches[-1].append(id_)
    rules = encoder.model.rules
    # The ids of another library's model spell a normalized text, from which the text itself is not
    # known: only one stretch begins with the space that goes before a text.
    steps = rules.normalization if rules.library is None else ()
    texts = [to_bytes(vocabulary.decode_on(some, False)[0], steps) for some in stretches]
    found: list[int] = encoder.encode_segments(segment_stretches(texts, tokens, rules)).ids.tolist()
    return found
