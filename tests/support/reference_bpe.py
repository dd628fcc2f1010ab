"""Slow twins of BPE and of the cuts into words; they import nothing of the library."""

from itertools import pairwise


def joined(symbols, ranks, of_pair):
    """Join the neighbours of the lowest rank, the leftmost first, until none can be joined.

    Args:
        symbols: the bytes with which a word begins.
        ranks: the rank of each pair, or of each piece.
        of_pair: whether the ranks are those of pairs.
    """
    symbols = list(symbols)
    while True:
        pairs = pairwise(symbols)
        keys = [pair if of_pair else pair[0] + pair[1] for pair in pairs]
        known = [(ranks[key], at) for at, key in enumerate(keys) if key in ranks]
        if not known:
            return symbols
        _, at = min(known)
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]


def word_of_bytes(word, ranks, of_pair=False, whole=()):
    """Return the pieces of a word that begins as single bytes."""
    if word in whole:
        return [word]
    return joined([word[i : i + 1] for i in range(len(word))], ranks, of_pair)


def spans(text, matches):
    """Return the matches and the text between them: start, end, and whether it is a match."""
    found = []
    done = 0
    for start, end in matches:
        if start > done:
            found.append((done, start, False))
        found.append((start, end, True))
        done = end
    if done < len(text):
        found.append((done, len(text), False))
    return found


def cut(text, matches, behavior="isolated", invert=False):
    """Return the words of a text by the rules of tokenizers' Split.

    Args:
        text: the text.
        matches: the starts and ends of the matches of a pattern in it.
        behavior, invert: see `bytepiece.rules.words.WordCut`.
    """
    found = [(a, b, is_match != invert) for a, b, is_match in spans(text, matches)]
    words = []
    backwards = behavior == "with-next"
    before = None
    for start, end, is_match in reversed(found) if backwards else found:
        joins = {
            "isolated": False,
            "contiguous": before is not None and is_match == before,
            "with-previous": is_match and before is False,
            "with-next": is_match and before is False,
        }[behavior]
        if not joins:
            words.append((start, end))
        elif backwards:
            words[-1] = start, words[-1][1]
        else:
            words[-1] = words[-1][0], end
        before = is_match
    return [text[a:b] for a, b in (reversed(words) if backwards else words)]
