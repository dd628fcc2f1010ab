r"""Continuations: what may follow a prompt whose last tokens are taken back.

A language model has seen " numpy as np" as one token, and the token " numpy" only before other
text. So after the token " numpy" it does not expect " as np". The remedy (Su,
https://kexue.fm/archives/9762) is to take back the last token and to let the model choose among all
pieces that begin with its bytes.

This module does it for any number of tokens. A *cover* of the bytes taken back is a series of
pieces w1 … wk. Joined, these pieces begin with the bytes taken back; without the last piece wk,
they do not reach the end of these bytes. Take any series of tokens whose joined bytes begin with
the bytes taken back: exactly one cover is a beginning of this series.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32
from bytepiece._checks import seed_number, unsigned
from bytepiece.encoding.prefixes import Prefixes
from bytepiece.encoding.vocabulary import Vocabulary
from bytepiece.errors import ArgumentError
from bytepiece.kernels.streams import fill_draws
from bytepiece.rules.text import Text, to_bytes

LogProbs = Callable[[list[list[int]]], Any]
"""A language model, as a function. It takes up to 64 rows of ids, all of the same length, and
returns an array [rows, at least vocab_size]: the natural-log probabilities of the next token of
each row."""

MOST_ROWS = 10_000
"""The most rows that a language model is asked about, unless the caller allows more."""

_TOGETHER = 64
"""The most rows in one call of a language model. With 80,000 ids the answers take 40 MB."""


@dataclass(frozen=True, eq=False, repr=False)
class Cover:
    """A cover in progress: the bytes still to cover, and the pieces that may come next. Immutable.

    Args:
        table: the pieces of the model.
        rest: the bytes that are not covered yet.
        extra: once all bytes are covered, the bytes of the last piece beyond them.
        tokens: the most pieces that may still be used to cover `rest`; None for any number.

    >>> from bytepiece import Model, Tokenizer
    >>> pieces = [bytes([b]) for b in range(256)] + [b"th", b"the", b"then", b"he", b"hen"]
    >>> cover = Tokenizer(Model(pieces, [-5.0] * 261)).continuations("the")[1].cover
    >>> [(pieces[id - 3], extra) for id, extra in zip(cover.completing, cover.extras())]
    [(b'the', b''), (b'then', b'n')]
    >>> [pieces[id - 3] for id in cover.partial]
    [b't', b'th']
    >>> cover = cover.advance(cover.partial[0])
    >>> cover.rest, [pieces[id - 3] for id in cover.ids]
    (b'he', [b'he', b'hen', b'h'])
    >>> cover = cover.advance(cover.completing[1])
    >>> cover.done, cover.extra
    (True, b'n')
    """

    table: Prefixes
    rest: bytes
    extra: bytes = b""
    tokens: int | None = None

    @property
    def done(self) -> bool:
        """Whether all bytes are covered."""
        return not self.rest

    @cached_property
    def _range(self) -> tuple[int, int]:
        return self.table.range(self.rest)

    @property
    def completing(self) -> I32:
        """int32[n], the ids of the pieces that begin with `rest`, in the order of their bytes.

        Once all bytes are covered, these are all pieces.
        """
        low, high = self._range
        return np.array(self.table.ids[low:high])  # a copy for the caller

    def extras(self) -> list[bytes]:
        """Return the bytes of each piece in `completing` beyond `rest`."""
        low, high = self._range
        return [piece[len(self.rest) :] for piece in self.table.pieces[low:high]]

    @cached_property
    def _partial(self) -> list[int]:
        parts = self.table.proper_prefixes(self.rest)
        if self.tokens is not None and parts:
            fewest = self.table.fewest(self.rest)
            parts = [part for part in parts if fewest[len(part)] < self.tokens]
        return [self.table.id_of[part] for part in parts]

    @property
    def partial(self) -> I32:
        """int32[n], the ids of the pieces that cover only a beginning of `rest`, shortest first."""
        return np.array(self._partial, dtype=np.int32)

    @property
    def ids(self) -> I32:
        """int32[n], the ids of all pieces that may come next: `completing`, then `partial`."""
        return np.concatenate([self.completing, self.partial])

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """bool[vocab_size], True for `ids`; never for a special token."""
        allowed = np.zeros(self.table.vocab_size, dtype=np.bool_)
        allowed[self.ids] = True
        return allowed

    def advance(self, id: int) -> "Cover":
        """Return the cover after one more piece.

        Args:
            id: one of `ids`.

        Raises:
            ArgumentError: if it is not one of `ids`, or all bytes are covered already.
        """
        if self.done:
            raise ArgumentError("all bytes taken back are covered: any token may follow")
        piece = self.table.piece_of.get(id, b"")
        tokens = None if self.tokens is None else self.tokens - 1
        if piece.startswith(self.rest):
            return Cover(self.table, b"", piece[len(self.rest) :], tokens)
        if id in self._partial:
            return Cover(self.table, self.rest[len(piece) :], b"", tokens)
        raise ArgumentError(f"the id {id!r:.30} begins no cover of {self.rest!r:.60}")

    def __repr__(self) -> str:
        return f"<bytepiece.continuations.Cover: rest {self.rest!r:.60}, extra {self.extra!r:.60}>"


class Covers(NamedTuple):
    """The law of the covers of some bytes: P(cover | the text goes on with these bytes).

    Args:
        ids: the ids of each cover, the most probable cover first.
        log_probs: float64[covers], the natural logarithms of the covers' probabilities, which add
            up to 1.
        log_mass: the natural logarithm of the probability that the text goes on with these bytes,
            cut into any tokens that are allowed.
    """

    ids: list[tuple[int, ...]]
    log_probs: npt.NDArray[np.float64]
    log_mass: float

    def sample(self, n: int = 1, seed: int | None = None) -> list[tuple[int, ...]]:
        """Draw n covers, independent of each other.

        Args:
            n: how many, 0 … 2^32 − 1.
            seed: 0 … 2^64 − 1; None takes a fresh one from the operating system. Cover i uses draw
                i of the first segment of document 0; see `bytepiece.kernels.streams`.

        Raises:
            ArgumentError: if an argument is outside its range.
        """
        draws = np.empty(unsigned(n, 32, "n"))
        zero = np.uint64(0)
        fill_draws(np.uint64(seed_number(seed)), zero, zero, zero, zero, zero, draws)
        sums = np.cumsum(np.exp(self.log_probs))
        # The last sum is not searched. Rounding can make a product as large as this sum. The index
        # would then be too large, but without the last sum it is the index of the last cover.
        drawn = np.searchsorted(sums[:-1], draws * sums[-1], side="right")
        return [self.ids[i] for i in drawn.tolist()]


class Continuation(NamedTuple):
    """A prompt without its last tokens, and the pieces that may follow instead.

    Args:
        kept: the ids that are kept.
        taken: the bytes of the tokens that are taken back.
        cover: a cover of these bytes without any piece yet.

    >>> from bytepiece import Model, Tokenizer
    >>> tok = Tokenizer(Model([bytes([b]) for b in range(256)] + [b"the", b"then"], [-6.0] * 258))
    >>> end = tok.continuations("the")[1]
    >>> even = lambda rows: np.full((len(rows), tok.vocab_size), -math.log(tok.vocab_size))
    >>> law = end.distribution(even)
    >>> for ids, log_prob in zip(law.ids, law.log_probs):
    ...     print(tok.ids_to_pieces(ids), round(math.exp(log_prob), 5))
    [b'the'] 0.5
    [b'then'] 0.5
    [b't', b'h', b'e'] 1e-05
    >>> round(math.exp(end.log_prob("n", even)), 3)  # "then", or "the" and then "n"
    0.502
    >>> tok.ids_to_pieces(law.sample(seed=1)[0])
    [b'the']
    """

    kept: list[int]
    taken: bytes
    cover: Cover

    def distribution(self, log_probs: LogProbs, most: int = MOST_ROWS) -> Covers:
        """Return the exact law of the covers under a language model, by enumerating all covers.

        The probability of a cover is the product of the conditional probabilities of its tokens,
        divided by the sum of these products over all covers. Covers with probability 0 are left
        out.

        Args:
            log_probs: the language model; see `LogProbs`.
            most: the most rows that the language model may be asked about. It is asked about one
                row for each series of pieces that spells a beginning of the bytes taken back.

        Raises:
            ArgumentError: if more rows are needed, log_probs does not return log-probabilities, or
                all covers have probability 0.
        """
        found = _complete([((), 0.0, self.cover)], self.kept, log_probs, most)
        if not found:
            raise ArgumentError(f"no cover of {self.taken!r:.60} has any probability")
        found.sort(key=lambda cover: -cover[1])
        sums = np.array([cover[1] for cover in found])
        log_mass = float(np.logaddexp.reduce(sums))
        return Covers([cover[0] for cover in found], sums - log_mass, log_mass)

    def log_prob(self, text: Text, log_probs: LogProbs, most: int = MOST_ROWS) -> float:
        """Return the natural-log probability that a text follows the prompt, however it is cut.

        That is P(the text after `kept` begins with `taken` and then this text), divided by
        P(the text after `kept` begins with `taken`).

        Args:
            text: the text that is to follow; it is not normalized.
            log_probs, most: see `distribution`. This method enumerates twice, and `most` applies to
                each enumeration by itself.

        Returns:
            at most 0; −inf if the text cannot follow.

        Raises:
            ArgumentError: as in `distribution`.
        """
        wanted = to_bytes(text)
        law = self.distribution(log_probs, most)
        reached: list[float] = []
        begun: list[_Open] = []
        for ids, log_prob in zip(law.ids, law.log_probs.tolist(), strict=True):
            extra = b"".join([self.cover.table.piece_of[id_] for id_ in ids])[len(self.taken) :]
            if extra.startswith(wanted):
                reached.append(log_prob)
            elif wanted.startswith(extra):
                begun.append((ids, log_prob, Cover(self.cover.table, wanted[len(extra) :])))
        reached += [cover[1] for cover in _complete(begun, self.kept, log_probs, most)]
        return min(0.0, float(np.logaddexp.reduce(reached))) if reached else -math.inf


_Open = tuple[tuple[int, ...], float, Cover]
"""A series of pieces that begins a cover, its log-probability, and the rest of the cover."""


def _complete(
    begun: list[_Open], kept: list[int], log_probs: LogProbs, most: int
) -> list[tuple[tuple[int, ...], float]]:
    """Return the covers that begin with the given series, with their log-probabilities.

    Covers with the log-probability −inf are left out.
    """
    found = [(ids, log_prob) for ids, log_prob, cover in begun if cover.done]
    # The unfinished series, by their number of tokens, since a language model takes rows of one
    # length together.
    waiting: dict[int, list[_Open]] = {}
    for one in begun:
        if not one[2].done:
            waiting.setdefault(len(one[0]), []).append(one)
    asked = 0
    while waiting:
        rows = waiting.pop(min(waiting))
        asked += len(rows)
        if asked > most:
            raise ArgumentError(
                f"the covers begin in more than {most} ways; take fewer tokens back, allow fewer "
                f"tokens (`tokens`), or raise `most`"
            )
        for low in range(0, len(rows), _TOGETHER):
            some = rows[low : low + _TOGETHER]
            answers = _answers(log_probs, [kept + list(ids) for ids, _, _ in some], some[0][2])
            for (ids, log_prob, cover), answer in zip(some, answers, strict=True):
                for id_ in _possible(cover.completing, answer):
                    found.append(((*ids, id_), log_prob + float(answer[id_])))
                for id_ in _possible(cover.partial, answer):
                    further = ((*ids, id_), log_prob + float(answer[id_]), cover.advance(id_))
                    waiting.setdefault(len(ids) + 1, []).append(further)
    return found


def _possible(ids: I32, answer: F64) -> list[int]:
    possible: list[int] = ids[answer[ids] > -math.inf].tolist()
    return possible


def _answers(log_probs: LogProbs, rows: list[list[int]], cover: Cover) -> F64:
    answers = np.asarray(log_probs(rows), dtype=np.float64)
    size = cover.table.vocab_size
    if answers.ndim != 2 or len(answers) != len(rows) or answers.shape[1] < size:
        raise ArgumentError(
            f"log_probs must return an array of {len(rows)} rows of at least {size} numbers, "
            f"not one of the shape {answers.shape}"
        )
    if not answers.max() <= 1e-3:  # float16 rounds log-probabilities up to this
        raise ArgumentError(
            "log_probs must return natural logarithms of probabilities, as log_softmax gives, "
            "which are at most 0"
        )
    return answers


def continuations(
    vocabulary: Vocabulary, prompt: Iterable[int], backtrack: int, tokens: int | None
) -> list[Continuation]:
    """Return what may follow a prompt, given as ids. See `Tokenizer.continuations`."""
    if vocabulary.model.rules.unknown == "token":
        raise ArgumentError("there are no continuations where an unknown token stands for bytes")
    depths = unsigned(backtrack, 8, "backtrack")
    if tokens is not None and unsigned(tokens, 32, "tokens") < 1:
        raise ArgumentError("tokens must be at least 1, or None")
    try:
        ids = [index(id_) for id_ in prompt]
    except TypeError:
        raise ArgumentError("a prompt must be a text or a series of whole numbers") from None
    table = vocabulary.prefixes
    found = [Continuation(ids, b"", Cover(table, b"", tokens=tokens))]
    for depth in range(1, min(depths, len(ids)) + 1):
        piece = vocabulary.decode_on([ids[-depth]], opening=False)[0]
        if not piece:
            break  # a special token
        taken = piece + found[-1].taken
        found.append(Continuation(ids[:-depth], taken, Cover(table, taken, tokens=tokens)))
    return found
