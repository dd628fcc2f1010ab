"""Words of texts, and the places of tokens, by the methods of `BatchEncoding` in `transformers`.

Those methods ask an object with the methods of `tokenizers.Encoding`; here it is `TokenPlaces`.
"""

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from bytepiece.integrations.rows import NOWHERE, RowMaker, Span, joined

try:
    from tokenizers.pre_tokenizers import Sequence as Steps
    from tokenizers.pre_tokenizers import UnicodeScripts, WhitespaceSplit
except ImportError as error:
    raise ImportError(
        "bytepiece.integrations.words needs tokenizers: pip install transformers"
    ) from error

_STEPS = Steps([WhitespaceSplit(), UnicodeScripts()])
_JOINERS = "\u200c\u200d"
"""Characters without a script of their own that occur inside words."""


def word_spans(text: str) -> list[Span]:
    r"""Return the spans of the words of a text, in characters.

    White space separates words, and so does a change of script: digits, punctuation and symbols are
    a script of their own. Chinese characters and the Japanese syllabaries count as one script.
    Scripts without spaces between words, such as Thai, have words as long as their runs.

    >>> [text[low:high] for text in ["Ada's 3.5 naïve 汉字です"] for low, high in word_spans(text)]
    ['Ada', "'", 's', '3.5', 'naïve', '汉字です']
    """
    return [span for _, span in _STEPS.pre_tokenize_str(_with_plain_marks(text))]


def word_ids(text: str, offsets: Iterable[Span]) -> list[int | None]:
    """Return the number of each token's word, for the tokens of any tokenizer.

    A token of several words has the number of the first of them. A token without a word, such as
    white space or an added bos token, has None.

    Args:
        text: the text.
        offsets: the span of each token in characters, such as the offset_mapping of `transformers`.

    >>> word_ids("the cats", [(0, 3), (3, 7), (7, 8), (0, 0)])
    [0, 1, 1, None]
    """
    words = word_spans(text)
    return [_first(each) for each in _words_of(words, offsets)]


class Place(NamedTuple):
    """The place of a token.

    Args:
        sequence: 0 for the first text of a pair, 1 for the second; None for tokens around texts.
        span: characters, in the text or in the word that the caller gave.
        words: the numbers of its words.
    """

    sequence: int | None = None
    span: Span = NOWHERE
    words: range = range(0)


class TokenPlaces:
    """The places of the tokens of one row, with the methods of `tokenizers.Encoding`.

    Args:
        ids: the ids of the row.
        tokens: their names.
        places: their places.
        words: for each text of the row, the spans of its words.
    """

    def __init__(
        self,
        ids: list[int],
        tokens: list[str],
        places: list[Place],
        words: list[list[Span]],
    ) -> None:
        self.ids, self.tokens = ids, tokens
        self.offsets = [place.span for place in places]
        self.word_ids = [_first(place.words) for place in places]
        self.sequence_ids = [place.sequence for place in places]
        self.n_sequences = len(words)
        self._places, self._words = places, words

    def token_to_sequence(self, token: int) -> int | None:
        """Return the number of a token's text in the pair."""
        return self.sequence_ids[token]

    def token_to_word(self, token: int) -> int | None:
        """Return the number of a token's first word."""
        return self.word_ids[token]

    def token_to_chars(self, token: int) -> Span | None:
        """Return the characters of a token; None for a token around the texts."""
        return None if self.sequence_ids[token] is None else self.offsets[token]

    def word_to_tokens(self, word: int, sequence: int = 0) -> Span | None:
        """Return the tokens of a word, begin and end; None if it has none."""
        tokens = [
            token
            for token, place in enumerate(self._places)
            if place.sequence == sequence and word in place.words
        ]
        return (tokens[0], tokens[-1] + 1) if tokens else None

    def word_to_chars(self, word: int, sequence: int = 0) -> Span:
        """Return the characters of a word."""
        return self._words[sequence][word]

    def char_to_token(self, char: int, sequence: int = 0) -> int | None:
        """Return the first token that has a character of a text."""
        for token, place in enumerate(self._places):
            if place.sequence == sequence and place.span[0] <= char < place.span[1]:
                return token
        return None

    def char_to_word(self, char: int, sequence: int = 0) -> int | None:
        """Return the word that has a character of a text."""
        for word, (low, high) in enumerate(self._words[sequence]):
            if low <= char < high:
                return word
        return None


