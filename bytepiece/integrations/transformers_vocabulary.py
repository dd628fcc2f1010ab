"""The vocabulary of a model as `transformers` sees it: names, ids, added and special tokens."""

from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

from bytepiece.encoding.special import SpecialTokens
from bytepiece.errors import ArgumentError
from bytepiece.integrations import rows
from bytepiece.integrations.rows import joined
from bytepiece.integrations.token_names import TokenNames
from bytepiece.model import Model
from bytepiece.tokenizer import Tokenizer

try:
    from tokenizers.decoders import ByteLevel
    from transformers import AddedToken
    from transformers import PreTrainedTokenizer as Base
except ImportError as error:
    raise ImportError(
        "bytepiece.integrations.transformers needs transformers: pip install transformers"
    ) from error


class AddedLookups:
    """What a tokenizer looks up about its added tokens, kept until they change.

    The special names are those that `transformers` lists, then the model's own. A pickle keeps
    nothing that was looked up, so that libraries which recognize a tokenizer by its pickle, such as
    `datasets`, find the same one after it was used.

    Args:
        own: the names of the model's special tokens.
    """

    def __init__(self, own: Iterable[str]) -> None:
        self._own = list(own)
        self._named: list[str] | None = None
        self._extra: list[Any] = []
        self._taken = 0
        self._listed: dict[str, None] = {}
        self.ids: dict[Any, None] | None = None
        """The ids of the special names, in the same order; None if they have to be looked up."""
        self.matcher: SpecialTokens | None = None
        """The matcher of all added tokens; None if it has to be built."""

    def __reduce__(self) -> tuple[type["AddedLookups"], tuple[list[str]]]:
        return AddedLookups, (self._own,)

    def __contains__(self, name: str) -> bool:
        return name in self._listed or name in self._own

    def update(self, named: list[str], extra: list[Any]) -> "AddedLookups":
        """Take over the lists of `transformers`.

        If `extra` has only grown, the time depends on the new tokens alone.

        Args:
            named: the names of tokens with a role, such as pad_token.
            extra: the other special tokens, a list that `transformers` changes in place.
        """
        if named != self._named or extra is not self._extra or len(extra) < self._taken:
            self._named, self._extra, self._taken = named, extra, 0
            self._listed = dict.fromkeys(named)
            self.ids = None
        if self._taken < len(extra):
            self._listed.update(dict.fromkeys(map(str, extra[self._taken :])))
            self._taken = len(extra)
            self.ids = None
        return self

    def in_order(self) -> list[str]:
        """Return the names, each once."""
        return [*self._listed, *(name for name in self._own if name not in self._listed)]


