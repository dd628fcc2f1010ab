"""The audit: samplers draw, their draws are counted and tested, and the tests are summed up."""

import math
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime, timezone

import numpy as np

import bytepiece
from bytepiece import model_io
from bytepiece.adapters.base import NotPossibleError
from bytepiece.audit import tails
from bytepiece.audit.cases import case_of
from bytepiece.audit.counts import Tally
from bytepiece.audit.results import THRESHOLD, Case, Evidence, Report, Verdict
from bytepiece.audit.samplers import OURS, Function, Kind, Sampler, resolve
from bytepiece.audit.statistics import rare_edges
from bytepiece.audit.vocabularies import TEXTS, Subject, built_in
from bytepiece.errors import ArgumentError
from bytepiece.model import Model
from bytepiece.rules.text import to_bytes

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many draws of it are done, and of how many."""

LEAST_DRAWS = 100
"""Fewer tell nothing; the search for evidence begins with so many."""
MOST_BYTES = 20_000
"""Longest text: its law is computed in plain Python."""
MOST_TEXTS = 1000
_SHORT = 16
"""Bytes of a text that gets all the draws; longer ones get so much fewer as they are longer."""
_LEAST_OF_LONG = 1000
_MOST_ROWS, _MOST_ROW_BYTES = 50_000, 2_000_000
"""Of what is drawn in one call."""
_EVIDENCE_LOOKS = 16
_MOST_PLACES = 3
_CONSERVATIVE = ("rare",)
"""Kinds of test whose p-values come from counts, and may be too large."""


def audit(
    model: Model | str | os.PathLike[str] | None = None,
    samplers: Sequence[str | Kind | Function] = OURS,
    texts: Sequence[str] | None = None,
    alphas: Sequence[float] = (0.1, 0.5, 1.0),
    draws: int = 100_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Hold samplers against the exact law P(path) ∝ exp(alpha · Σ score(piece)).

    Args:
        model: or its file, with which the samplers segment; None: small vocabularies that the
            audit brings along.
        samplers: names (see `samplers.KINDS`), "module:function", or functions from a text to its
            pieces, which need a model and one alpha: those that they have.
        texts: lines to segment with the model; by default a few of several scripts.
        alphas: the exponents, finite and at least 0.
        draws: of each text at each alpha; texts above 16 bytes get fewer.
        seed: of the samplers that take one.
        progress: told how far the audit is.

    Raises:
        ArgumentError: an argument is outside its range, or a function is no sampler.
        ModelError: the model's file holds none.

    >>> from bytepiece.audit import audit
    >>> report = audit(samplers=["perfect", "viterbi"], alphas=[1.0], draws=2000)
    >>> [(verdict.sampler, verdict.follows) for verdict in report.verdicts]
    [('perfect', True), ('viterbi', False)]
    >>> report.verdicts[1].evidence.case
    'three equal'
    """
    begin = time.perf_counter()
    kinds = resolve(samplers)
    if isinstance(texts, (str, bytes)) or not isinstance(alphas, Iterable):
        raise ArgumentError("texts and alphas are lists, even if of one")
    exponents = [_checked_alpha(alpha) for alpha in alphas]
    _check_numbers(kinds, exponents, draws, seed)
    if any(kind.fixed for kind in kinds) and (model is None or len(exponents) != 1):
        raise ArgumentError(
            "a function has its own vocabulary and alpha: give the model and the one alpha it has"
        )
    subjects, described = _subjects(model, texts)
    questions = _Questions(subjects, exponents, draws, seed)
    verdicts = tuple(questions.verdict(kind, progress) for kind in kinds)
    return Report(
        verdicts=verdicts,
        draws=draws,
        seed=seed,
        model=described,
        versions={
            "Python": platform.python_version(),
            "NumPy": np.__version__,
            "bytepiece": bytepiece.__version__,
        },
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        seconds=time.perf_counter() - begin,
    )


def _checked_alpha(alpha: float) -> float:
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float, np.number)):
        raise ArgumentError(f"alpha must be a number, not {alpha!r:.60}")
    if not math.isfinite(alpha) or alpha < 0:
        raise ArgumentError(f"alpha must be finite and at least 0, not {alpha}")
    return float(alpha)


