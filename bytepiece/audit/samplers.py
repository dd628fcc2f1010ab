"""The samplers that can be audited: ours, those of other libraries, and any function."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from bytepiece.adapters.base import Adapter, NotPossibleError, timed
from bytepiece.adapters.huggingface import HuggingFace
from bytepiece.adapters.original_library import Original
from bytepiece.adapters.ours import Ours
from bytepiece.adapters.rs_bytepiece import RsBytepiece
from bytepiece.adapters.sentencepiece import SentencePiece
from bytepiece.audit.counts import Draws
from bytepiece.audit.law import Edge, ReferenceLaw, Scores, byte_edges, character_edges, digit_cuts
from bytepiece.errors import ArgumentError, BytepieceError
from bytepiece.formats import original
from bytepiece.model import Model
from bytepiece.rules.text_rules import TextRules

Function = Callable[[str], Iterable[bytes | str]]
"""A function that returns the pieces of a random segmentation of a text."""

AUDITED_NBEST_SIZE = 16
"""The number of best paths that the n-best samplers draw from."""


@dataclass(frozen=True)
class Sampler:
    """A sampler with a vocabulary, ready to draw.

    Args:
        draw: a function that draws segmentations. It takes a text, an alpha, the number of draws
            and a seed, and raises NotPossibleError if the library fails.
        law: a function that returns the law that the draws should follow. It takes a text and an
            alpha, and raises NotPossibleError if no law is known.
        note: a message about pieces that the sampler cannot represent.
        close: a function that frees resources.
    """

    draw: Callable[[str, float, int, int], Draws]
    law: Callable[[str, float], ReferenceLaw]
    note: str = ""
    close: Callable[[], None] = lambda: None


class Kind(ABC):
    """A sampler without a vocabulary.

    `name` is the name that users give, and `law` describes the law that it is compared with. A
    `fixed` sampler has its own vocabulary and alpha, which the caller has to name.
    """

    name: str
    law: str
    fixed = False

    def missing(self) -> str | None:
        """Return None if it can be used, or else what the user has to do."""
        return None

    @abstractmethod
    def version(self) -> str:
        """Return the version of its library."""

    @abstractmethod
    def load(self, model: Model) -> Sampler:
        """Return the sampler with a vocabulary.

        Raises:
            NotPossibleError: if the sampler cannot represent it.
        """


def scores_of(model: Model) -> dict[bytes, float]:
    """Return the score of each piece of a model."""
    return dict(zip(model.pieces, model.scores.tolist(), strict=True))


def _over_bytes(scores: Scores, text: bytes, rules: TextRules) -> list[Edge]:
    return byte_edges(text, scores)


def _over_segments(scores: Scores, text: bytes, rules: TextRules) -> list[Edge]:
    return byte_edges(text, scores, digit_cuts(text) if rules.isolate_digits else frozenset())


def _over_characters(scores: Scores, text: bytes, rules: TextRules) -> list[Edge]:
    return character_edges(text, scores)


def _as_original(model: Model) -> Model:
    """Return a model as the original library reads it from a file, with scores from counts."""
    return original.from_dict(json.loads(original.to_json(model)))


@dataclass(frozen=True)
class Library(Kind):
    """A library behind an adapter.

    Args:
        name: its name.
        adapter: its adapter.
        edges: a function that returns the lattice it draws from.
        size: the number of best paths it draws from; None if it draws from all paths.
        options: options of the adapter.
        held: a function that returns the model as the library's file format represents it.
    """

    name: str
    adapter: type[Adapter]
    edges: Callable[[Scores, bytes, TextRules], list[Edge]] = _over_bytes
    size: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    held: Callable[[Model], Model] = lambda model: model

    @property
    def law(self) -> str:  # type: ignore[override]
        """The law in words."""
        unit = "characters" if self.edges is _over_characters else "bytes"
        return f"over {unit}" + (f", the {self.size} best" if self.size else "")

    def missing(self) -> str | None:
        """See the base class."""
        return self.adapter.missing()

    def version(self) -> str:
        """See the base class."""
        return self.adapter.version()

    def load(self, model: Model) -> Sampler:
        """See the base class."""
        adapter = self.adapter.from_model(model, **self.options)
        scores = scores_of(self.held(model))

        def draw(text: str, alpha: float, count: int, seed: int) -> Draws:
            try:
                run = adapter.sample(text, alpha, count, seed)
            except (BytepieceError, KeyboardInterrupt, SystemExit, MemoryError):
                raise
            except BaseException as error:  # a panic of a library in Rust is not an Exception
                raise NotPossibleError(
                    f"fails at alpha {alpha:g} with {type(error).__name__}: {error}"
                ) from error
            return Draws(*adapter.flat(run.result), adapter.piece, run.seconds)

        def law(text: str, alpha: float) -> ReferenceLaw:
            raw = text.encode()
            if self.size and model.rules.isolate_digits and digit_cuts(raw):
                raise NotPossibleError("the best paths are those of stretches between digits")
            return ReferenceLaw(raw, tuple(self.edges(scores, raw, model.rules)), alpha, self.size)

        return Sampler(draw, law, adapter.note, adapter.close)


@dataclass(frozen=True)
class FunctionKind(Kind):
    """A Python function from a text to the pieces of a random segmentation.

    The caller of the audit names its vocabulary and its alpha.
    """

    name: str
    function: Function
    law = "over bytes"
    fixed = True

    def version(self) -> str:
        """Return nothing, since functions have no version."""
        return ""

    def load(self, model: Model) -> Sampler:
        """See the base class."""
        scores = scores_of(model)
        numbers: dict[bytes | str, int] = {}
        pieces: list[bytes] = []

        def number(piece: bytes | str) -> int:
            if piece not in numbers:
                numbers[piece] = len(pieces)
                pieces.append(
                    piece.encode("utf-8", "surrogatepass") if isinstance(piece, str) else piece
                )
            return numbers[piece]

        def draw(text: str, alpha: float, count: int, seed: int) -> Draws:
            run = timed(lambda: [self._call(text) for _ in range(count)])
            ids = [number(piece) for row in run.result for piece in row]
            lengths = [len(row) for row in run.result]
            return Draws(
                np.array(ids, dtype=np.int64), np.array(lengths), pieces.__getitem__, run.seconds
            )

        def law(text: str, alpha: float) -> ReferenceLaw:
            raw = text.encode()
            return ReferenceLaw(raw, tuple(_over_segments(scores, raw, model.rules)), alpha)

        return Sampler(draw, law)

    def _call(self, text: str) -> list[bytes | str]:
        try:
            returned: Any = self.function(text)
        except Exception as error:
            raise ArgumentError(
                f"the sampler {self.name} raised {type(error).__name__} for {text!r:.60}: {error}"
            ) from error
        if isinstance(returned, (str, bytes)) or not isinstance(returned, Iterable):
            raise self._no_pieces(returned)
        pieces = list(returned)
        if not all(isinstance(piece, (bytes, str)) for piece in pieces):
            raise self._no_pieces(pieces)
        return pieces

    def _no_pieces(self, returned: object) -> ArgumentError:
        return ArgumentError(
            f"the sampler {self.name} returned {returned!r:.60}; "
            "it must return a list of pieces, each bytes or str"
        )


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Library("perfect", Ours, _over_segments),
        Library(
            "nbest",
            Ours,
            _over_segments,
            AUDITED_NBEST_SIZE,
            {"sampler": "nbest", "nbest_size": AUDITED_NBEST_SIZE},
        ),
        Library("viterbi", Ours, _over_segments, options={"sampler": "viterbi"}),
        Library("sentencepiece", SentencePiece, _over_characters),
        Library(
            "sentencepiece-nbest",
            SentencePiece,
            _over_characters,
            AUDITED_NBEST_SIZE,
            {"nbest_size": AUDITED_NBEST_SIZE},
        ),
        Library("huggingface", HuggingFace),
        Library("original", Original, held=_as_original),
        Library("rs_bytepiece", RsBytepiece, held=_as_original),
    )
}
"""The samplers with a name."""

OURS = ("perfect", "nbest", "viterbi")
"""The names of this library's samplers."""