class LazyPlaces(Sequence[TokenPlaces]):
    """The places of the tokens of all rows of a call, each found when it is asked for.

    A pickle holds None instead, so that workers send rows without their texts.

    Args:
        tokenizer: the tokenizer of `transformers` that was called.
        maker: the maker of the rows.
        rows: the ids of each row.
        kept: for each row, how many tokens of the first and of the second text are in it; None for
            a second text that is missing.
        marks: how many tokens stand before each text and behind it.
        pads_left: whether padding is on the left.
    """

    def __init__(
        self,
        tokenizer: Any,
        maker: RowMaker,
        rows: list[list[int]],
        kept: list[tuple[int, int | None]],
        marks: tuple[int, int],
        pads_left: bool,
    ) -> None:
        self._tokenizer, self._maker = tokenizer, maker
        self._rows, self._kept = rows, kept
        self._marks, self._pads_left = marks, pads_left

    def __len__(self) -> int:
        return len(self._rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()

    def __getitem__(self, number: Any) -> Any:
        """Return the places of a row, or of several for a slice."""
        if isinstance(number, slice):
            return [self[row] for row in range(*number.indices(len(self)))]
        number = range(len(self))[number]
        ids = list(self._rows[number])
        texts: list[list[Place]] = []
        words = []
        for sequence, kept in enumerate(self._kept[number]):
            if kept is not None:
                places, words_of_text = self._of_text(number, sequence)
                from_left = self._tokenizer.truncation_side == "left"
                texts.append(places[len(places) - kept :] if from_left else places[:kept])
                words.append(words_of_text)
        begin, end = ([Place()] * count for count in self._marks)
        row = joined(texts[0], texts[1] if len(texts) > 1 else None, begin, end)
        filling = [Place()] * (len(ids) - len(row))
        row = filling + row if self._pads_left else row + filling
        return TokenPlaces(ids, self._tokenizer.convert_ids_to_tokens(ids), row, words)

    def _of_text(self, number: int, sequence: int) -> tuple[list[Place], list[Span]]:
        """Return the places of a text's tokens and the spans of its words."""
        source, parts = self._maker.aligned(number, sequence == 1)
        if isinstance(source, str):
            words = word_spans(source)
            spans = parts[0][1]
            found = zip(spans, _words_of(words, spans), strict=True)
            return [Place(sequence, span, of_words) for span, of_words in found], words
        if not parts:
            return [Place(sequence)] * len(source), []
        return [
            Place(sequence, span, range(word, word + 1))
            for word, (_, spans) in enumerate(parts)
            for span in spans
        ], [(0, len(text)) for text, _ in parts]


def _words_of(words: list[Span], spans: Iterable[Span]) -> Iterator[range]:
    """Yield the numbers of the words that each span touches."""
    begins, ends = [low for low, _ in words], [high for _, high in words]
    for low, high in spans:
        first = bisect_right(ends, low)
        yield range(first, max(first, bisect_left(begins, high)))


def _first(numbers: range) -> int | None:
    return numbers[0] if numbers else None


def _with_plain_marks(text: str) -> str:
    """Return a text with as many characters, whose marks have the script of what they stand on."""
    if text.isascii():
        return text
    chars: list[str] = []
    for char in text:
        category = unicodedata.category(char)
        if category == "Cs":  # Half of a surrogate pair cannot pass to the library.
            chars.append("\ufffd")
        elif (category[0] == "M" or char in _JOINERS) and chars and not chars[-1].isspace():
            chars.append(chars[-1])
        else:
            chars.append(char)
    return "".join(chars)
