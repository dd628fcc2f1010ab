r"""The library's own model file: readable JSON with a version; reading checks everything.

    {"format": "bytepiece", "version": 1,
     "normalization": [], "isolate_digits": false, "segment": "line", "unknown": null,
     "special_tokens": [{"name": "<pad>", "id": 0, "role": "pad"}, …],
     "record": {…},
     "ids": [3, …],
     "scores": [-5.125, …],
     "counts": [49252905, …],                 null if the trainer does not count
     "pieces": ["text", {"hex": "e4bb"}, …]}  hex for a piece that is not valid UTF-8

The file has four columns instead of one row for each piece, because columns load in half the time.
`save_vocab` writes a table that people can read. A model with the rules or the ids of another
library has two more fields, and version 2:

     "aliases": [[3, "text"], …],
     "library": {"name": "sentencepiece", …}

A model that cuts digits into groups has the fields of version 2, but for "isolate_digits", and
version 3:

     "digits": "groups-of-three",

A BPE model, one whose segments are words, or one whose special tokens have flags, has two more
fields, and version 4:

     "words": [["\\p{N}{1,3}", "isolated", false], …],
     "merges": {"pairs": [3, 4, …], "ranks": null, "whole": false},     null for a Unigram model

"merges" has one more entry, "unmade": false, if samples use only pieces that merges make.

A model that version 1 or 2 can hold is written as such, so that older releases read it.
"""

import json
import os
from collections.abc import Iterable
from typing import Any

from bytepiece._files import write_atomically
from bytepiece.display import printable
from bytepiece.errors import ModelError
from bytepiece.model import MAX_PIECES, Model, SpecialToken
from bytepiece.rules import as_json as library_rules
from bytepiece.rules.merges import Merges
from bytepiece.rules.text_rules import Digits, TextRules
from bytepiece.rules.words import WordCut

_FIELDS = {
    "format",
    "version",
    "normalization",
    "isolate_digits",
    "segment",
    "unknown",
    "special_tokens",
    "record",
    "ids",
    "scores",
    "counts",
    "pieces",
}
_FIELDS_OF_VERSION = {
    1: _FIELDS,
    2: _FIELDS | {"aliases", "library"},
    3: _FIELDS - {"isolate_digits"} | {"aliases", "library", "digits"},
    4: _FIELDS - {"isolate_digits"} | {"aliases", "library", "digits", "words", "merges"},
}


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model file that `load` reads back as an equal model.

    Raises:
        OSError: if the file cannot be written. An older file of that name then stays as it is.
    """
    write_atomically(path, (line.encode() for line in _lines(model)))


def save_vocab(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a table to be read by people: id, piece (see `printable`) and score, split by tabs."""
    rows: list[tuple[int, str, str]] = [
        (token.id, printable(token.name.encode()), token.role) for token in model.special_tokens
    ]
    scores = (f"{score:.6f}" for score in model.scores.tolist())
    rows += zip(model.ids.tolist(), map(printable, model.pieces), scores, strict=True)
    rows += [(id_, printable(piece), "alias") for id_, piece in model.aliases.items()]
    lines = (f"{id_}\t{piece}\t{score}\n".encode() for id_, piece, score in sorted(rows))
    write_atomically(path, lines)


def from_document(document: dict[str, Any]) -> Model:
    """Return the model in a parsed file.

    Raises:
        ModelError: if the file breaks a rule of the format.
    """
    version = document.get("version")
    if type(version) is not int or version not in _FIELDS_OF_VERSION:
        raise ModelError(
            f"has format version {version!r:.20}, and this release reads versions 1 to 4; "
            "update bytepiece or save the model with this release"
        )
    known = _FIELDS_OF_VERSION[version]
    if document.keys() != known:
        missing = sorted(known - document.keys())
        extra = sorted(document.keys() - known)
        raise ModelError(f"fields missing: {missing}; not known: {extra!r:.200}")
    document = {"aliases": [], "library": None, "words": [], "merges": None, **document}
    for name in ("normalization", "special_tokens", "ids", "scores", "pieces", "aliases", "words"):
        if not isinstance(document[name], list):
            raise ModelError(f'"{name}" must be a list')
    if not isinstance(document["record"], dict):
        raise ModelError('"record" must be an object')
    pieces = document["pieces"]
    if len(pieces) > MAX_PIECES:
        raise ModelError(f"{len(pieces)} pieces are more than {MAX_PIECES}, the most allowed")
    aliases = dict(map(_alias, document["aliases"]))
    if len(aliases) < len(document["aliases"]):
        raise ModelError("two aliases have the same id")
    text_rules = TextRules(
        tuple(document["normalization"]),
        document["digits"] if version >= 3 else _digits(document["isolate_digits"]),
        document["segment"],
        document["unknown"],
        library_rules.from_document(document["library"]),
        tuple(map(_word_cut, document["words"])),
    )
    return Model(
        _pieces(pieces),
        document["scores"],
        document["ids"],
        tuple(map(_special_token, document["special_tokens"])),
        text_rules,
        document["counts"],
        document["record"],
        aliases,
        Merges.from_document(document["merges"]),
    )