def resolve(asked: Sequence[str | Kind | Function]) -> list[Kind]:
    """Return samplers that are given by name, as `module:function`, or as objects.

    Raises:
        ArgumentError: if there is no sampler with that name.
    """
    if isinstance(asked, str) or not isinstance(asked, Sequence):
        raise ArgumentError(f"samplers must be a list, not {asked!r:.60}")
    return [_resolved(one) for one in asked]


def _resolved(asked: str | Kind | Function) -> Kind:
    if isinstance(asked, Kind):
        return asked
    if not isinstance(asked, str):
        if not callable(asked):
            raise ArgumentError(f"a sampler is a name or a function, not {asked!r:.60}")
        return FunctionKind(getattr(asked, "__qualname__", type(asked).__name__), asked)
    if asked in KINDS:
        return KINDS[asked]
    module, colon, name = asked.partition(":")
    if not colon:
        raise ArgumentError(
            f"no sampler {asked!r:.60}; there are {', '.join(KINDS)}, and module:function"
        )
    try:
        function = getattr(import_module(module), name)
    except Exception as error:
        raise ArgumentError(f"the sampler {asked!r:.60} cannot be loaded: {error}") from error
    if not callable(function):
        raise ArgumentError(f"the sampler {asked!r:.60} is not a function")
    return FunctionKind(asked, function)
