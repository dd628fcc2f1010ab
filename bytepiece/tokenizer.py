"""Tokenizer: turns text into ids and ids into text. It is the class that users work with."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from operator import index
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import numpy as np

from bytepiece._checks import seed_number, unsigned
from bytepiece.encoding.alignment import Alignment, align
from bytepiece.encoding.batches import CHUNK
from bytepiece.encoding.canonical import canonical_ids
from bytepiece.encoding.documents import document_numbers
from bytepiece.encoding.encoded import Encoded
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.options import NBEST_SIZE, Alpha, Sampler
from bytepiece.encoding.request import Sampling
from bytepiece.encoding.segmentation import Marks
from bytepiece.encoding.special import AllowedSpecial, TokenMatchers
from bytepiece.encoding.spelling import RowDecoder
from bytepiece.encoding.stream_decoder import StreamDecoder
from bytepiece.encoding.vocabulary import Vocabulary
from bytepiece.errors import ArgumentError
from bytepiece.formats import original, to_sentencepiece
from bytepiece.formats.reading import load
from bytepiece.inputs.series import check_texts, texts_of
from bytepiece.model import Model
from bytepiece.rules.text import Text, to_bytes

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from bytepiece.continuations import Continuation
    from bytepiece.encoding.options import SamplingOptions
    from bytepiece.explain.facts import Explanation
    from bytepiece.lattice.lattice import Lattice

T = TypeVar("T")


class Tokenizer:
    """Encodes text with a model, by the best path or by a random one, and decodes ids.

    Immutable, picklable, safe to share between threads and across forks.

    Args:
        model: a `Model`, the path of a model file, or the dict that an original BytePiece model
            file holds.

    A random encoding is a pure function of the model, the text and the arguments below. `encode`
    and `encode_batch` give the same encoding, in any number of threads and processes:

        alpha: the exponent on the probability of a path. 0 draws uniformly from all segmentations,
            1 from the model's own law; larger values come closer to the best path. None or a
            negative number gives the best path itself. The number must be finite. A tuple (low,
            high) stands for 16 evenly spaced values from low to high, and each document gets one
            of them at random. A list or an array gives each document its own value.
        sampler: "perfect" draws from exp(alpha · Σ score) / Z exactly. "nbest" draws from the same
            law restricted to the best paths of each segment (Kudo's sampler). "viterbi" is an older
            algorithm that follows neither law. Both are kept for comparison. For BPE models there
            are also "dropout" (BPE-dropout), where alpha is the probability with which a join is
            left out, 0 … 1, and "splitting" (StochasTok), where alpha is how often a split is tried
            per token, 0 … 16. With these two, an alpha of 0 gives the deterministic encoding.
        nbest_size: how many paths "nbest" draws from, 1 … 2^20. Its time and memory grow with it.
        sample_prob: the share of documents that are sampled, 0 … 1; the others get the best path.
            Only seed, epoch and doc_id decide which documents are sampled, and which alpha of a
            range a document gets.
        seed: 0 … 2^64 − 1; None takes a fresh one from the operating system for every call. With a
            seed, the same text gets the same sample in every call, unless one of the next three
            arguments differs.
        epoch: 0 … 2^32 − 1, the number of the pass over the data.
        doc_id: 0 … 2^64 − 1, the number of the document.
        sample: 0 … 2^32 − 1, the number of the sample of that document.

    Special-token strings in a text are plain text unless `allowed_special` names them: "all", a
    collection of names, or a mapping from names to ids, which may name tokens that the model lacks.

    >>> import bytepiece
    >>> tok = bytepiece.Tokenizer(bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300))
    >>> tok.tokenize("the hat, the cat")
    [b'the', b' hat', b',', b' ', b'the', b' cat']
    >>> tok.decode(tok.encode("the hat", alpha=0.1, seed=7, doc_id=42))
    'the hat'
    """

    def __init__(self, model: Model | str | os.PathLike[str] | Mapping[str, Any]) -> None:
        if isinstance(model, Mapping):
            model = original.from_dict(model)
        elif not isinstance(model, Model):
            model = load(model)
        self._model = model
        self._encoder = Encoder(model)
        self._vocabulary = Vocabulary(model)
        self._matchers = TokenMatchers(self._vocabulary.special_ids, self._vocabulary.flags)

    @classmethod
    def load(cls, path: str | os.PathLike[str], pattern: str | None = None) -> "Tokenizer":
        """Read a model file of this library or of another one; see `bytepiece.model_io.load`.

        Raises:
            OSError: if the file cannot be read.
            ModelError: if it does not hold a valid model.
        """
        return cls(load(path, pattern))

    @property
    def model(self) -> Model:
        """The model this tokenizer encodes with."""
        return self._model

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary: the pieces and special tokens by id. It can decode ids, too."""
        return self._vocabulary

    @cached_property
    def _row_decoder(self) -> RowDecoder:
        return RowDecoder(self._vocabulary)

    @property
    def vocab_size(self) -> int:
        """One more than the largest id: the number of rows that an embedding table needs."""
        return self._model.vocab_size

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the model, 64 hexadecimal digits.

        Tokenizers with equal fingerprints encode and decode everything alike.
        """
        return self._model.fingerprint

    @overload
    def encode(
        self,
        text: Text,
        add_bos: bool = ...,
        add_eos: bool = ...,
        alpha: Alpha = ...,
        iter: Literal[False] = ...,
        *,
        allowed_special: AllowedSpecial = ...,
        **options: "Unpack[SamplingOptions]",
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
        allowed_special: AllowedSpecial = ...,
        **options: "Unpack[SamplingOptions]",
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
        """Return the ids of one text.

        Args:
            text: str, or bytes that need not be valid UTF-8.
            add_bos: begin with the id of the token whose role is bos.
            add_eos: end with the id of the token whose role is eos.
            alpha, sampler, nbest_size, sample_prob, seed, epoch, doc_id, sample, allowed_special:
                see the class.
            iter: return an iterator instead of a list, as the original library can.

        Raises:
            ArgumentError: if an argument is outside its range.
        """
        options = (sampler, nbest_size, sample_prob, seed, epoch, doc_id, sample)
        if (
            alpha is None
            and allowed_special is _NONE_ALLOWED
            and (*options, add_bos, add_eos) == _NO_OPTIONS
            and type(epoch) is type(doc_id) is type(sample) is int  # and not False, which equals 0
            and len(raw := to_bytes(text, self._model.rules.normalization)) <= CHUNK
        ):
            # Most calls take this branch. It skips the work that they do not need, and takes a
            # fifth of the time of the other branch.
            array = self._encoder.encode_short(raw)
        elif (
            (alpha is None or (type(alpha) is float and 0.0 <= alpha < math.inf))
            and allowed_special is _NONE_ALLOWED
            and (sampler, nbest_size, sample_prob, add_bos, add_eos) == _PERFECT
            and len(raw := to_bytes(text, self._model.rules.normalization)) <= CHUNK
        ):
            # A sample of one text, or random numbers that are not needed: a fifth of the time of
            # the last branch.
            numbers = (
                seed_number(seed),
                unsigned(epoch, 32, "epoch"),
                unsigned(doc_id, 64, "doc_id"),
                unsigned(sample, 32, "sample"),
            )
            if alpha is None:
                array = self._encoder.encode_short(raw)
            else:
                array = self._encoder.draw_short(raw, alpha, numbers)
        else:
            sampling = Sampling(alpha, sampler, nbest_size, sample_prob, seed, epoch)
            number = np.array([unsigned(doc_id, 64, "doc_id")], dtype=np.uint64)
            streams = sampling.streams(number, sample)
            marks = self._marks(add_bos, add_eos, allowed_special)
            array = self._encoder.encode([text], marks, sampling.groups(streams), streams, 1).ids
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
        doc_ids: Iterable[int | str | bytes] | None = None,
        samples: int = 1,
        threads: int = 1,
        allowed_special: AllowedSpecial = (),
        log_probs: bool = False,
        replace: bool = True,
    ) -> Encoded:
        """Return the ids of many texts, as flat arrays.

        Args:
            texts: one str or bytes per document, in any series: a list, a generator, an array of
                NumPy; or a column of them in Arrow, such as a `pyarrow` array or a series of
                `polars` or `pandas`, which is read without copying it. Its nulls are documents
                without any token.
            doc_id0: the number of the first document. The next documents have the next numbers.
            doc_ids: the numbers of the documents, instead of doc_id0: a list, an array of NumPy or
                a column of Arrow. A negative number n stands for 2^64 + n, as in an int64 of Spark.
                A str or bytes, such as the name that a corpus gives to a document, stands for its
                64-bit hash. "text" takes the hash of each text, so that equal texts get equal
                samples, wherever they stand.
            samples: the number of rows per document. They are the samples 0 … samples − 1 of the
                document, which share most of the work.
            threads: how many threads to use; the result does not depend on it.
            log_probs: return the natural logarithm of the exact probability of each row, too. Every
                text must have an alpha of at least 0. With "nbest" it is the probability among the
                best paths.
            replace: False draws different segmentations of each text, one after the other, each
                from the law without the ones before (Kool et al., 2019). Their log-probabilities
                and their inclusion probabilities come with them, and Σ f / inclusion over the rows
                of a text is an unbiased estimate of Σ f over all its segmentations. If a text has
                fewer segmentations than `samples`, the other rows hold only the special tokens, and
                have log-probability −inf. Only with "perfect".
            add_bos, add_eos, alpha, sampler, nbest_size, sample_prob, seed, epoch, allowed_special:
                see `encode`.

        Returns:
            len(texts) · samples rows, document by document. `log_probs` and `inclusion` of the
            result are None unless they were asked for.

        Raises:
            ArgumentError: if an argument is outside its range.

        >>> import bytepiece
        >>> tok = bytepiece.Tokenizer(bytepiece.train(["to be or not to be"] * 9, 270))
        >>> rows = tok.encode_batch(["to be", "", "be"], add_eos=True)
        >>> [row.tolist()[-1] for row in rows], rows.ids.dtype.name, len(rows)
        ([2, 2, 2], 'int32', 3)
        """
        given = texts_of(texts)
        numbers = document_numbers(doc_id0, doc_ids, given, sampled=alpha is not None)
        sampling = Sampling(alpha, sampler, nbest_size, sample_prob, seed, epoch)
        streams = sampling.streams(numbers, samples=samples)
        groups = sampling.groups(streams)
        if log_probs or not replace:
            sampling.check_law(groups, replace)
        marks = self._marks(add_bos, add_eos, allowed_special)
        try:
            if replace:
                return self._encoder.encode(given, marks, groups, streams, threads, log_probs)
            from bytepiece.lattice.distinct import encode_distinct  # noqa: PLC0415  # as in `lattice`

            return encode_distinct(self._encoder, given, marks, groups, streams, threads)
        except ArgumentError:
            check_texts(given)
            raise

    @overload
    def tokenize(
        self,
        text: Text,
        alpha: Alpha = ...,
        iter: Literal[False] = ...,
        **options: "Unpack[SamplingOptions]",
    ) -> list[bytes]: ...
    @overload
    def tokenize(
        self,
        text: Text,
        alpha: Alpha = ...,
        *,
        iter: Literal[True],
        **options: "Unpack[SamplingOptions]",
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
        """Return the pieces of one text. Joined, they are the text, or the normalized text.

        Args:
            text, alpha, iter, sampler, nbest_size, sample_prob, seed, epoch, doc_id, sample: see
                `encode`.

        Returns:
            list[bytes], or an iterator of bytes.
        """
        sampling = Sampling(alpha, sampler, nbest_size, sample_prob, seed, epoch)
        ids = self.encode(text, doc_id=doc_id, sample=sample, **sampling._asdict())
        pieces = [self._vocabulary.bytes_of[id_] for id_ in ids]
        return _iterator(pieces) if iter else pieces

    def count(self, text: Text) -> int:
        """Return the number of tokens of a text: len(encode(text)), without making the list."""
        return len(self.encode_batch([text]).ids)

    def lattice(self, text: Text, alpha: float = 1.0) -> "Lattice":
        """Return all segmentations of a text and their exact law, which perfect sampling follows.

        Args:
            text: as for `encode`.
            alpha: the exponent, as for `encode`, ≥ 0. 0 is the uniform law over all segmentations
                (Cognetta et al., https://arxiv.org/abs/2408.11443), 1 the model's own.

        Raises:
            ArgumentError: if an argument is outside its range.
        """
        # The module is imported this late because most programs never need it. Without it,
        # importing the tokenizer takes 3 % less time.
        from bytepiece.lattice.lattice import Lattice  # noqa: PLC0415

        return Lattice(self._encoder, self._vocabulary, text, alpha)

    def explain(
        self,
        text: Text,
        alpha: float = 1.0,
        *,
        nbest: int = 5,
        samples: int = 20,
        seed: int = 0,
        name: str = "",
    ) -> "Explanation":
        """Return how a text is cut and why: all facts of its encoding and of its lattice.

        Print the result to see it in a terminal; a notebook draws it. `as_json` gives it as data,
        and `bytepiece.explain.page.page` makes a web page of one or several.

        Args:
            text: as for `encode`, at most 16,384 bytes, before and after normalization. Names of
                special tokens are plain text.
            alpha: the exponent of the law, as for `lattice`.
            nbest: how many of the best paths to return, 0 … 1000.
            samples: how many samples to draw, 0 … 1000.
            seed: the seed of the samples, 0 … 2^64 − 1.
            name: a name for this model, which is shown.

        Raises:
            ArgumentError: if an argument is outside its range.

        >>> import bytepiece
        >>> tok = bytepiece.Tokenizer(bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300))
        >>> found = tok.explain("the hat", alpha=0.5)
        >>> for piece in found.pieces:
        ...     print(piece.id, piece.piece, round(piece.score, 2), round(piece.probability, 3))
        260 b'the' -1.91 1.0
        262 b' hat' -3.01 0.999
        >>> found.n_paths, len(found.nbest), len(found.samples)
        (6, 5, 20)
        """
        from bytepiece.explain.gather import explanation  # noqa: PLC0415  # as in `lattice`

        given = text if isinstance(text, str) else to_bytes(text)
        return explanation(self, given, alpha, nbest, samples, seed, name)

    def alpha_for_tokens(
        self,
        texts: Iterable[Text],
        price: float,
        *,
        sampler: Sampler = "perfect",
        nbest_size: int = NBEST_SIZE,
        sample_prob: float = 1.0,
        threads: int = 1,
    ) -> float | None:
        """Return the alpha at which samples of some texts have a wanted number of tokens.

        A price of 1.1 means 10 % more tokens than the best path has. For perfect sampling the
        number of tokens is the expected one by the exact law, and the price is met to 1e-6 of
        itself. For the other samplers it is the mean of draws with a fixed seed, at least a
        megabyte of them: the same in every call, but only within about 0.2 % of the expected one.

        The price usually falls as alpha grows, but not always. The search goes down from alpha 64
        to 0 in steps of a factor of √½, and ends at the first step that reaches the price. So it
        finds the largest alpha, unless the price rises and falls again within one step.

        Args:
            texts: typical texts, in any series that `encode_batch` takes. A megabyte is enough.
                The time is about that of 40 calls of `encode_batch`.
            price: at least 1, with the documents that are not sampled counted in. Special tokens
                are not counted.
            sampler, nbest_size, sample_prob: see the class.
            threads: how many threads to use; the result does not depend on it.

        Returns:
            alpha; None, which means the best path, for a price of exactly 1.

        Raises:
            ArgumentError: if no alpha has this price, which a price below 1 never has; the message
                names the range of prices. Or if an argument is outside its range.

        >>> import bytepiece
        >>> tok = bytepiece.Tokenizer(bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300))
        >>> alpha = tok.alpha_for_tokens(["the hat"], 1.1)
        >>> round(tok.lattice("the hat", alpha).expected_tokens() / tok.count("the hat"), 6)
        1.1
        """
        from bytepiece.lattice.price import alpha_for_tokens  # noqa: PLC0415  # as in `lattice`

        sampling = Sampling(None, sampler, nbest_size, sample_prob)
        return alpha_for_tokens(self._encoder, texts, price, sampling, threads)

    def align(
        self,
        text: Text,
        ids: Iterable[int],
        allowed_special: AllowedSpecial = (),
        *,
        normalized: bool = False,
    ) -> Alignment:
        """Return the places of an encoding's tokens in its text, in bytes and in characters.

        The spans follow the order of the text and cover it. If the model normalizes texts, the
        tokens that are made from one part of the text all have this part as their span. Text that
        the model removes belongs to the token before it. A space that the model puts in front of a
        text belongs to the first character.

        Args:
            text: the text that was encoded.
            ids: any encoding of it, the best or a random one. Special tokens that were added to
                the text have empty spans. An unknown token has the span of all the characters that
                it stands for.
            allowed_special: as it was given to `encode`.
            normalized: return the places in the normalized text. The result contains that text.

        Raises:
            ArgumentError: if the ids are not an encoding of this text.
            VocabularyError: if an id is not in the vocabulary.

        >>> import bytepiece
        >>> tok = bytepiece.Tokenizer(bytepiece.train(["été"] * 9, 260, algorithm="bnlm"))
        >>> tok.align("été!", tok.encode("été!", add_eos=True)).char_spans.tolist()
        [[0, 3], [3, 4], [4, 4]]
        """
        allowed = self._matchers.of(allowed_special)
        vocabulary, encoder = self._vocabulary, self._encoder
        try:
            return align(
                text,
                map(index, ids),
                vocabulary.bytes_of,
                encoder.unknown,
                self._model.rules,
                allowed,
                normalized,
            )
        except KeyError as error:
            raise vocabulary.unknown_id(error.args[0]) from None

    def canonical(self, ids: Iterable[int]) -> list[int]:
        """Return the ids of the best path of the bytes that ids stand for.

        Special tokens keep their places, and the bytes between them are encoded anew. The ids of a
        model that was read from another library's file stand for normalized text, which is not
        normalized again.

        Raises:
            VocabularyError: if an id is not in the vocabulary.

        >>> import bytepiece
        >>> tok = bytepiece.Tokenizer(bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300))
        >>> sample = tok.encode("the cat", add_eos=True, alpha=0.0, seed=1)
        >>> tok.is_canonical(sample), tok.canonical(sample) == tok.encode("the cat", add_eos=True)
        (False, True)
        """
        return canonical_ids(ids, self._vocabulary, self._encoder)

    def is_canonical(self, ids: Iterable[int]) -> bool:
        """Return whether ids are the best path of the bytes that they stand for.

        See `canonical`. `encode` and `encode_batch` give such ids unless they sample.
        """
        given = list(ids)
        return self.canonical(given) == given

    def continuations(
        self, prompt: Text | Iterable[int], backtrack: int = 1, *, tokens: int | None = None
    ) -> "list[Continuation]":
        """Return what may follow a prompt if its last tokens are taken back.

        Pieces may then reach from the prompt into the text that follows.

        Args:
            prompt: a text, which is encoded by its best path; or a series of ids, such as the id of
                `<bos>` and the ids of a text.
            backtrack: the most tokens to take back, 0 … 255. A special token is never taken back,
                and no token before a special token is taken back.
            tokens: the most pieces that may cover the bytes taken back, at least 1. None allows any
                number.

        Returns:
            one `bytepiece.continuations.Continuation` for each number of tokens taken back,
            from 0 on.

        Raises:
            ArgumentError: if an argument is outside its range, or if the model comes from another
                library and uses an unknown token for bytes without a piece.
            VocabularyError: if an id to take back is not in the vocabulary.

        >>> import bytepiece
        >>> tok = bytepiece.Tokenizer(bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300))
        >>> kept, taken, cover = tok.continuations("the cat, the ")[1]
        >>> tok.decode(kept), taken
        ('the cat, the', b' ')
        >>> [tok.id_to_piece(id) for id in cover.completing]
        [b' ', b' cat', b' hat', b' rat']
        """
        from bytepiece.continuations import continuations  # noqa: PLC0415  # as in `lattice`

        if isinstance(prompt, (str, bytes, bytearray, memoryview)):
            prompt = self.encode(prompt)
        return continuations(self._vocabulary, prompt, backtrack, tokens)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Return the bytes that ids stand for. Special tokens stand for no bytes.

        Raises:
            VocabularyError: if an id is not in the vocabulary.
        """
        return self._vocabulary.decode_bytes(ids)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text that ids stand for; bytes that are not valid UTF-8 become U+FFFD.

        Raises:
            VocabularyError: if an id is not in the vocabulary.
        """
        return self._vocabulary.decode(ids)

    def decode_batch(self, rows: Iterable[Iterable[int]]) -> list[str]:
        """Return the texts of many rows of ids, such as an `Encoded`."""
        if isinstance(rows, Encoded):
            return self._row_decoder.decode(rows)
        return self._row_decoder.decode_batch(list(rows))

    def stream_decoder(self) -> StreamDecoder:
        """Return a decoder for ids that arrive one by one, for example from a language model."""
        return StreamDecoder(self._vocabulary)

    def piece_to_id(self, piece: bytes | str) -> int:
        """Return the id of a piece (bytes) or of a special token (its name).

        Raises:
            VocabularyError: if the vocabulary does not have it.
        """
        return self._vocabulary.piece_to_id(piece)

    def id_to_piece(self, id: int) -> bytes | str:
        """Return the piece (bytes) or the special token's name (str) that has this id.

        Raises:
            VocabularyError: if the id is not in the vocabulary.
        """
        return self._vocabulary.id_to_piece(id)

    def pieces_to_ids(self, pieces: Iterable[bytes | str]) -> list[int]:
        """Return `piece_to_id` of each piece."""
        return [self.piece_to_id(piece) for piece in pieces]

    def ids_to_pieces(self, ids: Iterable[int]) -> list[bytes | str]:
        """Return `id_to_piece` of each id."""
        return [self.id_to_piece(id_) for id_ in ids]

    def convert_to_sentencepiece(self, path: str | os.PathLike[str], lite: bool = False) -> None:
        """Write a file that `sentencepiece` loads; see `bytepiece.formats.to_sentencepiece`."""
        to_sentencepiece.save(self._model, path, lite)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self._model == other._model

    def __hash__(self) -> int:
        return hash(self._model)

    def __repr__(self) -> str:
        return (
            f"<bytepiece.Tokenizer: vocab_size {self.vocab_size}, {self._model.rules}, "
            f"fingerprint {self.fingerprint[:8]}…>"
        )

    def _repr_html_(self) -> str:
        from bytepiece.explain.notebook import tokenizer_html  # noqa: PLC0415  # as in `lattice`

        return tokenizer_html(self)

    def __reduce__(self) -> tuple[type["Tokenizer"], tuple[Model]]:
        return Tokenizer, (self._model,)

    def _marks(self, add_bos: bool, add_eos: bool, allowed_special: AllowedSpecial) -> Marks:
        return Marks(
            self._model.special_id("bos") if add_bos else None,
            self._model.special_id("eos") if add_eos else None,
            self._matchers.of(allowed_special),
        )


_DEFAULTS: Mapping[str, Any] = Tokenizer.encode.__kwdefaults__ or {}
*_OPTIONS, _NONE_ALLOWED = _DEFAULTS.values()
_NO_OPTIONS = (*_OPTIONS, False, False)
"""The values of the options of `encode` after alpha, for a call that gives no option."""
_PERFECT = ("perfect", NBEST_SIZE, 1.0, False, False)
"""Some options of `encode`, for a call that asks for a perfect sample and nothing else."""


def _iterator(values: list[T]) -> Iterator[T]:
    yield from values
