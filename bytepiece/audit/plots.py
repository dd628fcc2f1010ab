"""The plots of an audit's page, as SVG inside the page.

They are written here and not by matplotlib. Its SVG of one scatter has 41 kB and takes 250 ms,
where this one has 3 kB and takes 2 ms, and a page has up to seven plots per sampler. It also fixes
colours in the file, while these plots take theirs from the page's style, in light, in dark and on
paper.
"""

import html
import itertools
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bytepiece.audit.results import Case, Frequency
from bytepiece.display import decade, number, percent, visible

NOISE = 4.0
"""Noise reaches this many standard deviations. By chance, 6 of 100,000 frequencies lie beyond."""

FEW = 10
"""The most frequencies that are shown as bars; more are shown as a scatter."""

# All plots are drawn on this canvas and scaled to their place on the page.
_WIDTH, _HEIGHT = 360, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 350, 24, 262
# The lane of a scatter for values without a logarithm.
_LANE = 24

# More dots would hide each other, and each takes ten bytes.
_MOST_DOTS = 700


class _Dot(NamedTuple):
    """A frequency: its value by the law, its value as drawn, the draws, and its deviation."""

    law: float
    drawn: float
    draws: int
    off: float


def ratio(frequency: Frequency, draws: int) -> float:
    """Return the share of the draws that had this segmentation."""
    return frequency.drawn / draws if draws else 0.0


def deviation(frequency: Frequency, draws: int) -> float:
    """Return the distance of a frequency from the law, in standard deviations of its noise.

    The distance is measured between arcsines of square roots of frequencies. They have nearly the
    same noise for every probability, even if there are few draws. The standard deviation of the
    frequency itself says little if there are few draws.
    """
    return 2 * math.sqrt(draws) * (_angle(ratio(frequency, draws)) - _angle(frequency.probability))


def deviates(frequency: Frequency, draws: int) -> bool:
    """Return whether a frequency is further from the law than the noise of these draws reaches."""
    return abs(deviation(frequency, draws)) > NOISE


def scatter(cases: Sequence[Case], label: str) -> str:
    """Plot frequencies against the law on logarithmic axes, with the diagonal and its noise.

    Args:
        cases: all their frequencies are shown, one dot each, beside the noise of their case.
        label: a description for readers who do not see the plot.
    """
    every = _every(cases)
    if not every:
        return ""
    axes = _Axes(every)
    draws = [dot.draws for dot in every]
    points = [(axes.x(dot.law), axes.y(dot.drawn)) for dot in every]
    # The case with the fewest draws has the most noise, and gets the lighter band.
    parts = [axes.band(n) for n in sorted({min(draws), max(draws)})]
    parts += [axes.across(), axes.upwards(), axes.diagonal(), _dots(points, every)]
    return _svg(_HEIGHT, f"{label}: frequencies drawn against the law; {_summary(every)}", parts)


def deviations(cases: Sequence[Case], label: str) -> str:
    """Plot the distance of each dot of a scatter from the diagonal.

    Args:
        cases, label: see `scatter`.
    """
    every = _every(cases)
    if not every:
        return ""
    axes = _Axes(every)
    most = max(NOISE * 1.5, *(abs(dot.off) for dot in every)) * 1.05
    middle, half = (_TOP + _BOTTOM) / 2, (_BOTTOM - _TOP) / 2

    def y(off: float) -> float:
        return middle - half * off / most

    step = next(m * 10**k for k in itertools.count() for m in (1, 2, 5) if most / (m * 10**k) < 4)
    ticks = [step * i for i in range(-3, 4) if abs(step * i) <= most]
    band = f"M{_LEFT} {y(NOISE):.1f}H{_RIGHT}V{y(-NOISE):.1f}H{_LEFT}z"
    points = [(axes.x(dot.law), y(dot.off)) for dot in every]
    parts = [
        f'<path class="noise" d="{band}"/>',
        axes.across(),
        *(_words(_LEFT - 5, round(y(tick)) + 4, _signed(tick), "end") for tick in ticks),
        _words(_LEFT, 14, "standard deviations ↑", "start"),
        f'<path class="law" d="M{_LEFT} {middle}H{_RIGHT}"/>',
        _dots(points, every),
    ]
    return _svg(_HEIGHT, f"{label}: standard deviations from the law; {_summary(every)}", parts)


