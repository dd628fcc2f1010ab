"""Texts of a batch laid end to end, and their normalization.

Each kind of rules has a method for one text, which defines the result: `to_bytes` and
`LibraryRules.normalize`. Here most texts of a batch are normalized together by kernels.
"""

import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from bytepiece._arrays import I64, U8, cuts, offsets_of
from bytepiece.inputs.arrow import Column
from bytepiece.kernels.composed import composed
from bytepiece.kernels.normalizing import CharacterTables, normalize, normalize_characters
from bytepiece.rules.character_tables import LibraryTables, composed_characters
from bytepiece.rules.foreign import HuggingFaceRules, SentencePieceRules
from bytepiece.rules.text import Text, to_bytes
from bytepiece.rules.text_rules import TextRules

_RUN = 1 << 14
"""Several neighbouring texts are tested at once for whether they are normalized already. Together
they have about this many bytes."""


def end_to_end(texts: Sequence[Text] | Column) -> tuple[U8, I64]:
    """Return the bytes of texts end to end, where each begins, and the end.

    Raises:
        ArgumentError: if a text is neither str nor bytes.
    """
    if isinstance(texts, Column):
        return texts.flat()
    try:
        # This is twice as fast as a call of a function of ours for each text.
        return laid(list(map(str.encode, texts)))  # type: ignore[arg-type]
    except (TypeError, UnicodeEncodeError):  # there are bytes, or lone surrogates
        if set(map(type, texts)) == {bytes}:
            return laid(texts)  # type: ignore[arg-type]
        return laid(list(map(to_bytes, texts)))


def laid(parts: Sequence[bytes]) -> tuple[U8, I64]:
    """Return byte strings end to end, where each begins, and the end."""
    return np.frombuffer(b"".join(parts), dtype=np.uint8), offsets_of(map(len, parts))


def normalized(
    text: U8, bounds: I64, rules: TextRules, documents: I64 | None = None
) -> tuple[U8, I64]:
    """Normalize texts, or the stretches of texts, that lie end to end.

    Args:
        text, bounds: the stretches; see `laid`.
        rules: the rules of the model.
        documents: int64[stretches], the text of each stretch, ascending; None if each stretch is a
            text of its own.

    Returns:
        the normalized stretches, as `laid` returns them.
    """
    library = rules.library
    if library is None:
        return _by_forms(text, bounds, rules.normalization)
    if isinstance(library, SentencePieceRules) and library.tables is not None:
        return _by_tables(library, library.tables, text, bounds, documents)
    if isinstance(library, HuggingFaceRules) and library.tables is not None:
        return _by_characters(library, library.tables, text, bounds, documents)
    parts = [text[low:high].tobytes() for low, high in pairwise(bounds.tolist())]
    if documents is None:
        return laid([library.normalize([part])[0] for part in parts])
    ends = np.searchsorted(documents, np.arange(int(documents[-1]) + 2))
    found = [library.normalize(parts[low:high]) for low, high in pairwise(ends.tolist())]
    return laid([part for stretches in found for part in stretches])


def _by_forms(text: U8, bounds: I64, steps: Sequence[str]) -> tuple[U8, I64]:
    """Normalize to Unicode's forms; a run of texts that need no change is kept as it is."""
    if not steps or text.max(initial=0) < 0x80:
        return text, bounds
    lengths = np.diff(bounds)
    parts: list[bytes] = []
    done = 0
    ends_of_runs = cuts(bounds, _RUN)
    certain = np.zeros(len(ends_of_runs) - 1, dtype=np.bool_)
    if tuple(steps) == ("NFC",):
        composed(*composed_characters(), text, bounds[ends_of_runs], certain)
    for number, (low, high) in enumerate(pairwise(ends_of_runs)):
        if certain[number]:
            continue
        run = text[bounds[low] : bounds[high]].tobytes()
        chars = run.decode("utf-8", "surrogateescape")
        # If the run is in a normal form, so is each part of it.
        if not all(unicodedata.is_normalized(step, chars) for step in steps):  # type: ignore[arg-type]
            ends = (bounds[low : high + 1] - bounds[low]).tolist()
            texts = [to_bytes(run[start:end], steps) for start, end in pairwise(ends)]
            lengths[low:high] = list(map(len, texts))
            parts += [text[done : bounds[low]].tobytes(), *texts]
            done = bounds[high]
    if not parts:
        return text, bounds
    return np.frombuffer(b"".join([*parts, text[done:].tobytes()]), np.uint8), offsets_of(lengths)


