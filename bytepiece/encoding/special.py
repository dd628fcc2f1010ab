"""Special tokens inside a text: found as they are spelled."""

from collections.abc import Iterable

import ahocorasick

from bytepiece.rules.text import Text, to_bytes


def split_special(text: Text, names: Iterable[str]) -> list[bytes | str]:
    """Cut a text at the special tokens in it: leftmost first, among those the longest.

    Args:
        text: not normalized yet: a special token is found as it is spelled.
        names: of the special tokens to look for.

    Returns:
        what stands between special tokens, as bytes, and their names, as str; in order.

    >>> split_special("one<eos>two", ["<eos>"])
    [b'one', '<eos>', b'two']
    """
    raw = to_bytes(text)
    # The package is built over characters or, at its builder's wish, over bytes; text in Latin-1
    # makes a character of each byte, so that offsets are the same.
    spell = (lambda b: b.decode("latin-1")) if ahocorasick.unicode else bytes
    automaton = ahocorasick.Automaton()
    for name in names:
        automaton.add_word(spell(name.encode("utf-8")), name)
    if not len(automaton):
        return [raw]
    automaton.make_automaton()
    found = []
    for last, name in automaton.iter(spell(raw)):
        length = len(name.encode("utf-8"))
        found.append((last + 1 - length, -length, name))
    parts: list[bytes | str] = []
    done = 0
    # Not iter_long: it passes over names that begin inside another one that then breaks off.
    for start, negative_length, name in sorted(found):
        if start >= done:
            parts += [raw[done:start], name]
            done = start - negative_length
    parts.append(raw[done:])
    return parts
