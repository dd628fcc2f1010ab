"""The errors raised on purpose: each message says what is wrong, where, and what to do."""


class BytepieceError(Exception):
    """Base of every error this library raises on purpose."""


class ArgumentError(BytepieceError, ValueError):
    """An argument is outside its range or contradicts another one."""


class ModelError(BytepieceError, ValueError):
    """A model breaks its own rules, or a file does not hold a model."""


class CorpusError(BytepieceError, ValueError):
    """A training corpus cannot be read, or holds nothing to learn from."""


class CheckpointError(BytepieceError, ValueError):
    """A checkpoint cannot be kept, is damaged, or is of another run or corpus."""


class TokenFileError(BytepieceError, ValueError):
    """A file of ids is damaged, or was begun by another run."""


class VocabularyError(BytepieceError, KeyError):
    """A piece or an id is not in the vocabulary."""

    # KeyError prints the repr of its argument, which would quote the message.
    __str__ = Exception.__str__
