"""Estimate how probable a language model finds a text, whatever its segmentation.

The program trains a tokenizer and two very small models of `transformers` on made-up lines. One
model learns from the best segmentations, the other from samples. Then it prints, in bits per byte,
what some texts cost:

    python examples/marginal_likelihood.py

The columns are:

    canonical  the best segmentation alone, which is what most evaluations report
    exact      the sum over all segmentations; the texts are short enough for it
    samples    the sum, estimated from 16 independent samples
    distinct   the sum, estimated from 16 different segmentations

docs/lattice.md explains them.
"""

import math
import random

import numpy as np
import torch
import transformers

import bytepiece

VOCAB_SIZE = 300
STEPS = 200
BATCH = 64
K = 16
ALPHA = 0.3
TEXTS = ["a fox is it", "the cat sees it", "no dog is here", "dogs see a hat"]
COLUMNS = ["canonical", "exact", "samples", "distinct"]


def made_lines(count: int) -> list[str]:
    """Return simple sentences."""
    rng = random.Random(1)

    def line() -> str:
        who = f"{rng.choice(['the', 'a', 'no'])} {rng.choice(['cat', 'dog', 'fox', 'hat'])}"
        what = rng.choice(["sees", "eats", "is", "has"])
        return f"{who} {what} {rng.choice(['it', 'the cat', 'a dog', 'here', 'there'])}"

    return [line() for _ in range(count)]


class Scorer:
    """A small language model, trained on lines in best segmentations or in samples.

    Args:
        tok: the tokenizer.
        lines: the lines to learn from.
        alpha: None for best segmentations; otherwise each step learns from new samples.
    """

    def __init__(self, tok: bytepiece.Tokenizer, lines: list[str], alpha: float | None) -> None:
        torch.manual_seed(0)
        bos, eos, self.pad = map(tok.model.special_id, ("bos", "eos", "pad"))
        sizes = {"n_positions": 64, "n_embd": 64, "n_layer": 1, "n_head": 2}
        config = transformers.GPT2Config(
            vocab_size=tok.vocab_size, bos_token_id=bos, eos_token_id=eos, **sizes
        )
        self.model = transformers.GPT2LMHeadModel(config)
        optimizer = torch.optim.Adam(self.model.parameters(), lr=3e-3)
        marks = {"add_bos": True, "add_eos": True}
        for step in range(STEPS):
            some = random.Random(step).sample(lines, BATCH)
            rows = tok.encode_batch(some, alpha=alpha, seed=1, epoch=step, **marks)
            loss = -self._log_probs(rows).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.model.eval()

    def __call__(self, rows: bytepiece.Encoded) -> np.ndarray:
        """Return float64[rows], the log-probability of each row after its first id."""
        with torch.no_grad():
            return self._log_probs(rows).double().numpy()

    def _log_probs(self, rows: bytepiece.Encoded) -> torch.Tensor:
        filled, mask = map(torch.from_numpy, rows.padded(self.pad))
        ids = filled.long()
        logits = self.model(input_ids=ids, attention_mask=mask.long()).logits
        each = logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
        return (each * mask[:, 1:]).sum(-1)


def log_sum(logs: np.ndarray) -> float:
    """Return log Σ exp(logs)."""
    return float(np.logaddexp.reduce(logs))


def estimates(tok: bytepiece.Tokenizer, log_probs: Scorer, text: str) -> list[float]:
    """Return the logarithm of the probability of a text, by each of the columns."""
    marks = {"add_bos": True, "add_eos": True}
    options = {"alpha": ALPHA, "seed": 1, **marks}
    canonical = log_probs(tok.encode_batch([text], **marks))[0]

    # All segmentations: if more are asked for, all are drawn.
    every = tok.lattice(text).n_paths()
    exact = log_sum(log_probs(tok.encode_batch([text], samples=every, replace=False, **options)))

    # p(text) = Σ p(ids) = E[p(ids) / P(ids)], since ids are drawn with the probability P(ids).
    rows = tok.encode_batch([text], samples=K, log_probs=True, **options)
    samples = log_sum(log_probs(rows) - rows.log_probs) - math.log(K)

    # p(text) = E[Σ p(ids) / inclusion]. A text with fewer than K segmentations has empty rows with
    # the log-probability −inf, which are left out.
    rows = tok.encode_batch([text], samples=K, replace=False, **options)
    drawn = rows.log_probs > -math.inf
    distinct = log_sum((log_probs(rows) - np.log(rows.inclusion))[drawn])
    return [canonical, exact, samples, distinct]


def main() -> None:
    """Train both models, and print what they make of the texts."""
    torch.set_num_threads(1)
    lines = made_lines(4000)
    model = bytepiece.train(lines, VOCAB_SIZE, algorithm="merge", spaces="across")
    tok = bytepiece.Tokenizer(model)
    print(" " * 26 + "".join(f"{name:>11}" for name in COLUMNS))
    for name, alpha in (("best path", None), ("samples", ALPHA)):
        log_probs = Scorer(tok, lines, alpha)
        for text in TEXTS:
            bits = [-log / math.log(2) / len(text) for log in estimates(tok, log_probs, text)]
            canonical, exact, *estimated = bits
            assert exact < canonical + 1e-6
            assert all(abs(one - exact) < 0.1 for one in estimated)
            print(f"{name:10}{text:16}" + "".join(f"{one:11.4f}" for one in bits))


if __name__ == "__main__":
    main()
