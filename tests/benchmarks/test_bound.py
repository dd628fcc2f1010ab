"""The bound of the linear program: against all vocabularies of small corpora, and against HiGHS."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from support import ROOT
from support.strategies import JIT

sys.path.append(str(ROOT))  # benchmarks/ does not belong to the installed package

from benchmarks import bench_bound
from benchmarks.bound import vocabularies
from benchmarks.bound.program import Program

CORPORA = [
    {b"abc": 1, b"abd": 1, b"abe": 1, b"bc": 1, b"bd": 1, b"be": 1},
    {b"abab": 3, b"baba": 2, b"abba": 1},
    {b"aaaa": 2, b"aaa": 5, b"a": 9, b"aab": 1},
    {b"xyz": 1},
]


def fewest_of(word, pieces):
    """Return the fewest tokens of a word, written from the definition."""
    best = [0]
    for end in range(1, len(word) + 1):
        starts = [s for s in range(end) if end - s == 1 or word[s:end] in pieces]
        best.append(1 + min(best[s] for s in starts))
    return best[-1]


def best_of(words, candidates, budget):
    """Return the fewest tokens of any vocabulary: all of them are tried."""
    return min(
        sum(count * fewest_of(word, pieces) for word, count in words.items())
        for pieces in itertools.combinations(candidates, min(budget, len(candidates)))
    )


@pytest.mark.parametrize("words", CORPORA)
@pytest.mark.parametrize("budget", [0, 1, 2, 3])
def test_no_vocabulary_has_fewer_tokens_than_the_bound(words, budget):
    program = Program(words, 3)
    best = best_of(words, program.candidates, budget)
    solution = program.solve(budget)
    assert 0.9 * best <= solution.bound <= best * (1 + 1e-9)
    assert solution.shares.sum() <= budget + 1e-6
    texts = {word.decode(): count for word, count in words.items()}
    rounded = vocabularies.rounded(program, solution, 256 + budget)
    assert vocabularies.tokens(rounded, texts) >= best


def test_candidates_occur_twice_and_are_not_too_long():
    assert set(Program({b"abc": 2, b"bcd": 1}, 2).candidates) == {b"ab", b"bc"}
    assert set(Program({b"abab": 1}, 9).candidates) == {b"ab"}


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_holds_for_any_prices_and_reaches_the_optimum(seed):
    optimize = pytest.importorskip("scipy.optimize", reason="the optimum comes from its HiGHS")
    draw = np.random.default_rng(seed)
    words = {
        bytes(draw.choice(list(b"abc"), draw.integers(1, 8)).tolist()): int(draw.integers(1, 9))
        for _ in range(12)
    }
    program, budget = Program(words, 4), 4
    number = {piece: i for i, piece in enumerate(program.candidates)}
    edges = [
        (word, start, end, number.get(word[start:end]))
        for word in words
        for start in range(len(word))
        for end in range(start + 1, len(word) + 1)
        if end - start == 1 or word[start:end] in number
    ]
    nodes = {node: i for i, node in enumerate((w, at) for w in words for at in range(len(w) + 1))}
    columns = len(number) + len(edges)
    balance, links = np.zeros((len(nodes), columns)), [np.zeros(columns)]
    links[0][: len(number)] = 1
    for i, (word, start, end, piece) in enumerate(edges, len(number)):
        balance[nodes[word, start], i] += 1
        balance[nodes[word, end], i] -= 1
        if piece is not None:
            links.append(np.zeros(columns))
            links[-1][i], links[-1][piece] = 1, -1
    supply = [(at == 0) - (at == len(word)) for word, at in nodes]
    found = optimize.linprog(
        [0] * len(number) + [words[word] for word, *_ in edges],
        A_ub=links,
        b_ub=[budget] + [0] * (len(links) - 1),
        A_eq=balance,
        b_eq=np.array(supply, dtype=float),
        bounds=[(0, 1)] * columns,
        method="highs",
    )
    assert found.fun * 0.999 <= program.solve(budget).bound <= found.fun * (1 + 1e-9)
    for scale in (0.1, 1, 10):
        prices = draw.random(sum(piece is not None for *_, piece in edges)) * scale
        assert program.bound(prices, budget) <= found.fun * (1 + 1e-9)


def test_words_keep_the_space_before_them():
    found = bench_bound.words_of(["the cat", "  the\tcat ", "never read"], 18)
    assert found == {"the": 1, " cat": 1, "  the": 1, "\tcat": 1, " ": 1}


@pytest.mark.skipif(not JIT, reason="training with interpreted kernels takes long")
def test_one_command_compares_the_trainers_with_the_bound(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "bound", "--quick", "--output", tmp_path]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stderr
    _, table = json.loads((tmp_path / "bound.json").read_text("utf-8"))["tables"]
    found = table["vocabularies"]
    assert {"ConvexTok, rounded", "bytepiece merge, compression"} <= set(found)
    for one in found.values():
        assert one["tokens"] >= one["fewest"]
        assert one["pieces"] <= 400
        assert one["outside"] or one["fewest"] >= table["bound"]
    assert found["ConvexTok, rounded"]["tokens"] < 1.1 * table["bound"]