def _by_tables(
    rules: SentencePieceRules,
    tables: CharacterTables,
    text: U8,
    bounds: I64,
    documents: I64 | None,
) -> tuple[U8, I64]:
    """Normalize as SentencePiece does."""
    spaced = np.full(len(bounds) - 1, rules.add_dummy_prefix, dtype=np.bool_)
    if documents is not None and rules.add_dummy_prefix:
        filled = np.flatnonzero(np.diff(bounds))
        of = documents[filled]
        change = of[1:] != of[:-1]
        # The first or the last stretch of each text that is not empty.
        ends = (
            np.append(change, True) if rules.treat_whitespace_as_suffix else np.append(True, change)
        )
        spaced[:] = False
        spaced[filled[ends[: len(filled)]]] = True
    flags = rules.remove_extra_whitespaces, rules.treat_whitespace_as_suffix
    return _filled(
        lambda out, ends: normalize(tables, text, bounds, spaced, *flags, out, ends), text, bounds
    )


def _by_characters(
    rules: HuggingFaceRules,
    found: LibraryTables,
    text: U8,
    bounds: I64,
    documents: I64 | None,
) -> tuple[U8, I64]:
    """Normalize by the usual steps of a tokenizer.json; some texts are left to `rules`."""
    spaced = np.full(len(bounds) - 1, found.prepended or rules.prefix != "never", dtype=np.bool_)
    first = np.ones(len(spaced), dtype=np.bool_)
    if documents is not None:
        first[1:] = documents[1:] != documents[:-1]
    if rules.prefix == "first" and not found.prepended:
        spaced = first
    left = np.zeros(len(spaced), dtype=np.bool_)
    flags = found.squeezed, found.stripped, found.trimmed, found.prepended
    out, ends = _filled(
        lambda out, ends: normalize_characters(
            found.tables, found.uncertain, text, bounds, spaced, flags, out, ends, left
        ),
        text,
        bounds,
    )
    numbers = np.flatnonzero(left).tolist()
    if not numbers:
        return out, ends
    lengths = np.diff(ends)
    parts: list[bytes] = []
    done = 0
    for number in numbers:
        stretch = text[bounds[number] : bounds[number + 1]].tobytes()
        # A stretch in front keeps this one from being the first of its text.
        after = rules.normalize([stretch] if first[number] else [b"", stretch])[-1]
        parts += [out[done : ends[number]].tobytes(), after]
        done = ends[number]
        lengths[number] = len(after)
    parts.append(out[done:].tobytes())
    return np.frombuffer(b"".join(parts), dtype=np.uint8), offsets_of(lengths)


def _filled(call: Callable[[U8, I64], int], text: U8, bounds: I64) -> tuple[U8, I64]:
    """Return normalized texts as a kernel lays them end to end.

    Args:
        call: calls the kernel with room for texts and bounds; see `normalize`.
        text, bounds: the texts before.
    """
    ends = np.empty_like(bounds)
    # Nearly all texts fit into this much room. The pages that are not filled take no memory.
    room = len(text) + len(text) // 4 + len(bounds) + (1 << 10)
    while True:
        out = np.empty(room, dtype=np.uint8)
        size = call(out, ends)
        if size >= 0:
            break
        room *= 2
    out.flags.writeable = False  # like all texts: for others, kernels would be compiled once more
    return out[:size], ends
