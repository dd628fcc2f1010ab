"""What can be audited, by name: our samplers, those of other libraries, and any function."""

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
from bytepiece.audit.law import Edge, Law, Scores, byte_edges, character_edges, digit_cuts
from bytepiece.errors import ArgumentError, BytepieceError
from bytepiece.formats import original
from bytepiece.model import Model
from bytepiece.rules.text_rules import TextRules

Function = Callable[[str], Iterable[bytes | str]]
"""A text's random segmentation: its pieces."""

NBEST_SIZE = 16
"""Of the samplers that draw from the best paths only: from how many."""


@dataclass(frozen=True)
class Sampler:
    """A sampler with a vocabulary, ready to draw.

    Args:
        draw: so many segmentations of a text at an alpha; the last argument is a seed, for the
            samplers that take one; raises NotPossibleError where the library fails.
        law: of a text at an alpha: what the draws are to follow; raises NotPossibleError where
            the sampler cannot be held against one.
        note: what it could not hold of the vocabulary.
        close: gives back what it holds.
    """

    draw: Callable[[str, float, int, int], Draws]
    law: Callable[[str, float], Law]
    note: str = ""
    close: Callable[[], None] = lambda: None


class Kind(ABC):
    """A sampler that does not have its vocabulary yet.

    `name` is what it is asked for by, `law` says in words what it is held against. One that is
    `fixed` has its own vocabulary and alpha already, and has to be told apart by the caller.
    """

    name: str
    law: str
    fixed = False

    def missing(self) -> str | None:
        """None if it can be used, or what to do so that it can."""
        return None

    @abstractmethod
    def version(self) -> str:
        """The version of the library it belongs to."""

    @abstractmethod
    def hold(self, model: Model) -> Sampler:
        """The sampler with a vocabulary.

        Raises:
            NotPossibleError: it cannot hold it.
        """


def scores_of(model: Model) -> dict[bytes, float]:
    """A model's scores by piece."""
    return dict(zip(model.pieces, model.scores.tolist(), strict=True))


def _over_bytes(scores: Scores, text: bytes, rules: TextRules) -> list[Edge]:
    return byte_edges(text, scores)


def _over_segments(scores: Scores, text: bytes, rules: TextRules) -> list[Edge]:
    return byte_edges(text, scores, digit_cuts(text) if rules.isolate_digits else frozenset())


def _over_characters(scores: Scores, text: bytes, rules: TextRules) -> list[Edge]:
    return character_edges(text, scores)


def _as_original(model: Model) -> Model:
    """What the original library reads from the file of a model: scores become those of counts."""
    return original.from_dict(json.loads(original.to_json(model)))


@dataclass(frozen=True)
class Library(Kind):
    """A library behind an adapter.

    Args:
        edges: the lattice it draws from.
        size: how many of the best paths it draws from, if not from all.
        options: for the adapter.
        held: the model as its file format has it.
    """

    name: str
    adapter: type[Adapter]
    edges: Callable[[Scores, bytes, TextRules], list[Edge]] = _over_bytes
    size: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    held: Callable[[Model], Model] = lambda model: model

    @property
    def law(self) -> str:  # type: ignore[override]
        """As in the base class."""
        unit = "characters" if self.edges is _over_characters else "bytes"
        return f"over {unit}" + (f", the {self.size} best" if self.size else "")

    def missing(self) -> str | None:
        """As in the base class."""
        return self.adapter.missing()

    def version(self) -> str:
        """As in the base class."""
        return self.adapter.version()

    def hold(self, model: Model) -> Sampler:
        """As in the base class."""
        adapter = self.adapter.from_model(model, **self.options)
        scores = scores_of(self.held(model))

        def draw(text: str, alpha: float, count: int, seed: int) -> Draws:
            try:
                run = adapter.sample(text, alpha, count, seed)
            except (BytepieceError, KeyboardInterrupt, SystemExit, MemoryError):
                raise
            except BaseException as error:  # a panic of a library in Rust is no Exception
                raise NotPossibleError(
                    f"fails at alpha {alpha:g} with {type(error).__name__}: {error}"
                ) from error
            return Draws(*adapter.flat(run.result), adapter.piece, run.seconds)

        def law(text: str, alpha: float) -> Law:
            raw = text.encode()
            if self.size and model.rules.isolate_digits and digit_cuts(raw):
                raise NotPossibleError("the best paths are those of stretches between digits")
            return Law(raw, tuple(self.edges(scores, raw, model.rules)), alpha, self.size)

        return Sampler(draw, law, adapter.note, adapter.close)


@dataclass(frozen=True)
class FunctionKind(Kind):
    """A Python function from a text to the pieces of a random segmentation.

    What vocabulary and alpha it has, the caller of the audit says.
    """

    name: str
    function: Function
    law = "over bytes"
    fixed = True

    def version(self) -> str:
        """Functions have none."""
        return ""

    def hold(self, model: Model) -> Sampler:
        """As in the base class."""
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

        def law(text: str, alpha: float) -> Law:
            raw = text.encode()
            return Law(raw, tuple(_over_segments(scores, raw, model.rules)), alpha)

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
            NBEST_SIZE,
            {"sampler": "nbest", "nbest_size": NBEST_SIZE},
        ),
        Library("viterbi", Ours, _over_segments, options={"sampler": "viterbi"}),
        Library("sentencepiece", SentencePiece, _over_characters),
        Library(
            "sentencepiece-nbest",
            SentencePiece,
            _over_characters,
            NBEST_SIZE,
            {"nbest_size": NBEST_SIZE},
        ),
        Library("huggingface", HuggingFace),
        Library("original", Original, held=_as_original),
        Library("rs_bytepiece", RsBytepiece, held=_as_original),
    )
}
"""The samplers that are known by name."""

OURS = ("perfect", "nbest", "viterbi")
"""Those of this library."""


def resolve(asked: Sequence[str | Kind | Function]) -> list[Kind]:
    """The samplers that are asked for: by name, as `module:function`, or themselves.

    Raises:
        ArgumentError: there is none of that name.
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
