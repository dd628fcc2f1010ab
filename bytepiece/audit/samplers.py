"""The samplers that can be audited: ours, other libraries' samplers, and any function."""

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
from bytepiece.adapters.sentencepiece_lite import SentencePieceLite
from bytepiece.audit.bpe_laws import BpeLaws
from bytepiece.audit.counts import Draws
from bytepiece.audit.law import (
    Edge,
    ReferenceLaw,
    Scores,
    byte_edges,
    character_edges,
    digit_cuts,
)
from bytepiece.audit.library_law import library_text, with_runs, word_cuts
from bytepiece.errors import ArgumentError, BytepieceError, ModelError
from bytepiece.formats import original
from bytepiece.formats.character_vocabulary import is_over_characters
from bytepiece.model import Model
from bytepiece.rules.text_rules import TextRules

SamplingFunction = Callable[[str], Iterable[bytes | str]]
"""A function that takes a text and returns the pieces of a random segmentation."""

AUDITED_NBEST_SIZE = 16
"""The number of best paths from which the audited n-best samplers draw."""


@dataclass(frozen=True)
class LoadedSampler:
    """A sampler with a vocabulary, ready to draw.

    Args:
        draw: a function that draws segmentations. Its arguments are a text, an alpha, the number of
            draws and a seed. It raises NotPossibleError if the library fails.
        law: a function that returns the law that the draws should follow. Its arguments are a text
            and an alpha. It raises NotPossibleError if no law is known.
        note: a message about pieces that the sampler cannot represent; empty if there are none.
        close: a function that frees the sampler's resources.
    """

    draw: Callable[[str, float, int, int], Draws]
    law: Callable[[str, float], ReferenceLaw]
    note: str = ""
    close: Callable[[], None] = lambda: None


class AuditedSampler(ABC):
    """A sampler that can be audited, before it gets a vocabulary.

    `name` is the name by which users ask for the sampler. `law` describes in words the law that its
    draws are compared with. `fixed` says whether the sampler has a vocabulary and an alpha of its
    own, which the caller of the audit must then give.
    """

    name: str
    law: str
    fixed = False

    def missing(self) -> str | None:
        """Return None if the sampler can be used, otherwise how to install it."""
        return None

    @abstractmethod
    def version(self) -> str:
        """Return the version of the sampler's library."""

    def law_of(self, model: Model) -> str:
        """Return in words the law that draws with a model are compared with."""
        if model.is_own:
            return self.law
        return f"over {'characters' if is_over_characters(model) else 'bytes'}"

    @abstractmethod
    def load(self, model: Model) -> LoadedSampler:
        """Return the sampler with the vocabulary and the scores of a model.

        Raises:
            NotPossibleError: if the sampler cannot represent the vocabulary.
        """


def piece_scores(model: Model) -> dict[bytes, float]:
    """Return the score of each piece of a model."""
    return dict(zip(model.pieces, model.scores.tolist(), strict=True))


def _over_bytes(scores: Scores, text: bytes, rules: TextRules) -> list[Edge]:
    """Return the edges over bytes, without regard to the rules."""
    return byte_edges(text, scores)


def _over_segments(scores: Scores, text: bytes, rules: TextRules) -> list[Edge]:
    """Return the edges over bytes that cross no place where the rules cut digits."""
    return byte_edges(text, scores, digit_cuts(text, rules.digit_group))


def _over_characters(scores: Scores, text: bytes, rules: TextRules) -> list[Edge]:
    """Return the edges over characters, without regard to the rules."""
    return character_edges(text, scores)


def _over_characters_of_lite(scores: Scores, text: bytes, rules: TextRules) -> list[Edge]:
    """Return the edges over characters of a file for SentencePiece's Lite runtime."""
    return character_edges(text, scores, lite=True)


def _as_original(model: Model) -> Model:
    """Return a model as the original library reads it from a file.

    The file holds counts instead of scores. The library computes the scores from the counts.
    """
    return original.from_dict(json.loads(original.to_json(model)))