def _digits(isolate_digits: Any) -> Digits:
    if not isinstance(isolate_digits, bool):
        raise ModelError(f"isolate_digits must be true or false, not {isolate_digits!r:.60}")
    return "each" if isolate_digits else "free"


def _pieces(entries: list[Any]) -> tuple[bytes, ...]:
    # Most entries are texts, and the call of a function would take most of the time.
    try:
        return tuple([e.encode() if type(e) is str else _piece(e) for e in entries])
    except UnicodeEncodeError:
        return tuple(map(_piece, entries))


def _piece(entry: Any) -> bytes:
    try:
        if isinstance(entry, str):
            return entry.encode("utf-8")
        if isinstance(entry, dict) and entry.keys() == {"hex"}:
            return bytes.fromhex(entry["hex"])
    except (ValueError, TypeError):
        pass
    raise ModelError(f'the piece {entry!r:.60} is neither a text nor {{"hex": "…"}}')


def _alias(entry: Any) -> tuple[int, bytes]:
    if not isinstance(entry, list) or len(entry) != 2 or type(entry[0]) is not int:
        raise ModelError(f"the alias {entry!r:.60} must be an id and a piece")
    return entry[0], _piece(entry[1])


def _word_cut(entry: Any) -> WordCut:
    if not isinstance(entry, list) or len(entry) not in (3, 4):
        raise ModelError(f"the cut {entry!r:.60} must be a pattern, a behavior and truth values")
    return WordCut(*entry)


def _special_token(entry: Any) -> SpecialToken:
    if not isinstance(entry, dict) or entry.keys() - {"flags"} != {"name", "id", "role"}:
        raise ModelError(f"the special token {entry!r:.60} must have a name, an id and a role")
    flags = entry.get("flags", [])
    if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        raise ModelError(f"the flags of {entry['name']!r:.60} must be a list of names")
    return SpecialToken(entry["name"], entry["id"], entry["role"], tuple(flags))


def _lines(model: Model) -> Iterable[str]:
    rules = model.rules
    version = 2
    if rules.own and not model.aliases:
        version = 2 if any(token.role == "unknown" for token in model.special_tokens) else 1
    digits: tuple[str, Any] = ("isolate_digits", rules.digits == "each")
    if rules.digits == "groups-of-three":
        version, digits = 3, ("digits", rules.digits)
    flagged = any(token.flags for token in model.special_tokens)
    if rules.words or model.merges is not None or flagged:
        version, digits = 4, ("digits", rules.digits)
    yield f'{{\n "format": "bytepiece",\n "version": {version},\n'
    for name, value in (
        ("normalization", list(rules.normalization)),
        digits,
        ("segment", rules.segment),
        ("unknown", rules.unknown),
        ("special_tokens", [token.as_dict() for token in model.special_tokens]),
        ("record", dict(model.record)),
        ("ids", model.ids.tolist()),
        ("scores", model.scores.tolist()),
        ("counts", None if model.counts is None else model.counts.tolist()),
    ):
        yield f' "{name}": {_json(value)},\n'
    if version > 1:
        yield f' "library": {_json(library_rules.to_document(rules.library))},\n'
        pairs = (f"[{id_}, {_spelling(piece)}]" for id_, piece in model.aliases.items())
        yield f' "aliases": [{", ".join(pairs)}],\n'
    if version > 3:
        merges = None if model.merges is None else model.merges.to_document()
        yield f' "words": {_json([each.as_list() for each in rules.words])},\n'
        yield f' "merges": {_json(merges)},\n'
    yield ' "pieces": [\n  '
    yield ",\n  ".join(map(_spelling, model.pieces))
    yield "\n ]\n}\n"


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # a record may hold a file name that is not Unicode
        return json.dumps(value)
    return text


def _spelling(piece: bytes) -> str:
    try:
        return json.dumps(piece.decode("utf-8"), ensure_ascii=False)
    except UnicodeDecodeError:
        return f'{{"hex": "{piece.hex()}"}}'
