"""Slow twins of training, written from the formulas. They import nothing of bytepiece."""

import math
import unicodedata
from collections import Counter, defaultdict
from itertools import accumulate, pairwise

from support import reference

NOTHING = -math.inf


def ngram_logs(segments, order, min_count):
    """Return the log P(last byte | bytes before it) of every n-gram that is kept."""
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
    """Cut a segment by the best path through states. State j means byte j + 1 of a piece."""
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
    """Return the best path of a Unigram model. Of equal paths, the longer last piece wins."""
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
    """Return the counts that strings give to the pieces they are cut into."""
    total = math.log(sum(keep.values()))
    scores = {piece: math.log(count) - total for piece, count in keep.items()}
    counts = Counter()
    for string, count in strings.items():
        for piece in best_path(string, scores):
            counts[piece] += count
    return counts


def prune(pieces, sizes, min_count, max_piece_length):
    """Return the vocabularies of descending sizes."""
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


def weight(count):
    """Return the count of a key with `count` occurrences in a window: 16 · count^(3/4)."""
    return math.isqrt(math.isqrt(count**3 << 16))


def kind(character):
    """Return the kind of a character: letters, numbers, white space, or others."""
    if character.isascii() and character.isspace() and character not in "\x1c\x1d\x1e\x1f":
        return "space"
    # A byte that is no UTF-8 becomes a surrogate.
    first = "L" if "\ud800" <= character < "\ue000" else unicodedata.category(character)[0]
    return {"L": "letter", "M": "letter", "N": "number", "Z": "space"}.get(first, "other")


def word_starts(segment):
    """Return where words begin; `bytepiece.training.words` says what a word is."""
    text = segment.decode("utf-8", "surrogateescape")
    kinds = [kind(character) for character in text]
    for i in range(1, len(text) - 1):
        if text[i] in "'’" and kinds[i - 1] == kinds[i + 1] == "letter":
            kinds[i] = "letter"
    words = []
    for i, one in enumerate(kinds):
        if words and kinds[i - 1] == one:
            words[-1] += text[i]
        else:
            words.append(text[i])
    for i, word in enumerate(words[:-1]):
        if word[-1] == " " and words[i + 1][0] != " ":
            words[i], words[i + 1] = word[:-1], " " + words[i + 1]
    sizes = [len(word.encode("utf-8", "surrogateescape")) for word in words if word]
    return [0, *accumulate(sizes)][:-1]


def words_in(segment):
    """Return the words of a segment."""
    starts = [*word_starts(segment), len(segment)]
    return [segment[a:b] for a, b in pairwise(starts)]


def joins_words(segment, begin, end):
    """Return whether some bytes of a segment lie within one word or are several whole words."""
    starts = {*word_starts(segment), len(segment)}
    return starts.isdisjoint(range(begin + 1, end)) or {begin, end} <= starts


def count_windows(windows, scores, superwords=False):
    """Count tokens, pieces and pairs along the best paths of all segments.

    A segment is a string, or a string and its weight. The default weight is 1. With `superwords`, a
    pair counts only where it lies within one word or is several whole words.
    """
    tokens, pieces, pairs = 0, Counter(), Counter()
    for segments in windows:
        seen, neighbours = defaultdict(list), defaultdict(list)
        for one in segments:
            segment, heavy = one if isinstance(one, tuple) else (one, 1)
            path = best_path(segment, scores)
            tokens += len(path)
            for piece in path:
                seen[piece].append(heavy)
            begin = 0
            for left, right in pairwise(path):
                end = begin + len(left) + len(right)
                if not superwords or joins_words(segment, begin, end):
                    neighbours[left, right].append(heavy)
                begin += len(left)
        for counts, found in ((pieces, seen), (pairs, neighbours)):
            for key, heavies in found.items():
                # The count of this many occurrences, times the mean of their weights, rounded down.
                counts[key] += sum(heavies) * weight(len(heavies)) // len(heavies)
    return tokens, pieces, pairs


def merge_scores(counts, exponent):
    """Return log probabilities in proportion to a power of the counts, in steps of 2⁻¹³."""
    logs = {piece: exponent * math.log(max(count, 8)) for piece, count in counts.items()}
    total = math.log(math.fsum(map(math.exp, logs.values())))
    return {piece: round((log - total) * 8192) / 8192 for piece, log in logs.items()}


