"""The page that shows an audit: one HTML document that needs no other file.

The document is in `templates/page.html`, its style in `templates/page.css`. The values that the
template shows go through the filters below. Strings from outside, such as texts and the names of
samplers, are escaped by the filters or by the template itself.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from bytepiece.audit import plots
from bytepiece.audit.plots import FEW, NOISE, deviates, ratio
from bytepiece.audit.results import THRESHOLD, Case, Report, Verdict
from bytepiece.audit.shown import escaped, probability
from bytepiece.display import NOTHING, duration, number, percent, visible
from bytepiece.errors import ArgumentError

try:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup
except ImportError:
    raise ArgumentError(
        "the page of an audit needs jinja2, which is not installed; pip install 'bytepiece[audit]'"
    ) from None

DILUTION = "three equal"
"""The name of the case that shows the fault of Viterbi sampling, with three equal candidates."""

_KINDS = {
    "paths": "frequencies of all segmentations",
    "transitions": "from each boundary of pieces to the next",
    "pairs": "two such steps in a row",
    "rare": "draws with an edge that is hardly ever to be drawn",
    "score": "the mean score",
    "tokens": "the mean number of pieces",
}
_VERDICTS = {
    True: ("good", "✓", "follows"),
    False: ("bad", "✗", "does not follow"),
    None: ("soft", "–", "could not be audited"),
}

_Figure = tuple[Markup | str, Markup | str, Markup]
"""A title, a line below it, and a plot."""


def page(report: Report) -> str:
    """Return the whole document.

    Args:
        report: the report of an audit; its strings may contain anything.
    """
    environment = Environment(
        loader=PackageLoader("bytepiece.audit"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= _FILTERS
    environment.globals |= {
        "KINDS": _KINDS,
        "NOISE": NOISE,
        "NOTHING": NOTHING,
        "THRESHOLD": THRESHOLD,
        "VERDICTS": _VERDICTS,
    }
    template = environment.get_template("page.html")
    return template.render(report=report, dilution=_dilution(report.verdicts)).lstrip()


def _escaped(text: str, *longest: int) -> Markup:
    return Markup(escaped(text, *longest))  # escaped


def _probability(p: float | None) -> Markup:
    return Markup(probability(p))  # contains no string from outside


def _relation(p: float) -> Markup:
    """Return a p-value with "= " before it, or as it is if it begins with "<"."""
    shown = _probability(p)
    return shown if shown.startswith("&lt;") else Markup("= ") + shown


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + "s" * (number != 1)


def _plot(svg: str) -> Markup:
    return Markup(svg)  # plots escape the strings in them


def _versions(report: Report) -> str:
    return ", ".join(f"{name} {version}" for name, version in report.versions.items())


def _facts(verdict: Verdict) -> list[Markup]:
    facts = []
    if verdict.version:
        facts.append(Markup("<bdi>{}</bdi>").format(_escaped(verdict.version)))
    if verdict.law:
        facts.append(Markup("held against <bdi>{}</bdi>").format(_escaped(verdict.law)))
    if verdict.cases:
        draws = sum(case.draws for case in verdict.cases)
        facts.append(Markup("{} in {}").format(_count(draws, "draw"), duration(verdict.seconds)))
    return facts


def _dilution(verdicts: Sequence[Verdict]) -> list[_Figure]:
    figures: list[_Figure] = []
    for verdict in verdicts:
        those = [case for case in verdict.cases if case.name == DILUTION and case.frequencies]
        if those:
            case = max(those, key=lambda case: case.alpha)  # the case in which a|b|c is rarest
            under = f"alpha {number(case.alpha)}, {case.draws:,} draws"
            plot = plots.bars(case, f"{visible(verdict.sampler)}, {under}", line=1 / 3)
            name = Markup("<bdi>{}</bdi>").format(_escaped(verdict.sampler))
            figures.append((name, under, _plot(plot)))
    return figures


def _figures(verdict: Verdict) -> list[_Figure]:
    name, cases = visible(verdict.sampler), verdict.cases
    under = _count(len(cases), "case")
    label = f"{name}, all cases"
    figures: list[_Figure] = [
        ("Draws against the law", under, _plot(plots.scatter(cases, label))),
        ("Deviations from the law", under, _plot(plots.deviations(cases, label))),
    ]
    telling = [case for case in cases if case.frequencies]
    if telling:
        # Among cases that are equally bad, the one with the fewest segmentations.
        case = min(telling, key=lambda case: (case.p, len(case.frequencies)))
        text = Markup("<code>‘{}’</code> at alpha {}, {}, p {}").format(
            _escaped(case.text, 60),
            number(case.alpha),
            _count(case.draws, "draw"),
            _relation(case.p),
        )
        label = f"{name}, {visible(case.text, 60)} at alpha {number(case.alpha)}"
        few = len(case.frequencies) <= FEW
        plot = plots.bars(case, label) if few else plots.scatter([case], label)
        figures.append(("The case with the smallest p", text, _plot(plot)))
    values = [test.p for case in cases for test in case.tests.values()]
    if values:
        plot = plots.histogram(values, f"{name}, all tests")
        figures.append(("All p-values", _count(len(values), "test"), _plot(plot)))
    return figures


def _p_values(cases: Iterable[Case], kind: str) -> list[float]:
    return [case.tests[kind].p for case in cases if kind in case.tests]


def _small_histogram(values: Sequence[float], sampler: str, kind: str) -> Markup:
    return _plot(plots.small_histogram(values, f"{visible(sampler)}, {visible(kind)}"))


def _kinds_of(cases: Iterable[Case], others: Iterable[str] = ()) -> list[str]:
    """Return the kinds of tests: known kinds in their order, then others as they occur."""
    found = dict.fromkeys([kind for case in cases for kind in case.tests] + list(others))
    return [kind for kind in _KINDS if kind in found] + [
        kind for kind in found if kind not in _KINDS
    ]


_FILTERS: dict[str, Any] = {
    "count": _count,
    "deviates": deviates,
    "duration": duration,
    "escaped": _escaped,
    "facts": _facts,
    "figures": _figures,
    "kinds_of": _kinds_of,
    "number": number,
    "p_values": _p_values,
    "percent": percent,
    "probability": _probability,
    "ratio": ratio,
    "relation": _relation,
    "small_histogram": _small_histogram,
    "versions": _versions,
}
