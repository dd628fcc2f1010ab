"""Explanations as text for a terminal or a pipe."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bytepiece.display import number
from bytepiece.explain.differences import differing, shared, tokens_of_path
from bytepiece.explain.facts import ExplainedPath, Explanation
from bytepiece.explain.shown import clipped, joined, palette_colour, shown, sure, width
from bytepiece.explain.words import facts_in_words, notes, probability_of

LEAST_COLUMNS = 20
"""The fewest columns that a view takes. A narrower terminal breaks the lines itself."""
_NARROW = 40
"""In a terminal of fewer columns, rows have no labels."""
_LABELS = {"piece": "", "whole": "", "id": "id", "score": "score", "sure": "sure %"}
_LABEL = 7
_MOST_SHOWN = 60
"""The most tokens of a path that are shown, besides common ones."""


class _Column(NamedTuple):
    """A token of the encoding as a column of text.

    Args:
        id: the id, which gives the colour.
        rows: the text of each row by its label.
        columns: its width.
    """

    id: int
    rows: dict[str, str]
    columns: int


def terminal(explanations: Sequence[Explanation], columns: int, colours: bool) -> str:
    """Return explanations of one text as lines, each of which ends with a line end.

    Args:
        explanations: one for each model.
        columns: the width of the terminal. Tokens that are wider are cut off.
        colours: whether escape sequences colour the tokens.
    """
    columns = max(columns, LEAST_COLUMNS)
    lines: list[str] = []
    if len(explanations) > 1:
        lines += [*_comparison(explanations, columns, colours), ""]
    for one in explanations:
        lines += [*_of_model(one, columns, colours), ""]
    return "".join(f"{line.rstrip()}\n" for line in lines[:-1])


def _of_model(explained: Explanation, columns: int, colours: bool) -> Iterator[str]:
    """Yield the lines about one model."""
    if explained.name:
        yield explained.name
    facts = [f"alpha {number(explained.alpha)}"]
    facts += [f"{name} {value}" for name, value in facts_in_words(explained)]
    if columns < _NARROW:
        facts = [word for fact in facts for word in fact.split(" ")]
    gap = " " if columns < _NARROW else "   "
    yield from _filled([(fact, width(fact)) for fact in facts], columns, gap)
    for note in notes(explained):
        yield from _filled([(word, width(word)) for word in note.split()], columns, " ")
    yield ""
    yield from _encoding(explained, columns, colours)
    if explained.nbest:
        yield ""
        words = ["best paths:", "probability,", "tokens,", "pieces"]
        yield from _filled([(word, width(word)) for word in words], columns, " ")
        for path in explained.nbest:
            yield from _path(explained, path, columns, colours)


def _filled(
    words: Sequence[tuple[str, int]], columns: int, gap: str, indent: int = 0
) -> Iterator[str]:
    """Break words, each with its width, into lines. Lines after the first are indented."""
    line, taken = "", 0
    for word, size in words:
        if taken and taken + len(gap) + size > columns:
            yield line
            line, taken = " " * indent, indent
        elif line:
            line, taken = line + gap, taken + len(gap)
        line, taken = line + word, taken + size
    yield line


def _encoding(explained: Explanation, columns: int, colours: bool) -> Iterator[str]:
    """Yield the tokens of the encoding as columns, with their ids, scores and boundaries below."""
    label = _LABEL if columns >= _NARROW else 0
    every = [
        _column(
            piece.id,
            {
                "piece": clipped(shown(piece.piece), columns - label),
                "id": str(piece.id),
                "score": f"{piece.score:.2f}".replace("-", "−"),
                "sure": f"{sure(piece.left)} {sure(piece.right)}",
            },
        )
        for piece in explained.pieces
    ]
    runs = joined(explained.normalized, explained.encoding.ends)
    first = 0
    while first < len(every):
        last, taken = first, label
        while last < len(every) and (last == first or taken + every[last].columns <= columns):
            taken += every[last].columns + 1
            last += 1
        if first:
            yield ""
        whole = _whole(runs, every, first, last)
        for row, name in _LABELS.items():
            if row == "whole":
                if whole:
                    yield " " * label + whole
                continue
            cells = []
            for column in every[first:last]:
                text = column.rows[row]
                cell = _coloured(text, column.id, colours and row == "piece")
                cells.append(cell + " " * (column.columns - width(text)))
            yield f"{name:{label}}"[:label] + " ".join(cells)
        first = last


def _column(id_: int, rows: dict[str, str]) -> _Column:
    return _Column(id_, rows, max(map(width, rows.values())))


def _whole(
    runs: Sequence[tuple[int, int, str]], every: Sequence[_Column], first: int, last: int
) -> str:
    """Return the row that joins the tokens which share characters; nothing if there are none."""
    line, taken, position = "", 0, 0
    token = first
    for low, high, text in runs:
        begin, end = max(low, first), min(high, last)
        if begin >= end:
            continue
        position += sum(column.columns + 1 for column in every[token:begin])
        span = sum(column.columns + 1 for column in every[begin:end]) - 1
        room = max(span - 2, 0)
        inner = clipped(shown(text.encode()), room) if room else ""
        free = room - width(inner)
        left, right = "╰" if begin == low else "─", "╯" if end == high else "─"
        bracket = left + "─" * (free // 2) + inner + "─" * (free - free // 2) + right
        line += " " * (position - taken) + bracket
        taken = position + span
        position += span + 1
        token = end
    return line


def _path(
    explained: Explanation, path: ExplainedPath, columns: int, colours: bool
) -> Iterator[str]:
    """Yield the lines of a path: its probability, and its tokens.

    If they do not fit into a line, only those near its differences from the encoding are shown.
    """
    head = f"{probability_of(path):>9} {len(path.ids):>5}"
    tokens = tokens_of_path(explained, path)
    words = [(token.id, shown(token.piece)) for token in tokens]
    if len(head) + sum(width(text) + 1 for _, text in words) > columns:
        kept = differing(tokens)
        rest = len(kept) > _MOST_SHOWN
        words = [
            (token.id, shown(token.piece)) if token else (-1, "…") for token in kept[:_MOST_SHOWN]
        ] + [(-1, "…")] * rest
        if kept == [None]:
            words = [(-1, "(the encoding)")]
    indent = len(head) + 1 if columns >= _NARROW else 2
    fitting = [(id_, clipped(text, columns - indent)) for id_, text in words]
    cells = [(_coloured(text, id_, colours and id_ >= 0), width(text)) for id_, text in fitting]
    yield from _filled([(head, len(head)), *cells], columns, " ", indent)


def _comparison(explanations: Sequence[Explanation], columns: int, colours: bool) -> Iterator[str]:
    """Yield a table of the models, and the cuts of each model, one above the other."""
    names = [clipped(one.name, max(columns // 4, 8)) for one in explanations]
    rows = [["", *(name for name, _ in facts_in_words(explanations[0]))]]
    for name, one in zip(names, explanations, strict=True):
        rows.append([name, *(value for _, value in facts_in_words(one))])
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [text + " " * (size - width(text)) for text, size in zip(row, widths, strict=True)]
        yield from _filled([(cell, width(cell)) for cell in cells], columns, "  ", 2)
    yield ""
    label = widths[0] + 2 if columns >= _NARROW else 0
    stretches = [
        (each, clipped(shown(each.text), columns - label - 1)) for each in shared(explanations)
    ]
    first = 0
    while first < len(stretches):
        last, taken = first, label
        while last < len(stretches):
            taken += width(stretches[last][1]) + 1
            if taken > columns and last > first:
                break
            last += 1
        if first:
            yield ""
        for model, name in enumerate(names):
            line = ""
            # Stretches of one token have one colour.
            for each, text in stretches[first:last]:
                mark = "│" if each.cut[model] else " "
                inner = text if each.cut[model] else text + " "
                line += _coloured(inner, each.ids[model], colours and each.ids[model] >= 0)
                line += mark if each.cut[model] else ""
            yield (name + " " * (label - width(name)) if label else "") + line
        first = last


def _coloured(text: str, id_: int, colours: bool) -> str:
    """Return a text on the background of its id."""
    return f"\x1b[38;5;16;48;5;{palette_colour(id_)}m{text}\x1b[0m" if colours else text
