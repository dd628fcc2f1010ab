"""Slow twins of the kernels, written from the formulas in pure Python; they import no kernel.

A vocabulary is a dict of scores by piece. It holds every single byte that occurs in the texts.
Logarithms and sums of weights have 60 digits and a large exponent, so no weight underflows.
"""

from collections.abc import Callable, Iterator, Mapping

from mpmath import mpf
from mpmath.ctx_mp import MPContext

from support.reference_texts import segments

MP = MPContext()
MP.dps = 60

Scores = Mapping[bytes, float]
Path = tuple[bytes, ...]


# ---- segmentations


def matches(text: bytes, start: int, scores: Scores) -> list[bytes]:
    """Return the pieces that begin at a position, shortest first."""
    longest = max(map(len, scores))
    ends = range(start + 1, min(start + longest, len(text)) + 1)
    return [text[start:end] for end in ends if text[start:end] in scores]


def segmentations(text: bytes, scores: Scores) -> Iterator[Path]:
    """Yield all ways to cut a text into pieces."""
    if not text:
        yield ()
        return
    for piece in matches(text, 0, scores):
        for rest in segmentations(text[len(piece) :], scores):
            yield (piece, *rest)


def best_by_enumeration(text: bytes, scores: Scores) -> Path:
    """Return the segmentation with the largest sum of scores.

    Among equal sums, the one with the longest last piece is best, then the one with the longest
    piece before the last, and so on. The result is right if all sums are exact.
    """
    return max(
        segmentations(text, scores),
        key=lambda path: (sum(scores[p] for p in path), [len(p) for p in reversed(path)]),
    )


def best_path(text: bytes, scores: Scores) -> Path:
    """Return the best path by dynamic programming in float64, with the kernel's ties and roundings.

    The candidates for the last piece come longest first; only a strictly better one replaces the
    candidate that is held.
    """
    best: list[tuple[float, Path]] = [(0.0, ())]
    for end in range(1, len(text) + 1):
        held: tuple[float, Path] | None = None
        for start in range(end):
            piece = text[start:end]
            if piece in scores:
                total = best[start][0] + scores[piece]
                if held is None or total > held[0]:
                    held = total, (*best[start][1], piece)
        assert held is not None
        best.append(held)
    return best[-1][1]


# ---- the exact law


def suffix_sums(text: bytes, scores: Scores, alpha: float) -> list[mpf]:
    """Return z[p] = Σ exp(alpha · score) · z[end] over the pieces that begin at p.

    The last entry, at the end of the text, is 1.
    """
    z = [MP.mpf(1)] * (len(text) + 1)
    for start in reversed(range(len(text))):
        z[start] = MP.fsum(
            MP.exp(MP.mpf(alpha) * scores[piece]) * z[start + len(piece)]
            for piece in matches(text, start, scores)
        )
    return z


def path_logs(text: bytes, scores: Scores, alpha: float) -> dict[Path, mpf]:
    """Return log P(path) = alpha · Σ score − log Z of every path; Z is the sum over all paths."""
    logs = {
        path: MP.mpf(alpha) * MP.fsum(scores[piece] for piece in path)
        for path in segmentations(text, scores)
    }
    log_z = MP.log(MP.fsum(MP.exp(log) for log in logs.values()))
    return {path: log - log_z for path, log in logs.items()}


def prefix_sums(text: bytes, scores: Scores, alpha: float) -> list[mpf]:
    """Return the sum over all paths from the start to each position, mirroring `suffix_sums`."""
    a = [MP.mpf(1)] + [MP.mpf(0)] * len(text)
    for start in range(len(text)):
        for piece in matches(text, start, scores):
            a[start + len(piece)] += a[start] * MP.exp(MP.mpf(alpha) * scores[piece])
    return a


def marginals(text: bytes, scores: Scores, alpha: float) -> dict[tuple[int, int], mpf]:
    """Return the probability of each edge, by its start and end."""
    a, z = prefix_sums(text, scores, alpha), suffix_sums(text, scores, alpha)
    return {
        (start, start + len(piece)): a[start]
        * MP.exp(MP.mpf(alpha) * scores[piece])
        * z[start + len(piece)]
        / z[0]
        for start in range(len(text))
        for piece in matches(text, start, scores)
    }


def entropy(text: bytes, scores: Scores, alpha: float) -> mpf:
    """Return log Z − alpha · E[Σ score]; 60 digits are enough for this difference."""
    edges = marginals(text, scores, alpha).items()
    mean = MP.fsum(p * scores[text[start:end]] for (start, end), p in edges)
    return MP.log(suffix_sums(text, scores, alpha)[0]) - alpha * mean


