"""Beam search; a beam of one is greedy."""

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.translation.network import BOS, EOS, PAD, Translator

_TOGETHER = 128
"""Sentences that are decoded together."""


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return rows of ids as one table, filled with PAD at their ends."""
    table = torch.full((len(rows), max(map(len, rows))), PAD)
    for line, row in zip(table, rows, strict=True):
        line[: len(row)] = torch.as_tensor(row)
    return table


@torch.no_grad()
def translated(
    network: Translator, sources: Sequence[Sequence[int]], beams: int, longest: int
) -> list[list[int]]:
    """Return the best translation of each source, without marks.

    A sentence ends when `beams` hypotheses have ended. The best of them has the largest
    log-probability per token, EOS counted.

    Args:
        network: the network.
        sources: ids that end in EOS.
        beams: the hypotheses that are kept for each sentence.
        longest: the largest number of tokens of a translation, EOS counted; short sources have
            shorter ones.
    """
    network.eval()
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    found: list[list[int]] = [[] for _ in sources]
    for start in range(0, len(order), _TOGETHER):
        part = order[start : start + _TOGETHER]
        source = padded([sources[i] for i in part])
        texts = _search(network, source, beams, min(longest, 2 * source.shape[1] + 10))
        for number, text in zip(part, texts, strict=True):
            found[number] = text
    return found


def _search(network: Translator, source: Tensor, beams: int, longest: int) -> list[list[int]]:
    ended: list[list[tuple[float, list[int]]]] = [[] for _ in source]
    alive = torch.arange(len(source))  # the number of each sentence that is still decoded
    memory = network.encode(source)
    ids = torch.full((len(source), 1, 1), BOS)  # sentences × beams × tokens
    sums = torch.zeros(len(source), 1)
    cache = network.empty_cache(len(source))
    for place in range(longest):
        logs, cache = network.step(ids[:, :, -1], place, cache, memory)
        logs[:, :, [PAD, BOS]] = -torch.inf
        if place == longest - 1:  # whatever has not ended ends here
            logs[:, :, torch.arange(logs.shape[-1]) != EOS] = -torch.inf
        totals = (sums[:, :, None] + logs).flatten(1)
        best, where = totals.topk(min(2 * beams, totals.shape[1]))
        beam, token = where // logs.shape[-1], where % logs.shape[-1]
        ends = (token == EOS) & (best > -torch.inf)
        for row, rank in ends[:, :beams].nonzero().tolist():
            text = ids[row, beam[row, rank], 1:].tolist()
            ended[alive[row]].append((best[row, rank].item() / (place + 1), text))
        # at most one candidate of each beam ends, so that `beams` others are left, if there are any
        rank = (token == EOS).int().argsort(dim=1, stable=True)[:, :beams]
        rows = torch.tensor([len(ended[number]) < beams for number in alive.tolist()]).nonzero()[
            :, 0
        ]
        if place == longest - 1 or not len(rows):
            break
        rank = rank[rows]
        sums = (
            best[rows].gather(1, rank).masked_fill(token[rows].gather(1, rank) == EOS, -torch.inf)
        )
        beam, token = beam[rows].gather(1, rank), token[rows].gather(1, rank)
        ids = torch.cat([ids[rows[:, None], beam], token[:, :, None]], dim=2)
        flat = (rows[:, None] * logs.shape[1] + beam).flatten()
        cache = [(keys[flat], values[flat]) for keys, values in cache]
        if len(rows) < len(alive):
            memory, alive = memory.rows(rows), alive[rows]
    return [max(hypotheses)[1] for hypotheses in ended]