def _check_numbers(kinds: list[Kind], alphas: list[float], draws: int, seed: int) -> None:
    if not kinds:
        raise ArgumentError("no sampler to audit")
    if not alphas:
        raise ArgumentError("no alpha to audit at")
    if type(draws) is not int or draws < LEAST_DRAWS:
        raise ArgumentError(f"draws must be a whole number of at least {LEAST_DRAWS}, not {draws}")
    if type(seed) is not int or not 0 <= seed < 2**64:
        raise ArgumentError(f"seed must be in 0…2^64 − 1, not {seed!r:.60}")


def _subjects(
    model: Model | str | os.PathLike[str] | None, texts: Sequence[str] | None
) -> tuple[list[Subject], str]:
    """Vocabularies with their texts, and the model in words."""
    if model is None:
        if texts is not None:
            raise ArgumentError("texts need the model to segment them with")
        return built_in(), "vocabularies of the audit's own"
    name = "the model"
    if not isinstance(model, Model):
        name = os.path.basename(os.fspath(model))  # noqa: PTH119
        model = model_io.load(model)
    model.check_own("the audit")
    lines = tuple(_checked_text(text, model) for text in (TEXTS if texts is None else texts))
    if not 1 <= len(lines) <= MOST_TEXTS:
        raise ArgumentError(f"{len(lines)} texts to audit on; give 1 to {MOST_TEXTS}")
    described = f"{name}: {len(model.pieces)} pieces, fingerprint {model.fingerprint[:16]}"
    return [Subject(name, model, lines)], described


def _checked_text(text: str, model: Model) -> str:
    if not isinstance(text, str):
        raise ArgumentError(f"a text must be str, not {type(text).__name__}")
    if not text or "\n" in text:
        raise ArgumentError(f"a text must be one line that is not empty, not {text!r:.60}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentError(
            f"a text has a lone surrogate, which is no text: {text!r:.60}"
        ) from None
    normalized = to_bytes(text, model.rules.normalization)
    if len(normalized) > MOST_BYTES:
        raise ArgumentError(
            f"a text has {len(normalized)} bytes, more than {MOST_BYTES}; give a part of it"
        )
    return normalized.decode()