def worths(counts, scores):
    """Return the worth of each piece in tokens, with an eighth of its inherited count."""
    inherited, worth = Counter(), {}
    for piece in sorted(counts, key=len, reverse=True):
        if len(piece) == 1:
            worth[piece] = math.inf
            continue
        others = {p: score for p, score in scores.items() if p != piece}
        path = best_path(piece, others)
        for part in path:
            inherited[part] += counts[piece] + inherited[piece]
        worth[piece] = (counts[piece] + inherited[piece] // 8) * (len(path) - 1)
    return worth


def lacks(piece):
    """Return how many bytes a piece lacks to end a character; −1 if it begins within one."""
    if piece[0] & 0xC0 == 0x80:
        return -1
    start = max(i for i, byte in enumerate(piece) if byte & 0xC0 != 0x80)
    needed = 1 + (piece[start] >= 0xC0) + (piece[start] >= 0xE0) + (piece[start] >= 0xF0)
    return max(needed - (len(piece) - start), 0)


def is_text(piece):
    """Return whether a piece is valid UTF-8."""
    return piece == piece.decode("utf-8", "ignore").encode()


def may_join(left, right, max_piece_length, newlines, spaces="across", parts=True):
    """Return whether a pair may be joined: to whole characters, or to a beginning of one."""
    if not parts and not is_text(left + right):
        return False
    if len(left + right) > max_piece_length:
        return False
    if newlines == "apart" and (left + right).strip(b"\n") not in (b"", left + right):
        return False
    if spaces == "words" and len(word_starts(left + right)) > 1:
        return False
    if lacks(left) == 0:
        return lacks(right) == 0
    return lacks(left) > 0 and lacks(right) < 0


def advance(vocabulary, counted, scores, size, most, rules, kept=()):
    """Return the next vocabulary: pieces and counts, in order."""
    pieces = list(vocabulary)
    number = {piece: i for i, piece in enumerate(pieces)}
    _, seen, pairs = counted
    counts = {piece: seen[piece] for piece in pieces}
    going = {
        piece
        for piece in pieces
        if len(piece) > 1 and piece not in kept and not rules.parts and not is_text(piece)
    }
    most += len(going)
    saved = {
        (left, right): count * (len(left) if left in going else 1)
        for (left, right), count in pairs.items()
        if count >= 32
    }
    joined = {}
    for (left, right), count in sorted(
        saved.items(), key=lambda item: (-item[1], number[item[0][0]], number[item[0][1]])
    ):
        if not may_join(left, right, *rules):
            continue
        if left + right in joined:
            joined[left + right] += count
        elif left + right not in number:
            if len(joined) == most:
                break
            joined[left + right] = count
    best = sorted(joined.items(), key=lambda item: -item[1])
    worth = worths(counts, scores) | dict.fromkeys(kept, math.inf) | dict.fromkeys(going, -1)
    room = size - len(pieces)
    taken, dropped = 0, len(going)
    for _, count in best:
        useless = sum(value < count // 3 for value in worth.values())
        if len(best) < most:
            useless = len(going)
        if taken + 1 - useless > room:
            dropped = taken - room
            break
        taken, dropped = taken + 1, useless
    out = set(sorted(pieces, key=worth.__getitem__)[:dropped])
    staying = {piece: count for piece, count in counts.items() if piece not in out}
    return staying | dict(best[:taken])


def seeds(segments, most_bytes, parts, least):
    """Return the counts of the seeds of valid texts with weights.

    A seed is an allowed substring that occurs more often than each longer allowed substring that
    begins with it, and than each longer one that has one more character before it.
    """

    def allowed(string):
        if len(string) < 2 or string[0] & 0xC0 == 0x80:
            return False
        first = 1 + (string[0] >= 0xC0) + (string[0] >= 0xE0) + (string[0] >= 0xF0)
        return is_text(string) or (parts and len(string) < first)

    counts = Counter()
    for segment, weight in segments:
        for start in range(len(segment)):
            for end in range(start + 2, min(start + most_bytes, len(segment)) + 1):
                if allowed(segment[start:end]):
                    counts[segment[start:end]] += weight
    longer = Counter()
    for string, count in counts.items():
        for end in range(2, len(string)):
            longer[string[:end]] = max(longer[string[:end]], count)
        if is_text(string):
            rest = string.decode()[1:].encode()
            longer[rest] = max(longer[rest], count)
    return {s: c for s, c in counts.items() if c >= least and c > longer[s]}


def loss(piece, counts):
    """Return by how much the log likelihood falls if a piece's count goes to its best other path.

    The probabilities are the counts' shares.
    """
    total = sum(counts.values())
    scores = {p: math.log(count / total) for p, count in counts.items() if p != piece}
    path = best_path(piece, scores)
    added = counts[piece]
    after = math.log(total + added * (len(path) - 1))
    other = sum(math.log(counts[part] + added) - after for part in path)
    return added * (math.log(added / total) - other)


def expected_counts(text, scores):
    """Return how often each piece occurs in a segmentation, on average, from an enumeration."""
    counts = dict.fromkeys(scores, 0)
    for path, log in reference.path_logs(text, scores, 1.0).items():
        for piece in path:
            counts[piece] += reference.MP.exp(log)
    return counts
