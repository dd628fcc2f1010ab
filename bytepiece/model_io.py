"""Model files: a versioned, readable JSON; read with suspicion, written atomically.

    {"format": "bytepiece", "version": 1,
     "normalization": [], "isolate_digits": false, "segment": "line", "unknown": null,
     "special_tokens": [{"name": "<pad>", "id": 0, "role": "pad"}, …],
     "record": {…},
     "ids": [3, …],
     "scores": [-5.125, …],
     "counts": [49252905, …],                 null where the trainer does not count
     "pieces": ["text", {"hex": "e4bb"}, …]}  hex for a piece that is not valid UTF-8

Four columns side by side, and not a row for each piece: they load in half the time. A table for
human eyes is what `save_vocab` writes. A model that needs it has two fields more, and version 2:

     "aliases": [[3, "text"], …],
     "library": {"name": "sentencepiece", …}

The files of the original library, SentencePiece and Hugging Face are recognized by their content
and read as well.
"""

import errno
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from bytepiece import library_json
from bytepiece.errors import BytepieceError, ModelError
from bytepiece.formats import from_huggingface, from_sentencepiece, numbers, original
from bytepiece.model import MAX_PIECES, Model, SpecialToken, TextRules

MAX_FILE_SIZE = 1 << 28
"""Largest model file that is read, in bytes."""

_VERSIONS = (1, 2)
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
_ADDED = {"aliases", "library"}
"""Fields of version 2."""


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model file of this library, the original one, SentencePiece or Hugging Face.

    The latter two, `.model` and `tokenizer.json`, are read where they hold a Unigram model.

    Args:
        path: the file; its content decides which format it is.

    Raises:
        OSError: the file cannot be read.
        ModelError: it does not hold a valid model; the message begins with the path.
    """
    return load_with_format(path)[0]


def load_with_format(path: str | os.PathLike[str]) -> tuple[Model, str]:
    """As `load`; and the format: "bytepiece", "original", "sentencepiece" or "huggingface"."""
    path = Path(path)
    try:
        content = _read(path)
        if from_sentencepiece.looks_like(content):
            return from_sentencepiece.from_bytes(content), "sentencepiece"
        return _parse(content)
    except BytepieceError as error:
        raise ModelError(f"{path}: {error}") from None


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model file that `load` reads back as an equal model; atomic.

    Raises:
        OSError: the file cannot be written; an older one is then still whole.
    """
    write_atomically(path, (line.encode() for line in _lines(model)))


def save_original(model: Model, path: str | os.PathLike[str]) -> None:
    """Write the model in the original library's format; atomic.

    Raises:
        ModelError: the format cannot say what the model says.
    """
    write_atomically(path, [original.to_json(model).encode()])


