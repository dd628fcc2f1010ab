"""Hugging Face tokenizers, with a Unigram model of ours or a tokenizer.json."""

import os
from collections.abc import Sequence
from typing import Any

from bytepiece.audit.adapters.base import Adapter, Run, timed
from bytepiece.model import Model


def alphabet() -> list[str]:
    """The character that stands for each of the 256 bytes in a ByteLevel vocabulary.

    Printable ones of Latin-1 stand for themselves, the others have those from U+0100 on.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(b if b in printable else 0x100 + others.index(b)) for b in range(256)]


class HuggingFace(Adapter):
    """`encode_batch_fast`, which leaves out offsets, with its own threads switched off.

    Its Unigram keeps the best paths of whole texts in a cache, which new texts do not meet; and
    it draws past the cache, a new sample each time. A model of ours gets one character for each
    byte, so that no byte fallback is needed, and keeps its ids. Normalization is left out.
    """

    name = "Hugging Face tokenizers"
    module = "tokenizers"
    distribution = "tokenizers>=0.23"  # where Unigram has `alpha`

    def __init__(self, tokenizer: Any) -> None:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # it looks at every call
        self._tokenizer = tokenizer
        self._bytes = {char: byte for byte, char in enumerate(alphabet())}

    @classmethod
    def version(cls) -> str:
        """As in the base class."""
        import tokenizers  # noqa: PLC0415

        return str(tokenizers.__version__)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> "HuggingFace":
        """With a tokenizer.json whose pieces are in the ByteLevel alphabet."""
        import tokenizers  # noqa: PLC0415

        return cls(tokenizers.Tokenizer.from_file(os.fspath(path)))

    @classmethod
    def from_model(cls, model: Model) -> "HuggingFace":
        """As in the base class."""
        from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415

        # NUL is not in the alphabet, so no text has these entries, which stand for no piece.
        vocabulary = [(f"\0{id_}", 0.0) for id_ in range(model.vocab_size)]
        chars = alphabet()
        for id_, piece, score in zip(
            model.ids.tolist(), model.pieces, model.scores.tolist(), strict=True
        ):
            vocabulary[id_] = ("".join(chars[byte] for byte in piece), score)
        # Nothing is unknown here, but it does not sample without an id for it.
        vocabulary.append(("\0unknown", 0.0))
        tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=model.vocab_size))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        return cls(tokenizer)

    def encode_batch(self, texts: Sequence[str]) -> Run:
        """As in the base class."""
        return timed(lambda: self._tokenizer.encode_batch_fast(texts))

    def sample_batch(self, texts: Sequence[str], alpha: float) -> Run:
        """As in the base class."""
        self._set_alpha(alpha)
        run = self.encode_batch(texts)
        self._set_alpha(None)
        return run

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> Run:
        """As in the base class."""
        encode = self._tokenizer.encode
        if alpha is not None:
            self._set_alpha(alpha)
        run = timed(lambda: [encode(text) for text in texts])
        if alpha is not None:
            self._set_alpha(None)
        return run

    def rows(self, result: Any) -> Sequence[Sequence[int]]:
        """As in the base class."""
        return [encoding.ids for encoding in result]

    def piece(self, id_: int) -> bytes:
        """As in the base class."""
        token = self._tokenizer.id_to_token(id_)  # the fast call leaves the tokens out
        return bytes(self._bytes[char] for char in token) if token[0] != "\0" else b""

    def _set_alpha(self, alpha: float | None) -> None:
        self._tokenizer.model.alpha = alpha
