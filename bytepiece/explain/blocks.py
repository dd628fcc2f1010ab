"""The parts of a page about an explanation, in HTML. All strings from outside are escaped."""

import html
from collections.abc import Iterable, Sequence

from bytepiece.display import percent
from bytepiece.explain.differences import PathToken, differing, shared, tokens_of_path
from bytepiece.explain.facts import ExplainedPath, ExplainedPiece, Explanation
from bytepiece.explain.shown import atoms, hue, joined, shown, sure
from bytepiece.explain.words import counted, facts_in_words, probability_of

MOST_TOKENS = 2000
"""The most tokens of an encoding that a page shows one by one."""
_MOST_OF_PATH = 200
"""The most tokens of another path that a page shows."""
_WHOLE_PATH = 60
"""A path of at most this many tokens is shown as a whole."""
_LEAST_CUT = 0.01
"""The least probability of a boundary that the heat line shows."""
_LEAST_BAR = 1e-4
"""The least probability of a number of tokens that has a bar."""
_BAR, _TALLEST = 34, 110


def facts(explained: Explanation) -> str:
    """Return the numbers of an explanation as a list."""
    return named_values([("alpha", f"{explained.alpha:g}"), *facts_in_words(explained)])


def named_values(values: Iterable[tuple[str, str]]) -> str:
    """Return values with their names as a list."""
    items = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"
        for name, value in values
    )
    return f'<dl class="facts">{items}</dl>'


def chip(id_: int, piece: bytes, extra: str = "") -> str:
    """Return a piece as a coloured block. The reading direction of the piece stays within it."""
    words = html.escape(shown(piece))
    return f'<bdi class="piece{extra}" style="--h:{hue(id_)}" title="id {id_}">{words}</bdi>'


def tokens(explained: Explanation) -> str:
    """Return the tokens of the encoding, with their ids, scores and boundaries below them."""
    pieces = explained.pieces[:MOST_TOKENS]
    ends = [piece.end for piece in pieces]
    text = explained.normalized[: ends[-1]] if ends else b""
    parts: list[str] = []
    done = 0
    for first, last, character in joined(text, ends):
        parts += map(_token, pieces[done:first])
        inner = "".join(map(_token, pieces[first:last]))
        words = html.escape(shown(character.encode()))
        parts.append(
            f'<span class="whole"><span class="tokens">{inner}</span>'
            f'<bdi class="character">{words}</bdi></span>'
        )
        done = last
    parts += map(_token, pieces[done:])
    rest = len(explained.pieces) - len(pieces)
    more = f'<p class="soft">… and {counted(rest, "token")} more</p>' if rest else ""
    return f'<div class="tokens">{"".join(parts)}</div>{more}'


def _token(piece: ExplainedPiece) -> str:
    score = f"{piece.score:.2f}".replace("-", "−")
    return (
        f'<span class="token">{chip(piece.id, piece.piece)}'
        f"<span>{piece.id}</span><span>{score}</span>"
        f'<span class="ends"><span>{html.escape(sure(piece.left))}</span>'
        f"<span>{html.escape(sure(piece.right))}</span></span></span>"
    )


def heat_line(explained: Explanation) -> str:
    """Return the text with a mark at each boundary, the more visible the more probable it is.

    Marks within a character are smaller and stand behind it.
    """
    text, likely = explained.normalized, explained.boundary_probs
    parts, begun = [], 0
    for start, end in atoms(text):
        inner = [place for place in range(start + 1, end) if likely[place] >= _LEAST_CUT]
        after = likely[end] if end < len(text) else 0.0
        if inner or after >= _LEAST_CUT or end == len(text):
            parts.append(f"<bdi>{html.escape(shown(text[begun:end]))}</bdi>")
            parts += [_mark(likely[place], " inner") for place in inner]
            begun = end
            if after >= _LEAST_CUT:
                parts.append(_mark(after, ""))
    return f'<p class="heat">{"".join(parts)}</p>'


