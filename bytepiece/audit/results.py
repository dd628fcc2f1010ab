"""What an audit finds, in plain types: from single tests up to the whole report."""

from dataclasses import dataclass

THRESHOLD = 1e-5
"""A sampler whose evidence is less probable than this under the law does not follow it: so small
that a right sampler keeps its verdict over years of seeds, and a wrong one is not saved by luck."""


@dataclass(frozen=True)
class Test:
    """One test of the draws of one case.

    Args:
        p: the probability, under the law, of a deviation at least as large.
        statistic: what was computed from the draws.
        degrees: of freedom; 1 for a mean, 0 where the p-value is that of a count.
    """

    p: float
    statistic: float
    degrees: int


@dataclass(frozen=True)
class Frequency:
    """A segmentation or an edge: how often the law has it, and how often it was drawn.

    Args:
        shown: its pieces, made visible, separated by spaces; an edge is shown in its text.
        probability: by the law.
        drawn: how many draws had it.
    """

    shown: str
    probability: float
    drawn: int


@dataclass(frozen=True)
class Case:
    """The draws of one sampler from one text at one alpha, against the law.

    Args:
        name: of the vocabulary and the text.
        text: what was segmented.
        alpha: the exponent.
        draws: how many.
        paths: how many segmentations there are; None where they were too many to enumerate.
        impossible: draws that are no segmentation of the text, or have no probability at all.
        tests: by kind: "paths" (frequencies of all segmentations), "transitions" (from each
            boundary to the next), "pairs" (two transitions in a row), "rare" (draws with an edge
            that is hardly ever to be drawn), "score" and "tokens" (their means).
        p: of all the tests of this case together, corrected for how many they are.
        total_variation: between frequencies and law, of all segmentations; None beside `paths`.
        noise: what total variation a sampler that follows the law has on average.
        kl: the divergence of the frequencies from the law, in nats.
        best_drawn_most: whether no segmentation was drawn more often than the most probable ones.
        frequencies: of segmentations, most probable first, or of edges where they were too many;
            not more than a page shows.
        worst: of all of them the one whose frequency deviates the most from the law, in standard
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
        case: its name; text and alpha tell the rest.
        draws: so few of them were enough, drawn for the purpose.
        p: of these draws.
        worst: the segmentation or edge that deviates the most in them.
    """

    case: str
    text: str
    alpha: float
    draws: int
    p: float
    worst: Frequency


@dataclass(frozen=True)
class Verdict:
    """What became of one sampler.

    Args:
        sampler: its name.
        version: of the library it belongs to.
        law: what its draws were held against, in words.
        follows: whether they follow it: `p` is not below the threshold.
        p: of all its tests in all cases together, corrected for how many they are; None if it
            could not be audited.
        uniformity: of each kind of test, the p-value of its p-values being uniform.
        cases: all of them.
        evidence: if it does not follow the law.
        note: why it could not be audited, or what it could not hold of a vocabulary.
        seconds: how long drawing took.
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
    """An audit: what was asked, with what, and the verdicts.

    Args:
        verdicts: of the samplers, in the order they were asked for.
        draws: of a short text; longer ones get fewer.
        seed: of those samplers that take one, and of the simulations.
        model: in words.
        versions: of Python and of the libraries.
        date: when it ended, ISO 8601.
        seconds: how long it took in all.
    """

    verdicts: tuple[Verdict, ...]
    draws: int
    seed: int
    model: str
    versions: dict[str, str]
    date: str
    seconds: float
