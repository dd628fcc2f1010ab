"""The vocabulary of a model: from ids to pieces and special tokens, and back."""

from collections.abc import Iterable
from functools import cached_property
from operator import index

import numpy as np

from bytepiece.encoding.prefixes import Prefixes
from bytepiece.errors import ArgumentError, VocabularyError
from bytepiece.model import Model
from bytepiece.rules.opening import Opening


class Vocabulary:
    """The pieces and special tokens of a model by id, and their ids. Immutable.

    It is all that decoding needs, and loads no compiler.

    Args:
        model: the model that has these ids.

    >>> pieces = [bytes([b]) for b in range(256)] + [b"the"]
    >>> vocabulary = Vocabulary(Model(pieces, [-6.0] * 257))
    >>> vocabulary.piece_to_id(b"the"), vocabulary.id_to_piece(2), vocabulary.decode([259])
    (259, '<eos>', 'the')
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.special_ids = {token.name: token.id for token in model.special_tokens}
        """The id of each special token by its name."""
        self.flags = {token.name: token.flags for token in model.special_tokens}
        """The flags of each special token by its name."""
        self._names = {id_: name for name, id_ in self.special_ids.items()}

    def __reduce__(self) -> tuple[type["Vocabulary"], tuple[Model]]:
        return Vocabulary, (self.model,)

    @property
    def size(self) -> int:
        """One more than the largest id: the number of rows that an embedding table needs."""
        return self.model.vocab_size

    @cached_property
    def bytes_of(self) -> dict[int, bytes]:
        """The bytes that each id is decoded to. A special token stands for no bytes."""
        model = self.model
        pieces = dict(zip(model.ids.tolist(), model.pieces, strict=True))
        pieces |= {**model.aliases, **dict.fromkeys(self._names, b"")}
        if model.rules.library is not None:
            unknown = [token.id for token in model.special_tokens if token.role == "unknown"]
            pieces |= dict.fromkeys(unknown, model.rules.library.unknown)
        return pieces

    @cached_property
    def prefixes(self) -> Prefixes:
        """The pieces in the order of their bytes."""
        return Prefixes(self.model.pieces, self.model.ids, self.size)

    @cached_property
    def _id_of(self) -> dict[bytes | str, int]:
        model = self.model
        aliases = {piece: id_ for id_, piece in model.aliases.items()}
        pieces = dict(zip(model.pieces, model.ids.tolist(), strict=True))
        return aliases | pieces | self.special_ids

    @cached_property
    def _opening(self) -> Opening | None:
        """The rule by which decoding removes spaces where a text begins; None to remove none."""
        library = self.model.rules.library
        if library is None or library.strips == "never":
            return None
        spaces = {id_ for id_, piece in self.bytes_of.items() if piece.startswith(b" ")}
        spaces -= self._names.keys()
        # If the space has an id of its own, an alias for the byte 0x20 does not stand for a space
        # but for the raw byte. Decoding does not remove raw bytes.
        if self._id_of[b" "] in spaces:
            spaces -= {id_ for id_, piece in self.model.aliases.items() if piece == b" "}
        return Opening(frozenset(spaces), library.strips == "all")

    @property
    def joins(self) -> bool:
        """Whether a text is the bytes of its ids joined, without a space that decoding removes."""
        return self._opening is None

    def piece_to_id(self, piece: bytes | str) -> int:
        """Return the id of a piece (bytes) or of a special token (its name).

        Raises:
            VocabularyError: if the vocabulary does not have it.
        """
        try:
            return self._id_of[piece]
        except KeyError:
            raise VocabularyError(f"no piece or special token {piece!r:.60}") from None

    def id_to_piece(self, id: int) -> bytes | str:
        """Return the piece (bytes) or the special token's name (str) that has this id.

        Raises:
            VocabularyError: if the id is not in the vocabulary.
        """
        try:
            return self._names[id] if id in self._names else self.bytes_of[index(id)]
        except (KeyError, TypeError):
            raise self.unknown_id(id) from None

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text that ids stand for; bytes that are not valid UTF-8 become U+FFFD.

        Raises:
            VocabularyError: if an id is not in the vocabulary.
        """
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Return the bytes that ids stand for.

        Raises:
            VocabularyError: if an id is not in the vocabulary.
        """
        return self.decode_on(ids, True)[0]

    def decode_on(self, ids: Iterable[int], opening: bool) -> tuple[bytes, bool]:
        """Decode ids that may follow others.

        Args:
            ids: the next ids.
            opening: whether a text begins with these ids. Some libraries put a space before a text;
                their models remove it again where the text begins.

        Returns:
            the bytes; and the value of `opening` for the ids that come next.

        Raises:
            VocabularyError: if an id is not in the vocabulary.
        """
        if isinstance(ids, np.ndarray):
            ids = ids.tolist()
        try:
            if opening and self._opening is not None:
                ids = list(map(index, ids))
                pieces = [self.bytes_of[id_] for id_ in ids]
                opening = self._opening.strip(ids, pieces)
            else:
                pieces = list(map(self.bytes_of.__getitem__, map(index, ids)))
            return b"".join(pieces), opening
        except KeyError as error:
            raise self.unknown_id(error.args[0]) from None
        except TypeError:
            raise ArgumentError("ids must be a series of whole numbers") from None

    def unknown_id(self, id_: object) -> VocabularyError:
        """Return the error that says that an id is not in the vocabulary."""
        return VocabularyError(
            f"the id {id_!r:.30} is not in the vocabulary, whose ids are in 0…{self.size - 1}"
        )
