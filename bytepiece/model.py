"""The model: pieces with scores and ids, special tokens, and the rules from text to segments."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from bytepiece.errors import ModelError
from bytepiece.rules.as_json import from_document, to_document
from bytepiece.rules.merges import Merges, check_merges
from bytepiece.rules.text_rules import TextRules
from bytepiece.rules.words import WordCut

MAX_PIECES = 1 << 22
"""Most pieces a model may have."""
MAX_PIECE_LENGTH = 1024
"""Longest piece in bytes; it bounds the cost of encoding one byte of text."""
MAX_BYTES = 1 << 25
"""Most bytes of all pieces together; building a tokenizer takes up to 100 bytes for each byte."""
MAX_SPECIAL_TOKENS = 1 << 16
"""Most special tokens a model may have."""
MAX_ID = (1 << 24) - 1
"""Largest id of a piece or a special token."""
MAX_SCORE = float(1 << 20)
"""Largest absolute value of a score, in nats."""
Role = Literal["pad", "bos", "eos", "unknown", "control"]
Flag = Literal["lstrip", "rstrip", "single_word"]


@dataclass(frozen=True)
class SpecialToken:
    """A token that stands for no text: its name, its id, and its purpose (`role`).

    The flags say how it is found inside a text, as in Hugging Face's library. "lstrip" and "rstrip"
    take in the white space before and after it. "single_word" finds it only between characters that
    are no letters, marks, digits or underscores.
    """

    name: str
    id: int
    role: Role
    flags: tuple[Flag, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, for JSON; the flags only if there are any."""
        found = {"name": self.name, "id": self.id, "role": self.role}
        return {**found, "flags": list(self.flags)} if self.flags else found


STANDARD_SPECIAL_TOKENS = (
    SpecialToken("<pad>", 0, "pad"),
    SpecialToken("<bos>", 1, "bos"),
    SpecialToken("<eos>", 2, "eos"),
)


