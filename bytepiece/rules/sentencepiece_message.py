"""The messages in SentencePiece's .model files: the fields that bytepiece reads or writes.

The names are those of sentencepiece_model.proto, in capitals.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from bytepiece.rules.protobuf import field, float32, integer


class ModelField(IntEnum):
    """The fields of a whole file, ModelProto."""

    PIECES = 1
    TRAINER_SPEC = 2
    NORMALIZER_SPEC = 3
    DENORMALIZER_SPEC = 5


class PieceField(IntEnum):
    """The fields of an entry of the vocabulary."""

    PIECE = 1
    SCORE = 2
    TYPE = 3


class PieceType(IntEnum):
    """The type of an entry of the vocabulary."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class SentencePieceEntry(NamedTuple):
    """An entry of the vocabulary: its text, its score, and its `PieceType` as a number."""

    text: str
    score: float
    kind: int

    def to_field(self) -> bytes:
        """Return the entry as a field of a whole file."""
        return field(
            ModelField.PIECES,
            field(PieceField.PIECE, self.text.encode())
            + float32(PieceField.SCORE, self.score)
            + integer(PieceField.TYPE, self.kind),
        )


class TrainerField(IntEnum):
    """The fields of trainer_spec, the settings of training."""

    MODEL_TYPE = 3
    VOCAB_SIZE = 4
    SPLIT_BY_UNICODE_SCRIPT = 21
    TREAT_WHITESPACE_AS_SUFFIX = 24
    BYTE_FALLBACK = 35
    UNK_SURFACE = 44
    UNK_PIECE = 45
    BOS_PIECE = 46
    EOS_PIECE = 47
    PAD_PIECE = 48


class NormalizerField(IntEnum):
    """The fields of normalizer_spec, the settings of normalization."""

    NAME = 1
    PRECOMPILED_CHARSMAP = 2
    ADD_DUMMY_PREFIX = 3
    REMOVE_EXTRA_WHITESPACES = 4
    ESCAPE_WHITESPACES = 5


ALGORITHMS = {1: "Unigram", 2: "BPE", 3: "word", 4: "character"}
"""The kinds of model, by the number in the field MODEL_TYPE."""
UNIGRAM = 1
"""The number of Unigram models, and the default if the field is missing."""


def model_message(
    entries: Sequence[SentencePieceEntry], trainer: bytes, normalizer: bytes
) -> Iterator[bytes]:
    """Yield the parts of the file of a Unigram model.

    Args:
        entries: the entries in the order of their ids.
        trainer: further fields of the trainer's settings.
        normalizer: the fields of the normalizer's settings.
    """
    for entry in entries:
        yield entry.to_field()
    yield field(ModelField.TRAINER_SPEC, integer(TrainerField.MODEL_TYPE, UNIGRAM) + trainer)
    yield field(ModelField.NORMALIZER_SPEC, normalizer)
