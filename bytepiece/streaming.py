"""Decoding ids that arrive one by one."""

import codecs
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bytepiece.tokenizer import Tokenizer


class Opening(NamedTuple):
    """The spaces at the beginning that decoding takes off, as other libraries do.

    A space before a text is there for the text's first word to look like all others.

    Args:
        spaces: ids of tokens that begin with a space that may be taken off.
        all: of each token until there is text, and not only of the first that has one.
    """

    spaces: frozenset[int]
    all: bool

    def strip(self, ids: list[int], pieces: list[bytes]) -> bool:
        """Take spaces off the pieces of ids that begin a text; whether it is still to begin."""
        for i, id_ in enumerate(ids):
            if id_ in self.spaces:
                pieces[i] = pieces[i][1:]
                if not self.all:
                    return False
            if pieces[i]:
                return False
        return True


class StreamDecoder:
    """Turns ids that arrive one by one into text, holding back bytes of unfinished characters.

    >>> import bytepiece
    >>> tok = bytepiece.Tokenizer(bytepiece.train(["a b c"] * 3, 260))
    >>> decoder = tok.stream_decoder()
    >>> [decoder.push(id_) for id_ in tok.encode("aé")]
    ['a', '', 'é']
    >>> decoder.finish()
    ''
    """

    def __init__(self, tokenizer: "Tokenizer") -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._opening = True

    def push(self, id: int) -> str:
        """The text that this id completes, perhaps none.

        Raises:
            VocabularyError: the id is not in the vocabulary.
        """
        piece, self._opening = self._tokenizer.decode_on([id], self._opening)
        return self._decoder.decode(piece)

    def finish(self) -> str:
        """What was held back, as U+FFFD; the decoder can then be used for another text."""
        rest = self._decoder.decode(b"", True)
        self._decoder.reset()
        self._opening = True
        return rest