def _mark(p: float, kind: str) -> str:
    shown_p = html.escape(sure(p))
    return (
        f'<span class="cut{kind}" style="--p:{0.2 + 0.8 * p:.2f}" title="{shown_p} %"></span><wbr>'
    )


def paths(explained: Explanation, some: Iterable[ExplainedPath]) -> str:
    """Return a table of paths: probability, tokens, and how they are cut.

    Of a long path, only the tokens near its differences from the encoding are shown.
    """
    rows = []
    for path in some:
        row: Sequence[PathToken | None] = tokens_of_path(explained, path)
        if len(row) > _WHOLE_PATH:
            row = differing([token for token in row if token])
        cells = [
            chip(token.id, token.piece, " same" * token.common) if token else "…"
            for token in row[:_MOST_OF_PATH]
        ]
        rest = " …" * (len(row) > _MOST_OF_PATH)
        if row == [None]:
            cells = ["the encoding"]
        rows.append(
            f'<tr><td class="number">{html.escape(probability_of(path))}</td>'
            f'<td class="number">{len(path.ids):,}</td><td>{"".join(cells)}{rest}</td></tr>'
        )
    return (
        '<table><thead><tr><th scope="col" class="number">Probability</th>'
        '<th scope="col" class="number">Tokens</th><th scope="col">Pieces</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def token_counts(explained: Explanation) -> str:
    """Return the distribution of the number of tokens as a picture."""
    bars = [bar for bar in explained.token_counts if bar[1] >= _LEAST_BAR]
    most = max((p for _, p in bars), default=1.0)
    first = bars[0][0] if bars else 0
    total = _BAR * (bars[-1][0] - first + 1 if bars else 1)
    parts = []
    for count, p in bars:
        left, height = _BAR * (count - first), _TALLEST * p / most
        top = 18 + _TALLEST - height
        kind = ' class="chosen"' * (count == len(explained.pieces))
        parts.append(
            f"<g><title>{counted(count, 'token')}: {percent(p)}</title>"
            f'<rect{kind} x="{left + 3}" y="{top:.1f}" width="{_BAR - 6}" '
            f'height="{height:.1f}"/><text x="{left + _BAR / 2:.0f}" y="{top - 4:.1f}">'
            f"{html.escape(sure(p))}</text>"
            f'<text x="{left + _BAR / 2:.0f}" y="{_TALLEST + 33}">{count}</text></g>'
        )
    return (
        f'<svg class="bars" width="{total}" height="{_TALLEST + 38}" role="img" '
        f'aria-label="Probabilities of numbers of tokens, in percent">{"".join(parts)}</svg>'
    )


def comparison(explanations: Sequence[Explanation]) -> str:
    """Return a table of several models' numbers, and their cuts, one above the other."""
    names = [name for name, _ in facts_in_words(explanations[0])]
    head = "".join(f'<th scope="col" class="number">{name}</th>' for name in names)
    rows, lines = [], []
    every = shared(explanations)
    for number, one in enumerate(explanations):
        name = f'<th scope="row" class="model"><bdi>{html.escape(shown_name(one))}</bdi></th>'
        cells = "".join(
            f'<td class="number">{html.escape(value)}</td>' for _, value in facts_in_words(one)
        )
        rows.append(f"<tr>{name}{cells}</tr>")
        stretches = "".join(
            chip(each.ids[number], each.text, " last" * each.cut[number]) for each in every
        )
        lines.append(f"<tr>{name}<td>{stretches}</td></tr>")
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="Numbers of the models"><table>'
        f'<thead><tr><th scope="col">Model</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody>'
        f"</table></div><h3>Where they cut the text</h3>"
        f'<div class="scroll" tabindex="0" role="group" aria-label="Cuts of the models">'
        f'<table class="cuts"><tbody>{"".join(lines)}</tbody></table></div>'
    )


def shown_name(explained: Explanation) -> str:
    """Return the name of a model as visible text."""
    return shown(explained.name.encode("utf-8", "surrogateescape")) or explained.fingerprint[:8]
