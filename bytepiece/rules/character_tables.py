"""The tables by which kernels normalize as other libraries do."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import U8
from bytepiece.kernels import trie
from bytepiece.kernels.normalizing import BLANK, LOOKED_UP, PLAIN, CharacterTables, offset, pair_of
from bytepiece.rules.character_classes import FOLLOWING, WHITE, characters
from bytepiece.rules.character_map import ENDS, SPACE

_INVALID = "\ufffd\0".encode()
_STEPS: dict[str, list[list[Any]]] = {
    "charsmap": [],
    "strip": [[False, True]],
    "pattern": [[ENDS, ""]],
    "squeeze": [[" "], [SPACE]],
    "prepend": [[" "], [SPACE]],
}
"""The steps that a kernel can do, in this order, and the arguments that they may have."""


def character_tables(charsmap: bytes, symbols: Sequence[str]) -> CharacterTables | None:
    """Return the tables of SentencePiece's normalizer; None if only SentencePiece can use them.

    Args:
        charsmap: a compiled character map that `check_charsmap` has accepted; empty for none.
        symbols: strings that stay as they are.
    """
    size = int.from_bytes(charsmap[:4], "little")
    texts = charsmap[4 + size :]
    try:
        longest = max(map(len, texts.decode().encode().split(b"\0")))
    except UnicodeDecodeError:  # it replaces characters by parts of characters
        return None
    if size:
        units = np.frombuffer(charsmap, dtype="<u4", count=size // 4, offset=4)
        units = units.astype(np.uint32)
    else:
        units = np.arange(256, dtype=np.uint32) ^ np.uint32(1)  # no byte leads from the root
    if units[0] >> 31:
        return None
    kept = [symbol.encode() for symbol in symbols]
    return CharacterTables(
        units,
        np.frombuffer(texts + _INVALID, dtype=np.uint8),
        *_kinds(units, {symbol[0] for symbol in kept}),
        trie.build(kept)[0].units if kept else np.zeros((1, 2), dtype=np.int32),
        max([4, longest, *map(len, kept)]),
    )


class LibraryTables(NamedTuple):
    """The tables by which a kernel applies the usual steps of a tokenizer.json.

    Args:
        tables: how characters are replaced.
        uncertain: bool[code points], characters that only Python may handle.
        squeezed: several spaces become one.
        stripped: white space at the end goes.
        trimmed: spaces at both ends go. Then `squeezed` is true, too.
        prepended: each stretch gets a space in front, unless it is empty.
    """

    tables: CharacterTables
    uncertain: npt.NDArray[np.bool_]
    squeezed: bool
    stripped: bool
    trimmed: bool
    prepended: bool


def library_tables(steps: Sequence[tuple[Any, ...]]) -> LibraryTables | None:
    """Return the tables of the steps of a `HuggingFaceRules`; None if a kernel cannot do them.

    A kernel can do, in this order and each of them or not: a character map, the removal of white
    space at the end, the removal of spaces at both ends, one space for several, and a space in
    front. U+2581 must count as a space.
    """
    names = [step[0] for step in steps]
    if names != [name for name in _STEPS if name in names]:
        return None
    found = {name: arguments for name, *arguments in steps}
    charsmap = found.pop("charsmap", [b""])[0]
    if any(arguments not in _STEPS[name] for name, arguments in found.items()):
        return None
    if "pattern" in found and "squeeze" not in found:
        return None
    tables = character_tables(charsmap, ())
    if tables is None:
        return None
    texts = tables.texts.tobytes().decode()
    white = {SPACE, *filter(re.compile(f"[{WHITE}]").match, map(chr, range(0x80, 0x3001)))}
    if "  " in texts or not white.isdisjoint(texts):
        return None
    beyond = characters(FOLLOWING) | white
    uncertain = np.zeros(0x110000, dtype=np.bool_)
    uncertain[list(map(ord, beyond))] = True
    for character in beyond:
        if len(raw := character.encode()) > 1:
            tables.pairs[pair_of(*raw[:2])] = True
    tables.kinds[ord("\r")] = LOOKED_UP
    for array in (*tables[:-1], uncertain):
        array.flags.writeable = False
    return LibraryTables(
        tables,
        uncertain,
        squeezed="squeeze" in found,
        stripped="strip" in found,
        trimmed="pattern" in found,
        prepended="prepend" in found,
    )


def _kinds(
    units: npt.NDArray[np.uint32], begin_symbols: set[int]
) -> tuple[U8, npt.NDArray[np.bool_]]:
    """Return the kind of each byte, and which pairs of bytes must be looked up."""
    kinds = np.full(256, LOOKED_UP, dtype=np.uint8)
    pairs = np.zeros(4096, dtype=np.bool_)
    pairs[pair_of(*SPACE.encode()[:2])] = True
    every = np.arange(256)
    root = int(offset(units[0]))
    for byte in range(256):
        node = root ^ byte
        unit = units[node]
        begins = int(unit) & 0x800000FF == byte
        ends = begins and bool(unit & np.uint32(256))
        below = np.zeros(256, dtype=np.bool_)
        if begins:
            below = units[node ^ int(offset(unit)) ^ every] & np.uint32(0x800000FF) == every
        if byte in begin_symbols or ends:
            below[:] = True
        if byte >= 0xC0:
            places = pair_of(byte, 0x80)
            pairs[places : places + 64] |= below[0x80:0xC0]
        elif byte < 0x80 and not below[:0x80].any():
            kinds[byte] = BLANK if byte == ord(" ") else PLAIN
    return kinds, pairs


_BLOCKS = [(0x80, 0x3400), (0xFE00, 0x10000)]
"""Characters of other blocks are rare, or are all alike; see `_ALIKE`."""
_ALIKE = [(0x3400, 0x4DC0), (0x4E00, 0xA000), (0xAC00, 0xD780)]
"""Ideographs and syllables of Hangul. Unicode promises that they stay as they are in NFC. Each of
these blocks consists of whole groups of 64, apart from its last characters."""


@cache
def composed_characters() -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return the pairs of bytes and the characters of which `composed` is certain.

    A character is certain if it is alone in NFC, is no mark, and is known to this Python's tables.
    """
    pairs = np.zeros(4096, dtype=np.bool_)
    doubtful = np.zeros(4096, dtype=np.bool_)
    single = np.zeros(0x10000, dtype=np.bool_)
    for low, high in _BLOCKS:
        for code in range(low, high):
            char = chr(code)
            raw = char.encode()
            place = pair_of(raw[0], raw[1])
            pairs[place] = True
            if (
                unicodedata.category(char)[0] in "MC"
                or 0x1100 <= code < 0x1200
                or unicodedata.normalize("NFC", char) != char
            ):
                doubtful[place] = True
            elif 0x800 <= code < 0x10000:
                single[code] = True
    for low, high in _ALIKE:
        for code in range(low, high, 64):
            raw = chr(code).encode()
            pairs[pair_of(raw[0], raw[1])] = True
    pairs &= ~doubtful
    pairs.flags.writeable = single.flags.writeable = False
    return pairs, single
