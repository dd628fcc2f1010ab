"""Slow twins of the law over characters of other libraries' Unigram models.

They are written from the description of SentencePiece's lattice: its edges are the pieces in a
text, and one more edge for each character that is no piece by itself. That edge has a score of its
own. Its text becomes the unknown token or, with byte fallback, single bytes; neighbouring unknown
tokens are merged.
"""

from collections.abc import Iterator, Mapping

from mpmath import mpf

from support.reference import MP

Edge = tuple[int, int, float, bool]
"""Where an edge begins and ends, in characters; its score; whether it is an unknown character."""


def edges(text: str, pieces: Mapping[str, float], unknown: float) -> list[Edge]:
    found: list[Edge] = []
    for start in range(len(text)):
        if text[start] not in pieces:
            found.append((start, start + 1, unknown, True))
        for end in range(start + 1, len(text) + 1):
            if text[start:end] in pieces:
                found.append((start, end, pieces[text[start:end]], False))
    return found


def paths(text: str, pieces: Mapping[str, float], unknown: float) -> Iterator[tuple[Edge, ...]]:
    """Yield all segmentations of a text that is not empty."""
    every = edges(text, pieces, unknown)

    def rests(start: int) -> Iterator[tuple[Edge, ...]]:
        if start == len(text):
            yield ()
        for edge in every:
            if edge[0] == start:
                for rest in rests(edge[1]):
                    yield (edge, *rest)

    return rests(0)


def law(
    text: str, pieces: Mapping[str, float], unknown: float, alpha: float
) -> tuple[mpf, dict[tuple[Edge, ...], mpf]]:
    """Return log Z, and the logarithm of the probability of each segmentation."""
    logs = {
        path: MP.mpf(alpha) * MP.fsum(edge[2] for edge in path)
        for path in paths(text, pieces, unknown)
    }
    log_z = MP.log(MP.fsum(map(MP.exp, logs.values())))
    return log_z, {path: log - log_z for path, log in logs.items()}


def tokens(text: str, path: tuple[Edge, ...], fallback: bool) -> tuple[bytes, ...]:
    """Return the texts of the tokens of a segmentation, as the library gives them out."""
    found: list[bytes] = []
    before = False
    for start, end, _, is_unknown in path:
        raw = text[start:end].encode()
        if is_unknown and fallback:
            found += [bytes([byte]) for byte in raw]
        elif is_unknown and before:
            found[-1] += raw
        else:
            found.append(raw)
        before = is_unknown
    return tuple(found)
