"""Slow twins of training, from the formulas; nothing of bytepiece is imported here."""

import math
from collections import Counter

NOTHING = -math.inf


def ngram_logs(segments, order, min_count):
    """The log P(last byte | bytes before it) of every n-gram that is kept."""
    counts = Counter()
    for segment in segments:
        for start in range(len(segment)):
            for length in range(order + 1):
                if start + length <= len(segment):
                    counts[segment[start : start + length]] += 1
    for byte in range(256):
        if bytes([byte]) not in counts:
            counts[bytes([byte])] = 1
            counts[b""] += 1
    return {
        ngram: math.log(count) - math.log(counts[ngram[:-1]])
        for ngram, count in counts.items()
        if len(ngram) == 1 or (len(ngram) > 1 and count >= min_count)
    }


def cut(segment, logs, order, ensure_unicode, mend):
    """The pieces of a segment by the best path through states: state j is byte j + 1 of a piece."""
    last = order - 1
    table = []
    routes = []
    for position, byte in enumerate(segment):
        follows = ensure_unicode and byte & 0xC0 == 0x80
        logp = [
            logs.get(segment[position - j : position + 1], NOTHING) if j <= position else NOTHING
            for j in range(order)
        ]
        if follows:
            logp[0] = NOTHING
        if position == 0:
            scores, route = logp, [0] * order
            if mend and all(score == NOTHING for score in scores):
                scores = [0.0] + [NOTHING] * last
        else:
            before = table[-1]

            def step(j, before=before, logp=logp):
                sources = [k for k in range(order) if j == 0 or min(k + 1, last) == j]
                return max(sources, key=lambda k: (before[k] + logp[j], -k))

            route = [step(j) for j in range(order)]
            scores = [before[route[j]] + logp[j] for j in range(order)]
            if mend and all(score == NOTHING for score in scores):
                logp = [NOTHING] + [0.0] * last
                route = [step(j, before, logp) for j in range(order)]
                scores = [before[route[j]] + logp[j] for j in range(order)]
            if all(score == NOTHING for score in scores):
                route = [0] * order
        table.append(scores)
        routes.append(route)
    state = max(range(order), key=lambda j: (table[-1][j], -j))
    starts = []
    for position in range(len(segment) - 1, -1, -1):
        if state == 0:
            starts.append(position)
        state = routes[position][state]
    starts.reverse()
    return [segment[a:b] for a, b in zip(starts, [*starts[1:], len(segment)], strict=True)]


def best_path(text, scores):
    """Unigram Viterbi: strict improvement, pieces that begin earlier first."""
    best = [(0.0, 0)] + [(NOTHING, 0)] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(end):
            piece = text[start:end]
            if piece in scores and best[start][0] + scores[piece] > best[end][0]:
                best[end] = (best[start][0] + scores[piece], start)
    pieces = []
    end = len(text)
    while end:
        start = best[end][1]
        pieces.append(text[start:end])
        end = start
    return pieces[::-1]


def split(keep, strings):
    """Counts that strings give to the pieces they are cut into."""
    total = math.log(sum(keep.values()))
    scores = {piece: math.log(count) - total for piece, count in keep.items()}
    counts = Counter()
    for string, count in strings.items():
        for piece in best_path(string, scores):
            counts[piece] += count
    return counts


def prune(pieces, sizes, min_count, max_piece_length):
    """The vocabularies for descending sizes."""
    pieces = {bytes([byte]): 1 for byte in range(256)} | dict(pieces)
    keep = {
        p: c
        for p, c in pieces.items()
        if len(p) == 1 or (len(p) <= max_piece_length and c >= min_count)
    }
    for piece, count in split(keep, {p: c for p, c in pieces.items() if p not in keep}).items():
        keep[piece] += count

    def settle(keep):
        while True:
            settled = dict(split(keep, keep))
            if len(settled) == len(keep):
                return settled
            keep = settled

    keep = settle(keep)
    results = []
    for size in sizes:
        if len(keep) > size:
            order = sorted(keep, key=lambda p: (len(p) > 1, -keep[p], -len(p), p))
            kept = {piece: keep[piece] for piece in order[:size]}
            dropped = {piece: keep[piece] for piece in order[size:]}
            for piece, count in split(kept, dropped).items():
                kept[piece] += count
            keep = settle(kept)
        results.append(keep)
    return results
