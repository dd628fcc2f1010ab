"""The audit: let samplers draw, count and test their draws, and sum the tests up."""

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
from bytepiece.audit.counts import DrawCounts
from bytepiece.audit.results import THRESHOLD, Case, Evidence, Report, Verdict
from bytepiece.audit.samplers import OURS, Function, Kind, Sampler, resolve
from bytepiece.audit.statistics import rare_edges
from bytepiece.audit.vocabularies import TEXTS, AuditedVocabulary, built_in
from bytepiece.errors import ArgumentError
from bytepiece.model import Model
from bytepiece.rules.text import to_bytes

Progress = Callable[[str, int, int], None]
"""A function that is called with the current task, the draws done, and the draws in all."""

LEAST_DRAWS = 100
"""The fewest draws. Fewer would show nothing. The search for evidence begins with this number."""
MOST_BYTES = 20_000
"""The most bytes of a text. The limit is low, because plain Python computes the text's law."""
MOST_TEXTS = 1000
_SHORT = 16
"""The most bytes of a text that gets all draws. The number falls in proportion to the length."""
_LEAST_OF_LONG = 1000
_MOST_ROWS, _MOST_ROW_BYTES = 50_000, 2_000_000
"""The most draws, and bytes of draws, in one call of a sampler."""
_EVIDENCE_LOOKS = 16
_MOST_PLACES = 3
_CONSERVATIVE = ("rare",)
"""Kinds of test whose p-values come from counts and may be too large."""


def audit(
    model: Model | str | os.PathLike[str] | None = None,
    samplers: Sequence[str | Kind | Function] = OURS,
    texts: Sequence[str] | None = None,
    alphas: Sequence[float] = (0.1, 0.5, 1.0),
    draws: int = 100_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Compare samplers with the exact law P(path) ∝ exp(alpha · Σ score(piece)).

    Args:
        model: a model or its file; None takes small vocabularies of the audit's own.
        samplers: names (see `samplers.KINDS`), "module:function", or functions from a text to its
            pieces. With a function, give the model and the one alpha that it uses.
        texts: lines to segment with the model; by default a few lines in several scripts.
        alphas: the exponents, finite and at least 0.
        draws: the number of draws for each text at each alpha; texts above 16 bytes get fewer.
        seed: the seed of the samplers that take one.
        progress: called with the progress of the audit.

    Raises:
        ArgumentError: if an argument is outside its range, or a function is not a sampler.
        ModelError: if the file does not hold a model.

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
) -> tuple[list[AuditedVocabulary], str]:
    """Return the vocabularies with their texts, and a description of the model."""
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
    return [AuditedVocabulary(name, model, lines)], described


def _checked_text(text: str, model: Model) -> str:
    if not isinstance(text, str):
        raise ArgumentError(f"a text must be str, not {type(text).__name__}")
    if not text or "\n" in text:
        raise ArgumentError(f"a text must be one line that is not empty, not {text!r:.60}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentError(
            f"a text has a lone surrogate, which is not text: {text!r:.60}"
        ) from None
    normalized = to_bytes(text, model.rules.normalization)
    if len(normalized) > MOST_BYTES:
        raise ArgumentError(
            f"a text has {len(normalized)} bytes, more than {MOST_BYTES}; give a part of it"
        )
    return normalized.decode()


class _Questions:
    """The cases that every sampler gets: all texts at all alphas."""

    def __init__(
        self, subjects: list[AuditedVocabulary], alphas: list[float], draws: int, seed: int
    ) -> None:
        self._subjects = subjects
        self._seed = seed
        self._asked = [
            (subject, text, alpha, _fewer(draws, text))
            for subject in subjects
            for text in subject.texts
            for alpha in alphas
        ]

    def verdict(self, kind: Kind, progress: Progress | None) -> Verdict:
        """Return the verdict on a sampler."""
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
            loaded = {
                subject.name: _loaded(kind, subject, stack, notes) for subject in self._subjects
            }
            for number, (subject, text, _, draws) in enumerate(self._asked):
                sampler = loaded[subject.name]
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
                sampler = loaded[case.name]
                assert sampler is not None
                with suppress(NotPossibleError):  # the library may fail now
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
        """Return a case and the time that drawing took.

        The number `look` is part of the seed, so another look at the same case has new draws.
        """
        subject, text, alpha, _ = self._asked[number]
        law = sampler.law(text, alpha)
        counted = DrawCounts(law, rare_edges(law, draws))
        rows = max(LEAST_DRAWS, min(_MOST_ROWS, _MOST_ROW_BYTES // len(law.text)))
        seconds = 0.0
        while counted.draws < draws:
            sequence = np.random.SeedSequence([self._seed, number, look, counted.draws])
            drawn = sampler.draw(
                text,
                alpha,
                min(rows, draws - counted.draws),
                int(sequence.generate_state(1, np.uint64)[0]),
            )
            counted.add(drawn)
            seconds += drawn.seconds
            tell(counted.draws)
        return case_of(subject.name, counted), seconds

    def _evidence(self, sampler: Sampler, number: int, case: Case) -> Evidence | None:
        """Find the fewest fresh draws that refute the sampler.

        The number of draws doubles from look to look. Each p-value is corrected
        for all looks so far.
        """
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
    """Return a sort key: cases that refute by themselves first, and the shortest text first."""
    case = numbered[1]
    return case.p >= THRESHOLD, len(case.text.encode()), case.p


def _fewer(draws: int, text: str) -> int:
    """Return the number of draws for a text."""
    size = len(text.encode())
    return min(draws, max(_LEAST_OF_LONG, draws * _SHORT // size))


class _Notes:
    """The notes on a sampler: each message once, with the places where it applies."""

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


def _loaded(
    kind: Kind, subject: AuditedVocabulary, stack: ExitStack, notes: "_Notes"
) -> Sampler | None:
    try:
        sampler = kind.load(subject.model)
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
    """Return the p-value of all cases together, and the uniformity of each kind's p-values.

    Each kind of test contributes three numbers: its smallest p-value, the product of its p-values,
    and their uniformity. The result is the smallest of all these numbers, multiplied by the count
    of these numbers (Bonferroni).
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