@dataclass(frozen=True, eq=False)
class Model:
    """A byte-level Unigram or BPE model, immutable and checked when it is made.

    Args:
        pieces: distinct byte strings of 1 to 1024 bytes. They include the 256 single bytes, and
            no special tokens.
        scores: float64[len(pieces)], natural-log probabilities, finite.
        ids: int32[len(pieces)], distinct, and different from the ids of special tokens. By default
            the numbers after the special tokens' ids, in the order of `pieces`. If rules.unknown
            is "token", some single bytes have the id of the special token with the role unknown.
        special_tokens: tokens that stand for no text.
        rules: how text becomes segments.
        counts: int64[len(pieces)], how often each piece was counted, if the trainer counts. The
            original library's format stores counts and no scores.
        record: how the model was made, in JSON types; encoding does not use it.
        aliases: ids that encoding never gives, with the bytes that they are decoded to.
        merges: the rules of a BPE model, by which a text is encoded where nothing is drawn. The
            scores then give the law of samples; they are 0 if all segmentations are alike. None
            for a Unigram model, which is encoded by best paths.

    After construction `pieces`, `scores`, `ids` and `counts` are in the order of the ids, and the
    arrays are read-only.

    Raises:
        ModelError: if an argument breaks one of these rules.

    >>> model = Model([bytes([b]) for b in range(256)] + [b"the"], [-6.0] * 256 + [-4.0])
    >>> model.vocab_size, model.pieces[-1], int(model.ids[-1])
    (260, b'the', 259)
    """

    pieces: tuple[bytes, ...]
    scores: npt.NDArray[np.float64]
    ids: npt.NDArray[np.int32] = field(default=None)  # type: ignore[arg-type]
    special_tokens: tuple[SpecialToken, ...] = STANDARD_SPECIAL_TOKENS
    rules: TextRules = TextRules()
    counts: npt.NDArray[np.int64] | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[int, bytes] = field(default_factory=dict)
    merges: Merges | None = None

    def __post_init__(self) -> None:
        pieces = tuple(self.pieces)
        _check_pieces(pieces)
        if not isinstance(self.rules, TextRules):
            raise ModelError(f"rules must be TextRules, not {type(self.rules).__name__}")
        specials = tuple(self.special_tokens)
        check_special_tokens(specials)
        scores = column(self.scores, np.float64, "scores") + 0.0  # −0 becomes 0
        if not np.all(np.abs(scores) <= MAX_SCORE):
            raise ModelError(f"a score is not a finite number of at most {MAX_SCORE:.0f} in size")
        if self.ids is None:
            first = max((token.id for token in specials), default=-1) + 1
            ids = np.arange(first, first + len(pieces), dtype=np.int32)
        else:
            ids = column(self.ids, np.int32, "ids")
        counts = None if self.counts is None else column(self.counts, np.int64, "counts")
        for name, values in (("scores", scores), ("ids", ids), ("counts", counts)):
            if values is not None and len(values) != len(pieces):
                raise ModelError(f"there are {len(values)} {name} for {len(pieces)} pieces")
        aliases = dict(self.aliases)
        _check_aliases(aliases)
        unshared = ids
        if self.rules.unknown == "token":
            # Single bytes without a piece of their own share the unknown token's id.
            shared = ids == _unknown_id(specials)
            if any(len(pieces[i]) > 1 for i in np.flatnonzero(shared).tolist()):
                raise ModelError("a piece of more than one byte has the id of the unknown token")
            unshared = ids[~shared]
        _check_ids(unshared, specials, aliases)
        if counts is not None and counts.min() < 1:
            raise ModelError("a count is below 1; counts must be at least 1")
        merges = self.merges
        if merges is not None:
            check_merges(merges, pieces, ids)
        order = np.argsort(ids, kind="stable")
        if not np.array_equal(order, np.arange(len(pieces))):
            pieces = tuple(pieces[i] for i in order.tolist())
            scores, ids = scores[order], ids[order]
            counts = None if counts is None else counts[order]
            merges = None if merges is None else merges.in_order(order)
        for array in (scores, ids, counts):
            if array is not None:
                array.flags.writeable = False
        for name, value in (
            ("pieces", pieces),
            ("scores", scores),
            ("ids", ids),
            ("special_tokens", specials),
            ("counts", counts),
            ("merges", merges),
            ("record", MappingProxyType(_json_copy(self.record))),
            ("aliases", MappingProxyType(dict(sorted(aliases.items())))),
        ):
            object.__setattr__(self, name, value)

    @property
    def vocab_size(self) -> int:
        """One more than the largest id: the number of rows that an embedding table needs."""
        others = (token.id for token in self.special_tokens)
        return max(int(self.ids[-1]), *others, *self.aliases, -1) + 1

    def special_id(self, role: Role) -> int:
        """Return the id of the special token with this role.

        Raises:
            ModelError: if the model has no special token with this role.
        """
        for token in self.special_tokens:
            if token.role == role:
                return token.id
        raise ModelError(f"the model has no special token with the role {role!r}")

    @property
    def is_own(self) -> bool:
        """Whether the model has neither the rules nor the ids of another library."""
        return self.rules.own and not self.aliases and self.merges is None

    def made_only(self) -> "Model":
        """Return a BPE model whose samples and lattices use only pieces that its merges make.

        Deterministic encoding stays as it is.

        Raises:
            ModelError: if the model is no BPE model.
        """
        if self.merges is None:
            raise ModelError("only a BPE model has pieces that no merge makes")
        return replace(self, merges=replace(self.merges, unmade=False))

    def check_own(self, what: str) -> None:
        """Raise an error if the model has the rules or the ids of another library.

        Args:
            what: the operation that needs a model made with bytepiece; the message begins with it.

        Raises:
            ModelError: if the model has rules that bytepiece does not train with, or has aliases.
        """
        if not self.is_own:
            raise ModelError(
                f"{what} is for models made with bytepiece; this one has the rules or the ids of "
                f"another library: {self._origin}"
            )

    @property
    def _origin(self) -> str:
        """What a message says of a model that is not our own."""
        return "BPE" if self.merges is not None else f"{self.rules.library or self.rules}"

    @cached_property
    def fingerprint(self) -> str:
        """64 hexadecimal digits; models with equal fingerprints encode and decode alike."""
        settings: dict[str, list[Any]] = {
            "special_tokens": [
                [t.name, t.id, t.role, *([list(t.flags)] if t.flags else [])]
                for t in self.special_tokens
            ],
            "rules": [self.rules.normalization, self.rules.digits != "free", self.rules.segment],
        }
        # Fields that were added later are hashed only if the model uses them, so that older models
        # keep their fingerprints.
        if self.aliases:
            settings["aliases"] = [[id_, piece.hex()] for id_, piece in self.aliases.items()]
        if self.rules.digits == "groups-of-three":
            settings["digits"] = [[self.rules.digits]]
        if self.rules.unknown is not None:
            settings["unknown"] = [[self.rules.unknown]]
        if self.rules.library is not None:
            settings["library"] = [[self.rules.library.fingerprint]]
        if self.rules.words:
            settings["words"] = [each.as_list() for each in self.rules.words]
        if self.merges is not None:
            settings["merges"] = [[self.merges.fingerprint]]
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        lengths = np.fromiter(map(len, self.pieces), dtype="<i8", count=len(self.pieces))
        for array in (lengths, self.ids.astype("<i4"), self.scores.astype("<f8")):
            digest.update(array.tobytes())
        digest.update(b"".join(self.pieces))
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        # A few byte strings instead of 80 k pieces: the pickle is small and quick. Equal models
        # have equal pickles, and other libraries compare pickles to see whether anything changed.
        return _unpacked, (
            np.fromiter(map(len, self.pieces), "<i4", len(self.pieces)).tobytes(),
            b"".join(self.pieces),
            self.scores.astype("<f8").tobytes(),
            self.ids.astype("<i4").tobytes(),
            None if self.counts is None else self.counts.astype("<i8").tobytes(),
            # One JSON text: a pickle of objects would also depend on which objects are identical.
            json.dumps(
                {
                    "special_tokens": [
                        [t.name, t.id, t.role, list(t.flags)] for t in self.special_tokens
                    ],
                    "rules": {
                        **vars(self.rules),
                        "library": to_document(self.rules.library),
                        "words": [each.as_list() for each in self.rules.words],
                    },
                    "merges": None if self.merges is None else self.merges.to_document(),
                    "aliases": [[id_, piece.hex()] for id_, piece in self.aliases.items()],
                    "record": dict(self.record),
                },
                sort_keys=True,
            ),
        )

    def __repr__(self) -> str:
        return (
            f"<bytepiece.Model: {len(self.pieces)} pieces, "
            f"{len(self.special_tokens)} special tokens, {self.rules}>"
        )


