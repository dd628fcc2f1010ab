"""Reading tiktoken's files of ranks, and Mistral's tekken.json: BPE models over bytes.

A file of ranks has a line for each piece: the piece in Base64, and its rank, which is its id. The
file says neither the pattern that cuts texts into words nor the special tokens. OpenAI's own files
are known by their content; for any other file the caller names the pattern.
"""

import hashlib
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from bytepiece._messages import shown
from bytepiece.errors import ModelError
from bytepiece.model import MAX_PIECES, Model, Role, SpecialToken
from bytepiece.rules.merges import Merges
from bytepiece.rules.text_rules import TextRules
from bytepiece.rules.words import CL100K, GPT2, O200K, PATTERNS, WordCut


class _Known(NamedTuple):
    """What belongs to a file that is known by its content."""

    pattern: str
    special_tokens: dict[str, int]


_END = "<|endoftext|>"
_KNOWN = {
    "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930": _Known(GPT2, {_END: 50256}),
    "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069": _Known(GPT2, {_END: 50256}),
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7": _Known(
        CL100K,
        {
            _END: 100257,
            "<|fim_prefix|>": 100258,
            "<|fim_middle|>": 100259,
            "<|fim_suffix|>": 100260,
            "<|endofprompt|>": 100276,
        },
    ),
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d": _Known(
        O200K, {_END: 199999, "<|endofprompt|>": 200018}
    ),
}
"""The files r50k_base, p50k_base, cl100k_base and o200k_base, by the SHA-256 of their content."""
_ROLES: dict[str, Role] = {
    "<unk>": "unknown",
    "<s>": "bos",
    "</s>": "eos",
    "<pad>": "pad",
    _END: "eos",
}
_TEKKEN_NAMES = (
    "<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] "
    "[/TOOL_RESULTS] [TOOL_CALLS] [IMG] <pad> [IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX] "
    "[SYSTEM_PROMPT] [/SYSTEM_PROMPT] [TOOL_CONTENT]"
)
"""The special tokens of a tekken.json that lists none, up to its version 7."""


def looks_like(content: bytes) -> bool:
    """Return whether a file may be one of ranks: Base64 and a number on its first line."""
    parts = content[:4096].split(b"\n", 1)[0].split()
    return len(parts) == 2 and parts[1].isdigit() and _decoded(parts[0]) is not None


def looks_like_tekken(document: Mapping[str, Any]) -> bool:
    """Return whether parsed JSON may be a tekken.json."""
    config = document.get("config")
    return isinstance(config, dict) and "pattern" in config and "vocab" in document


def from_bytes(content: bytes, pattern: str | None = None) -> Model:
    """Return the model in a file of ranks.

    Args:
        content: the bytes of the file.
        pattern: the name of a pattern in `bytepiece.rules.words.PATTERNS`, or a pattern; None if
            the file is one of OpenAI's.

    Raises:
        ModelError: if the file is damaged, or if its pattern is not known.
    """
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        parts = line.split()
        piece = _decoded(parts[0]) if len(parts) == 2 else None
        if piece is None or not parts[1].isdigit() or len(parts[1]) > 9:
            raise ModelError(f"line {number} is not Base64 and a rank: {line!r:.60}")
        if len(ranks) == MAX_PIECES:
            raise ModelError(f"there are more than {MAX_PIECES} pieces, the most allowed")
        if piece in ranks:
            raise ModelError(f"the piece {piece!r:.60} occurs twice")
        ranks[piece] = int(parts[1])
    known = _KNOWN.get(hashlib.sha256(content).hexdigest())
    if pattern is None:
        if known is None:
            raise ModelError(
                "is a file of ranks, and does not say which pattern cuts a text into words; give "
                f"the pattern: {', '.join(PATTERNS)}, or a regular expression"
            )
        pattern = known.pattern
    special = known.special_tokens if known is not None else {}
    return _model(ranks, 0, special.items(), PATTERNS.get(pattern, pattern), {"source": "tiktoken"})


