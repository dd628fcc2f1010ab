"""bytepiece info: show what a model file holds."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

import bytepiece

from .options import DEFAULT_MODEL, MODEL_VARIABLE, missing_model_explained
from .progress import megabytes
from .streams import name_of, write

if TYPE_CHECKING:
    from bytepiece.model import Model

_DIGITS = {
    "free": "like other characters",
    "each": "each by itself",
    "groups-of-three": "in groups of up to three, from the left",
}
_ALPHAS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
"""The alphas whose cost `--on` shows."""
_PRICED = 1_000_000
"""The most bytes of text that `--on` looks at."""


@click.command("info", short_help="Show what a model file holds.")
@click.argument(
    "model",
    type=click.Path(path_type=Path),
    envvar=MODEL_VARIABLE,
    default=DEFAULT_MODEL,
)
@click.option(
    "-m",
    "--model",
    "named",
    type=click.Path(path_type=Path),
    help="The same as the argument MODEL.",
)
@click.option(
    "--on",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Also show what sampling costs on the first megabyte of a text: for some alphas the "
    "expected number of tokens, its ratio to the best path, and the entropy. Repeat it for "
    "several texts.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def command(model: Path, named: Path | None, on: tuple[Path, ...], as_json: bool) -> None:
    """Show a model file's format, vocabulary, rules for text, and how it was made.

    Without MODEL, the file that $BYTEPIECE_MODEL names or else bytepiece.model is read. Models
    with equal fingerprints encode and decode every text in the same way.

    \b
    Examples:
      bytepiece info
      bytepiece info other.model
      bytepiece info --on corpus.txt
      bytepiece info --json | jq .vocab_size
    """  # noqa: D301
    if named is not None:
        source = click.get_current_context().get_parameter_source("model")
        if source is ParameterSource.COMMANDLINE:
            raise click.UsageError("info shows one model; leave out MODEL or -m")
        model = named
    with missing_model_explained(model, "as MODEL"):
        loaded, its_format = bytepiece.model_io.load_with_format(model)
    facts = _facts(model, loaded, its_format)
    if on:
        facts["on"] = [_prices(loaded, path) for path in on]
    text = json.dumps(facts, ensure_ascii=False, indent=1) if as_json else _table(facts)
    write(text.encode("utf-8", "backslashreplace") + b"\n")


def _facts(path: Path, model: "Model", format: str) -> dict[str, Any]:
    rules = model.rules
    special = {token.id for token in model.special_tokens}
    # A byte that only the unknown token stands for has that token's id, and does not count as a
    # piece.
    ids = zip(model.pieces, model.ids.tolist(), strict=True)
    lengths = [len(piece) for piece, id_ in ids if id_ not in special]
    return {
        "file": str(path),
        "format": format,
        "bytes": path.stat().st_size,
        "vocab_size": model.vocab_size,
        "pieces": len(lengths),
        "piece_length": {
            "min": min(lengths),
            "mean": round(sum(lengths) / len(lengths), 2),
            "max": max(lengths),
        },
        "special_tokens": [token.as_dict() for token in model.special_tokens],
        "normalization": list(rules.normalization),
        "digits": rules.digits,
        "segment": rules.segment,
        "unknown": rules.unknown,
        "library": None if rules.library is None else repr(rules.library),
        "aliases": len(model.aliases),
        **_bpe(model),
        "record": dict(model.record),
        "fingerprint": model.fingerprint,
    }


def _bpe(model: "Model") -> dict[str, Any]:
    """Return the facts that only a BPE model has."""
    if model.merges is None:
        return {}
    # Imported here, because it loads numpy, and --help does not need numpy.
    from bytepiece.rules.words import pattern_name  # noqa: PLC0415

    units = {None: "byte-level BPE", "bytes": "BPE of characters, others in bytes"}
    name = pattern_name(model.rules.words)
    summary = [
        units.get(model.rules.unknown, "BPE of characters"),
        f"pattern of {name}" if name else "a pattern of its own" if model.rules.words else "no cut",
        f"{model.vocab_size:,} ids",
    ]
    kind = "ranks" if model.merges.pairs is None else "pairs"
    numbers = model.merges.ranks if model.merges.pairs is None else model.merges.pairs
    count = 0 if numbers is None else len(numbers)
    return {
        "model": ", ".join(summary),
        "merges": {kind: count},
        "words": [cut.pattern for cut in model.rules.words],
    }


def _prices(model: "Model", path: Path) -> dict[str, Any]:
    """Return what samples of a text cost."""
    # Imported here, because it loads the compiler, which the other facts do not need.
    from bytepiece.encoding.encoder import Encoder  # noqa: PLC0415
    from bytepiece.lattice.price import prices  # noqa: PLC0415

    from .documents import documents_or_columns, first_bytes  # noqa: PLC0415

    texts, _ = first_bytes(documents_or_columns([path], None, "text", lambda _: None), _PRICED)
    rows = prices(Encoder(model), texts, _ALPHAS)
    return {
        "file": name_of(path),
        "bytes": sum(map(len, texts)),
        "alphas": [row._asdict() for row in rows],
    }


def _table(facts: dict[str, Any]) -> str:
    length = facts["piece_length"]
    specials = [f"{_bare(t['name'])} {t['id']} ({t['role']})" for t in facts["special_tokens"]]
    record = [f"{name} {_rounded(value)}" for name, value in facts["record"].items()]
    rows = [
        ("file", f"{facts['file']}, {megabytes(facts['bytes'])}, {facts['format']} format"),
        *([("model", facts["model"])] if "model" in facts else []),
        ("vocabulary", f"{facts['vocab_size']} ids, {facts['pieces']} of them pieces"),
        ("piece length", f"{length['min']} to {length['max']} bytes, {length['mean']} on average"),
        ("special tokens", ", ".join(specials) or "none"),
        ("normalization", ", ".join(facts["normalization"]) or "none"),
        ("digits", _DIGITS[facts["digits"]]),
        ("segment", f"a {facts['segment']}"),
        *_foreign(facts),
        ("record", "\n                ".join(record) or "none"),
        ("fingerprint", facts["fingerprint"]),
    ]
    lines = [f"{name:<16}{value}" for name, value in rows]
    for on in facts.get("on", []):
        lines += _cost(on)
    return "\n".join(lines)


def _cost(on: dict[str, Any]) -> list[str]:
    """Return the lines of the table of what samples cost."""
    lines = [
        "",
        f"on {megabytes(on['bytes'])} of {on['file']}",
        f"{'alpha':<16}{'tokens':>12}{'price':>10}{'bits per byte':>16}",
    ]
    for row in on["alphas"]:
        name = "best path" if row["alpha"] is None else f"{row['alpha']:g}"
        price = f"{row['price']:.4f}"
        lines.append(f"{name:<16}{row['tokens']:>12.0f}{price:>10}{row['entropy']:>16.4f}")
    return lines


def _foreign(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rows that only models of other libraries have."""
    rows = []
    if facts["library"] is not None:
        rows.append(("rules of", _bare(facts["library"])))
    if "merges" in facts:
        # Imported here, because it loads numpy, and --help does not need numpy.
        from bytepiece.rules.words import PATTERNS  # noqa: PLC0415

        [(kind, count)] = facts["merges"].items()
        rows.append(("merges", f"BPE by {count} {kind}"))
        names = {pattern: name for name, pattern in PATTERNS.items()}
        cuts = [names.get(pattern) or _bare(pattern) for pattern in facts["words"]]
        rows.append(("words", "\n                ".join(cuts) or "none"))
    if facts["unknown"] is not None:
        one = "are one token" if facts["unknown"] == "token" else "are spelled in bytes"
        rows.append(("unknown", f"characters without a piece {one}"))
    if facts["aliases"]:
        rows.append(("aliases", f"{facts['aliases']} ids that encoding never gives"))
    return rows


def _rounded(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else _bare(value)


def _bare(value: object) -> str:
    """Return a value of a model file on one line, with control characters escaped."""
    text = json.dumps(value)
    return text[1:-1] if isinstance(value, str) else text