class ModelVocabulary(Base):  # type: ignore[misc]
    """A tokenizer of `transformers` that knows a model's tokens; it cannot encode yet.

    The vocabulary may grow by many tokens: adding a token takes the same time whether the
    vocabulary is small or large.

    Args:
        tokenizer: the tokenizer that has the model.
        add_bos, add_eos: whether texts begin with the bos token and end with the eos token.
        kwargs: keywords of every tokenizer in `transformers`.
    """

    def __init__(self, tokenizer: Tokenizer, add_bos: bool, add_eos: bool, **kwargs: Any) -> None:
        self._tokenizer = tokenizer
        self.add_bos, self.add_eos = add_bos, add_eos
        self._names = TokenNames(tokenizer.model)
        self._unknown = {t.id for t in tokenizer.model.special_tokens if t.role == "unknown"}
        self._forget_lookups()
        self.total_vocab_size = 0
        for id_, token in kwargs.get("added_tokens_decoder", {}).items():
            _check_added(token)
            self._names.keep_for(token.content, [id_])
        super().__init__(add_bos=add_bos, add_eos=add_eos, **kwargs)

    @property
    def model(self) -> Model:
        """The model this tokenizer encodes with."""
        return self._tokenizer.model

    @property
    def backend_tokenizer(self) -> SimpleNamespace:
        """An object with a ByteLevel decoder, which tells `transformers` that names spell bytes.

        Without it, `StopStringCriteria` decodes each token alone. Parts of characters then become
        U+FFFD, and it misses stop strings that contain such characters.
        """
        return SimpleNamespace(decoder=ByteLevel())

    @property
    def vocab_size(self) -> int:
        """One more than the model's largest id; `len` counts added tokens too."""
        return self._tokenizer.vocab_size

    @property
    def vocab(self) -> dict[str, int]:
        """The id of every name, as fast tokenizers have it."""
        return self.get_vocab()

    def __len__(self) -> int:
        if not self.total_vocab_size:  # transformers 4 counts at the end of its constructor
            self._update_total_vocab_size()
        return int(self.total_vocab_size)

    def get_vocab(self) -> dict[str, int]:
        """Return the id of every name."""
        return {**self._names.ids, **self._added_tokens_encoder}

    def _convert_token_to_id(self, token: str) -> int | None:
        return self._names.ids.get(token)

    def _convert_id_to_token(self, index: int) -> str | None:
        # None for ids outside of the vocabulary, as fast tokenizers give. Language models with
        # more rows than tokens may give such ids, and servers expect None.
        return self._names.of.get(index)

    @property
    def all_special_tokens(self) -> list[str]:
        """The names of all special tokens: those of `transformers`, and always the model's own."""
        return self._specials().in_order()

    @property
    def all_special_ids(self) -> list[int]:
        """The ids of all special tokens."""
        return list(self._ids_of_specials())

    def _specials(self) -> AddedLookups:
        extra = vars(self).get("_extra_special_tokens")
        if extra is None:  # transformers 4
            return self._lookups.update(list(super().all_special_tokens), [])
        named = [str(token) for token in self._special_tokens_map.values() if token is not None]
        return self._lookups.update(named, extra)

    def _ids_of_specials(self) -> dict[Any, None]:
        specials = self._specials()
        if specials.ids is None:
            specials.ids = dict.fromkeys(self.convert_tokens_to_ids(specials.in_order()))
        return specials.ids

    def _forget_lookups(self) -> None:
        self._lookups = AddedLookups(token.name for token in self.model.special_tokens)

    def _add_tokens(self, new_tokens: Sequence[Any], special_tokens: bool = False) -> int:
        """Add tokens as the base class does, but in a time that depends on these tokens alone."""
        before = size = len(self)
        specials, names = self._specials(), self._names
        for token in new_tokens:
            if isinstance(token, str):
                name, special = token, special_tokens or token in specials
            elif isinstance(token, AddedToken):
                _check_added(token)
                name, special = token.content, special_tokens or token.special
            else:
                raise TypeError(f"a token must be a str or an AddedToken, not {type(token)}")
            if not name:
                continue
            known = self._added_tokens_encoder.get(name)
            if special and known in names.pieces:
                # Until now, the name was the name of a piece. A special token needs an id of its
                # own.
                del self._added_tokens_decoder[self._added_tokens_encoder.pop(name)]
                known = None
            if known is not None and isinstance(token, str):
                continue
            if known is None and name in names.ids:
                names.keep_for_added(name, special)
                known = names.ids.get(name)
            if known is None:
                known, size = size, size + 1
            if isinstance(token, str):
                token = AddedToken(name, normalized=not special, special=special)  # noqa: PLW2901
            elif special_tokens:
                # Setting the attribute `special` would change `normalized`, too.
                token.__setstate__({"special": True, "normalized": token.normalized})
            if special and name not in specials:
                self._extra_specials().append(token)
                specials = self._specials()
            self._added_tokens_decoder[known] = token
            self._added_tokens_encoder[name] = known
        self.total_vocab_size = size
        specials.ids = specials.matcher = None
        return size - before

    def _extra_specials(self) -> list[Any]:
        extra: list[Any] | None = vars(self).get("_extra_special_tokens")
        if extra is None:  # transformers 4
            extra = self._special_tokens_map["additional_special_tokens"]
        return extra

    def _special_tokens(self) -> SpecialTokens:
        """Return the matcher of all added tokens, built anew after tokens were added."""
        if self._lookups.matcher is None:
            self._lookups.matcher = SpecialTokens(self._added_tokens_encoder)
        return self._lookups.matcher

    # Special tokens around a text.

    def marks(self) -> tuple[list[int], list[int]]:
        """Return the ids before and behind each text."""
        begin = [self.bos_token_id] if self.add_bos else []
        end = [self.eos_token_id] if self.add_eos else []
        if None in begin + end:
            raise ArgumentError("add_bos and add_eos need a bos_token and an eos_token")
        return begin, end

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """Return the ids of one text or two, each between bos and eos as the settings say."""
        return joined(token_ids_0, token_ids_1, *self.marks())

    def create_token_type_ids_from_sequences(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """Return 0 for each token of the first text and 1 for each token of the second."""
        return rows.token_type_ids(token_ids_0, token_ids_1, *self.marks())

    def get_special_tokens_mask(
        self,
        token_ids_0: list[int],
        token_ids_1: list[int] | None = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """Return 1 for each special token and 0 for each other token."""
        if already_has_special_tokens:
            specials = self._ids_of_specials()
            return [int(id_ in specials) for id_ in token_ids_0]
        return rows.special_tokens_mask(token_ids_0, token_ids_1, *self.marks())


def _check_added(token: Any) -> None:
    """Raise ArgumentError for an added token that would change the text around it."""
    if isinstance(token, AddedToken) and (token.lstrip or token.rstrip or token.single_word):
        raise ArgumentError(
            f"the added token {token.content!r:.60} must not have lstrip, rstrip or single_word"
        )
