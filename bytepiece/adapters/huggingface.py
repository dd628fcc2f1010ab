"""The adapter of Hugging Face tokenizers: a model of this library, or a tokenizer.json."""

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bytepiece.adapters.base import Adapter, TimedResult, timed
from bytepiece.adapters.spelling import Spelling
from bytepiece.errors import ModelError
from bytepiece.formats import to_huggingface
from bytepiece.formats.byte_level import alphabet
from bytepiece.model import MAX_ID, Model


class HuggingFace(Adapter):
    """Calls `encode_batch_fast`, which computes no offsets, with the library's threads off.

    The library's Unigram caches the best paths of whole texts. New texts gain nothing from the
    cache, and sampling does not use it. A model of this library keeps its ids and is spelled with
    one character for each byte, so it needs no byte fallback. Its normalization is left out.
    """

    name = "Hugging Face tokenizers"
    module = "tokenizers"
    distribution = "tokenizers>=0.23"  # the first version whose Unigram has `alpha`

    def __init__(
        self, tokenizer: Any, pieces: Sequence[bytes], spelling: Spelling | None = None
    ) -> None:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # read by the library at every call
        self._tokenizer = tokenizer
        self._pieces = pieces
        self._spelling = spelling

    @classmethod
    def version(cls) -> str:
        """As in the base class."""
        import tokenizers  # noqa: PLC0415

        return str(tokenizers.__version__)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> "HuggingFace":
        """Return the library with the tokenizer of a tokenizer.json."""
        return cls.from_json(Path(path).read_text("utf-8"))

    @classmethod
    def from_json(cls, text: str) -> "HuggingFace":
        """Return the library with a tokenizer.

        Whatever the file says, special tokens in a text are plain text, none are added, and texts
        are neither truncated nor padded.

        Args:
            text: the content of a tokenizer.json.

        Raises:
            Exception: if the text is not a tokenizer. The library decides which kind.
            ModelError: if an id is too large.
        """
        from tokenizers import Tokenizer  # noqa: PLC0415

        tokenizer = Tokenizer.from_str(text)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        spelling = Spelling(json.loads(text))
        ids = tokenizer.get_vocab(with_added_tokens=True)
        size = max(ids.values(), default=-1) + 1
        if size > MAX_ID + 1:
            raise ModelError(f"it has the id {size - 1}; ids must be in 0…{MAX_ID}")
        pieces = [b""] * size
        for token, id_ in ids.items():
            pieces[id_] = spelling.bytes_of(token, id_)
        for id_, added in tokenizer.get_added_tokens_decoder().items():
            pieces[id_] = b"" if added.special else added.content.encode()
        return cls(tokenizer, pieces, spelling)

    @classmethod
    def from_model(cls, model: Model) -> "HuggingFace":
        """As in the base class."""
        if not model.is_own:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                adapter = cls.from_json(to_huggingface.to_json(model))
            adapter.note = "; ".join(str(warning.message) for warning in caught)
            return adapter
        from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415

        # These entries fill the ids without a piece. No text contains them, because NUL is not in
        # the alphabet.
        vocabulary = [(f"\0{id_}", 0.0) for id_ in range(model.vocab_size)]
        pieces = [b""] * (model.vocab_size + 1)
        chars = alphabet()
        for id_, piece, score in zip(
            model.ids.tolist(), model.pieces, model.scores.tolist(), strict=True
        ):
            vocabulary[id_] = ("".join(chars[byte] for byte in piece), score)
            pieces[id_] = piece
        # No text is unknown here, but the library samples only with an id for unknown text.
        vocabulary.append(("\0unknown", 0.0))
        tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=model.vocab_size))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        return cls(tokenizer, pieces)

    def encode_batch(self, texts: Sequence[str]) -> TimedResult:
        """As in the base class."""
        return timed(lambda: self._tokenizer.encode_batch_fast(texts, add_special_tokens=False))

    def sample_batch(self, texts: Sequence[str], alpha: float) -> TimedResult:
        """As in the base class."""
        self._set_alpha(alpha)
        timed_result = self.encode_batch(texts)
        self._set_alpha(None)
        return timed_result

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """As in the base class."""
        encode = self._tokenizer.encode
        if alpha is not None:
            self._set_alpha(alpha)
        timed_result = timed(lambda: [encode(text, add_special_tokens=False) for text in texts])
        if alpha is not None:
            self._set_alpha(None)
        return timed_result

    def rows(self, result: Any) -> Sequence[Sequence[int]]:
        """As in the base class."""
        return [encoding.ids for encoding in result]

    def piece(self, id_: int) -> bytes:
        """As in the base class."""
        return self._pieces[id_]

    @property
    def algorithm(self) -> str:
        """The kind of model: "Unigram", "BPE", "WordPiece" or "WordLevel"."""
        return type(self._tokenizer.model).__name__

    def vocabulary(self) -> Sequence[bytes]:
        """As in the base class."""
        return self._pieces

    def decode_batch(self, result: Any) -> list[bytes]:
        """As in the base class."""
        texts = self._tokenizer.decode_batch(self.rows(result), skip_special_tokens=False)
        return [text.encode() for text in texts]

    def reachable(self) -> list[bool] | None:
        """As in the base class, for the model alone, without normalizer and pre-tokenizer."""
        if self.algorithm not in ("Unigram", "BPE") or (self._spelling and self._spelling.affixes):
            return None
        model = self._tokenizer.model
        reachable = [True] * len(self._pieces)
        for id_, piece in enumerate(self._pieces):
            token = model.id_to_token(id_)
            if not piece or token is None:  # no text, or an added token, which the model never sees
                continue
            if self._spelling and self._spelling.is_byte(token):
                if piece >= b"\x80":
                    continue
                token = piece.decode()
            reachable[id_] = [found.id for found in model.tokenize(token)] == [id_]
        return reachable

    def _set_alpha(self, alpha: float | None) -> None:
        self._tokenizer.model.alpha = alpha
