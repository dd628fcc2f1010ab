"""The adapter of Hugging Face tokenizers: a model of this library, or a tokenizer.json."""

import json
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bytepiece.adapters.base import Adapter, NotPossibleError, TimedResult, timed
from bytepiece.adapters.spelling import Spelling
from bytepiece.errors import ModelError
from bytepiece.formats import to_huggingface
from bytepiece.formats.huggingface_cuts import BYTES
from bytepiece.formats.huggingface_tokens import kind_of
from bytepiece.model import MAX_ID, Model
from bytepiece.rules.byte_level import alphabet


class HuggingFace(Adapter):
    """Calls `encode_batch_fast`, which computes no offsets, with the library's threads off.

    The library's Unigram caches the best paths of whole texts. New texts gain nothing from the
    cache, and sampling does not use it. A model of this library keeps its ids and is spelled with
    one character for each byte, so it needs no byte fallback. Its normalization is left out.

    Release 1.0 has one way to encode, which computes no offsets, and no sampling. It does not give
    out its vocabulary, so the vocabulary is read from the JSON.
    """

    name = "Hugging Face tokenizers"
    module = "tokenizers"
    distribution = "tokenizers>=0.23"  # the first version whose Unigram has `alpha`

    def __init__(
        self, tokenizer: Any, pieces: Sequence[bytes], document: Mapping[str, Any]
    ) -> None:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # read by the library at every call
        self._tokenizer = tokenizer
        self._pieces = pieces
        self._document = document

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
        tokenizer = _loaded(text)
        document = json.loads(text)
        spelling = Spelling(document)
        ids = _ids_of(document)
        size = max(ids.values(), default=-1) + 1
        if size > MAX_ID + 1:
            raise ModelError(f"it has the id {size - 1}; ids must be in 0…{MAX_ID}")
        pieces = [b""] * size
        for token, id_ in ids.items():
            pieces[id_] = spelling.bytes_of(token, id_)
        for added in document.get("added_tokens") or ():
            token = added["content"]
            pieces[ids[token]] = b"" if added["special"] else token.encode()
        return cls(tokenizer, pieces, document)

    @classmethod
    def from_model(cls, model: Model) -> "HuggingFace":
        """As in the base class."""
        if not model.is_own:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                adapter = cls.from_json(to_huggingface.to_json(model))
            adapter.note = "; ".join(str(warning.message) for warning in caught)
            return adapter
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
        unigram = {"type": "Unigram", "unk_id": model.vocab_size, "vocab": []}
        document = {"version": "1.0", "normalizer": BYTES, "model": unigram}
        text = to_huggingface.with_vocabulary(document, vocabulary)
        return cls(_loaded(text), pieces, json.loads(text))

    def encode_batch(self, texts: Sequence[str]) -> TimedResult:
        """As in the base class."""
        encode = getattr(self._tokenizer, "encode_batch_fast", self._tokenizer.encode_batch)
        return timed(lambda: encode(texts, **self._settings))

    def sample_batch(self, texts: Sequence[str], alpha: float) -> TimedResult:
        """As in the base class."""
        self._set_alpha(alpha)
        timed_result = self.encode_batch(texts)
        self._set_alpha(None)
        return timed_result

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """As in the base class."""
        encode, settings = self._tokenizer.encode, self._settings
        if alpha is not None:
            self._set_alpha(alpha)
        timed_result = timed(lambda: [encode(text, **settings) for text in texts])
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
        return str(kind_of(self._document["model"]))

    def vocabulary(self) -> Sequence[bytes]:
        """As in the base class."""
        return self._pieces

    def decode_batch(self, result: Any) -> list[bytes]:
        """As in the base class."""
        decode = self._tokenizer.decode
        return [decode(row, skip_special_tokens=False).encode() for row in self.rows(result)]

    def decode_texts(self, result: Any) -> TimedResult:
        """As in the base class."""
        rows, decode = self.rows(result), self._tokenizer.decode_batch
        return timed(lambda: decode(rows, skip_special_tokens=False))

    def reachable(self) -> list[bool] | None:
        """As in the base class, for the model alone, without normalizer and pre-tokenizer."""
        spelling, model = Spelling(self._document), self._document["model"]
        if self.algorithm not in ("Unigram", "BPE") or spelling.affixes:
            return None
        alone = _loaded(json.dumps({"version": "1.0", "model": model}))
        reachable = [True] * len(self._pieces)
        # An added token that is no entry of the model is missing here: the model never sees it.
        for token, id_ in _entries(model).items():
            piece = self._pieces[id_]
            if not piece:
                continue
            if not spelling.is_byte(token):
                reachable[id_] = alone.encode(token).ids == [id_]
            elif piece < b"\x80":
                reachable[id_] = alone.encode(piece.decode()).ids == [id_]
        return reachable

    @property
    def _settings(self) -> dict[str, bool]:
        """The settings of a call; before 1.0, one of them belongs to the tokenizer."""
        plain = {} if _sets_tokens(self._tokenizer) else {"encode_special_tokens": True}
        return {"add_special_tokens": False, **plain}

    def _set_alpha(self, alpha: float | None) -> None:
        model: Any = getattr(self._tokenizer, "model", None)
        if not hasattr(model, "alpha"):
            raise NotPossibleError(
                f"{self.name} {self.version()} cannot sample; pip install 'tokenizers>=0.23,<1'"
            )
        model.alpha = alpha


def _loaded(text: str) -> Any:
    """Return a tokenizer of the library; release 1.0 reads only files."""
    from tokenizers import Tokenizer  # noqa: PLC0415

    tokenizer: Any
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tokenizer.json")
        path.write_text(text, "utf-8")
        tokenizer = Tokenizer.from_file(str(path))
    if _sets_tokens(tokenizer):
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
    else:
        tokenizer.truncation = tokenizer.padding = None
    return tokenizer


def _sets_tokens(tokenizer: Any) -> bool:
    """Return whether the tokenizer, not a call, says if special tokens are plain text."""
    return hasattr(tokenizer, "encode_special_tokens")


def _entries(model: Mapping[str, Any]) -> dict[str, int]:
    """Return the ids of a model's entries by name."""
    vocab = model["vocab"]
    return (
        dict(vocab) if isinstance(vocab, dict) else {entry[0]: i for i, entry in enumerate(vocab)}
    )


def _ids_of(document: Mapping[str, Any]) -> dict[str, int]:
    """Return the ids of all tokens by name. The library itself numbers tokens that are added."""
    ids = _entries(document["model"])
    free = len(ids)
    for added in sorted(document.get("added_tokens") or (), key=lambda added: added["id"]):
        free = max(free, ids.setdefault(added["content"], free) + 1)
    return ids
