"""Evaluations as JSON, and as a table for the terminal with a row for each measure."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from bytepiece.display import NOTHING, json_value, percent, visible
from bytepiece.evaluation.results import Evaluation, Measures, ScriptUse

RARE = 0.001
"""Scripts with a smaller share of the characters are only in the JSON."""

_LONGEST_NAME = 24

Row = tuple[str, Sequence[str]]


def to_json(found: Evaluation) -> str:
    """Return an evaluation as JSON.

    The fields have the names of those in `results`. Pieces are spelled as `printable` shows them.
    """
    return json.dumps(json_value(found), ensure_ascii=False, indent=1, allow_nan=False)


def table(found: Evaluation) -> str:
    """Return a table with a row for each measure and a column for each model; notes follow it."""
    heads = [name(model) for model in found.models]
    rows: list[Row] = [("", heads), *_measures(found), *_scripts(found), *_overlap(found, heads)]
    width = max(len(label) for label, _ in rows)
    columns = [max(len(cells[i]) for _, cells in rows if cells) for i in range(len(found.models))]
    lines = [
        "  ".join([label.ljust(width), *map(str.rjust, cells, columns)]).rstrip()
        for label, cells in rows
    ]
    notes = [f"{name(model)}: {note}" for model in found.models for note in model.notes]
    text = (
        f"{found.bytes:,} bytes, {found.lines:,} lines that are not empty, "
        f"{found.characters:,} characters in them"
    )
    return "\n".join([text, "", *lines, *([""] if notes else []), *notes]) + "\n"


def name(model: Measures) -> str:
    """Return the name of a model, shortened and on one line."""
    return visible(model.name, _LONGEST_NAME)


def common_scripts(found: Evaluation) -> list[str]:
    """Return the names of the scripts that are not rare, the most frequent first."""
    return [s.name for s in found.scripts if s.characters >= RARE * found.characters]


def _measures(found: Evaluation) -> Iterator[Row]:
    def row(label: str, cell: Callable[[Measures], str]) -> Row:
        return label, [cell(model) for model in found.models]

    yield row("format", lambda m: m.format)
    yield row("algorithm", lambda m: m.algorithm)
    yield row("vocabulary", lambda m: f"{m.vocab_size:,}")
    yield "bytes per token", ()
    yield row("  without line ends", lambda m: f"{m.bytes_per_token:.3f}")
    # The asterisk refers to a note below the table.
    yield row(
        "  with line ends",
        lambda m: ("" if m.keeps_line_ends else "*") + f"{m.bytes_per_token_with_line_ends:.3f}",
    )
    yield row("lossless lines", lambda m: _percent(m.lossless))
    yield row("unused pieces", lambda m: f"{len(m.unused):,}")
    yield row(
        "unreachable pieces",
        lambda m: NOTHING if m.unreachable is None else f"{len(m.unreachable):,}",
    )
    yield row("entropy, bits", lambda m: f"{m.entropy:.3f}")
    yield row("efficiency", lambda m: f"{m.efficiency:.4f}")
    yield row("Rényi efficiency", lambda m: f"{m.renyi_efficiency:.4f}")


def _scripts(found: Evaluation) -> Iterator[Row]:
    scripts = {script.name: script for script in found.scripts}
    shown = common_scripts(found)

    def row(label: str, script: str, cell: Callable[[ScriptUse], float | None]) -> Row:
        return f"  {label}", [_number(cell(model.scripts[script])) for model in found.models]

    yield "tokens per character", ()
    yield "  all", [_number(model.tokens_per_character) for model in found.models]
    for script in shown:
        share = _percent(scripts[script].characters / found.characters)
        yield row(f"{script}, {share}", script, lambda use: use.tokens_per_character)
    with_words = [script for script in shown if scripts[script].words]
    if with_words:
        yield "tokens per word", ()
    for script in with_words:
        yield row(script, script, lambda use: use.tokens_per_word)


def _overlap(found: Evaluation, heads: Iterable[str]) -> Iterator[Row]:
    if len(found.models) > 1:
        yield "pieces of the model on the left that the one above has, too", ()
        for head, shares in zip(heads, found.overlap, strict=True):
            yield f"  {head}", [_percent(share) for share in shares]


def _percent(share: float) -> str:
    return percent(share).replace("\N{NO-BREAK SPACE}", " ")


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"