def save_vocab(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a table for human eyes: id, piece (see `printable`), score, tabs between; atomic."""
    rows: list[tuple[int, str, str]] = [
        (token.id, printable(token.name.encode()), token.role) for token in model.special_tokens
    ]
    scores = (f"{score:.6f}" for score in model.scores.tolist())
    rows += zip(model.ids.tolist(), map(printable, model.pieces), scores, strict=True)
    rows += [(id_, printable(piece), "alias") for id_, piece in model.aliases.items()]
    lines = (f"{id_}\t{piece}\t{score}\n".encode() for id_, piece, score in sorted(rows))
    write_atomically(path, lines)


def printable(piece: bytes) -> str:
    r"""A piece as visible text without spaces, from which its bytes can be told.

    A space is shown as ▁; control characters, invisible characters and stray bytes as Python
    escapes, and so are ▁ and the backslash themselves.

    >>> print(printable(b" caf\xc3\xa9\n"), printable(b"\xe4\xbb"))
    ▁café\n \xe4\xbb
    """
    shown = []
    for char in piece.decode("utf-8", "surrogateescape"):
        if char == " ":
            shown.append("▁")
        elif "\udc80" <= char <= "\udcff":
            shown.append(f"\\x{ord(char) - 0xDC00:02x}")
        elif char in "▁\\" or not char.isprintable():
            shown.append(_escape(char))
        else:
            shown.append(char)
    return "".join(shown)


def _escape(char: str) -> str:
    if char < "\x80":
        return char.encode("unicode_escape").decode("ascii")
    # Never \x, which is a stray byte's.
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"


def write_atomically(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file, all of it or, on any failure, nothing."""
    with replacing(path) as file:
        file.writelines(chunks)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write that gets its name at the end, or, on any failure, vanishes."""
    target = Path(os.path.realpath(path))  # a link stays one; what it points to is replaced
    if target.exists() and not target.is_file():
        raise FileExistsError(errno.EEXIST, "is no regular file; give another name", str(path))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_FILE_SIZE + 1)
    if len(content) > MAX_FILE_SIZE:
        raise ModelError(
            f"is larger than {MAX_FILE_SIZE >> 20} MiB, the most a model file may have"
        )
    if not content.strip():
        raise ModelError("is empty, not a model")
    return content


def _parse(content: bytes) -> tuple[Model, str]:
    try:
        document = json.loads(content, object_pairs_hook=_distinct, parse_constant=_no_constant)
    except RecursionError:
        raise ModelError("is not a model: its JSON is nested too deep") from None
    except UnicodeDecodeError:
        raise ModelError(
            "is not a model of this library, the original one, SentencePiece or Hugging Face"
        ) from None
    except ValueError as error:
        raise ModelError(f"is not a model, or not a whole one: {error}") from None
    if not isinstance(document, dict) or not document:
        raise ModelError("is not a model: its JSON is not an object with fields")
    if document.get("format") == "bytepiece":
        return _from_document(document), "bytepiece"
    if from_huggingface.looks_like(document):
        # Again, for its scores are the numbers that its own reader makes of them.
        document = json.loads(content, parse_float=numbers.read)
        return from_huggingface.from_document(document), "huggingface"
    if all(isinstance(entry, list) and len(entry) == 3 for entry in document.values()):
        return original.from_dict(document), "original"
    raise ModelError('is JSON of another kind: no "format": "bytepiece" and no "model" in it')


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ModelError(f"{twice!r:.60} occurs twice in one object")
    return fields


def _no_constant(name: str) -> float:
    raise ModelError(f"{name} is not a number a model may hold")


def _from_document(document: dict[str, Any]) -> Model:
    version = document.get("version")
    if type(version) is not int or version not in _VERSIONS:
        raise ModelError(
            f"has format version {version!r:.20}, and this release reads versions 1 and 2; "
            "update bytepiece or save the model with this release"
        )
    known = _FIELDS if version == 1 else _FIELDS | _ADDED
    if document.keys() != known:
        missing = sorted(known - document.keys())
        extra = sorted(document.keys() - known)
        raise ModelError(f"fields missing: {missing}; not known: {extra!r:.200}")
    document = {"aliases": [], "library": None, **document}
    for name in ("normalization", "special_tokens", "ids", "scores", "pieces", "aliases"):
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
        document["isolate_digits"],
        document["segment"],
        document["unknown"],
        library_json.from_document(document["library"]),
    )
    return Model(
        tuple(map(_piece, pieces)),
        document["scores"],
        document["ids"],
        tuple(map(_special_token, document["special_tokens"])),
        text_rules,
        document["counts"],
        document["record"],
        aliases,
    )


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


def _special_token(entry: Any) -> SpecialToken:
    if not isinstance(entry, dict) or entry.keys() != {"name", "id", "role"}:
        raise ModelError(f"the special token {entry!r:.60} must have a name, an id and a role")
    return SpecialToken(entry["name"], entry["id"], entry["role"])


def _lines(model: Model) -> Iterable[str]:
    said = model.rules
    # Models that older releases can read, they read.
    old = not model.aliases and said.own
    old = old and all(token.role != "unknown" for token in model.special_tokens)
    yield f'{{\n "format": "bytepiece",\n "version": {1 if old else 2},\n'
    for name, value in (
        ("normalization", list(said.normalization)),
        ("isolate_digits", said.isolate_digits),
        ("segment", said.segment),
        ("unknown", said.unknown),
        ("special_tokens", [vars(token) for token in model.special_tokens]),
        ("record", dict(model.record)),
        ("ids", model.ids.tolist()),
        ("scores", model.scores.tolist()),
        ("counts", None if model.counts is None else model.counts.tolist()),
    ):
        yield f' "{name}": {_json(value)},\n'
    if not old:
        yield f' "library": {_json(library_json.to_document(said.library))},\n'
        pairs = (f"[{id_}, {_spelling(piece)}]" for id_, piece in model.aliases.items())
        yield f' "aliases": [{", ".join(pairs)}],\n'
    yield ' "pieces": [\n  '
    yield ",\n  ".join(map(_spelling, model.pieces))
    yield "\n ]\n}\n"


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # the name of a file need not be Unicode
        return json.dumps(value)
    return text


def _spelling(piece: bytes) -> str:
    try:
        return json.dumps(piece.decode("utf-8"), ensure_ascii=False)
    except UnicodeDecodeError:
        return f'{{"hex": "{piece.hex()}"}}'