class _Questions:
    """What every sampler is asked: all the texts at all alphas."""

    def __init__(self, subjects: list[Subject], alphas: list[float], draws: int, seed: int) -> None:
        self._subjects = subjects
        self._seed = seed
        self._asked = [
            (subject, text, alpha, _fewer(draws, text))
            for subject in subjects
            for text in subject.texts
            for alpha in alphas
        ]

    def verdict(self, kind: Kind, progress: Progress | None) -> Verdict:
        """What becomes of a sampler."""
        reason = kind.missing()
        if reason is not None:
            return _not_audited(kind, "", reason)
        notes = _Notes()
        cases: list[tuple[int, Case]] = []
        done, total = 0, sum(draws for *_, draws in self._asked)
        seconds = 0.0

        def tell(draws: int) -> None:
            if progress:
                progress(f"auditing {kind.name}", done + draws, total)

        with ExitStack() as stack:
            held = {subject.name: _hold(kind, subject, stack, notes) for subject in self._subjects}
            for number, (subject, text, _, draws) in enumerate(self._asked):
                sampler = held[subject.name]
                try:
                    if sampler is not None:
                        case, took = self._case(sampler, number, draws, 0, tell)
                        cases.append((number, case))
                        seconds += took
                except NotPossibleError as error:
                    notes.add(str(error), f"{subject.name}, {text!r:.24}")
                done += draws
            if not cases:
                return _not_audited(kind, kind.version(), notes.text())
            p, spread = combined([case for _, case in cases])
            evidence = None
            if p < THRESHOLD:
                number, case = min(cases, key=_smallness)
                sampler = held[case.name]
                assert sampler is not None
                with suppress(NotPossibleError):  # it failed this time
                    evidence = self._evidence(sampler, number, case)
        return Verdict(
            sampler=kind.name,
            version=kind.version(),
            law=kind.law,
            follows=p >= THRESHOLD,
            p=p,
            uniformity=spread,
            cases=tuple(case for _, case in cases),
            evidence=evidence,
            note=notes.text(),
            seconds=seconds,
        )

    def _case(
        self,
        sampler: Sampler,
        number: int,
        draws: int,
        look: int,
        tell: Callable[[int], None] = lambda _: None,
    ) -> tuple[Case, float]:
        """A case, with draws of its own for every look at it, and how long drawing took."""
        subject, text, alpha, _ = self._asked[number]
        law = sampler.law(text, alpha)
        tally = Tally(law, rare_edges(law, draws))
        rows = max(LEAST_DRAWS, min(_MOST_ROWS, _MOST_ROW_BYTES // len(law.text)))
        seconds = 0.0
        while tally.draws < draws:
            sequence = np.random.SeedSequence([self._seed, number, look, tally.draws])
            drawn = sampler.draw(
                text,
                alpha,
                min(rows, draws - tally.draws),
                int(sequence.generate_state(1, np.uint64)[0]),
            )
            tally.add(drawn)
            seconds += drawn.seconds
            tell(tally.draws)
        return case_of(subject.name, tally), seconds

    def _evidence(self, sampler: Sampler, number: int, case: Case) -> Evidence | None:
        """How few fresh draws are enough; every look at them counts."""
        for look in range(1, _EVIDENCE_LOOKS + 1):
            draws = LEAST_DRAWS << (look - 1)
            found, _ = self._case(sampler, number, draws, look)
            p = min(1.0, found.p * look)
            if p < THRESHOLD:
                return Evidence(case.name, case.text, case.alpha, draws, p, found.worst)
            if draws > case.draws:
                break
        return None


def _smallness(numbered: tuple[int, Case]) -> tuple[bool, int, float]:
    """Cases that refute by themselves come first, the shortest text before all."""
    case = numbered[1]
    return case.p >= THRESHOLD, len(case.text.encode()), case.p


def _fewer(draws: int, text: str) -> int:
    """How many draws a text gets."""
    size = len(text.encode())
    return min(draws, max(_LEAST_OF_LONG, draws * _SHORT // size))


class _Notes:
    """What is to be said about a sampler, each thing once, with the places it was found at."""

    def __init__(self) -> None:
        self._places: dict[str, dict[str, None]] = {}

    def add(self, message: str, place: str) -> None:
        self._places.setdefault(message, {})[place] = None

    def text(self) -> str:
        said = []
        for message, places in self._places.items():
            more = f" and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
            said.append(f"{message} ({'; '.join(list(places)[:_MOST_PLACES])}{more})")
        return "; ".join(said)


def _hold(kind: Kind, subject: Subject, stack: ExitStack, notes: "_Notes") -> Sampler | None:
    try:
        sampler = kind.hold(subject.model)
    except NotPossibleError as error:
        notes.add(str(error), subject.name)
        return None
    stack.callback(sampler.close)
    if sampler.note:
        notes.add(sampler.note, subject.name)
    return sampler


def _not_audited(kind: Kind, version: str, reason: str) -> Verdict:
    return Verdict(kind.name, version, kind.law, None, None, {}, (), None, reason, 0.0)


def combined(cases: Sequence[Case]) -> tuple[float, dict[str, float]]:
    """The p-value of all cases together; and of each kind of test that its p-values are uniform.

    Of each kind the smallest p-value, the product of all, and how evenly they are spread; the
    smallest of all these counts, times how many they are (Bonferroni).
    """
    by_kind: dict[str, list[float]] = {}
    for case in cases:
        for kind, test in case.tests.items():
            by_kind.setdefault(kind, []).append(test.p)
    spread = {
        kind: tails.uniformity(ps, conservative=kind in _CONSERVATIVE)
        for kind, ps in by_kind.items()
    }
    every = [*spread.values()]
    for ps in by_kind.values():
        every += [tails.smallest(ps), tails.product(ps)]
    return min([1.0, *(p * len(every) for p in every)]), spread
