"""One run: train a network with a system at a setting, and score its translations."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sacrebleu.metrics import BLEU, CHRF

from benchmarks.translation import systems
from benchmarks.translation.counts import packed
from benchmarks.translation.decoding import padded, translated
from benchmarks.translation.network import BOS, EOS, NetworkSize, Translator
from benchmarks.translation.pairs import Pairs
from benchmarks.translation.plan import TranslationRun
from benchmarks.translation.systems import Rows, SharedVocabulary

_PRICED = 2000
"""Texts on which an alpha is sought."""


@dataclass(frozen=True)
class TranslationData:
    """The texts of one pair of languages.

    Args:
        train, dev, test: the pairs of texts.
        chinese: whether the targets are Chinese, for the words of BLEU.
    """

    train: Pairs
    dev: Pairs
    test: Pairs
    chinese: bool


@dataclass(frozen=True)
class Recipe:
    """What all runs have in common.

    Args:
        vocabulary: the number of ids.
        epochs: the passes over the training text.
        size: the size of the network.
        batch: the largest number of tokens of a side of a batch, padding counted.
        rate: the largest learning rate.
        warm_up: the steps in which it rises; then it falls to 0 linearly.
        smoothing: of the labels.
        longest: the largest number of tokens of a text; longer ones are cut in training.
        beams: the width of the beam search.
    """

    vocabulary: int = 4000
    epochs: int = 15
    size: NetworkSize = field(default_factory=NetworkSize)
    batch: int = 512
    rate: float = 2e-3
    warm_up: int = 200
    smoothing: float = 0.1
    longest: int = 200
    beams: int = 4


def done(run: TranslationRun, data: TranslationData, recipe: Recipe) -> dict[str, Any] | None:
    """Do a run, and return its figures; None if its price cannot be reached."""
    seconds, cpu = time.perf_counter(), time.process_time()
    texts = [*data.train.sources, *data.train.targets]
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = systems.vocabulary(run.system, texts, recipe.vocabulary, Path(folder))
    alpha = None
    if run.more:
        some = texts[:: max(1, len(texts) // _PRICED)]
        alpha = systems.alpha_of(run.system, vocabulary, some, run.more)
        if alpha is None:
            return None
    network, trained = _trained(vocabulary, data.train, alpha, run.seed, recipe)
    figures = {**run._asdict(), "alpha": alpha, "ids": vocabulary.size, **trained}
    scores = {"dev": _scores(network, vocabulary, data.dev, data.chinese, 1, recipe)}
    if run.part == "test":
        for name, beams in (("greedy", 1), ("beam", recipe.beams)):
            scores[name] = _scores(network, vocabulary, data.test, data.chinese, beams, recipe)
    taken = {"seconds": time.perf_counter() - seconds, "cpu": time.process_time() - cpu}
    return {**figures, **scores, **taken}


def _precision() -> torch.dtype:
    """Return the type of matrix products: bfloat16 if the processor has it, else float32.

    A processor without it took 29 s for a step in bfloat16, and 1.4 s in float32.
    """
    has = torch.cpu.get_capabilities()
    fast = any(has.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.bfloat16 if fast else torch.float32


def _trained(
    vocabulary: SharedVocabulary, pairs: Pairs, alpha: float | None, seed: int, recipe: Recipe
) -> tuple[Translator, dict[str, Any]]:
    torch.manual_seed(seed)
    order = np.random.default_rng(seed)
    network = Translator(vocabulary.size, recipe.size, recipe.longest + 1)
    optimizer = torch.optim.Adam(network.parameters(), recipe.rate, (0.9, 0.98), fused=True)
    tokens, losses, steps = 0, [], 0
    precision = _precision()
    for epoch in range(recipe.epochs):
        sides = [
            vocabulary.encode(texts, alpha, seed, epoch, side) for side, texts in enumerate(pairs)
        ]
        total, counted = 0.0, 0
        batches = list(_batches(sides[0], sides[1], order, recipe))
        network.train()
        for number, (source, target) in enumerate(batches):
            passed = (epoch + number / len(batches)) / recipe.epochs
            steps += 1
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate * min(steps / recipe.warm_up, 1) * (1 - passed)
            count = sum(map(len, target)) - len(target)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
                loss = network.loss(padded(source), padded(target), recipe.smoothing)
            optimizer.zero_grad()
            (loss / count).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            total, counted = total + loss.item(), counted + count
        tokens += sum(len(row) for side in sides for row in side)
        losses.append(round(total / counted, 4))
    facts = {"tokens": tokens, "steps": steps, "precision": str(precision)}
    return network, {**facts, "losses": losses}


def _batches(
    sources: Rows, targets: Rows, order: np.random.Generator, recipe: Recipe
) -> Iterator[tuple[Rows, Rows]]:
    """Yield batches of texts of similar lengths, in random order."""
    most = recipe.longest
    pairs = [
        ([*source[: most - 1], EOS], [BOS, *target[: most - 1], EOS])
        for source, target in zip(sources, targets, strict=True)
    ]
    chance = order.random(len(pairs))
    # the chance breaks ties, and moves texts between batches of neighbouring lengths
    lengths = [max(map(len, pair)) + 2 * c for pair, c in zip(pairs, chance, strict=True)]
    cuts: list[list[int]] = [[]]
    longest = 0
    for number in np.argsort(lengths).tolist():
        longest = max(longest, *map(len, pairs[number]))
        if longest * (len(cuts[-1]) + 1) > recipe.batch:
            cuts.append([])
            longest = max(map(len, pairs[number]))
        cuts[-1].append(number)
    for cut in order.permutation(len(cuts)).tolist():
        yield [pairs[i][0] for i in cuts[cut]], [pairs[i][1] for i in cuts[cut]]


def _scores(
    network: Translator,
    vocabulary: SharedVocabulary,
    pairs: Pairs,
    chinese: bool,
    beams: int,
    recipe: Recipe,
) -> dict[str, Any]:
    """Return the scores of translations, and of each sentence the counts they are made of."""
    start = time.process_time()
    most = recipe.longest
    sources = [[*row[: most - 1], EOS] for row in vocabulary.encode(pairs.sources, None, 0, 0, 0)]
    found = vocabulary.decode(translated(network, sources, beams, most))
    chrf, bleu = CHRF(), BLEU(tokenize="zh" if chinese else "13a")
    figures: dict[str, Any] = {
        "cpu": round(time.process_time() - start, 1),
        "sentences": len(found),
    }
    for name, metric in (("chrf", chrf), ("bleu", bleu)):
        figures[name] = metric.corpus_score(found, [pairs.targets]).score
        counts = metric._extract_corpus_statistics(found, [pairs.targets])  # no public one
        figures[f"{name} counts"] = packed(counts)
    return figures