@dataclass(frozen=True)
class LibrarySampler(AuditedSampler):
    """The sampler of a library, behind the library's adapter.

    Args:
        name: the name of the sampler.
        adapter: the adapter of the library.
        edges: a function that returns the edges of the lattice from which the sampler draws. Its
            arguments are the score of each piece, the text and the model's rules.
        nbest_size: the number of best paths from which the sampler draws; None if it draws from all
            paths.
        options: the options of the adapter.
        held: a function that returns a model as the library's file format represents it.
        choices: the name of the sampler in `BpeLaws`, if it is for BPE models and its law follows
            from its choices; otherwise None.
    """

    name: str
    adapter: type[Adapter]
    edges: Callable[[Scores, bytes, TextRules], list[Edge]] = _over_bytes
    nbest_size: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    held: Callable[[Model], Model] = lambda model: model
    choices: str | None = None

    @property
    def law(self) -> str:  # type: ignore[override]
        """The law that the draws are compared with, in words."""
        if self.choices is not None:
            return "all its choices"
        over_characters = (_over_characters, _over_characters_of_lite)
        unit = "characters" if self.edges in over_characters else "bytes"
        return f"over {unit}" + (f", the {self.nbest_size} best" if self.nbest_size else "")

    def law_of(self, model: Model) -> str:
        """Return in words the law that draws with a model are compared with."""
        if self.choices is not None:
            return self.law
        best = f", the {self.nbest_size} best" if self.nbest_size and not model.is_own else ""
        return super().law_of(model) + best

    def missing(self) -> str | None:
        """Return None if the library is installed, otherwise how to install it."""
        return self.adapter.missing()

    def version(self) -> str:
        """Return the version of the library."""
        return self.adapter.version()

    def load(self, model: Model) -> LoadedSampler:
        """Return the sampler of the library, with the vocabulary and the scores of a model."""
        if self.choices is not None and model.merges is None:
            raise NotPossibleError(f'the sampler "{self.choices}" is for BPE models')
        try:
            adapter = self.adapter.from_model(model, **self.options)
            scores = piece_scores(self.held(model))
        except ModelError as error:  # the library's format cannot represent the model
            raise NotPossibleError(str(error)) from None

        def draw(text: str, alpha: float, count: int, seed: int) -> Draws:
            try:
                run = adapter.sample(text, alpha, count, seed)
            except (BytepieceError, KeyboardInterrupt, SystemExit, MemoryError):
                raise
            except BaseException as error:  # a panic of a Rust library is not an Exception
                raise NotPossibleError(
                    f"fails at alpha {alpha:g} with {type(error).__name__}: {error}"
                ) from error
            drawn = Draws(*adapter.flat(run.result), adapter.piece, run.seconds)
            if model.rules.unknown != "token":
                return drawn
            return with_runs(drawn, model.special_id("unknown"), library_text(text, model).runs)

        by_choices = BpeLaws(model) if self.choices is not None else None

        def law(text: str, alpha: float) -> ReferenceLaw:
            if by_choices is not None and self.choices is not None:
                return by_choices.law(text, alpha, self.choices)
            if not model.is_own:
                found = library_text(text, model)
                if self.nbest_size and len(word_cuts(found.raw, model)) > 2:
                    raise NotPossibleError(
                        "the sampler finds the best paths of each word by itself"
                    )
                return ReferenceLaw(found.raw, found.edges, alpha, self.nbest_size)
            raw = text.encode()
            if self.nbest_size and digit_cuts(raw, model.rules.digit_group):
                raise NotPossibleError(
                    "the sampler finds the best paths of each stretch between digits by itself"
                )
            return ReferenceLaw(
                raw, tuple(self.edges(scores, raw, model.rules)), alpha, self.nbest_size
            )

        return LoadedSampler(draw, law, adapter.note, adapter.close)


