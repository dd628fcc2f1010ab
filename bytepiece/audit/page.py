"""The page that shows an audit: one HTML document that needs nothing beside itself."""

from collections.abc import Iterable, Sequence

from bytepiece.audit.plots import (
    FEW,
    NOISE,
    bars,
    deviates,
    deviations,
    histogram,
    ratio,
    scatter,
    small_histogram,
)
from bytepiece.audit.results import THRESHOLD, Case, Evidence, Frequency, Report, Verdict
from bytepiece.audit.shown import NOTHING, duration, escaped, number, percent, probability, visible
from bytepiece.audit.style import STYLE

DILUTION = "three equal"
"""The name of the case that shows how Viterbi sampling dilutes: three candidates of one score."""

_KINDS = {
    "paths": "frequencies of all segmentations",
    "transitions": "from each boundary of pieces to the next",
    "pairs": "two such steps in a row",
    "rare": "draws with an edge that is hardly ever to be drawn",
    "score": "the mean score",
    "tokens": "the mean number of pieces",
}

# The document reads nothing and runs nothing, whatever the strings in it say.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

# The same for all audits.
_GUIDE = f"""<h2 id="guide">How to read this</h2>
<ul class="guide">
<li><strong>The law.</strong> A text can be cut into pieces in many ways, its segmentations.
Subword regularization draws one with probability exp(alpha · sum of its pieces’ scores), divided
by the sum of that over all segmentations. Alpha 0 makes all equally probable; the larger alpha, the
more often the best is drawn. The audit computes the law exactly and counts what a sampler
draws.</li>
<li><strong>p</strong> is how probable the law makes a deviation at least as large as the one found,
corrected for how many tests there were. A sampler whose p is below {probability(THRESHOLD)} does
not follow the law: luck is no explanation any more. One that follows has not been proven right; so
many draws found nothing.</li>
<li><strong>Law and draws.</strong> Each dot is a segmentation; where a text has too many, it is an
edge, a piece at a place. On the dashed line it is drawn just as often as it should be. In the
shaded band the difference may be noise, to {NOISE:g} standard deviations; with fewer draws there is
more of it, and a wider, paler band. Dots beyond the noise of their own case are square and larger.
“Deviations” are the same dots, measured in standard deviations. Bars say the same of a few
segmentations: the upright mark is the law, the shade around it the noise.</li>
<li><strong>P-values</strong> of a sampler that follows the law are spread evenly, along the dashed
line, but those of counts (“rare”) heap up at 1. Of one that does not, they heap up at 0.
“Even” in the table of kinds is the p-value of their spread.</li>
<li><strong>Total variation</strong> is the part of the draws that would have to be moved to fit the
law, 0 to 1; noise alone leaves what “its noise” says. <strong>KL</strong> is the divergence of the
frequencies from the law, in nats.</li>
<li><strong>Best most</strong>: whether no segmentation was drawn more often than the most probable
ones.</li>
</ul>"""


def page(report: Report) -> str:
    """The whole document.

    Args:
        report: of an audit; its strings may hold anything.
    """
    samplers = "".join(_sampler(i, verdict) for i, verdict in enumerate(report.verdicts))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>Audit of segmentation samplers</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>Do samplers of segmentations follow their law?</h1>
{_headline(report.verdicts)}
<p class="soft">The law is that of subword regularization: a segmentation is drawn with probability
proportional to exp(alpha · sum of its pieces’ scores). <a href="#guide">How to read this</a></p>
</header>
<main>
{_summary(report)}
{_facts(report)}
{_dilution(report.verdicts)}
{_GUIDE}
{"<h2>Sampler by sampler</h2>" if samplers else ""}
{samplers}
</main>
</body>
</html>
"""


def _headline(verdicts: Sequence[Verdict]) -> str:
    found = [verdict.follows for verdict in verdicts]
    parts = [
        _many(len(found), "sampler"),
        f"✓ {found.count(True)} following the law",
        f"✗ {found.count(False)} not following it",
    ]
    if None in found:
        parts.append(f"– {found.count(None)} that could not be audited")
    return f"<p>{': '.join([parts[0], ', '.join(parts[1:])])}.</p>"


def _summary(report: Report) -> str:
    heads = ("Sampler", "Verdict", "p", "Smallest evidence", "Held against", "Version")
    rows = []
    for i, verdict in enumerate(report.verdicts):
        evidence = _evidence(verdict.evidence) if verdict.evidence else ""
        note = f'<div class="soft"><bdi>{escaped(verdict.note, 400)}</bdi></div>'
        link = f'<a href="#sampler-{i}"><bdi>{escaped(verdict.sampler) or NOTHING}</bdi></a>'
        cells = (
            f'<th scope="row">{link}</th>',
            f"<td>{_verdict(verdict.follows)}</td>",
            f'<td class="number" data-of="p">{probability(verdict.p)}</td>',
            f"<td>{evidence}{note if verdict.note else ''}</td>",
            f'<td data-of="Held against"><bdi>{escaped(verdict.law)}</bdi></td>',
            f'<td data-of="Version"><bdi>{escaped(verdict.version)}</bdi></td>',
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<h2>Verdicts</h2>{_table('verdicts', heads, rows, numbers=('p',))}"


def _facts(report: Report) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    facts = {
        "Model": escaped(report.model, 400),
        "Draws": f"{report.draws:,} of a short text, fewer of longer ones",
        "Seed": str(report.seed),
        "Threshold": f"p below {probability(THRESHOLD)} for all tests of a sampler together",
        "Date": escaped(report.date.replace("T", " ", 1)),
        "Took": duration(report.seconds),
        "Versions": escaped(versions, 800) or NOTHING,
    }
    entries = "".join(f"<dt>{name}</dt><dd><bdi>{fact}</bdi></dd>" for name, fact in facts.items())
    return f'<h2>What was audited</h2><dl class="facts">{entries}</dl>'


def _dilution(verdicts: Sequence[Verdict]) -> str:
    figures = []
    for verdict in verdicts:
        those = [case for case in verdict.cases if case.name == DILUTION and case.frequencies]
        if those:
            case = max(those, key=lambda case: case.alpha)  # where a|b|c is rarest
            name = visible(verdict.sampler)
            under = f"alpha {number(case.alpha)}, {case.draws:,} draws"
            plot = bars(case, f"{name}, {under}", line=1 / 3)
            figures.append(_figure(f"<bdi>{escaped(verdict.sampler)}</bdi>", under, plot))
    if not figures:
        return ""
    return f"""<h2>Dilution: three candidates of equal score</h2>
