"""The errors that this library raises on purpose.

Each message says what is wrong, where it is wrong, and what to do.
"""


class BytepieceError(Exception):
    """Base of every error this library raises on purpose."""


class ArgumentError(BytepieceError, ValueError):
    """An argument is outside its range or contradicts another one."""


class ModelError(BytepieceError, ValueError):
    """A model breaks its own rules, or a file does not hold a model."""


class CorpusError(BytepieceError, ValueError):
    """A training corpus cannot be read, or it holds nothing to learn from."""


class CheckpointError(BytepieceError, ValueError):
    """A checkpoint cannot be written, is damaged, or belongs to another run or corpus."""


class TokenFileError(BytepieceError, ValueError):
    """A token file is damaged, or another run began it."""


class VocabularyError(BytepieceError, KeyError):
    """A piece or an id is not in the vocabulary."""

    # KeyError prints the repr of its argument, which would quote the message.
    __str__ = Exception.__str__
