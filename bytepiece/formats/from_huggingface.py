"""Reading Hugging Face's tokenizer.json: a model that encodes like `tokenizers`.

`bytepiece.formats.from_huggingface_bpe` reads BPE models.

If the file spells pieces in ordinary characters, a character without a piece is encoded as single
bytes. Their scores are the same as in `bytepiece.formats.from_sentencepiece`. If the file spells
pieces in the ByteLevel alphabet, each character of a piece is a byte. A file with a step that
bytepiece does not know is refused.
"""

import re
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from bytepiece.errors import ModelError
from bytepiece.formats import from_huggingface_bpe
from bytepiece.formats.huggingface_steps import TokenizerSteps, steps_of
from bytepiece.formats.huggingface_tokens import (
    added_tokens,
    kind_of,
    notes_of,
    special_tokens_of,
)
from bytepiece.model import MAX_PIECES, MAX_SCORE, Model
from bytepiece.rules.byte_level import alphabet
from bytepiece.rules.character_map import SPACE

_PENALTY = 10.0
"""How far the score of a character without a piece is below the lowest score of a piece, in
nats."""
_NEVER = -1e20
"""A piece with this score or a lower one is never used to encode a text."""
_BYTE = re.compile("<0x[0-9A-F]{2}>")


def looks_like(document: Mapping[str, Any]) -> bool:
    """Return whether parsed JSON may be a tokenizer.json: its field "model" is an object."""
    return isinstance(document.get("model"), dict)


def has_scores(document: Mapping[str, Any]) -> bool:
    """Return whether the numbers in a file are scores, which its reader rounds in its own way."""
    return not isinstance(document["model"], dict) or kind_of(document["model"]) != "BPE"


def from_document(document: Mapping[str, Any]) -> Model:
    """Return the model in a tokenizer.json.

    The "notes" in the model's record say which settings of the file the model cannot keep.

    Args:
        document: the parsed JSON of the file. If its numbers were read with
            `huggingface_numbers.read`, the model gives the same ids as `tokenizers`.

    Raises:
        ModelError: if the file holds a model of another kind, or a step that bytepiece does not
            know.
    """
    model = document["model"]
    kind = kind_of(model)
    if kind == "BPE":
        return from_huggingface_bpe.from_document(document)
    if kind != "Unigram":
        named = kind if kind in ("WordPiece", "WordLevel") else "other"
        raise ModelError(
            f"is a Hugging Face {named} model, and only Unigram and BPE models can be read"
        )
    notes = notes_of(document)
    steps = steps_of(document)
    if steps.prefix == "first" and any(map(_shortens, steps.normalizer)):
        notes.append(
            "a space comes before a text even if the normalizer has removed its beginning; "
            "tokenizers then puts none there"
        )
    vocabulary = _vocabulary(model.get("vocab"))
    unknown = model.get("unk_id")
    if unknown is not None and (type(unknown) is not int or not 0 <= unknown < len(vocabulary)):
        raise ModelError(f"unk_id is {unknown!r:.30}, and not the number of an entry")
    added = added_tokens(document, dict(enumerate(name for name, _ in vocabulary)), notes)
    if steps.normalizer and added and not steps.byte_level:
        notes.append(
            "a text that becomes the name of a special token only by normalization stays text; "
            "tokenizers takes it for the token"
        )
    fallback = model.get("byte_fallback", False)
    if not isinstance(fallback, bool):
        raise ModelError(f"byte_fallback must be true or false, not {fallback!r:.30}")
    return _model(vocabulary, unknown, added, steps, fallback, notes)


def _shortens(step: tuple[Any, ...]) -> bool:
    """Return whether a step of a normalizer may remove the beginning of a text."""
    name, *arguments = step
    removes = name in ("charsmap", "accents") or (name == "strip" and arguments[0])
    return removes or arguments[-1:] == [""]


def _vocabulary(entries: Any) -> list[tuple[str, float]]:
    if not isinstance(entries, list) or not entries:
        raise ModelError("is a tokenizer.json without a list of pieces")
    if len(entries) > MAX_PIECES:
        raise ModelError(f"{len(entries)} pieces are more than {MAX_PIECES}, the most allowed")
    for entry in entries:
        # Python reads a number such as 1e999 as infinity; tokenizers refuses it.
        if (
            not isinstance(entry, list)
            or len(entry) != 2
            or not isinstance(entry[0], str)
            or type(entry[1]) not in (int, float)
            or not abs(entry[1]) <= sys.float_info.max
        ):
            raise ModelError(f"the entry {entry!r:.60} must be a piece and its score")
    return [(name, float(score)) for name, score in entries]


