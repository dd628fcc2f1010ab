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


# ---- samplers for BPE, with their uniforms as an argument


def _pairs(symbols, rank_of):
    """Return the rank and the place of each pair of neighbours that can be joined, in order."""
    keys = [(rank_of(a, b), at) for at, (a, b) in enumerate(pairwise(symbols))]
    return sorted((rank, at) for rank, at in keys if rank is not None)


def dropout(symbols, rank_of, alpha, draw):
    """Return the pieces of a word by BPE-dropout.

    Args:
        symbols: the strings with which the word begins.
        rank_of: returns the rank of two neighbours; None if they cannot be joined.
        alpha: the probability with which a pair is left out before a join.
        draw: returns the word's uniform of a number.
    """
    symbols, number = list(symbols), 0
    while True:
        for _, at in _pairs(symbols, rank_of):
            number += 1
            if draw(number - 1) >= alpha:
                symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
                break
        else:
            return symbols


def dropout_law(symbols, rank_of, alpha):
    """Return the probability of each segmentation by BPE-dropout, by following all its choices.

    Before each join the set of the pairs that are not left out is chosen, each pair with
    probability 1 − alpha.
    """
    symbols = tuple(symbols)
    pairs = _pairs(symbols, rank_of)
    law = {symbols: alpha ** len(pairs)}
    for left_out, (_, at) in enumerate(pairs):
        p = alpha**left_out * (1 - alpha)
        after = (*symbols[:at], symbols[at] + symbols[at + 1], *symbols[at + 2 :])
        for path, rest in dropout_law(after, rank_of, alpha).items():
            law[path] = law.get(path, 0.0) + p * rest
    return law


def _ways(piece, pieces):
    return [
        (piece[:cut], piece[cut:])
        for cut in range(1, len(piece))
        if piece[:cut] in pieces and piece[cut:] in pieces
    ]


def splitting(word, pieces, alpha, draw):
    """Return the pieces of a word after random splits.

    Args:
        word: the pieces of its deterministic encoding.
        pieces: the vocabulary.
        alpha: the mean number of tries for each piece.
        draw: returns the word's uniform of a number.
    """
    # The pieces in the order in which they came about, each with its place in the word.
    found = [(piece, (at,)) for at, piece in enumerate(word)]
    number = 1
    for _ in range(int(alpha * len(word) + draw(0))):
        at = int(draw(number) * len(found))
        piece, place = found[at]
        number += 1
        ways = _ways(piece, pieces)
        if ways:
            left, right = ways[int(draw(number) * len(ways))]
            number += 1
            found[at] = left, (*place, 0)
            found.append((right, (*place, 1)))
    return [piece for piece, _ in sorted(found, key=lambda one: one[1])]


def splitting_law(word, pieces, alpha):
    """Return the probability of each segmentation by random splits, by following all choices."""
    mean = alpha * len(word)
    law = {}
    for tries, p in ((int(mean), 1 - mean % 1), (int(mean) + 1, mean % 1)):
        paths = {tuple(word): p}
        for _ in range(tries):
            after = {}
            for path, share in paths.items():
                for at, piece in enumerate(path):
                    ways = _ways(piece, pieces) or [(piece,)]
                    for way in ways:
                        new = (*path[:at], *way, *path[at + 1 :])
                        after[new] = after.get(new, 0.0) + share / len(path) / len(ways)
            paths = after
        for path, share in paths.items():
            law[path] = law.get(path, 0.0) + share
    return {path: p for path, p in law.items() if p > 0}
