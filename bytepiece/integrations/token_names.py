"""Names of tokens for `transformers`: a different str for every id."""

from collections.abc import Iterable

from bytepiece.model import Model
from bytepiece.rules.byte_level import alphabet

_CHARS = dict(enumerate(alphabet()))


class TokenNames:
    r"""The names of a model's ids.

    A piece is spelled in the ByteLevel alphabet: "Ġthe" for b" the". If a special or an added token
    already has that name, or if the id is an alias, the name is "\0piece" and the id. The name of
    an id that stands for nothing is "\0unused" and the id.

    Args:
        model: the model that has these ids.

    >>> import bytepiece
    >>> names = TokenNames(bytepiece.train([" the the"] * 9, 260, algorithm="bnlm"))
    >>> names.of[2], names.of[256], names.ids["<eos>"]
    ('<eos>', 'ý', 2)
    """

    def __init__(self, model: Model) -> None:
        specials = {token.name: token.id for token in model.special_tokens}
        pieces = dict(zip(model.ids.tolist(), model.pieces, strict=True)) | dict(model.aliases)
        self.pieces = {id_: pieces[id_] for id_ in pieces.keys() - {*specials.values()}}
        """The bytes of each id, without special tokens."""
        unused = {*range(model.vocab_size)} - self.pieces.keys() - {*specials.values()}
        self.of = {id_: f"\0unused {id_}" for id_ in sorted(unused)}
        """The name of each id."""
        self.ids = {name: id_ for id_, name in self.of.items()}
        """The id of each name."""
        # Aliases come last, so that the plain name belongs to the id that encoding gives.
        for id_ in sorted(self.pieces, key=lambda id_: (id_ in model.aliases, id_)):
            name = self.pieces[id_].decode("latin-1").translate(_CHARS)
            self._give(name if name not in self.ids else f"\0piece {id_}", id_)
        for name, id_ in specials.items():
            self.keep_for(name, [id_])
            self._give(name, id_)

    def keep_for(self, name: str, ids: Iterable[int]) -> None:
        """Give another name to the piece that has this name, unless its id is in `ids`."""
        taken = self.ids.get(name)
        if taken is not None and taken not in ids:
            del self.ids[name]
            self._give(f"\0piece {taken}", taken)

    def keep_for_added(self, name: str, special: bool) -> None:
        """Free a name for a token that is added.

        A token that is not special may be a piece, if the piece is exactly its text. A special
        token may not be a piece, because a document could then forge it.
        """
        id_ = self.ids.get(name)
        piece = self.pieces.get(id_) if id_ is not None else None
        if piece is not None and (special or piece != name.encode()):
            self.keep_for(name, [])

    def _give(self, name: str, id_: int) -> None:
        self.ids[name], self.of[id_] = id_, name
