"""The results of an audit, in plain types: from a single test to the whole report."""

from dataclasses import dataclass

THRESHOLD = 1e-5
"""A sampler does not follow the law if its evidence is less probable than this under the law. The
threshold is so small that years of audits with new seeds do not refute a right sampler."""


@dataclass(frozen=True)
class Test:
    """One test of the draws of one case.

    Args:
        p: the probability, under the law, of a deviation at least as large.
        statistic: the number computed from the draws.
        degrees: the degrees of freedom; 1 for a mean, 0 for a count.
    """

    p: float
    statistic: float
    degrees: int


@dataclass(frozen=True)
class Frequency:
    """A segmentation or an edge, its probability by the law, and how often it was drawn.

    Args:
        shown: the pieces of a segmentation in printable form, with spaces between them; or an edge
            in brackets, with the text around it.
        probability: its probability by the law.
        drawn: the number of draws that had it.
    """

    shown: str
    probability: float
    drawn: int


@dataclass(frozen=True)
class Case:
    """The draws of one sampler from one text at one alpha, against the law.

    Args:
        name: the name of the vocabulary.
        text: the text that was segmented.
        alpha: the exponent.
        draws: the number of draws.
        paths: the number of segmentations; None if they were too many to enumerate.
        impossible: the number of draws that are not a segmentation of the text, or have probability
            0 by the law.
        tests: the tests by kind: "paths" (frequencies of all segmentations), "transitions" (from
            each boundary to the next), "pairs" (two transitions in a row), "rare" (draws with an
            edge that should hardly ever be drawn), "score" and "tokens" (their means).
        p: the p-value of all tests of this case together, corrected for their number.
        total_variation: the distance between frequencies and law over all segmentations; None if
            `paths` is None.
        noise: the mean total variation of a sampler that follows the law.
        kl: the divergence of the frequencies from the law, in nats.
        best_drawn_most: whether no segmentation was drawn more often than the most probable ones.
        frequencies: the frequencies of segmentations, the most probable first, as many as a page
            shows; those of edges if there are too many segmentations.
        worst: the segmentation or edge whose frequency deviates most from the law, in standard
            deviations.
    """

    name: str
    text: str
    alpha: float
    draws: int
    paths: int | None
    impossible: int
    tests: dict[str, Test]
    p: float
    total_variation: float | None
    noise: float | None
    kl: float | None
    best_drawn_most: bool | None
    frequencies: tuple[Frequency, ...]
    worst: Frequency


@dataclass(frozen=True)
class Evidence:
    """The smallest case that shows that a sampler does not follow the law.

    Args:
        case: the name of the case.
        text: its text.
        alpha: its exponent.
        draws: the number of fresh draws that were enough.
        p: the p-value of these draws.
        worst: the segmentation or edge that deviates most in these draws.
    """

    case: str
    text: str
    alpha: float
    draws: int
    p: float
    worst: Frequency


@dataclass(frozen=True)
class Verdict:
    """The result for one sampler.

    Args:
        sampler: its name.
        version: the version of its library.
        law: the law that its draws were compared with, in words.
        follows: whether they follow the law, that is, whether `p` is not below the threshold; None
            if the sampler could not be audited.
        p: the p-value of all its tests in all cases together, corrected for their number; None if
            it could not be audited.
        uniformity: for each kind of test, the p-value of the hypothesis that its p-values are
            uniform.
        cases: all cases.
        evidence: the smallest evidence, if it does not follow the law.
        note: why it could not be audited, or which part of a vocabulary it could not represent.
        seconds: the time that drawing took.
    """

    sampler: str
    version: str
    law: str
    follows: bool | None
    p: float | None
    uniformity: dict[str, float]
    cases: tuple[Case, ...]
    evidence: Evidence | None
    note: str
    seconds: float


@dataclass(frozen=True)
class Report:
    """An audit: its settings and its verdicts.

    Args:
        verdicts: those of the samplers, in the order in which they were named.
        draws: the number of draws of a short text; longer texts get fewer.
        seed: the seed of the samplers that take one.
        model: a description of the model.
        versions: the versions of Python and of the libraries.
        date: the time of its end, ISO 8601.
        seconds: the time that it took.
    """

    verdicts: tuple[Verdict, ...]
    draws: int
    seed: int
    model: str
    versions: dict[str, str]
    date: str
    seconds: float