<p>Three segmentations with the same score have probability 1/3 each, whatever alpha is. Viterbi
sampling compares candidates two at a time: the second replaces the first with probability 1/2, the
third whichever is held with probability 1/2 again, so they come out 1/4, 1/4 and 1/2.</p>
<div class="figures">{"".join(figures)}</div>"""


def _sampler(i: int, verdict: Verdict) -> str:
    cases = verdict.cases
    facts = [f"<bdi>{escaped(verdict.version)}</bdi>" if verdict.version else ""]
    facts.append(f"held against <bdi>{escaped(verdict.law)}</bdi>" if verdict.law else "")
    if cases:
        draws = sum(case.draws for case in cases)
        facts.append(f"{_many(draws, 'draw')} in {duration(verdict.seconds)}")
    parts = [
        f'<section class="sampler" id="sampler-{i}">',
        f"<h3><bdi>{escaped(verdict.sampler) or NOTHING}</bdi></h3>",
        f"<p>{_verdict(verdict.follows)}",
        f", p {_relation(probability(verdict.p))}</p>" if verdict.p is not None else "</p>",
        f'<p class="soft">{"; ".join(filter(None, facts))}</p>',
        f"<p><bdi>{escaped(verdict.note, 1000)}</bdi></p>" if verdict.note else "",
        f"<p>{_evidence(verdict.evidence)}.</p>" if verdict.evidence else "",
        _figures(verdict),
        _kinds(verdict),
        _cases(verdict) if cases else "",
        "</section>",
    ]
    return "".join(parts)


def _figures(verdict: Verdict) -> str:
    figures = []
    name = visible(verdict.sampler)
    cases = verdict.cases
    under = _many(len(cases), "case")
    label = f"{name}, all cases"
    figures.append(_figure("Draws against the law", under, scatter(cases, label)))
    figures.append(_figure("Deviations from the law", under, deviations(cases, label)))
    telling = [case for case in cases if case.frequencies]
    if telling:
        # Of several that are as bad, the one with least to look at.
        case = min(telling, key=lambda case: (case.p, len(case.frequencies)))
        under = (
            f"{_text(case.text, 60)} at alpha {number(case.alpha)}, {_many(case.draws, 'draw')}, "
            f"p {_relation(probability(case.p))}"
        )
        label = f"{name}, {visible(case.text, 60)} at alpha {number(case.alpha)}"
        few = len(case.frequencies) <= FEW
        plot = bars(case, label) if few else scatter([case], label)
        figures.append(_figure("The case with the smallest p", under, plot))
    values = [test.p for case in cases for test in case.tests.values()]
    if values:
        under = _many(len(values), "test")
        figures.append(_figure("All p-values", under, histogram(values, f"{name}, all tests")))
    return f'<div class="figures">{"".join(figures)}</div>'


def _kinds(verdict: Verdict) -> str:
    heads = ("Test", "How many", "P-values, 0 to 1", "Even", "Smallest p", "Of what")
    rows = []
    for kind in _kinds_of(verdict.cases, verdict.uniformity):
        values = [case.tests[kind].p for case in verdict.cases if kind in case.tests]
        label = f"{visible(verdict.sampler)}, {visible(kind)}"
        cells = (
            f'<th scope="row">{escaped(kind)}</th>',
            f'<td class="number">{len(values)}</td>',
            f"<td>{small_histogram(values, label) if values else NOTHING}</td>",
            f'<td class="number">{_p(verdict.uniformity.get(kind))}</td>',
            f'<td class="number">{_p(min(values, default=None))}</td>',
            f"<td>{_KINDS.get(kind, NOTHING)}</td>",
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    if not rows:
        return ""
    table = _table("kinds", heads, rows, numbers=("How many", "Even", "Smallest p"))
    return f"<details><summary>Its tests by kind</summary>{table}</details>"


def _cases(verdict: Verdict) -> str:
    kinds = _kinds_of(verdict.cases)
    tests = tuple(f"p of {escaped(kind, 40)}" for kind in kinds)
    before = ("Alpha", "Draws", "p of all tests")
    after = ("Total variation", "Its noise", "KL", "Segmen&shy;tations", "Impossible")
    heads = ("Case", "Text", *before, "Deviates most", *after, "Best most", *tests)
    rows = [f"<tr>{_case(case, kinds)}</tr>" for case in verdict.cases]
    table = _table("cases", heads, rows, numbers=(*before, *after, *tests))
    return (
        f"<details><summary>Its {_many(len(rows), 'case')}, one by one</summary>{table}</details>"
    )


def _case(case: Case, kinds: Iterable[str]) -> str:
    most = {None: NOTHING, True: "yes", False: "<strong>no</strong>"}[case.best_drawn_most]
    before = (number(case.alpha), f"{case.draws:,}", _p(case.p))
    after = (
        number(case.total_variation),
        number(case.noise),
        number(case.kl),
        "too many" if case.paths is None else f"{case.paths:,}",
        f"<strong>{case.impossible:,}</strong>" if case.impossible else "0",
    )
    tests = (_p(case.tests[kind].p) if kind in case.tests else NOTHING for kind in kinds)
    return (
        f'<th scope="row"><bdi>{escaped(case.name, 60)}</bdi></th>'
        f'<td class="wide">{_text(case.text, 60)}</td>{_numbers(before)}'
        f'<td class="wide">{_deviation(case.worst, case.draws)}</td>{_numbers(after)}'
        f"<td>{most}</td>{_numbers(tests)}"
    )


def _numbers(figures: Iterable[str]) -> str:
    return "".join(f'<td class="number">{figure}</td>' for figure in figures)


def _evidence(evidence: Evidence) -> str:
    return (
        f"{_many(evidence.draws, 'draw')} of {_text(evidence.text, 80)} at alpha "
        f"{number(evidence.alpha)}: {_deviation(evidence.worst, evidence.draws)} "
        f'<span class="soft whole">(p {_relation(probability(evidence.p))})</span>'
    )


def _deviation(worst: Frequency, draws: int) -> str:
    drawn, law = percent(ratio(worst, draws)), percent(worst.probability)
    figures = f"drawn {drawn}, law {law}"
    beyond = f"<strong>{figures}</strong>" if deviates(worst, draws) else figures
    return f"<code>{escaped(worst.shown, 80)}</code> {beyond}"


def _verdict(follows: bool | None) -> str:
    kind, sign, words = {
        True: ("good", "✓", "follows"),
        False: ("bad", "✗", "does not follow"),
        None: ("soft", "–", "could not be audited"),
    }[follows]
    return f'<span class="verdict {kind}"><span aria-hidden="true">{sign}</span> {words}</span>'


def _kinds_of(cases: Iterable[Case], others: Iterable[str] = ()) -> list[str]:
    """The kinds of tests there are: those known in their order, then others as they are met."""
    found = dict.fromkeys([kind for case in cases for kind in case.tests] + list(others))
    return [kind for kind in _KINDS if kind in found] + [
        kind for kind in found if kind not in _KINDS
    ]


def _table(kind: str, heads: Sequence[str], rows: Iterable[str], numbers: Iterable[str]) -> str:
    right = {*numbers}
    cells = "".join(
        f'<th scope="col"{" class=number" * (head in right)}>{head}</th>' for head in heads
    )
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{kind}"><table class="{kind}">'
        f"<thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _figure(title: str, under: str, plot: str) -> str:
    if not plot:
        return ""
    caption = f"<figcaption><strong>{title}</strong>{under}</figcaption>"
    return f"<figure>{caption}{plot}</figure>"


def _text(text: str, longest: int) -> str:
    return f"<code>‘{escaped(text, longest)}’</code>"


def _p(p: float | None) -> str:
    shown = probability(p)
    return f"<strong>{shown}</strong>" if p is not None and p < THRESHOLD else shown


def _relation(shown: str) -> str:
    """A p-value with the sign that belongs before it, but where it has its own."""
    return shown if shown.startswith("&lt;") else f"= {shown}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + "s" * (count != 1)
