"""Tokenizer: text to ids and back. What users hold in their hand."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from operator import index
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import numpy as np

from bytepiece import model_io
from bytepiece._checks import unsigned, unsigned_array
from bytepiece.encoding import request
from bytepiece.encoding.alignment import Alignment, align
from bytepiece.encoding.encoded import Encoded
from bytepiece.encoding.encoder import Engine
from bytepiece.encoding.request import NBEST_SIZE, Alpha, Sampler, checked_alpha, groups
from bytepiece.encoding.segmentation import segment
from bytepiece.encoding.stream_decoder import StreamDecoder
from bytepiece.errors import ArgumentError, VocabularyError
from bytepiece.formats import original
from bytepiece.formats import to_sentencepiece as sentencepiece
from bytepiece.inputs.arrow import Column, chunked, is_arrow
from bytepiece.kernels.best_path import best_ids_of_text
from bytepiece.model import Model
from bytepiece.rules.opening import Opening
from bytepiece.rules.text import Text, to_bytes

if TYPE_CHECKING:
    from bytepiece.continuations import Continuation, Prefixes
    from bytepiece.lattice.lattice import Lattice

T = TypeVar("T")

AllowedSpecial = Literal["all"] | Iterable[str]


class Tokenizer:
    """Encodes text with a model, by the best path or a random one, and decodes ids.

    Immutable, picklable, safe to share between threads and across forks.

    Args:
        model: a `Model`, the path of a model file, or the dict that an original BytePiece model
            file holds.

    Random encodings are pure functions of the model, the text and these arguments, the same from
    `encode` and `encode_batch`, in any number of threads and processes:

        alpha: the exponent on the probability of a path: 0 draws uniformly from all
            segmentations, 1 from the model's own law, larger values come closer to the best path.
            None or a negative number: the best path itself. Finite. A tuple (low, high) gives each
            document one of the 16 values evenly spaced from low to high, drawn for it; a list or
            an array, one for each document, gives each its own.
        sampler: "perfect" draws from exp(alpha · Σ score) / Z exactly; "nbest" from the same law
            cut down to the best paths of each segment (Kudo's sampler); "viterbi" is an older
            algorithm that follows neither. Both are kept for comparison.
        nbest_size: how many paths "nbest" draws from, 1 … 2^20; its time and memory grow with it.
        sample_prob: the share of documents that are sampled, 0 … 1; the others get the best path.
            Which ones and, in a range, their alpha depend on seed, epoch and doc_id alone.
        seed: 0 … 2^64 − 1; None: a fresh one from the operating system for every call. With a
            seed, the same text gets the same sample in every call, unless one of the next three
            differs.
        epoch: 0 … 2^32 − 1.
        doc_id: 0 … 2^64 − 1, the number of the document.
        sample: 0 … 2^32 − 1, the number of the sample of that document.

    Special-token strings in a text are plain text unless `allowed_special` names them: "all", a
    collection of names, or a mapping from names to ids, also of tokens that the model has not.

    >>> import bytepiece
    >>> tok = bytepiece.Tokenizer(bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300))
    >>> tok.tokenize("the hat, the cat")
    [b'the hat', b',', b' ', b'the cat']
    >>> tok.decode(tok.encode("the hat", alpha=0.1, seed=7, doc_id=42))
    'the hat'
    """

    def __init__(self, model: Model | str | os.PathLike[str] | Mapping[str, Any]) -> None:
        if isinstance(model, Mapping):
            model = original.from_dict(model)
        elif not isinstance(model, Model):
            model = model_io.load(model)
        self._model = model
        self._engine = Engine(model)
        self._specials = {token.name: token.id for token in model.special_tokens}
        self._names = {id_: name for name, id_ in self._specials.items()}

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Tokenizer":
        """Read a model file of this library, the original one, SentencePiece or Hugging Face.

        Raises:
            OSError: the file cannot be read.
            ModelError: it does not hold a valid model.
        """
        return cls(model_io.load(path))

    @property
    def model(self) -> Model:
        """The model this tokenizer encodes with."""
        return self._model

    @property
    def vocab_size(self) -> int:
        """One more than the largest id: the rows an embedding table needs."""
        return self._model.vocab_size

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits; tokenizers that have the same encode and decode all alike."""
        return self._model.fingerprint

    @cached_property
    def _bytes_of(self) -> dict[int, bytes]:
        model = self._model
        pieces = dict(zip(model.ids.tolist(), model.pieces, strict=True))
        pieces |= {**model.aliases, **dict.fromkeys(self._names, b"")}
        if model.rules.library is not None:
            unknown = [token.id for token in model.special_tokens if token.role == "unknown"]
            pieces |= dict.fromkeys(unknown, model.rules.library.unknown)
        return pieces

    @cached_property
    def _opening(self) -> Opening | None:
        """Which spaces decoding takes off; None for none."""
        library = self._model.rules.library
        if library is None or library.strips == "never":
            return None
        spaces = {id_ for id_, piece in self._bytes_of.items() if piece.startswith(b" ")}
        spaces -= self._names.keys()
        # Where the space has an id of its own, an alias of it stands for the byte, which stays.
        if self._id_of[b" "] in spaces:
            spaces -= {id_ for id_, piece in self._model.aliases.items() if piece == b" "}
        return Opening(frozenset(spaces), library.strips == "all")

    @cached_property
    def _id_of(self) -> dict[bytes | str, int]:
        model = self._model
        aliases = {piece: id_ for id_, piece in model.aliases.items()}
        pieces = dict(zip(model.pieces, model.ids.tolist(), strict=True))
        return aliases | pieces | self._specials

    @cached_property
    def _prefixes(self) -> "Prefixes":
        from bytepiece.continuations import Prefixes  # noqa: PLC0415

        return Prefixes(self._model.pieces, self._model.ids, self.vocab_size)

    @overload
    def encode(
        self,
        text: Text,
        add_bos: bool = ...,
        add_eos: bool = ...,
        alpha: Alpha = ...,
        iter: Literal[False] = ...,
        *,
        sampler: Sampler = ...,
        nbest_size: int = ...,
        sample_prob: float = ...,
        seed: int | None = ...,
        epoch: int = ...,
        doc_id: int = ...,
        sample: int = ...,
        allowed_special: AllowedSpecial = ...,
    ) -> list[int]: ...
    @overload
    def encode(
        self,
        text: Text,
        add_bos: bool = ...,
        add_eos: bool = ...,
        alpha: Alpha = ...,
        *,
        iter: Literal[True],
        sampler: Sampler = ...,
        nbest_size: int = ...,
        sample_prob: float = ...,
        seed: int | None = ...,
        epoch: int = ...,
        doc_id: int = ...,
        sample: int = ...,
        allowed_special: AllowedSpecial = ...,
    ) -> Iterator[int]: ...
    def encode(
        self,
        text: Text,
        add_bos: bool = False,
        add_eos: bool = False,
        alpha: Alpha = None,
        iter: bool = False,
        *,
        sampler: Sampler = "perfect",
        nbest_size: int = NBEST_SIZE,
        sample_prob: float = 1.0,
        seed: int | None = None,
        epoch: int = 0,
        doc_id: int = 0,
        sample: int = 0,
        allowed_special: AllowedSpecial = (),
    ) -> list[int] | Iterator[int]:
        """The ids of one text.

        Args:
            text: str, or bytes that need not be valid UTF-8.
            add_bos: begin with the id of the token whose role is bos.
            add_eos: end with the id of the token whose role is eos.
            alpha, sampler, nbest_size, sample_prob, seed, epoch, doc_id, sample, allowed_special:
                see the class.
            iter: return an iterator instead of a list, as the original library can.

        Returns:
            list[int].

        Raises:
            ArgumentError: an argument is outside its range.
        """
        rules = self._model.rules
        if (
            alpha is None
            and (sampler, nbest_size, sample_prob) == ("perfect", NBEST_SIZE, 1.0)
            and seed is None
            and type(epoch) is type(doc_id) is type(sample) is int
            and epoch == doc_id == sample == 0
            and allowed_special == ()
            and not (add_bos or add_eos)
            and len(raw := to_bytes(text, rules.normalization)) <= self._engine.longest_short
        ):
            # The way of most calls, without what the others need: a fifth of the time.
            array = best_ids_of_text(self._engine.tables, raw, rules.isolate_digits)
        else:
            numbers = np.array([unsigned(doc_id, 64, "doc_id")])
            streams = request.streams(seed, epoch, numbers, sample, 1)
            marks = self._marks(add_bos, add_eos, allowed_special)
            ways = groups(alpha, sample_prob, sampler, nbest_size, streams)
            array = self._engine.encode([text], marks, ways, streams, 1).ids
        ids: list[int] = array.tolist()
        return _iterator(ids) if iter else ids

    def encode_batch(
        self,
        texts: Iterable[Text],
        *,
        add_bos: bool = False,
        add_eos: bool = False,
        alpha: Alpha = None,
        sampler: Sampler = "perfect",
        nbest_size: int = NBEST_SIZE,
        sample_prob: float = 1.0,
        seed: int | None = None,
        epoch: int = 0,
        doc_id0: int = 0,
        doc_ids: Iterable[int] | None = None,
        samples: int = 1,
        threads: int = 1,
        allowed_special: AllowedSpecial = (),
    ) -> Encoded:
        """The ids of many texts, as flat arrays.

        Args:
            texts: str or bytes, one of each document; or a column of them in Arrow, such as a
                `pyarrow` array or a `polars` series, which is read where it lies. Its nulls are
                documents without any token.
            doc_id0: the first document's number; the others count on from it.
            doc_ids: the documents' numbers, instead of doc_id0.
            samples: rows per document, the samples 0 … samples − 1, which share most of the work.
            threads: how many threads to use; the result does not depend on it.
            add_bos, add_eos, alpha, sampler, nbest_size, sample_prob, seed, epoch,
                allowed_special: see `encode`.

        Returns:
            len(texts) · samples rows, document by document.

        Raises:
            ArgumentError: an argument is outside its range.

        >>> import bytepiece
        >>> tok = bytepiece.Tokenizer(bytepiece.train(["to be or not to be"] * 9, 270))
        >>> rows = tok.encode_batch(["to be", "", "be"], add_eos=True)
        >>> [row.tolist()[-1] for row in rows], rows.ids.dtype.name, len(rows)
        ([2, 2, 2], 'int32', 3)
        """
        given: Sequence[Text] | Column
        if is_arrow(texts):
            given = Column(chunked(texts))
        elif isinstance(texts, (str, bytes, Mapping, Set)) or not isinstance(texts, Iterable):
            raise ArgumentError(
                f"texts must be a list or other series of texts, not {type(texts).__name__}"
            )
        else:
            # Not even copied without need: to touch 28,000 texts once more takes 3 % of the time.
            given = texts if isinstance(texts, (list, tuple)) else list(texts)
        if doc_ids is None:
            first = unsigned(doc_id0, 64, "doc_id0")
            unsigned(int(first) + max(len(given) - 1, 0), 64, "doc_id0 + number of texts")
            numbers = first + np.arange(len(given), dtype=np.uint64)
        else:
            numbers = unsigned_array(doc_ids, "doc_ids")
            if numbers.shape != (len(given),):
                raise ArgumentError(f"{numbers.size} doc_ids for {len(given)} texts")
        streams = request.streams(seed, epoch, numbers, 0, samples)
        marks = self._marks(add_bos, add_eos, allowed_special)
        ways = groups(alpha, sample_prob, sampler, nbest_size, streams)
        return self._engine.encode(given, marks, ways, streams, threads)

    @overload
    def tokenize(
        self,
        text: Text,
        alpha: Alpha = ...,
        iter: Literal[False] = ...,
        *,
        sampler: Sampler = ...,
        nbest_size: int = ...,
        sample_prob: float = ...,
        seed: int | None = ...,
        epoch: int = ...,
        doc_id: int = ...,
        sample: int = ...,
    ) -> list[bytes]: ...
    @overload
    def tokenize(
        self,
        text: Text,
        alpha: Alpha = ...,
        *,
        iter: Literal[True],
        sampler: Sampler = ...,
        nbest_size: int = ...,
        sample_prob: float = ...,
        seed: int | None = ...,
        epoch: int = ...,
        doc_id: int = ...,
        sample: int = ...,
    ) -> Iterator[bytes]: ...
    def tokenize(
        self,
        text: Text,
        alpha: Alpha = None,
        iter: bool = False,
        *,
        sampler: Sampler = "perfect",
        nbest_size: int = NBEST_SIZE,
        sample_prob: float = 1.0,
        seed: int | None = None,
        epoch: int = 0,
        doc_id: int = 0,
        sample: int = 0,
    ) -> list[bytes] | Iterator[bytes]:
        """The pieces of one text: bytes that joined are the text, normalized if the model says so.

        Args:
            text, alpha, iter, sampler, nbest_size, sample_prob, seed, epoch, doc_id, sample: see
                `encode`.

        Returns:
            list[bytes], or an iterator of bytes.
        """
        ids = self.encode(
            text,
            alpha=alpha,
            sampler=sampler,
            nbest_size=nbest_size,
            sample_prob=sample_prob,
            seed=seed,
            epoch=epoch,
            doc_id=doc_id,
            sample=sample,
        )
        pieces = [self._bytes_of[id_] for id_ in ids]
        return _iterator(pieces) if iter else pieces

    def count(self, text: Text) -> int:
        """How many tokens the best path of a text has: len(encode(text)), without the list."""
        return len(self.encode_batch([text]).ids)

    def lattice(self, text: Text, alpha: float = 1.0) -> "Lattice":
        """All segmentations of a text and their exact law, from which perfect sampling draws.

        Args:
            text: as for `encode`.
            alpha: the exponent, as for `encode`, ≥ 0; 0 is the uniform law over all segmentations
                (Cognetta et al., https://arxiv.org/abs/2408.11443), 1 the model's own.

        Raises:
            ArgumentError: an argument is outside its range.
        """
        # Here, for most programs never ask, and without it the import takes 3 % less time.
        from bytepiece.lattice import chain  # noqa: PLC0415
        from bytepiece.lattice.lattice import Lattice  # noqa: PLC0415

        if checked_alpha(alpha) < 0:
            raise ArgumentError(f"alpha must be at least 0, not {alpha:g}")
        if self._model.rules.unknown is not None:
            raise ArgumentError(
                "a model in which bytes only stand for characters without a piece has no lattice"
            )
        if not isinstance(text, str):
            text = to_bytes(text)  # a copy, for it must not change
        segments = segment([text], self._model.rules)
        engine = self._engine
        weights = engine.weights(float(alpha))
        law = chain.build(engine.mirrored[0], weights, segments.text, segments.bounds)
        forwards = engine.automaton, engine.scores
        return Lattice(self, text, float(alpha), segments, law, forwards)

    def align(
        self, text: Text, ids: Iterable[int], allowed_special: AllowedSpecial = ()
    ) -> Alignment:
        """Where the tokens of an encoding stand in its text, in bytes and in characters.

        Args:
            text: what was encoded.
            ids: any encoding of it, the best or a random one. Special tokens that were added to
                the text have empty spans. The unknown token has those of all characters it is for.
            allowed_special: what it was encoded with.

        Raises:
            ArgumentError: the ids are no encoding of this text.
            VocabularyError: an id is not in the vocabulary.

        >>> import bytepiece
        >>> tok = bytepiece.Tokenizer(bytepiece.train(["été"] * 9, 260, algorithm="bnlm"))
        >>> tok.align("été!", tok.encode("été!", add_eos=True)).char_spans.tolist()
        [[0, 3], [3, 4], [4, 4]]
        """
        allowed = self._allowed(allowed_special)
        rules = self._model.rules
        try:
            return align(
                text, map(index, ids), self._bytes_of, self._engine.unknown, rules, allowed
            )
        except KeyError as error:
            raise self._unknown_id(error.args[0]) from None

    def continuations(
        self, prompt: Text | Iterable[int], backtrack: int = 1, *, tokens: int | None = None
    ) -> "list[Continuation]":
        """What may follow a prompt if its last tokens are taken back, so that pieces may span them.

        Args:
            prompt: a text, which is encoded by the best path, or the ids of one, such as those
                with a `<bos>` before.
            backtrack: how many tokens to take back at most, 0 … 255. Special tokens are never
                taken back, nor is anything before one.
            tokens: the most pieces that may cover what is taken back, at least 1; None: any number.

        Returns:
            one `bytepiece.continuations.Continuation` for each number of tokens taken back,
            from 0 on.

        Raises:
            ArgumentError: an argument is outside its range, or the model, one of another library,
                has an unknown token for the bytes it has no piece for.
            VocabularyError: an id to take back is not in the vocabulary.

        >>> import bytepiece
        >>> tok = bytepiece.Tokenizer(bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300))
        >>> kept, taken, cover = tok.continuations("the cat, the ")[1]
        >>> tok.decode(kept), taken
        ('the cat, ', b'the ')
        >>> [tok.id_to_piece(id) for id in cover.completing]
        [b'the ', b'the cat', b'the hat', b'the rat']
        """
        from bytepiece.continuations import continuations  # noqa: PLC0415

        if isinstance(prompt, (str, bytes, bytearray, memoryview)):
            prompt = self.encode(prompt)
        return continuations(self, self._prefixes, prompt, backtrack, tokens)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes that ids stand for; special tokens stand for none.

        Raises:
            VocabularyError: an id is not in the vocabulary.
        """
        return self.decode_on(ids, True)[0]

    def decode_on(self, ids: Iterable[int], opening: bool) -> tuple[bytes, bool]:
        """As `decode_bytes`, of ids that may follow others.

        Args:
            ids: what comes next.
            opening: whether the text is still to begin. That matters to models of libraries that
                put a space before it, and take it off.

        Returns:
            the bytes, and whether the text is still to begin after them.

        Raises:
            VocabularyError: an id is not in the vocabulary.
        """
        if isinstance(ids, np.ndarray):
            ids = ids.tolist()
        try:
            if opening and self._opening is not None:
                ids = list(map(index, ids))
                pieces = [self._bytes_of[id_] for id_ in ids]
                opening = self._opening.strip(ids, pieces)
            else:
                pieces = [self._bytes_of[index(id_)] for id_ in ids]
            return b"".join(pieces), opening
        except KeyError as error:
            raise self._unknown_id(error.args[0]) from None
        except TypeError:
            raise ArgumentError("ids must be a series of whole numbers") from None

    def decode(self, ids: Iterable[int]) -> str:
        """The text that ids stand for; bytes that are not valid UTF-8 become U+FFFD.

        Raises:
            VocabularyError: an id is not in the vocabulary.
        """
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_batch(self, rows: Iterable[Iterable[int]]) -> list[str]:
        """The texts of many rows of ids, such as an `Encoded`."""
        return [self.decode(row) for row in rows]

    def stream_decoder(self) -> StreamDecoder:
        """A decoder for ids that arrive one by one, as from a language model."""
        return StreamDecoder(self)

    def piece_to_id(self, piece: bytes | str) -> int:
        """The id of a piece (bytes) or of a special token (its name).

        Raises:
            VocabularyError: there is no such piece.
        """
        try:
            return self._id_of[piece]
        except KeyError:
            raise VocabularyError(f"no piece or special token {piece!r:.60}") from None

    def id_to_piece(self, id: int) -> bytes | str:
        """The piece (bytes) or the special token's name (str) with this id.

        Raises:
            VocabularyError: there is no such id.
        """
        try:
            return self._names[id] if id in self._names else self._bytes_of[index(id)]
        except (KeyError, TypeError):
            raise self._unknown_id(id) from None

    def pieces_to_ids(self, pieces: Iterable[bytes | str]) -> list[int]:
        """`piece_to_id` of each."""
        return [self.piece_to_id(piece) for piece in pieces]

    def ids_to_pieces(self, ids: Iterable[int]) -> list[bytes | str]:
        """`id_to_piece` of each."""
        return [self.id_to_piece(id_) for id_ in ids]

    def convert_to_sentencepiece(self, path: str | os.PathLike[str]) -> None:
        """Write a file that `sentencepiece` loads; see `bytepiece.formats.to_sentencepiece`."""
        sentencepiece.save(self._model, path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self._model == other._model

    def __hash__(self) -> int:
        return hash(self._model)

    def __repr__(self) -> str:
        return (
            f"<bytepiece.Tokenizer: vocab_size {self.vocab_size}, {self._model.rules}, "
            f"fingerprint {self.fingerprint[:8]}…>"
        )

    def __reduce__(self) -> tuple[type["Tokenizer"], tuple[Model]]:
        return Tokenizer, (self._model,)

    def _unknown_id(self, id_: object) -> VocabularyError:
        return VocabularyError(
            f"the id {id_!r:.30} is not in the vocabulary, whose ids are in 0…{self.vocab_size - 1}"
        )

    def _marks(
        self, add_bos: bool, add_eos: bool, allowed_special: AllowedSpecial
    ) -> dict[str, Any]:
        """The special tokens that `segment` is to put into texts or find there."""
        return {
            "bos": self._model.special_id("bos") if add_bos else None,
            "eos": self._model.special_id("eos") if add_eos else None,
            "allowed": self._allowed(allowed_special),
        }

    def _allowed(self, allowed_special: AllowedSpecial) -> dict[str, int]:
        if allowed_special == "all":
            return self._specials
        if isinstance(allowed_special, str) or not isinstance(allowed_special, Iterable):
            raise ArgumentError('allowed_special must be "all" or a collection of names')
        if isinstance(allowed_special, Mapping):
            what = "the id of a special token"
            return {name: int(unsigned(id_, 24, what)) for name, id_ in allowed_special.items()}
        allowed = {}
        for name in allowed_special:
            if name not in self._specials:
                raise ArgumentError(f"the model has no special token {name!r}")
            allowed[name] = self._specials[name]
        return allowed


def in_one_order(allowed_special: AllowedSpecial) -> AllowedSpecial:
    """The same special tokens, alike in every process however they were given.

    >>> in_one_order({"<pad>", "<eos>"}), in_one_order({"<b>": 9, "<a>": 8})
    (('<eos>', '<pad>'), {'<a>': 8, '<b>': 9})
    """
    if isinstance(allowed_special, str) or not isinstance(allowed_special, Iterable):
        return allowed_special
    if isinstance(allowed_special, Mapping):
        return dict(sorted(allowed_special.items()))
    return tuple(sorted(allowed_special))


def _iterator(values: list[T]) -> Iterator[T]:
    yield from values
