"""BNLM: cut text where a byte n-gram language model says that something new begins.

A byte is scored by the log probability of it given the bytes before it in its piece, at most
order − 1 of them; the cuts that make the sum of the scores largest are found by dynamic
programming. What is cut out often is a candidate for the vocabulary.

Source: Su, https://kexue.fm/archives/9752 and https://kexue.fm/archives/3956.
"""

from collections.abc import Callable, Iterable

import numpy as np

from bytepiece._jit import F64, I64, U8, Scalar, kernel
from bytepiece.parallel import ordered_map
from bytepiece.strings import longest
from bytepiece.training.corpus import Block
from bytepiece.training.ngrams import NgramModel
from bytepiece.training.tally import Tally, merge_all, tally
from bytepiece.trie import Trie, child


def count_pieces(
    blocks: Iterable[Block],
    model: NgramModel,
    order: int,
    ensure_unicode: bool,
    threads: int,
    done: Callable[[int], None],
    *,
    mend: bool = True,
) -> Tally:
    """Cut a corpus and count what is cut out.

    Args:
        blocks: the corpus. Each piece counts by the weight of its segment.
        model: made with the same order.
        ensure_unicode: never cut before a UTF-8 continuation byte.
        done: is told of the bytes of each block that was cut.
        mend: see `_cut`; False is for comparison with the original library.
    """
    sizes: list[int] = []

    def counted(block: Block) -> Tally:
        cuts = np.empty(len(block.text) + 1, dtype=np.int64)
        pieces = _cut(*model, block.text, block.bounds, order, ensure_unicode, mend, cuts)
        cuts = cuts[: pieces + 1]
        by_segment = np.diff(np.searchsorted(cuts, block.bounds))
        return tally(block.text, cuts, np.repeat(block.weights, by_segment))

    def remembered() -> Iterable[Block]:
        for block in blocks:
            sizes.append(len(block.text))
            yield block

    return merge_all(ordered_map(counted, remembered(), threads), lambda: done(sizes.pop(0)))


# State j of a byte: it is byte j + 1 of its piece, or, for the last state, a later one. Scores
# are added in the original's order and the first of equal predecessors is taken, as there.
# The n-gram that ends at a byte and has j + 1 bytes is the child of the one that ended a byte
# earlier and had j, so each byte costs `order` steps in the trie, which do not wait for another.
#
# One fault of the original is mended. With ensure_unicode, a continuation byte has no state 0;
# where an n-gram model has none of the n-grams that end in it either, as in a character rarer
# than min_count, all its states score −inf, and so do all after it: the original then cuts the
# rest of the segment, up to 10 000 characters, into single bytes. Here such a byte just continues
# its piece, at a price that is equal for all.
@kernel
def _cut(
    trie: Trie,
    logs: F64,
    text: U8,
    bounds: I64,
    order: Scalar,
    ensure_unicode: bool,
    mend: bool,
    cuts: I64,
) -> Scalar:
    """Find where the pieces of a block begin, and its end; how many they are."""
    routes = np.empty(longest(bounds, 0, len(bounds) - 1), dtype=np.uint8)
    scores = np.empty(order, dtype=np.float64)
    before = np.empty(order, dtype=np.float64)
    nodes = np.empty(order, dtype=np.int64)
    last = order - 1
    filled = 0
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        for j in range(order):
            nodes[j] = 0
            before[j] = -np.inf
        for position in range(start, stop):
            byte = np.int64(text[position])
            for j in range(last, 0, -1):
                nodes[j] = child(trie.units, nodes[j - 1], byte) if nodes[j - 1] else 0
            nodes[0] = 1 + byte
            alone = logs[nodes[0]]
            if ensure_unicode and byte & 0xC0 == 0x80:
                alone = -np.inf
            if position == start:
                scores[0] = alone
                for j in range(1, order):
                    scores[j] = -np.inf
                if mend and alone == -np.inf:
                    scores[0] = 0.0
                routes[0] = 0
            else:
                best = before[0] + alone
                route = 0
                for j in range(1, order):
                    if before[j] + alone > best:
                        best = before[j] + alone
                        route = j
                scores[0] = best
                alive = best > -np.inf
                for j in range(1, order):
                    score = before[j - 1]
                    if j == last and before[last] > score:
                        score = before[last]
                    scores[j] = score + logs[nodes[j]] if nodes[j] else -np.inf
                    alive |= scores[j] > -np.inf
                if mend and not alive:
                    for j in range(1, order):
                        scores[j] = max(before[j - 1], before[last] if j == last else -np.inf)
                # With the last n-gram's score added, two predecessors may have become equal.
                added = logs[nodes[last]] if nodes[last] and (alive or not mend) else 0.0
                if before[last] + added > before[last - 1] + added:
                    route |= 8
                routes[position - start] = route
            scores, before = before, scores
        state = 0
        for j in range(1, order):
            if before[j] > before[state]:
                state = j
        # From the right; then turned round.
        begin = filled
        for position in range(stop - 1, start - 1, -1):
            route = routes[position - start]
            if state == 0:
                cuts[filled] = position
                filled += 1
                state = route & 7
            elif state == last:
                state = last if route & 8 else last - 1
            else:
                state -= 1
        for i in range((filled - begin) // 2):
            cuts[begin + i], cuts[filled - 1 - i] = cuts[filled - 1 - i], cuts[begin + i]
    cuts[filled] = len(text)
    return filled