def _unpacked(
    lengths: bytes,
    pieces: bytes,
    scores: bytes,
    ids: bytes,
    counts: bytes | None,
    settings: str,
) -> Model:
    """Return the model of a pickle."""
    ends = np.cumsum(np.frombuffer(lengths, "<i4")).tolist()
    stored = json.loads(settings)
    rules = stored["rules"]
    rules["normalization"] = tuple(rules["normalization"])
    rules["library"] = from_document(rules["library"])
    rules["words"] = tuple(WordCut(*each) for each in rules["words"])
    return Model(
        tuple([pieces[low:high] for low, high in pairwise([0, *ends])]),
        np.frombuffer(scores, "<f8"),
        np.frombuffer(ids, "<i4"),
        tuple(
            SpecialToken(name, id_, role, tuple(flags))
            for name, id_, role, flags in stored["special_tokens"]
        ),
        TextRules(**rules),
        None if counts is None else np.frombuffer(counts, "<i8"),
        stored["record"],
        {id_: bytes.fromhex(piece) for id_, piece in stored["aliases"]},
        Merges.from_document(stored["merges"]),
    )


def _json_copy(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a record; raise ModelError if JSON would not give the same record back."""
    try:
        copy = json.loads(json.dumps(dict(record), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"the record is not JSON: {error!s:.80}") from None
    if not isinstance(copy, dict) or copy != dict(record):
        raise ModelError("the record is not JSON: it needs names that are str, and lists")
    return copy


def column(values: Any, dtype: npt.DTypeLike, name: str) -> npt.NDArray[Any]:
    """Return a private copy of one column of a model, in the type of the column.

    Args:
        values: the numbers, perhaps from a file that cannot be trusted.
        dtype: the column's type.
        name: the column's name, for the message.

    Raises:
        ModelError: if a value is not a number of this type.
    """
    integral = np.issubdtype(dtype, np.integer)
    wanted = f"{name} must be a list of {'whole ' if integral else ''}numbers"
    kinds = (int, np.integer) if integral else (int, float, np.integer, np.floating)
    if not isinstance(values, np.ndarray):
        if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
            raise ModelError(f"{wanted}, not {type(values).__name__}")
        values = list(values)
        # The types are checked here: NumPy would turn texts, truth values and lists into numbers.
        for kind in set(map(type, values)):
            if kind is bool or not issubclass(kind, kinds):
                raise ModelError(f"{wanted}; there is a {kind.__name__} in it")
    try:
        array = np.array(values)
    except OverflowError:
        raise ModelError(f"{name} holds a number that is too large") from None
    if array.ndim != 1 or (array.size and array.dtype.kind not in ("iu" if integral else "iuf")):
        raise ModelError(f"{wanted} of machine size")
    if integral and array.size and (array.min() < 0 or array.max() > np.iinfo(dtype).max):
        raise ModelError(f"{name} holds a number outside 0…{np.iinfo(dtype).max}")
    return np.ascontiguousarray(array, dtype=dtype)


def _check_pieces(pieces: Sequence[bytes]) -> None:
    if len(pieces) > MAX_PIECES:
        raise ModelError(f"{len(pieces)} pieces are more than {MAX_PIECES}, the most allowed")
    if not set(map(type, pieces)) <= {bytes}:
        piece = next(piece for piece in pieces if type(piece) is not bytes)
        raise ModelError(f"a piece must be bytes, not {type(piece).__name__}: {piece!r:.60}")
    lengths = set(map(len, pieces))
    if 0 in lengths:
        raise ModelError("a piece is empty")
    if lengths and max(lengths) > MAX_PIECE_LENGTH:
        longest = max(pieces, key=len)
        raise ModelError(
            f"the piece {longest[:20]!r}… has {len(longest)} bytes, "
            f"more than {MAX_PIECE_LENGTH}, the most allowed"
        )
    if sum(map(len, pieces)) > MAX_BYTES:
        raise ModelError(f"the pieces have more than {MAX_BYTES} bytes together, the most allowed")
    known = set(pieces)
    if len(known) < len(pieces):
        seen: set[bytes] = set()
        twice = next(p for p in pieces if p in seen or seen.add(p))  # type: ignore[func-returns-value]
        raise ModelError(f"the piece {twice!r:.60} occurs twice")
    missing = [b for b in range(256) if bytes([b]) not in known]
    if missing:
        raise ModelError(
            f"{len(missing)} of the 256 single bytes are not pieces (the first is "
            f"0x{missing[0]:02x}); without them some texts could not be encoded"
        )


def check_special_tokens(specials: Sequence[SpecialToken]) -> None:
    """Raise ModelError if a model may not have these special tokens."""
    if len(specials) > MAX_SPECIAL_TOKENS:
        raise ModelError(f"there are more than {MAX_SPECIAL_TOKENS} special tokens")
    for token in specials:
        if not isinstance(token.name, str) or not token.name:
            raise ModelError(f"a special token needs a name, not {token.name!r:.60}")
        try:
            token.name.encode("utf-8")
        except UnicodeEncodeError:
            raise ModelError(f"the special token {token.name!r:.60} is not valid Unicode") from None
        if type(token.id) is not int or not 0 <= token.id <= MAX_ID:
            raise ModelError(f"the special token {token.name!r:.60} needs an id in 0…{MAX_ID}")
        if token.role not in get_args(Role):
            roles = ", ".join(get_args(Role))
            raise ModelError(
                f"{token.name!r:.60} has the role {token.role!r:.60}; known are {roles}"
            )
        if not isinstance(token.flags, tuple) or not {*token.flags} <= {*get_args(Flag)}:
            known = ", ".join(get_args(Flag))
            raise ModelError(f"{token.name!r:.60} has flags that are not known; known are {known}")
    if len({token.name for token in specials}) < len(specials):
        raise ModelError("two special tokens have the same name")
    roles_taken = [token.role for token in specials if token.role != "control"]
    if len(set(roles_taken)) < len(roles_taken):
        raise ModelError("two special tokens have the same role")


def _unknown_id(specials: Sequence[SpecialToken]) -> int:
    for token in specials:
        if token.role == "unknown":
            return token.id
    raise ModelError("the rules name an unknown token, and no special token has that role")


def _check_aliases(aliases: Mapping[int, bytes]) -> None:
    if len(aliases) > MAX_PIECES:
        raise ModelError(f"{len(aliases)} aliases are more than {MAX_PIECES}, the most allowed")
    for id_, piece in aliases.items():
        if type(id_) is not int or type(piece) is not bytes:
            raise ModelError(f"an alias is an id with bytes, not {id_!r:.30} with {piece!r:.30}")
        if not 1 <= len(piece) <= MAX_PIECE_LENGTH:
            raise ModelError(f"an alias must have 1 to {MAX_PIECE_LENGTH} bytes, not {len(piece)}")
        if not 0 <= id_ <= MAX_ID:
            raise ModelError(f"ids must be in 0…{MAX_ID}")
    if sum(map(len, aliases.values())) > MAX_BYTES:
        raise ModelError(f"the aliases have more than {MAX_BYTES} bytes together, the most allowed")


def _check_ids(
    ids: npt.NDArray[np.int32], specials: Sequence[SpecialToken], aliases: Mapping[int, bytes]
) -> None:
    if ids.size and (ids.min() < 0 or ids.max() > MAX_ID):
        raise ModelError(f"ids must be in 0…{MAX_ID}")
    others = [*(token.id for token in specials), *aliases]
    everyone = np.concatenate([ids, others]).astype(np.int64)
    values, counts = np.unique(everyone, return_counts=True)
    if (counts > 1).any():
        raise ModelError(f"ids: {values[counts > 1][0]} is given twice")