def count_paths(text: bytes, scores: Scores) -> int:
    """Return the number of segmentations."""
    counts = [1]
    longest = max(map(len, scores))
    for end in range(1, len(text) + 1):
        begins = range(max(end - longest, 0), end)
        counts.append(sum(counts[begin] for begin in begins if text[begin:end] in scores))
    return counts[-1]


def sorted_paths(text: bytes, scores: Scores) -> list[Path]:
    """Return all segmentations, the best sum first.

    Among equal sums, the one with the longest last piece comes first, then the one whose path to
    the start of the last piece comes first.
    """
    ways: list[list[tuple[float, Path]]] = [[(0.0, ())]]
    for end in range(1, len(text) + 1):
        candidates = [
            (-(before + scores[text[start:end]]), start, rank, (*path, text[start:end]))
            for start in range(end)
            if text[start:end] in scores
            for rank, (before, path) in enumerate(ways[start])
        ]
        ways.append([(-negative, path) for negative, _, _, path in sorted(candidates)])
    return [path for _, path in ways[-1]]


def viterbi_law(text: bytes, scores: Scores, alpha: float) -> dict[Path, float]:
    """Return the law of Viterbi sampling (kexue.fm 9768), by following all its choices.

    A state holds one path to each position so far. The candidates for a position come with the
    longest last piece first. The new one replaces the held one with probability
    sigmoid(alpha · (new − held)), where both are sums of scores.
    """
    states: dict[tuple[Path, ...], float] = {((),): 1.0}
    for end in range(1, len(text) + 1):
        for start in range(end):
            piece = text[start:end]
            if piece not in scores:
                continue
            following: dict[tuple[Path, ...], float] = {}
            for held, probability in states.items():
                candidate = (*held[start], piece)
                taken, kept = (*held[:end], candidate), held
                yes = 1.0
                if len(held) > end:
                    difference = total(candidate, scores) - total(held[end], scores)
                    yes = sigmoid(alpha * difference)
                    following[kept] = following.get(kept, 0.0) + probability * (1 - yes)
                following[taken] = following.get(taken, 0.0) + probability * yes
            states = following
    law: dict[Path, float] = {}
    for held, probability in states.items():
        law[held[-1]] = law.get(held[-1], 0.0) + probability
    return law


def total(path: Path, scores: Scores) -> float:
    """Return the sum of a path's scores, added from left to right."""
    result = 0.0
    for piece in path:
        result += scores[piece]
    return result


def sigmoid(x: float) -> float:
    return float(1 / (1 + MP.exp(-MP.mpf(x))))


def chi_square_tail(counts: Mapping[Path, int], law: Mapping[Path, float]) -> float:
    """Return the probability of a fit at least as bad as this one, if the law is right.

    Cells with fewer than five expected draws are put together. The probability is 0 if a path was
    drawn that the law rules out.
    """
    if not counts.keys() <= law.keys():
        return 0.0
    draws = sum(counts.values())
    cells = []
    rare_seen, rare_expected = 0, 0.0
    for path, probability in law.items():
        expected = float(probability) * draws
        if expected < 5:
            rare_seen += counts.get(path, 0)
            rare_expected += expected
        else:
            cells.append((counts.get(path, 0), expected))
    if rare_expected >= 5:
        cells.append((rare_seen, rare_expected))
    statistic = sum((seen - expected) ** 2 / expected for seen, expected in cells)
    return float(MP.gammainc((len(cells) - 1) / 2, statistic / 2, regularized=True))


# ---- random streams

Draws = Callable[[int], float]


