"""Origins: where the characters or bytes of a normalized text come from in the text before.

A step of normalization makes each part of a text into some characters, or into none. The origin of
such a character is the place where its part begins; its part ends at the next larger origin. The
origins of a text are int64[size + 1]: one for each character (or byte), and at the end the size of
the text before. They never decrease. What a step puts in has the origin of what follows it. What a
step removes belongs to the part before it. `first[second]` joins the origins of two steps.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial

import numpy as np

from bytepiece._arrays import I64, offsets_of

Edit = tuple[int, int, int]
"""(low, high, size): a step makes `size` characters of the text from `low` up to `high`."""
Step = Callable[[str], tuple[str, I64]]
"""Returns the text after a step of normalization, and the origins of its characters."""


def trace(raw: bytes, steps: Iterable[Step]) -> tuple[bytes, I64]:
    """Normalize a text by steps. Return it, and the origins of its bytes.

    Args:
        raw: the text before.
        steps: they get bytes that are not valid UTF-8 as lone surrogates, one for each byte.
    """
    text = raw.decode("utf-8", "surrogateescape")
    places = character_bounds(text, 1)
    for step in steps:
        text, origins = step(text)
        places = places[origins]
    sizes = np.diff(character_bounds(text, 1))
    after = text.encode("utf-8", "surrogateescape")
    return after, by_byte(raw, after, np.append(places[:-1].repeat(sizes), len(raw)))


def traced(step: Callable[[str], str]) -> Step:
    """Return a step with the origins that `of_step` finds."""

    def text_and_origins(text: str) -> tuple[str, I64]:
        after = step(text)
        return after, of_step(step, text, after)

    return text_and_origins


def replace_invalid(text: str) -> tuple[str, I64]:
    """Put U+FFFD for bytes that are not valid UTF-8. Return the text, and its origins."""

    def replaced(part: str) -> str:
        return part.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    runs = re.finditer("[\udc80-\udcff]+", text)
    edits = [(*run.span(), len(replaced(run[0]))) for run in runs]
    return replaced(text), of_edits(len(text), edits)


def of_form(form: str) -> Step:
    """Return the step of a Unicode normalization form."""
    return traced(partial(unicodedata.normalize, form))  # type: ignore[arg-type]


def joined(stretches: Sequence[I64], names: Sequence[bytes]) -> I64:
    """Return the origins of the bytes of a text that was cut at its special tokens.

    Args:
        stretches: the origins of the bytes of each stretch.
        names: the special tokens between the stretches.
    """
    origins = [stretches[0]]
    for name, stretch in zip(names, stretches[1:], strict=True):
        done = int(origins[-1][-1])
        origins[-1] = origins[-1][:-1]
        origins += [np.arange(done, done + len(name)), stretch + (done + len(name))]
    found = np.concatenate(origins)
    found[0] = 0
    return found


def by_byte(before: bytes, after: bytes, origins: I64) -> I64:
    """Return finer origins of bytes: in a part that did not change, each byte is its own origin.

    Text that was removed at the beginning belongs to the space that was put in front. If there is
    none, it belongs to the first part.

    Args:
        before, after: the texts.
        origins: the origins of the bytes of `after`.
    """
    if not after:
        return origins
    found: I64 = origins.copy()
    if found[0]:
        first = 1 if after.startswith(b" ") else np.searchsorted(found, found[0], side="right")
        found[:first] = 0
    # Each part has some bytes of `after` in a row, which are made from some bytes of `before`.
    begins = np.ones(len(found), dtype=np.bool_)
    begins[1:-1] = found[1:-1] > found[:-2]
    bounds = np.flatnonzero(begins)
    firsts, sizes = bounds[:-1], bounds[1:] - bounds[:-1]
    lengths = found[bounds[1:]] - found[firsts]
    own = found[:-1] + np.arange(len(after)) - firsts.repeat(sizes)
    source = np.frombuffer(before, dtype=np.uint8)[np.minimum(own, len(before) - 1)]
    same = np.frombuffer(after, dtype=np.uint8) == source
    unchanged = (sizes == lengths) & np.logical_and.reduceat(same, firsts)
    np.copyto(found[:-1], own, where=unchanged.repeat(sizes))
    return found


def character_bounds(text: str, surrogate: int) -> I64:
    """Return int64[characters + 1], where each character's bytes begin, and the end.

    Args:
        text: the characters.
        surrogate: the number of bytes that a lone surrogate stands for.
    """
    if text.isascii():
        return np.arange(len(text) + 1, dtype=np.int64)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    sizes = 1 + (codes > 0x7F).astype(np.int64) + (codes > 0x7FF) + (codes > 0xFFFF)
    sizes[(codes >= 0xD800) & (codes <= 0xDFFF)] = surrogate
    return offsets_of(sizes)


def of_edits(length: int, edits: Iterable[Edit]) -> I64:
    """Return the origins of the characters that edits leave.

    Args:
        length: the number of characters before.
        edits: in the order of their places; they do not overlap.
    """
    lows, highs, sizes = np.array(list(edits), dtype=np.int64).reshape(-1, 3).T
    inside = np.zeros(length + 1, dtype=np.int64)
    np.add.at(inside, lows, 1)
    np.add.at(inside, highs, -1)
    # How many characters each character becomes. An edit's characters all come from its first.
    counts = 1 - np.cumsum(inside)
    counts[length] = 0
    np.add.at(counts, lows, sizes)
    return np.append(np.arange(length + 1, dtype=np.int64).repeat(counts), length)


def of_matches(before: str, pattern: str | re.Pattern[str], size: int) -> I64:
    """Return the origins of the characters if `size` characters replace each match of a pattern."""
    return of_edits(len(before), ((*match.span(), size) for match in re.finditer(pattern, before)))


def of_step(step: Callable[[str], str], before: str, after: str) -> I64:
    """Return the origins of the characters that a step makes, whatever the step does.

    They are exact if the step changes each character by itself or together with the marks that
    follow it, if it only removes text at the ends, or if it only puts text in front. Otherwise, the
    text from the first change to the last one counts as one part.

    Args:
        step: returns the text after the step.
        before: a text.
        after: the text after the step.
    """
    length = len(before)
    if after.endswith(before):
        return of_edits(length, [(0, 0, len(after) - length)])
    start = before.find(after)
    if start >= 0:
        return of_edits(length, [(0, start, 0), (start + len(after), length, 0)])
    return of_parts(step, before, after, _parts(step, before))


def of_parts(
    step: Callable[[str], str], before: str, after: str, parts: Iterable[tuple[int, int]]
) -> I64:
    """Return the origins of the characters that a step makes of each part by itself.

    If the step works in another way, the text from the first change to the last one is one part.

    Args:
        step: returns the text after the step.
        before: a text.
        after: the text after the step.
        parts: where the parts begin and end, in order. The step changes nothing between them.
    """
    found: list[Edit] = []
    rebuilt: list[str] = []
    done = 0
    known: dict[str, tuple[str, list[Edit]]] = {}
    for start, end in parts:
        part = before[start:end]
        if part not in known:
            known[part] = _changed(step, part)
        new, edits = known[part]
        found += [(start + low, start + high, size) for low, high, size in edits]
        rebuilt += before[done:start], new
        done = end
    if "".join([*rebuilt, before[done:]]) != after:
        found = [_edit(before, after)]
    return of_edits(len(before), found)


def _parts(step: Callable[[str], str], text: str) -> list[tuple[int, int]]:
    """Return where a step may change a text: characters, each with those that may join it."""
    chars = set(text)
    joining = {char for char in chars if char > "\x7f" and _joins(char)}
    wanted = joining | {char for char in chars if step(char) != char}
    parts: list[tuple[int, int]] = []
    for place in [place for place, char in enumerate(text) if char in wanted]:
        start = place
        if place and text[place] in joining:
            start = parts.pop()[0] if parts and parts[-1][1] == place else place - 1
        parts.append((start, place + 1))
    return parts


def _changed(step: Callable[[str], str], part: str) -> tuple[str, list[Edit]]:
    """Return a character and its marks after a step, and the edits that the step makes."""
    after, apart = step(part), list(map(step, part))
    if "".join(apart) != after:
        return after, [_edit(part, after)]
    pairs = enumerate(zip(part, apart, strict=True))
    return after, [(place, place + 1, len(new)) for place, (old, new) in pairs if new != old]


def _edit(before: str, after: str) -> Edit:
    """Return the edit that makes one text of another and keeps what both begin and end with."""
    most = min(len(before), len(after))
    last = _in_common(before[::-1], after[::-1], most)
    first = _in_common(before, after, most - last)
    return first, len(before) - last, len(after) - last - first


def _in_common(first: str, second: str, most: int) -> int:
    """Return how many characters two texts have in common at their beginnings, up to a number."""
    pairs = enumerate(zip(first[:most], second, strict=False))
    return next((place for place, (one, other) in pairs if one != other), most)


@cache
def _joins(char: str) -> bool:
    """Return whether normalization may join a character to the one before it, or reorder it."""
    first = unicodedata.normalize("NFKD", char)[0]
    return unicodedata.combining(first) > 0 or first in _last_halves()


@cache
def _last_halves() -> frozenset[str]:
    """Return the characters that occur in a decomposition, but not as its first character."""
    some = map(chr, range(0x30000))  # No character beyond these has a decomposition.
    return frozenset("".join(unicodedata.normalize("NFD", char)[1:] for char in some))
