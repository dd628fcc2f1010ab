"""Decoding ids that arrive one by one."""

import codecs

from bytepiece.encoding.vocabulary import Vocabulary


class StreamDecoder:
    """Turns ids that arrive one by one into text, and holds back unfinished characters.

    Made by `Tokenizer.stream_decoder`.

    >>> import bytepiece
    >>> tok = bytepiece.Tokenizer(bytepiece.train(["a b c"] * 3, 260))
    >>> decoder = tok.stream_decoder()
    >>> [decoder.push(id_) for id_ in tok.encode("aé")]
    ['a', '', 'é']
    >>> decoder.finish()
    ''
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._opening = True

    def push(self, id: int) -> str:
        """Return the text that this id completes, which may be empty.

        Raises:
            VocabularyError: if the id is not in the vocabulary.
        """
        piece, self._opening = self._vocabulary.decode_on([id], self._opening)
        return self._decoder.decode(piece)

    def finish(self) -> str:
        """Return the bytes held back, as U+FFFD. The decoder can then be used for another text."""
        rest = self._decoder.decode(b"", True)
        self._decoder.reset()
        self._opening = True
        return rest
