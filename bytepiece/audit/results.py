"""The results of an audit, in plain types: from a single test to the whole report."""

from dataclasses import dataclass

THRESHOLD = 1e-5
"""The smallest p-value of a sampler that follows the law. It is so small that a correct sampler
keeps its verdict over years of audits with different seeds."""


@dataclass(frozen=True)
class Test:
    """One test of the draws of one case.

    Args:
        p: the p-value: the probability that draws from the law deviate at least as much.
        statistic: the statistic of the test, computed from the draws.
        degrees: the degrees of freedom; 1 for the test of a mean, 0 for the test of a count.
    """

    p: float
    statistic: float
    degrees: int


@dataclass(frozen=True)
class Frequency:
    """A segmentation or an edge, its probability by the law, and how often it was drawn.

    Args:
        shown: the pieces in printable form, separated by spaces; or the edge in brackets, with a
            part of the text around it.
        probability: the probability of the segmentation or edge by the law.
        drawn: the number of draws that are this segmentation or have this edge.
    """

    shown: str
    probability: float
    drawn: int


@dataclass(frozen=True)
class Case:
    """The draws of one sampler from one text at one alpha, compared with the law.

    Args:
        name: the name of the vocabulary.
        text: the text that was segmented.
        alpha: the exponent.
        draws: the number of draws.
        paths: the number of segmentations that can be drawn; None if the text has too many to
            enumerate.
        impossible: the number of draws that are not a segmentation of the text, or have a
            probability of 0 by the law.
        tests: the tests by kind. "paths" tests the frequencies of all segmentations, "transitions"
            the steps from each boundary to the next, "pairs" two steps in a row, "rare" the draws
            with an edge that should hardly ever be drawn, "score" the mean score, and "tokens" the
            mean number of pieces.
        p: the p-value of all tests of this case together, corrected for the number of tests.
        total_variation: the total variation distance between the frequencies of segmentations and
            the law; None if `paths` is None.
        noise: the mean total variation of a sampler that follows the law; None if `paths` is None.
        kl: the Kullback-Leibler divergence of the frequencies from the law, in nats; None if it is
            infinite or `paths` is None.
        best_drawn_most: whether no segmentation was drawn more often than the most probable ones;
            None if `paths` is None.
        frequencies: the frequencies of the 30 most probable segmentations, the most probable first;
            the frequencies of edges if `paths` is None.
        worst: the segmentation or edge whose frequency deviates most from the law, in standard
            deviations; an impossible draw if there are any.
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
        case: the name of the vocabulary.
        text: the text that was segmented.
        alpha: the exponent.
        draws: the number of fresh draws that were enough to refute the sampler.
        p: the p-value of these draws, corrected for the number of attempts.
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
        sampler: the name of the sampler.
        version: the version of its library; empty if the sampler has no version.
        law: the law that the draws were compared with, in words.
        follows: whether the draws follow the law, that is, whether `p` is not below the threshold;
            None if the sampler could not be audited.
        p: the p-value of all tests in all cases together, corrected for the number of tests; None
            if the sampler could not be audited.
        uniformity: for each kind of test, the p-value of the hypothesis that the p-values of these
            tests are uniform.
        cases: all cases of the sampler.
        evidence: the smallest case that refutes the sampler; None if it follows the law, or if no
            fresh draws refute it.
        note: why the sampler could not be audited, or which cases or parts of a vocabulary had to
            be left out; empty if nothing was.
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
        verdicts: the verdicts on the samplers, in the order in which the caller named them.
        draws: the number of draws of a short text at each alpha; longer texts get fewer.
        seed: the seed for samplers that take a seed.
        model: a description of the model.
        versions: the versions of Python, NumPy and bytepiece.
        date: the time when the audit ended, in ISO 8601.
        seconds: the time that the audit took.
    """

    verdicts: tuple[Verdict, ...]
    draws: int
    seed: int
    model: str
    versions: dict[str, str]
    date: str
    seconds: float
