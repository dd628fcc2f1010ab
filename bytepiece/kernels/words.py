"""Cut texts into words: an automaton goes from character to character and finds the matches."""

import numpy as np

from bytepiece._arrays import I32, I64, U8, U16
from bytepiece.kernels.jit import UINT_1, Scalar, inlined, kernel, uint
from bytepiece.kernels.word_tables import END, MATCHED, PAGE, WordAutomaton

_ROW = MATCHED - 1
_SLOWEST = 16
"""Most bytes that may be looked at for each byte of a text, over all searches in the text."""
_ALLOWANCE = 1 << 10


@inlined
def _wide(
    pages: U8, page_of: U16, invalid: Scalar, text: U8, start: Scalar, stop: Scalar
) -> Scalar:
    """Return the class of a character beyond ASCII, and its length above it: class · 8 + length.

    `invalid` is what is returned for a byte that is no part of a valid character.
    """
    lead = np.int64(text[start])
    if lead < 0xC2 or lead > 0xF4:
        return invalid
    length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if np.int64(start) + length > np.int64(stop):
        return invalid
    code = lead & (0x7F >> length)
    place = start
    for _ in range(1, length):
        place += UINT_1
        byte = np.int64(text[place])
        if byte & 0xC0 != 0x80:
            return invalid
        code = code << 6 | byte & 0x3F
    overlong = (length == 3 and code < 0x800) or (length == 4 and code < 0x10000)
    if overlong or code >= 0x110000 or 0xD800 <= code < 0xE000:
        return invalid
    page = uint(page_of[uint(code >> 8)])
    number = np.int64(pages[page * uint(PAGE) + uint(code & 0xFF)])
    return number * 8 + length


# The automaton looks at one character after another until no match can go on, and remembers the
# end of the last match. Looking beyond the end of a match makes the next search look there again,
# so a pattern may need quadratic time; such a search is given up. The patterns in use look at each
# character at most three times.
# Most characters lead to the same entry as the character before, such as the letters of a word. The
# processor predicts that, so the next load does not wait for this one.
@kernel
def _cut(
    automaton: WordAutomaton,
    kept: U8,
    text: U8,
    part_bounds: I64,
    part_special: I32,
    bounds: I64,
    part_of: I64,
) -> Scalar:
    """Store the words that there is room for, and return the number of all words, or −1.

    Args:
        automaton: the automaton of the pattern.
        kept: uint8[4]; see `cut`.
        text, part_bounds, part_special: see `cut`.
        bounds: int64[room + 1], to be filled with where each word begins.
        part_of: int64[room], to be filled with the part of each word.
    """
    count = np.int64(0)
    # Arrays are taken out of the tuple once, since handing on the tuple would cost time.
    of_byte, pages, page_of, table = automaton[:4]
    invalid = np.int64(automaton.invalid) * 8 + 1
    width = uint(automaton.width)
    last_column = width - UINT_1
    room = len(part_of)
    for part in range(len(part_special)):
        begin, stop = uint(part_bounds[part]), uint(part_bounds[part + 1])
        if part_special[part] >= 0:
            if count < room:
                bounds[count], part_of[count] = np.int64(begin), part
            count += 1
            continue
        budget = np.int64(stop - begin) * _SLOWEST + _ALLOWANCE
        position = begin
        before = 2  # nothing, 0 for text between matches, 1 for a match
        while position < stop:
            byte = text[position]
            if byte < 0x80:
                number, length = uint(of_byte[uint(byte)]), UINT_1
            else:
                wide = _wide(pages, page_of, invalid, text, position, stop)
                number, length = uint(wide >> 3), uint(wide & 7)
            entry = table[width + number]
            end = position
            if entry == END:  # text between matches, up to where a match may begin
                while entry == END:
                    end += length
                    if end == stop:
                        break
                    byte = text[end]
                    if byte < 0x80:
                        number, length = uint(of_byte[uint(byte)]), UINT_1
                    else:
                        wide = _wide(pages, page_of, invalid, text, end, stop)
                        number, length = uint(wide >> 3), uint(wide & 7)
                    entry = table[width + number]
                matched = 0
            else:
                after = position + length
                place = after
                row = uint(entry & _ROW)
                while place < stop:
                    byte = text[place]
                    if byte < 0x80:
                        number, length = uint(of_byte[uint(byte)]), UINT_1
                    else:
                        wide = _wide(pages, page_of, invalid, text, place, stop)
                        number, length = uint(wide >> 3), uint(wide & 7)
                    found = table[row + number]
                    if found & MATCHED:
                        end = place
                    if found != entry:
                        row, entry = uint(found & _ROW), found
                        if row == END:
                            break
                    place += length
                if row != END and table[row + last_column] & MATCHED:
                    end = stop
                budget -= np.int64(place - position)
                if budget < 0:
                    return np.int64(-1)
                matched = 1 if end > position else 0
                if matched == 0:  # one more character between matches
                    end = after
            if before == 2 or ((before | matched) and kept[uint(before * 2 + matched)]):
                if count < room:
                    bounds[count], part_of[count] = np.int64(position), part
                count += 1
            before = matched
            position = end
    if count <= room:
        bounds[count] = part_bounds[len(part_special)]
    return count


def cut(
    automaton: WordAutomaton, kept: U8, text: U8, part_bounds: I64, part_special: I32
) -> tuple[I64, I64] | None:
    """Cut the parts of a text into words.

    Args:
        automaton: the automaton of the pattern.
        kept: uint8[4], whether there is a cut between a match and the match after it (3), between a
            match and the text after it (2), between text and the match after it (1).
        text: uint8[bytes].
        part_bounds: int64[parts + 1], where each part begins, and the end.
        part_special: int32[parts], −1 for a part with text; for a part without bytes, the id of the
            special token that it stands for.

    Returns:
        int64[words + 1], where each word begins, and the end; int64[words], the number of the part
        that each word lies in. None if the search would take more than linear time.
    """
    room = len(text) // 3 + 2 * len(part_special) + 64
    while True:
        bounds, part_of = np.empty(room + 1, dtype=np.int64), np.empty(room, dtype=np.int64)
        count = _cut(automaton, kept, text, part_bounds, part_special, bounds, part_of)
        if count < 0:
            return None
        if count <= room:
            return bounds[: count + 1], part_of[:count]
        room = count
