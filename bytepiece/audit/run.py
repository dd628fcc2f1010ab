"""The audit: let samplers draw, count and test the draws, and reach a verdict on each sampler."""

import math
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime, timezone
from typing import NamedTuple

import numpy as np

import bytepiece
from bytepiece import model_io
from bytepiece.adapters.base import NotPossibleError
from bytepiece.audit import tails
from bytepiece.audit.cases import case_of
from bytepiece.audit.counts import DrawCounts
from bytepiece.audit.library_law import normalized
from bytepiece.audit.results import THRESHOLD, Case, Evidence, Report, Verdict
from bytepiece.audit.samplers import OURS, AuditedSampler, LoadedSampler, SamplingFunction, resolve
from bytepiece.audit.statistics import rare_edges
from bytepiece.audit.vocabularies import TEXTS, AuditedVocabulary, built_in
from bytepiece.errors import ArgumentError
from bytepiece.inputs.series import numbered, texts_of
from bytepiece.model import Model
from bytepiece.rules.text import Text, is_utf8, to_bytes

Progress = Callable[[str, int, int], None]
"""A function to call with the name of the current task, the draws done, and the total of draws."""

LEAST_DRAWS = 100
"""The smallest number of draws of a text. Fewer draws would show nothing. The search for evidence
begins with this number."""
MOST_BYTES = 20_000
"""The most bytes of a text. The limit is low because the law is computed in plain Python."""
MOST_TEXTS = 1000
"""The most texts of an audit."""
_SHORT_BYTES = 16
"""The most bytes of a text that gets all draws. A text of twice this length gets half of them."""
_LEAST_OF_LONG = 1000
"""The fewest draws of a long text, unless the caller asks for fewer draws of all texts."""
_MOST_DRAWS, _MOST_DRAWN_BYTES = 50_000, 2_000_000
"""The most draws, and the most bytes of drawn text, in one call of a sampler."""
_MOST_ATTEMPTS = 16
"""The most attempts to refute a sampler with fresh draws. Each attempt has twice as many draws as
the attempt before."""
_MOST_PLACES = 3
"""The most places that a note names."""
_CONSERVATIVE = ("rare",)
"""The kinds of test whose p-values come from a count and may therefore be too large."""