def from_tekken(document: Mapping[str, Any]) -> Model:
    """Return the model in a tekken.json.

    Raises:
        ModelError: if the file breaks a rule of the format.
    """
    config, entries = document["config"], document["vocab"]
    size, special = config.get("default_vocab_size"), config.get("default_num_special_tokens")
    for name, value in (("default_vocab_size", size), ("default_num_special_tokens", special)):
        if type(value) is not int or not 0 <= value <= MAX_PIECES:
            raise ModelError(f"{name} must be a whole number, not {value!r:.30}")
    if not isinstance(config["pattern"], str):
        raise ModelError(f"the pattern must be a text, not {config['pattern']!r:.60}")
    if not isinstance(entries, list) or len(entries) < size - special:
        raise ModelError(f"vocab must be a list of at least {size - special} pieces")
    ranks: dict[bytes, int] = {}
    for entry in entries[: max(size - special, 0)]:
        piece = _decoded(entry.get("token_bytes")) if isinstance(entry, dict) else None
        if piece is None or type(entry.get("rank")) is not int or entry["rank"] < 0:
            raise ModelError(f"the entry {entry!r:.60} must have token_bytes and a rank")
        if piece in ranks:
            raise ModelError(f"the piece {piece!r:.60} occurs twice")
        ranks[piece] = entry["rank"]
    names = _tekken_tokens(document.get("special_tokens"), special)
    notes = ["only the text's part of the file is read"] if "image" in document else []
    return _model(ranks, special, names, config["pattern"], {"source": "tekken", "notes": notes})


def _tekken_tokens(entries: Any, count: int) -> list[tuple[str, int]]:
    """Return the special tokens with their ids. Ids without a token get a name."""
    if entries is None:
        entries = [
            {"token_str": name, "rank": id_} for id_, name in enumerate(_TEKKEN_NAMES.split())
        ]
    if not isinstance(entries, list):
        raise ModelError("special_tokens must be a list")
    names: dict[int, str] = {}
    for entry in entries:
        fields = entry if isinstance(entry, dict) else {}
        name, id_ = fields.get("token_str"), fields.get("rank")
        if not isinstance(name, str) or type(id_) is not int or not 0 <= id_ < count:
            raise ModelError(f"the special token {entry!r:.60} must have a token_str and a rank")
        if id_ in names:
            raise ModelError(f"two special tokens have the rank {id_}")
        names[id_] = name
    return [(names.get(id_, f"<SPECIAL_{id_}>"), id_) for id_ in range(count)]


def _model(
    ranks: Mapping[bytes, int],
    first: int,
    special: Iterable[tuple[str, int]],
    pattern: str,
    record: dict[str, Any],
) -> Model:
    """Return the model of pieces whose ids are their ranks, counted from a first id on."""
    pieces = tuple(ranks)
    largest = max(ranks.values(), default=0)
    if largest >= 1 << 24:
        raise ModelError(f"the rank {shown(largest)} is above {(1 << 24) - 1}, the most allowed")
    numbers = np.fromiter(ranks.values(), dtype=np.int64, count=len(ranks))
    taken: set[Role] = set()
    tokens = []
    for name, id_ in special:
        role: Role = _ROLES.get(name, "control")
        tokens.append(SpecialToken(name, id_, "control" if role in taken else role))
        taken.add(role)
    return Model(
        pieces,
        np.zeros(len(pieces)),
        (numbers + first).astype(np.int32),
        tuple(tokens),
        # `$` is the end of the text in these files.
        TextRules(segment="text", words=(WordCut(_with_ends(pattern)),)),
        record=record,
        merges=Merges(ranks=numbers.astype(np.int32), whole=True),
    )


def _with_ends(pattern: str) -> str:
    r"""Return a pattern in which `\A` and `\z` stand for the ends of the text, not `^` and `$`."""
    parts = re.findall(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", pattern, re.DOTALL)
    return "".join({"^": r"\A", "$": r"\z"}.get(part, part) for part in parts)


def _decoded(text: Any) -> bytes | None:
    """Return the bytes of Base64; None if it is none, or stands for no bytes."""
    try:
        return b64decode(text, validate=True) or None
    except (Base64Error, TypeError, ValueError):
        return None
