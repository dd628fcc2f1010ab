"""Slow twins of editing, written from the formulas. They import nothing of bytepiece."""

import math
from collections import Counter

from support.reference_training import best_path, worths


def normalized(scores):
    """Move all scores by the same amount, so that the probabilities add up to 1."""
    top = max(scores.values())
    total = top + math.log(math.fsum(math.exp(score - top) for score in scores.values()))
    return {piece: score - total for piece, score in scores.items()}


def light(counts):
    """Halve all counts until their sum is below 2^44."""
    halvings = 0
    while sum(counts.values()) >> halvings >= 1 << 44:
        halvings += 1
    return {piece: count >> halvings for piece, count in counts.items()}


def shrink(scores, counts, exponent, most, kept, usage=None):
    """Return the scores and counts of the pieces that stay."""
    while len(scores) > most:
        size = max(most, len(scores) - max(1, (len(scores) - len(kept)) // 16))
        own = worths(light(counts), scores)
        needed = own if usage is None else worths(light(usage(scores)), scores)
        place = {piece: i for i, piece in enumerate(scores)}
        order = sorted(
            scores,
            key=lambda p: (math.inf if p in kept else needed[p], own[p], -place[p]),
        )
        gone = set(order[: len(scores) - size])
        rest = normalized({piece: score for piece, score in scores.items() if piece not in gone})
        inherited = Counter()
        for piece in gone:
            for part in best_path(piece, rest):
                inherited[part] += counts[piece]
        after = {piece: counts[piece] + inherited[piece] for piece in rest}
        scores = normalized(
            {
                piece: score + exponent * (math.log(after[piece]) - math.log(counts[piece]))
                for piece, score in rest.items()
            }
        )
        counts = after
    return scores, counts


def compacted(ids):
    """Return a new id for each id. Each id that is too large gets the smallest vacant one."""
    vacant = [i for i in range(len(ids)) if i not in ids]
    return {i: i if i < len(ids) else vacant.pop(0) for i in sorted(ids)}
