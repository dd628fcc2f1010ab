"""Decoding ids that arrive one by one."""

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bytepiece.tokenizer import Tokenizer


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