def audit(
    model: Model | str | os.PathLike[str] | None = None,
    samplers: Sequence[str | AuditedSampler | SamplingFunction] = OURS,
    texts: Iterable[Text] | None = None,
    alphas: Sequence[float] = (0.1, 0.5, 1.0),
    draws: int = 100_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Compare samplers with the exact law P(path) ∝ exp(alpha · Σ score(piece)).

    Args:
        model: a model or the path of its file; None for the built-in vocabularies, which are small
            and hard for samplers.
        samplers: the samplers to test. Each is a name (see `samplers.NAMED_SAMPLERS`),
            "module:function", or a function from a text to its pieces. With a function, give the
            model and the one alpha that it uses.
        texts: the lines to segment with the model, str or UTF-8; default: a few lines in several
            scripts.
        alphas: the exponents, finite and at least 0.
        draws: the number of draws of each text at each alpha, at least 100; texts above 16 bytes
            get fewer.
        seed: the seed for samplers that take a seed, in 0…2^64 − 1.
        progress: a function to call with the name of the current task, the draws done, and the
            total of draws.

    Raises:
        ArgumentError: if an argument is outside its range, or a function is not a sampler.
        ModelError: if the file does not hold a valid model.

    >>> from bytepiece.audit import audit
    >>> report = audit(samplers=["perfect", "viterbi"], alphas=[1.0], draws=2000)
    >>> [(verdict.sampler, verdict.follows) for verdict in report.verdicts]
    [('perfect', True), ('viterbi', False)]
    >>> report.verdicts[1].evidence.case
    'three equal'
    """
    begin = time.perf_counter()
    asked = resolve(samplers)
    if not isinstance(alphas, Iterable):
        raise ArgumentError("alphas are a list, even if it holds a single value")
    exponents = [_checked_alpha(alpha) for alpha in alphas]
    _check_numbers(asked, exponents, draws, seed)
    if any(sampler.fixed for sampler in asked) and (model is None or len(exponents) != 1):
        raise ArgumentError(
            "a function has its own vocabulary and alpha: give the model and the one alpha it has"
        )
    vocabularies, described = _vocabularies(model, texts)
    plan = _AuditPlan(vocabularies, exponents, draws, seed)
    verdicts = tuple(plan.verdict(sampler, progress) for sampler in asked)
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


def _check_numbers(
    samplers: list[AuditedSampler], alphas: list[float], draws: int, seed: int
) -> None:
    if not samplers:
        raise ArgumentError("no sampler to audit")
    if not alphas:
        raise ArgumentError("no alpha to audit at")
    if type(draws) is not int or draws < LEAST_DRAWS:
        raise ArgumentError(f"draws must be a whole number of at least {LEAST_DRAWS}, not {draws}")
    if type(seed) is not int or not 0 <= seed < 2**64:
        raise ArgumentError(f"seed must be in 0…2^64 − 1, not {seed!r:.60}")


def _vocabularies(
    model: Model | str | os.PathLike[str] | None, texts: Iterable[Text] | None
) -> tuple[list[AuditedVocabulary], str]:
    """Return the vocabularies to audit with and their texts, and a description of the model."""
    if model is None:
        if texts is not None:
            raise ArgumentError("texts need the model that segments them")
        return built_in(), "vocabularies of the audit's own"
    name = "the model"
    if not isinstance(model, Model):
        name = os.path.basename(os.fspath(model))  # noqa: PTH119
        model = model_io.load(model)
    given = texts_of(TEXTS if texts is None else texts)
    lines = tuple(_checked_text(text, model) for _, text in numbered(given))
    if not 1 <= len(lines) <= MOST_TEXTS:
        raise ArgumentError(f"{len(lines)} texts to audit on; give 1 to {MOST_TEXTS}")
    described = f"{name}: {len(model.pieces)} pieces, fingerprint {model.fingerprint[:16]}"
    return [AuditedVocabulary(name, model, lines)], described


def _checked_text(text: Text, model: Model) -> str:
    raw = to_bytes(text)
    if not raw or b"\n" in raw:
        raise ArgumentError(f"a text must be one line that is not empty, not {text!r:.60}")
    if not is_utf8(raw):
        raise ArgumentError(f"a text is not UTF-8, and samplers take characters: {text!r:.60}")
    segmented = normalized(raw, model)
    if not segmented:
        raise ArgumentError(f"nothing is left of the text {text!r:.60} when it is normalized")
    if len(segmented) > MOST_BYTES:
        raise ArgumentError(
            f"a text has {len(segmented)} bytes, more than {MOST_BYTES}; give a part of it"
        )
    # The rules of another library may change a normalized text again, by a space in front.
    return segmented.decode() if model.is_own else raw.decode()


class _PlannedCase(NamedTuple):
    """A text to segment with a vocabulary at an alpha, and the number of draws."""

    vocabulary: AuditedVocabulary
    text: str
    alpha: float
    draws: int


class _AuditPlan:
    """The cases that every sampler gets: all texts at all alphas."""

    def __init__(
        self, vocabularies: list[AuditedVocabulary], alphas: list[float], draws: int, seed: int
    ) -> None:
        self._vocabularies = vocabularies
        self._seed = seed
        self._planned = [
            _PlannedCase(vocabulary, text, alpha, _draws_of(text, draws))
            for vocabulary in vocabularies
            for text in vocabulary.texts
            for alpha in alphas
        ]

    def verdict(self, sampler: AuditedSampler, progress: Progress | None) -> Verdict:
        """Return the verdict on a sampler."""
        reason = sampler.missing()
        law = sampler.law_of(self._vocabularies[0].model)
        if reason is not None:
            return _not_audited(sampler, law, "", reason)
        notes = _Notes()
        cases: list[tuple[int, Case]] = []
        done, total = 0, sum(planned.draws for planned in self._planned)
        seconds = 0.0

        def tell(draws: int) -> None:
            if progress:
                progress(f"auditing {sampler.name}", done + draws, total)

        with ExitStack() as stack:
            loaded_by_name = {
                vocabulary.name: _loaded(sampler, vocabulary, stack, notes)
                for vocabulary in self._vocabularies
            }
            for number, planned in enumerate(self._planned):
                loaded = loaded_by_name[planned.vocabulary.name]
                try:
                    if loaded is not None:
                        case, took = self._case(loaded, number, planned.draws, 0, tell)
                        cases.append((number, case))
                        seconds += took
                except NotPossibleError as error:
                    notes.add(str(error), f"{planned.vocabulary.name}, {planned.text!r:.24}")
                done += planned.draws
            if not cases:
                return _not_audited(sampler, law, sampler.version(), notes.text())
            p, spread = combined([case for _, case in cases])
            evidence = None
            if p < THRESHOLD:
                number, case = min(cases, key=_smallness)
                loaded = loaded_by_name[case.name]
                assert loaded is not None
                with suppress(NotPossibleError):  # the library may fail this time
                    evidence = self._evidence(loaded, number, case)
        return Verdict(
            sampler=sampler.name,
            version=sampler.version(),
            law=law,
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
        loaded: LoadedSampler,
        number: int,
        draws: int,
        attempt: int,
        tell: Callable[[int], None] = lambda _: None,
    ) -> tuple[Case, float]:
        """Draw and test one case.

        Args:
            loaded: the sampler.
            number: the number of the case in the plan.
            draws: the number of draws.
            attempt: 0 for the verdict, or the number of an attempt to find evidence. Every attempt
                has fresh draws.
            tell: a function to call with the number of draws done.

        Returns:
            the case, and the seconds that drawing took.
        """
        planned = self._planned[number]
        law = loaded.law(planned.text, planned.alpha)
        counted = DrawCounts(law, rare_edges(law, draws))
        most = max(LEAST_DRAWS, min(_MOST_DRAWS, _MOST_DRAWN_BYTES // len(law.text)))
        seconds = 0.0
        while counted.draws < draws:
            sequence = np.random.SeedSequence([self._seed, number, attempt, counted.draws])
            drawn = loaded.draw(
                planned.text,
                planned.alpha,
                min(most, draws - counted.draws),
                int(sequence.generate_state(1, np.uint64)[0]),
            )
            counted.add(drawn)
            seconds += drawn.seconds
            tell(counted.draws)
        return case_of(planned.vocabulary.name, counted), seconds

    def _evidence(self, loaded: LoadedSampler, number: int, case: Case) -> Evidence | None:
        """Find about the fewest fresh draws of a case that refute the sampler.

        The p-value of each attempt is multiplied by the number of attempts so far.
        """
        for attempt in range(1, _MOST_ATTEMPTS + 1):
            draws = LEAST_DRAWS << (attempt - 1)
            found, _ = self._case(loaded, number, draws, attempt)
            p = min(1.0, found.p * attempt)
            if p < THRESHOLD:
                return Evidence(case.name, case.text, case.alpha, draws, p, found.worst)
            if draws > case.draws:
                break
        return None


def _smallness(numbered: tuple[int, Case]) -> tuple[bool, int, float]:
    """Return a sort key: cases that alone refute the sampler come first, then shorter texts."""
    case = numbered[1]
    return case.p >= THRESHOLD, len(case.text.encode()), case.p


def _draws_of(text: str, draws: int) -> int:
    """Return the number of draws of a text, given the number of draws of a short text."""
    size = len(text.encode())
    return min(draws, max(_LEAST_OF_LONG, draws * _SHORT_BYTES // size))


class _Notes:
    """The notes on a sampler: each message once, with the vocabularies or texts it concerns."""

    def __init__(self) -> None:
        self._places: dict[str, dict[str, None]] = {}

    def add(self, message: str, place: str) -> None:
        self._places.setdefault(message, {})[place] = None

    def text(self) -> str:
        notes = []
        for message, places in self._places.items():
            more = f" and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
            notes.append(f"{message} ({'; '.join(list(places)[:_MOST_PLACES])}{more})")
        return "; ".join(notes)


def _loaded(
    sampler: AuditedSampler, vocabulary: AuditedVocabulary, stack: ExitStack, notes: _Notes
) -> LoadedSampler | None:
    """Return the sampler with a vocabulary, or None and a note if it cannot represent it."""
    try:
        loaded = sampler.load(vocabulary.model)
    except NotPossibleError as error:
        notes.add(str(error), vocabulary.name)
        return None
    stack.callback(loaded.close)
    if loaded.note:
        notes.add(loaded.note, vocabulary.name)
    return loaded


def _not_audited(sampler: AuditedSampler, law: str, version: str, reason: str) -> Verdict:
    return Verdict(sampler.name, version, law, None, None, {}, (), None, reason, 0.0)


def combined(cases: Sequence[Case]) -> tuple[float, dict[str, float]]:
    """Combine the p-values of all tests of all cases.

    Each kind of test contributes three p-values: one for the smallest p-value of its tests, one for
    the product of their p-values, and one for the uniformity of their p-values. The smallest of all
    these contributions, multiplied by their number, is the combined p-value (Bonferroni).

    Returns:
        the combined p-value, and the uniformity of each kind's p-values.
    """
    by_kind: dict[str, list[float]] = {}
    for case in cases:
        for kind, test in case.tests.items():
            by_kind.setdefault(kind, []).append(test.p)
    spread = {
        kind: tails.uniformity(ps, conservative=kind in _CONSERVATIVE)
        for kind, ps in by_kind.items()
    }
    every = list(spread.values())
    for ps in by_kind.values():
        every += [tails.smallest(ps), tails.product(ps)]
    return min([1.0, *(p * len(every) for p in every)]), spread