def philox(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """Return a block of Philox4x32-10, written from the paper (Salmon et al. 2011)."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * x0, 1 << 32)
        high1, low1 = divmod(0xCD9E8D57 * x2, 1 << 32)
        x0, x1, x2, x3 = high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0
        k0 = (k0 + 0x9E3779B9) % (1 << 32)
        k1 = (k1 + 0xBB67AE85) % (1 << 32)
    return x0, x1, x2, x3


def stream(seed: int, epoch: int, doc_id: int, sample: int, segment: int) -> Draws:
    """Return a function from a number to a segment's uniform of that number.

    docs/randomness.md documents the mapping.
    """
    doc_high, doc_low = divmod(doc_id, 1 << 32)
    seed_high, seed_low = divmod(seed, 1 << 32)
    d0, d1, d2, d3 = philox((doc_low, doc_high, epoch, sample), (seed_low, seed_high))

    def draw(number: int) -> float:
        words = philox((number // 2, segment, d2, d3), (d0, d1))
        high, low = words[:2] if number % 2 == 0 else words[2:]
        return ((high << 32 | low) >> 11) / 2**53

    return draw


# ---- samplers, each with its uniforms as an argument


def perfect_path(text: bytes, scores: Scores, alpha: float, draw: Draws) -> Path:
    """Draw a path by perfect sampling: invert each piece's distribution, shortest piece first."""
    z = suffix_sums(text, scores, alpha)
    path: list[bytes] = []
    position = 0
    while position < len(text):
        goal = MP.mpf(draw(len(path))) * z[position]
        cumulated = MP.mpf(0)
        for piece in matches(text, position, scores):
            cumulated += MP.exp(MP.mpf(alpha) * scores[piece]) * z[position + len(piece)]
            if cumulated > goal:
                break
        path.append(piece)
        position += len(piece)
    return tuple(path)


def viterbi_path(text: bytes, scores: Scores, alpha: float, draw: Draws) -> Path:
    """Draw a path by Viterbi sampling; the uniforms are numbered in the order of the choices."""
    held: dict[int, tuple[float, Path]] = {0: (0.0, ())}
    draws = 0
    for start in range(len(text)):
        here, path = held[start]
        for piece in matches(text, start, scores):
            end = start + len(piece)
            score = here + scores[piece]
            accepted = end not in held
            if not accepted:
                accepted = draw(draws) < sigmoid(alpha * (score - held[end][0]))
                draws += 1
            if accepted:
                held[end] = score, (*path, piece)
    return held[len(text)][1]


def nbest_path(text: bytes, scores: Scores, alpha: float, draw: Draws, n: int = 64) -> Path:
    """Draw a path by n-best sampling.

    Uniform 0 chooses among the n best paths; the smallest uniforms choose the best path.
    """
    paths = sorted_paths(text, scores)[:n]
    weights = [MP.exp(MP.mpf(alpha) * total(path, scores)) for path in paths]
    goal = MP.mpf(draw(0)) * MP.fsum(weights)
    rank = 0
    while MP.fsum(weights[: rank + 1]) <= goal:
        rank += 1
    return paths[rank]


def without_replacement(
    text: bytes, scores: Scores, alpha: float, k: int, draw: Draws
) -> tuple[list[Path], list[float]]:
    """Draw k different paths; return them, and the perturbed log-probabilities of k + 1 paths.

    The last perturbed log-probability belongs to the path that would be drawn next.
    A node is the beginning of a path. Its value is the largest perturbed log-probability of the
    paths that begin with it. Among all waiting nodes, the one with the largest value is extended to
    the path that has this value. Uniforms 0, 2, 4 … are used.
    """
    z = suffix_sums(text, scores, alpha)
    number = -2

    def uniform() -> mpf:
        nonlocal number
        number += 2
        return MP.mpf(max(draw(number), 2.0**-54))

    waiting: list[tuple[mpf, mpf, Path]] = [(-MP.log(-MP.log(uniform())), MP.mpf(0), ())]
    paths: list[Path] = []
    tops: list[float] = []
    while waiting and len(paths) < k:
        waiting.sort(key=lambda node: -node[0])
        top, log_p, path = waiting.pop(0)
        tops.append(float(top))
        while (position := sum(map(len, path))) < len(text):
            pieces = matches(text, position, scores)
            logs = [
                MP.mpf(alpha) * scores[p] + MP.log(z[position + len(p)]) - MP.log(z[position])
                for p in pieces
            ]
            chosen = 0
            if len(pieces) > 1:
                goal, cumulated = uniform(), MP.mpf(0)
                for chosen, log in enumerate(logs):  # noqa: B007
                    cumulated += MP.exp(log)
                    if cumulated > goal:
                        break
                for i, (piece, log) in enumerate(zip(pieces, logs, strict=True)):
                    if i != chosen:
                        node = log_p + log
                        below = -MP.log(MP.exp(-top) - MP.log(uniform()) * MP.exp(-node))
                        waiting.append((below, node, (*path, piece)))
            log_p += logs[chosen]
            path = (*path, pieces[chosen])
        paths.append(path)
    waiting.sort(key=lambda node: -node[0])
    return paths, [*tops, *(float(top) for top, _, _ in waiting[:1])]


SAMPLERS = {"perfect": perfect_path, "viterbi": viterbi_path, "nbest": nbest_path}


def sample(
    text: bytes,
    scores: Scores,
    alpha: float,
    *,
    sampler: str = "perfect",
    seed: int = 0,
    epoch: int = 0,
    doc_id: int = 0,
    number: int = 0,
    digit_group: int = 0,
) -> list[bytes]:
    """Return the pieces of a sample of a text, which may have several segments."""
    pieces: list[bytes] = []
    offset = 0
    for segment in segments(text, digit_group):
        draw = stream(seed, epoch, doc_id, number, offset)
        pieces += SAMPLERS[sampler](segment, scores, alpha, draw)
        offset += len(segment)
    return pieces