@dataclass(frozen=True)
class FunctionSampler(AuditedSampler):
    """A Python function from a text to the pieces of a random segmentation.

    The function has its own vocabulary and alpha; the caller of the audit says which.
    """

    name: str
    function: SamplingFunction
    law = "over bytes"
    fixed = True

    def version(self) -> str:
        """Return an empty text: a function has no version."""
        return ""

    def load(self, model: Model) -> LoadedSampler:
        """Return the function as a sampler, with a model's scores for the law to compare with."""
        scores = piece_scores(model)
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
            if not model.is_own:
                found = library_text(text, model)
                return ReferenceLaw(found.raw, found.edges, alpha)
            raw = text.encode()
            return ReferenceLaw(raw, tuple(_over_segments(scores, raw, model.rules)), alpha)

        return LoadedSampler(draw, law)

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


FOR_BPE = ("dropout", "splitting")
"""The names of this library's samplers for BPE models."""

NAMED_SAMPLERS: dict[str, AuditedSampler] = {
    sampler.name: sampler
    for sampler in (
        LibrarySampler("perfect", Ours, _over_segments),
        LibrarySampler(
            "nbest",
            Ours,
            _over_segments,
            AUDITED_NBEST_SIZE,
            {"sampler": "nbest", "nbest_size": AUDITED_NBEST_SIZE},
        ),
        LibrarySampler("viterbi", Ours, _over_segments, options={"sampler": "viterbi"}),
        LibrarySampler("sentencepiece", SentencePiece, _over_characters),
        LibrarySampler(
            "sentencepiece-nbest",
            SentencePiece,
            _over_characters,
            AUDITED_NBEST_SIZE,
            {"nbest_size": AUDITED_NBEST_SIZE},
        ),
        LibrarySampler("sentencepiece-lite", SentencePieceLite, _over_characters_of_lite),
        LibrarySampler("huggingface", HuggingFace),
        LibrarySampler("original", Original, held=_as_original),
        LibrarySampler("rs_bytepiece", RsBytepiece, held=_as_original),
        *(LibrarySampler(name, Ours, options={"sampler": name}, choices=name) for name in FOR_BPE),
    )
}
"""The samplers that users can ask for by name."""

OURS = ("perfect", "nbest", "viterbi")
"""The names of this library's own samplers for all models."""


def resolve(asked: Sequence[str | AuditedSampler | SamplingFunction]) -> list[AuditedSampler]:
    """Return the samplers that the caller asks for.

    Args:
        asked: each sampler by its name, as "module:function", as a function, or as an
            `AuditedSampler`.

    Raises:
        ArgumentError: if a name or a function is unknown, or a value is not a sampler.
    """
    if isinstance(asked, str) or not isinstance(asked, Sequence):
        raise ArgumentError(f"samplers must be a list, not {asked!r:.60}")
    return [_resolved(sampler) for sampler in asked]


def _resolved(asked: str | AuditedSampler | SamplingFunction) -> AuditedSampler:
    if isinstance(asked, AuditedSampler):
        return asked
    if not isinstance(asked, str):
        if not callable(asked):
            raise ArgumentError(f"a sampler is a name or a function, not {asked!r:.60}")
        return FunctionSampler(getattr(asked, "__qualname__", type(asked).__name__), asked)
    if asked in NAMED_SAMPLERS:
        return NAMED_SAMPLERS[asked]
    module, colon, name = asked.partition(":")
    if not colon:
        raise ArgumentError(
            f"no sampler {asked!r:.60}; there are {', '.join(NAMED_SAMPLERS)}, and module:function"
        )
    try:
        function = getattr(import_module(module), name)
    except Exception as error:
        raise ArgumentError(f"the sampler {asked!r:.60} cannot be loaded: {error}") from error
    if not callable(function):
        raise ArgumentError(f"the sampler {asked!r:.60} is not a function")
    return FunctionSampler(asked, function)
