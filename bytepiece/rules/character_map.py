"""SentencePiece's normalization of a text, by a compiled character map that may be damaged."""

import struct
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from bytepiece._arrays import I64
from bytepiece.errors import ModelError
from bytepiece.rules.protobuf import field, integer
from bytepiece.rules.sentencepiece_message import (
    NormalizerField,
    PieceType,
    SentencePieceEntry,
    TrainerField,
    model_message,
)

SPACE = "\u2581"
"""The character that SentencePiece and Hugging Face write in place of a space."""
ENDS = rf"\A +|[ {SPACE}]+\z"
"""The spaces that SentencePiece removes at both ends of a text, as a pattern.

`\\A` and `\\z` are the ends of the text, not of a line."""
MAX_CHARSMAP = 1 << 24
"""Most bytes of a compiled character map."""


class SentencePieceNormalizer:
    """SentencePiece's normalization as a function of a text; it returns spaces for U+2581.

    Args:
        charsmap: the compiled character map; empty for none.
        flags: further settings of the normalizer, as fields of a message.
        suffix: put the added space behind a text, not before it.
        symbols: stretches of text that stay as they are.

    Raises:
        ModelError: if SentencePiece refuses these settings.
    """

    def __init__(self, charsmap: bytes, flags: bytes, suffix: bool, symbols: Sequence[str]) -> None:
        with warnings.catch_warnings():
            # In newer Pythons, the bindings of SentencePiece warn when they are imported.
            warnings.simplefilter("ignore")
            # Imported here: most models do not need it.
            import sentencepiece  # noqa: PLC0415

        filler = "a"  # SentencePiece wants one piece that is not a symbol.
        while filler in symbols:
            filler += "a"
        entries = [
            SentencePieceEntry("<unk>", 0.0, PieceType.UNKNOWN),
            SentencePieceEntry(filler, 0.0, PieceType.NORMAL),
            *(
                SentencePieceEntry(name, 0.0, PieceType.USER_DEFINED)
                for name in symbols
                if name != "<unk>"
            ),
        ]
        trainer = integer(TrainerField.TREAT_WHITESPACE_AS_SUFFIX, suffix)
        normalizer = field(NormalizerField.PRECOMPILED_CHARSMAP, charsmap) + flags
        message = b"".join(model_message(entries, trainer, normalizer))
        self._processor: Any = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(message)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"sentencepiece cannot use these rules: {reason:.120}") from None

    def __call__(self, text: bytes | str) -> bytes:
        """Return the normalized text as UTF-8."""
        normalized: bytes = self._processor.Normalize(text)
        return normalized.replace(SPACE.encode(), b" ")

    def trace(self, text: bytes) -> tuple[bytes, I64]:
        """Return the normalized text, and the origins of its bytes.

        See `bytepiece.rules.origins`.
        """
        normalized, found = self._processor.Normalize(text, with_offsets=True)
        marked = normalized.replace(SPACE.encode(), b" \xff\xff")  # no other bytes are 0xFF
        kept = np.frombuffer(marked, dtype=np.uint8) != 0xFF
        places = np.array(found[:-1], dtype=np.int64)[kept]
        return marked.replace(b"\xff", b""), np.append(places, len(text))


def check_charsmap(charsmap: bytes) -> None:
    """Raise an error if looking a character up in a compiled map could read outside it.

    A map has three parts: a number of bytes, a double array (Darts') of that size, and texts. Each
    text ends with a NUL, and the values in the double array are the places of texts.

    Raises:
        ModelError: if the bytes are not such a map.
    """
    if not isinstance(charsmap, bytes):
        raise ModelError(f"a charsmap must be bytes, not {type(charsmap).__name__}")
    if not charsmap:
        return
    if len(charsmap) > MAX_CHARSMAP:
        raise ModelError(f"a charsmap has more than {MAX_CHARSMAP} bytes, the most allowed")
    size = struct.unpack_from("<I", charsmap)[0] if len(charsmap) >= 4 else 0
    texts = charsmap[4 + size :]
    if size < 1024 or size % 1024 or not texts or texts[-1]:
        raise ModelError("the charsmap, the table of normalizations, is damaged")
    units = np.frombuffer(charsmap, dtype="<u4", count=size // 4, offset=4).astype(np.int64)
    nodes = np.flatnonzero(units >> 31 == 0)
    unit = units[nodes]
    # A unit with bit 31 is a value; the others are nodes. Bits 10 to 30 and the scale in bit 9
    # give a node's base. The child by a byte is the unit at base XOR byte. Bit 8 says that a key
    # ends at the node.
    children = nodes ^ (unit >> 10 << ((unit & 1 << 9) >> 6))
    ending = children[unit & 1 << 8 != 0]
    if (children | 0xFF).max(initial=0) >= len(units) or np.any(
        (units[ending] & 0x7FFFFFFF) >= len(texts)
    ):
        raise ModelError("the charsmap, the table of normalizations, is damaged")