class _Axes:
    """The two logarithmic axes of a scatter, with a lane for values below a single draw."""

    def __init__(self, every: Sequence[_Dot]) -> None:
        draws = max(dot.draws for dot in every)
        top = max(max(dot.law, dot.drawn) for dot in every)
        self.low = min(math.floor(-math.log10(draws)), -1)
        self.high = max(math.ceil(math.log10(top)), self.low + 1) if 0 < top < 1 else 0

    def _along(self, value: float) -> float:
        """Return the place of a value between the ends, 0…1; negative below the lower end."""
        return (math.log10(value) - self.low) / (self.high - self.low) if value > 0 else -1.0

    def x(self, value: float) -> float:
        along = self._along(value)
        start = _LEFT + _LANE
        return _LEFT + _LANE / 2 if along < 0 else start + min(along, 1.0) * (_RIGHT - start)

    def y(self, value: float) -> float:
        along = self._along(value)
        start = _BOTTOM - _LANE
        return _BOTTOM - _LANE / 2 if along < 0 else start - min(along, 1.0) * (start - _TOP)

    def diagonal(self) -> str:
        start, end = 10.0**self.low, 10.0**self.high
        ends = f"M{self.x(start):.0f} {self.y(start):.0f}L{self.x(end):.0f} {self.y(end):.0f}"
        return f'<path class="law" d="{ends}"/>'

    def band(self, draws: int) -> str:
        """Return the band in which the frequencies of this number of draws should lie."""
        steps = 80
        values = [10 ** (self.low + (self.high - self.low) * i / steps) for i in range(steps + 1)]
        reach = [(self.x(value), *_noise(value, draws)) for value in values]
        upper = [f"{x:.0f} {self.y(high):.0f}" for x, _, high in reach]
        # If noise reaches below a single draw, the band ends at the foot of the plot.
        feet = [(x, self.y(low) if low >= values[0] else _BOTTOM) for x, low, _ in reach]
        lower = [f"{x:.0f} {y:.0f}" for x, y in reversed(feet)]
        return f'<path class="noise" d="M{"L".join(upper + lower)}z"/>'

    def across(self) -> str:
        """Return the lower axis with its labels, and the lines of both axes."""
        lines, labels = [], []
        for exponent, label in self._decades():
            x = round(self.x(10.0**exponent))
            lines.append(f"M{x} {_TOP}V{_BOTTOM}")
            last = exponent == self.high
            labels.append(_words(x + 4 * last, _BOTTOM + 16, label, "end" if last else "middle"))
        labels.append(_words(_LEFT + 8, _BOTTOM + 16, "less", "end"))
        labels.append(_words(_RIGHT + 4, _BOTTOM + 33, "probability by the law →", "end"))
        frame = f'<path class="axis" d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}"/>'
        return f'<path class="grid" d="{"".join(lines)}"/>{frame}{"".join(labels)}'

    def upwards(self) -> str:
        """Return the labels and grid lines of the left axis."""
        lines, labels = [], []
        for exponent, label in self._decades():
            y = round(self.y(10.0**exponent))
            lines.append(f"M{_LEFT} {y}H{_RIGHT}")
            labels.append(_words(_LEFT - 5, y + 4, label, "end"))
        labels.append(_words(_LEFT - 5, _BOTTOM - 1, "0", "end"))
        labels.append(_words(_LEFT, 14, "drawn ↑", "start"))
        return f'<path class="grid" d="{"".join(lines)}"/>{"".join(labels)}'

    def _decades(self) -> list[tuple[int, str]]:
        """Return the powers of ten and their labels; crowded labels are left empty."""
        step = max(1, (self.high - self.low) // 5)
        exponents = range(self.high, self.low - 1, -1)
        return [(e, decade(e) if (self.high - e) % step == 0 else "") for e in exponents]


def bars(case: Case, label: str, line: float | None = None) -> str:
    """Plot frequencies as bars, each with a mark for the law and a shade for its noise.

    Args:
        case: its first `FEW` frequencies are shown.
        label: a description for readers who do not see the plot.
        line: a probability to compare all bars with.
    """
    rows = case.frequencies[:FEW]
    pairs = [(f.probability, ratio(f, case.draws)) for f in rows]
    # Plots with the same `line` have the same scale, unless a bar is too long for it.
    most = 1.08 * max([0.01 if line is None else 1.9 * line, *(x for pair in pairs for x in pair)])
    left, right, row, top = 6, _WIDTH - 6, 40, 20 if line is not None else 2
    height = top + row * len(rows) + 4

    def at(value: float) -> float:
        return left + (right - left) * min(value / most, 1.0)

    parts = []
    for i, (f, (law, drawn)) in enumerate(zip(rows, pairs, strict=True)):
        y = top + row * i
        low, high = _noise(law, case.draws)
        off = " off" if deviates(f, case.draws) else ""
        figures = percent(drawn) if line is not None else f"{percent(drawn)}, law {percent(law)}"
        name = _fitting(f.shown, 46 - len(figures))
        parts += [
            f'<text class="name" x="{left}" y="{y + 13}">{html.escape(name)}</text>',
            _words(right, y + 13, figures, "end"),
            f'<path class="noise" d="M{at(low):.1f} {y + 18}H{at(high):.1f}v18H{at(low):.1f}z"/>',
            f'<path class="bar{off}" d="M{left} {y + 22}H{at(drawn):.1f}v10H{left}z"/>',
            f'<path class="mark" d="M{at(law):.1f} {y + 18}v18"/>',
        ]
    if line is not None:
        parts.append(f'<path class="law" d="M{at(line):.1f} 17V{height}"/>')
        parts.append(_words(round(at(line)), 12, f"law {percent(line)}", "middle"))
    told = "; ".join(
        f"{visible(f.shown, 60)} drawn {percent(drawn)}, law {percent(law)}"
        for f, (law, drawn) in zip(rows, pairs, strict=True)
    )
    return _svg(height, f"{label}: {told}", parts)


def histogram(values: Sequence[float], label: str) -> str:
    """Plot p-values in bins, and the line that they follow if all draws follow the law."""
    counts = _bins(values, 20 if len(values) >= 80 else 10)
    even = len(values) / len(counts)
    most = max(*counts, 2 * even, 1)
    wide = (_RIGHT - _LEFT) / len(counts)
    parts = []
    for i, count in enumerate(counts):
        tall = (_BOTTOM - _TOP) * count / most
        x = _LEFT + wide * i
        if count:
            box = f"M{x + 1:.1f} {_BOTTOM}v-{tall:.1f}h{wide - 2:.1f}V{_BOTTOM}z"
            parts.append(f'<path class="bar" d="{box}"/>')
    y = _BOTTOM - (_BOTTOM - _TOP) * even / most
    parts.append(f'<path class="law" d="M{_LEFT} {y:.1f}H{_RIGHT}"/>')
    parts.append(f'<path class="axis" d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}"/>')
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        anchor = "end" if tick == 1 else "middle"
        x = round(_LEFT + (_RIGHT - _LEFT) * tick) + 4 * (tick == 1)
        parts.append(_words(x, _BOTTOM + 16, f"{tick:g}", anchor))
    for count in sorted({0, math.ceil(most / 2), math.floor(most)}):
        tall = round((_BOTTOM - _TOP) * count / most)
        parts.append(_words(_LEFT - 5, _BOTTOM - tall + 4, str(count), "end"))
    parts.append(_words(_LEFT, 14, "tests ↑", "start"))
    parts.append(_words(_RIGHT + 4, _BOTTOM + 33, "p-value →", "end"))
    told = f"{label}: {len(values)} p-values, {counts[0]} of them below {1 / len(counts):g}"
    return _svg(_HEIGHT, f"{told}; evenly spread there would be {even:.1f}", parts)


def small_histogram(values: Sequence[float], label: str) -> str:
    """Plot a histogram that fits into a row of a table."""
    counts = _bins(values, 10)
    even = len(values) / len(counts)
    most = max(*counts, 2 * even, 1)
    d = "".join(
        f"M{12 * i + 1} 30v-{28 * count / most:.1f}h10V30z"
        for i, count in enumerate(counts)
        if count
    )
    line = f'<path class="law" d="M0 {30 - 28 * even / most:.1f}H120"/>'
    told = f"{label}: {len(values)} p-values, {counts[0]} of them below 0.1"
    return (
        f'<svg class="small" viewBox="0 0 120 31" role="img" aria-label="{html.escape(told)}">'
        f'<path class="bar" d="{d}"/>{line}<path class="axis" d="M0 30.5H120"/></svg>'
    )


def _every(cases: Iterable[Case]) -> list[_Dot]:
    return [
        _Dot(f.probability, ratio(f, case.draws), case.draws, deviation(f, case.draws))
        for case in cases
        if case.draws
        for f in case.frequencies
    ]


def _summary(every: Sequence[_Dot]) -> str:
    beyond = sum(abs(dot.off) > NOISE for dot in every)
    return f"{beyond:,} of {len(every):,} beyond the noise"


def _signed(x: int) -> str:
    return "+" * (x > 0) + number(x)


def _angle(part: float) -> float:
    return math.asin(math.sqrt(min(max(part, 0.0), 1.0)))


def _noise(law: float, draws: int) -> tuple[float, float]:
    """Return the lowest and the highest frequency that do not deviate from this probability."""
    reach = NOISE / (2 * math.sqrt(max(draws, 1)))
    low, high = max(_angle(law) - reach, 0.0), min(_angle(law) + reach, math.pi / 2)
    return math.sin(low) ** 2, math.sin(high) ** 2


def _bins(values: Iterable[float], bins: int) -> list[int]:
    counts = Counter(min(int(max(p, 0.0) * bins), bins - 1) for p in values if not math.isnan(p))
    return [counts[i] for i in range(bins)]


def _dots(points: Iterable[tuple[float, float]], every: Iterable[_Dot]) -> str:
    """Return one path for round dots and one for square dots: lines of length 0 with thick ends."""
    places: dict[str, set[tuple[int, int]]] = {"dots": set(), "dots off": set()}
    for (x, y), dot in zip(points, every, strict=True):
        places["dots off" if abs(dot.off) > NOISE else "dots"].add((round(x), round(y)))
    parts = []
    for kind, found in places.items():
        some = sorted(found)[:: len(found) // _MOST_DOTS + 1]
        parts.append(f'<path class="{kind}" d="{"".join(f"M{x} {y}h0" for x, y in some)}"/>')
    return "".join(parts)


def _fitting(text: str, room: int) -> str:
    """Return the beginning of a text that fits into `room` columns; ideographs take two."""
    shown = visible(text)
    width = 0
    for i, char in enumerate(shown):
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if width > room:
            return shown[: i - 1] + "…"
    return shown


def _words(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>'


def _svg(height: int, label: str, parts: Iterable[str]) -> str:
    opening = f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{html.escape(label)}">'
    return opening + "".join(parts) + "</svg>"
