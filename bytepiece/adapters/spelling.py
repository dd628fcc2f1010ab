"""The bytes that the pieces of a tokenizer.json stand for."""

import json
import re
from collections.abc import Mapping
from typing import Any

from bytepiece.rules.byte_level import alphabet

_BYTE = re.compile("<0x[0-9A-F]{2}>")


class Spelling:
    """The spelling of pieces in a tokenizer.json.

    If a step of the file says so, pieces are spelled in the ByteLevel alphabet, or a \u2581 in them
    is a space. In a model with byte fallback, `<0xE4>` is a byte. The prefix or suffix that says
    that a piece continues or ends a word is not text.

    Args:
        file: the parsed JSON, which `tokenizers` has accepted.
    """

    def __init__(self, file: Mapping[str, Any]) -> None:
        model = file["model"]
        steps = [file.get(step) for step in ("normalizer", "pre_tokenizer", "decoder")]
        shown = json.dumps(steps, ensure_ascii=False)
        self._bytes = {char: byte for byte, char in enumerate(alphabet())}
        self._byte_level = '"ByteLevel"' in shown
        self._spaces = "\u2581" in shown or '"Metaspace"' in shown
        self._fallback = bool(model.get("byte_fallback"))
        default = "##" if model.get("type") == "WordPiece" else ""
        self._prefix: str = model.get("continuing_subword_prefix") or default
        self._suffix: str = model.get("end_of_word_suffix") or ""
        self._unknown = (model.get("unk_token"), model.get("unk_id"))

    @property
    def affixes(self) -> bool:
        """Whether the spelling of a piece depends on its place in a word."""
        return bool(self._prefix or self._suffix)

    def is_byte(self, token: str) -> bool:
        """Return whether a piece is a byte of byte fallback."""
        return self._fallback and _BYTE.fullmatch(token) is not None

    def bytes_of(self, token: str, id_: int) -> bytes:
        """Return the bytes of a piece; b"" for the unknown token."""
        if token == self._unknown[0] or id_ == self._unknown[1]:
            return b""
        if self.is_byte(token):
            return bytes([int(token[3:5], 16)])
        token = token.removeprefix(self._prefix).removesuffix(self._suffix)
        if self._byte_level and all(char in self._bytes for char in token):
            return bytes(self._bytes[char] for char in token)
        return (token.replace("\u2581", " ") if self._spaces else token).encode()