class _SortedVocabulary(NamedTuple):
    """A vocabulary, sorted by whether encoding uses its entries.

    Args:
        pieces: the id and the score of each piece that encoding uses.
        aliases: ids that encoding never gives, and the bytes that they are decoded to.
        byte_ids: the id of each entry such as <0x41>, by the byte that it names.
    """

    pieces: dict[bytes, tuple[int, float]]
    aliases: dict[int, bytes]
    byte_ids: dict[int, int]


def _model(
    vocabulary: list[tuple[str, float]],
    unknown: int | None,
    added: dict[int, str],
    steps: TokenizerSteps,
    fallback: bool,
    notes: list[str],
) -> Model:
    special = dict(added)
    if unknown is not None:
        special[unknown] = vocabulary[unknown][0]
    names = {name for name, _ in vocabulary}
    bytes_named = sum(f"<0x{byte:02X}>" in names for byte in range(256))
    if fallback and 0 < bytes_named < 256:
        raise ModelError(
            f"byte_fallback is on, and {256 - bytes_named} of the 256 bytes have no entry such as "
            "<0x41>; it cannot be read"
        )
    fallback = fallback and bytes_named > 0
    pieces, aliases, byte_ids = _sort(vocabulary, special, steps, fallback)
    if fallback:
        notes.append("a text that spells an entry such as <0x41> is not that byte")
    lowest = min(score for _, score in vocabulary)
    unknown_score = max(lowest - _PENALTY, -MAX_SCORE)
    some_unknown = False
    for byte in range(256):
        piece = bytes([byte])
        if piece in pieces:
            if byte in byte_ids:
                aliases[byte_ids[byte]] = piece
            continue
        if byte in byte_ids:
            id_ = byte_ids[byte]
        elif unknown is not None:
            id_, some_unknown = unknown, True
        else:
            raise ModelError(
                f"no piece covers the byte 0x{byte:02x}, and the model has no unknown token; "
                "some texts could not be encoded"
            )
        # The first byte of a character has the character's score. The other bytes are free.
        continues = not steps.byte_level and 0x80 <= byte < 0xC0
        pieces[piece] = id_, 0.0 if continues else unknown_score
    crossing = any(re.search(rb"\n[^\n]", piece) for piece in pieces)
    ids, scores = zip(*pieces.values(), strict=True)
    return Model(
        tuple(pieces),
        np.array(scores),
        np.array(ids),
        special_tokens_of(special, unknown),
        steps.rules("token" if some_unknown else "bytes" if fallback else None, crossing),
        record={"source": "huggingface", "notes": notes},
        aliases=aliases,
    )


def _sort(
    vocabulary: list[tuple[str, float]],
    special: dict[int, str],
    steps: TokenizerSteps,
    fallback: bool,
) -> _SortedVocabulary:
    """Sort the entries of a file into pieces that encoding uses and all others."""
    found = _SortedVocabulary({}, {}, {})
    byte_of = {char: byte for byte, char in enumerate(alphabet())}
    names: set[str] = set()
    for id_, (name, score) in enumerate(vocabulary):
        if name in names:
            raise ModelError(f"the piece {name!r:.60} occurs twice")
        names.add(name)
        if id_ in special or name == f"\0unused {id_}":
            continue  # `to_huggingface` gives such a name to an id without a piece.
        try:
            spelled = name.replace(SPACE, " ").encode() if steps.spaces else name.encode()
        except UnicodeEncodeError:
            raise ModelError(f"the piece {name!r:.60} is not valid Unicode") from None
        if not spelled:
            raise ModelError("a piece is empty")
        reachable = score > _NEVER and not (steps.spaces and " " in name)
        if steps.byte_level:
            in_alphabet = all(char in byte_of for char in name)
            spelled = bytes(byte_of[char] for char in name) if in_alphabet else spelled
            reachable = reachable and in_alphabet
        if steps.words and SPACE in name[1:]:
            reachable = False
        if fallback and _BYTE.fullmatch(name):
            found.byte_ids[int(name[3:5], 16)] = id_
        elif reachable:
            found.pieces[spelled] = id_, score
        else:
            found.aliases[id_] = spelled
    if steps.spaces and b" " not in found.pieces:
        raise ModelError(f"no piece is {SPACE} alone; such a model cannot be read")
    return found
