"""Show how a language model continues a prompt that ends in the middle of a token, and the remedy.

The program makes lines of text. It trains a tokenizer and two very small language models on them,
which takes less than a minute. Then it prints how probable the right continuation of some prompts
is:

    python examples/continuation.py

The columns are:

    lines         how often the continuation follows the prompt in the lines
    as it is      the first model, with the unchanged prompt
    1, one piece  the first model, with one token taken back, and one piece that covers its bytes
    1, any        the same, but any series of pieces may cover the bytes
    2, any        the same, with two tokens taken back
    sampled       the second model, which was trained on sampled segmentations, with the unchanged
                  prompt

docs/continuation.md explains them.
"""

import math
import random
from collections.abc import Callable

import numpy as np
import torch

import bytepiece

VOCAB_SIZE = 500
EPOCHS = 6
BATCH = 64
PROMPTS = [
    ("import numpy", " as np"),
    ("from the air", "port"),
    ("我明天去白云", "机场"),
    ("你在白云", "机场"),
]
COLUMNS = ["lines", "as it is", "1, one piece", "1, any", "2, any", "sampled"]

LogProbs = Callable[[list[list[int]]], np.ndarray]


def made_lines(count: int) -> list[str]:
    """Return lines of a few kinds; some are code, some are Chinese."""
    rng = random.Random(1)

    def one(of: str) -> str:
        return rng.choice(of.split("|"))

    def line() -> str:
        name, who = one("data|values|points|rows|table|frame"), one("我|你|他|她")
        kinds = [
            "import numpy as np",
            "import numpy as np",
            f"import numpy.{one('linalg|random|fft|ma')}",
            f"import {one('os|sys|json|re|math|time')}",
            f"from numpy import {one('array|zeros|ones|arange')}",
            f"{name} = np.{one('mean|sum|sort|array')}({one('x|y|z')})",
            f"print({name}, {one('x|y|z')})",
            f"{who}{one('今天|明天|昨天')}去白云机场{one('坐飞机|接朋友|上班')}。",
            f"{who}在白云机场等{one('我|你|他|她')}。",
            f"天上有{one('一朵|几朵|很多')}白云，{who}看见了。",
            f"白云{one('很高|飘走了|像羊')}，天很蓝。",
            f"from the airport to the {one('station|harbour|hotel')}",
            f"fresh air and {one('sunshine|water|bread')} for everyone",
        ]
        return rng.choice(kinds)

    return [line() for _ in range(count)]


class LanguageModel(torch.nn.Module):
    """A recurrent network that predicts the next token."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(vocab_size, 64)
        self.network = torch.nn.GRU(64, 128, batch_first=True)
        self.head = torch.nn.Linear(128, vocab_size)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return float[rows, length, vocab_size], the logits of the id that follows each id."""
        return self.head(self.network(self.embedding(ids))[0])


def trained(tok: bytepiece.Tokenizer, lines: list[str], alpha: float | None) -> LogProbs:
    """Train a language model on the lines, and return the function that gives its answers.

    Without an alpha, the model learns from the best segmentations. With an alpha, it learns from
    new samples in each epoch.
    """
    torch.manual_seed(0)
    model = LanguageModel(tok.vocab_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    pad = tok.model.special_id("pad")
    for epoch in range(EPOCHS):
        rows = tok.encode_batch(lines, add_bos=True, add_eos=True, alpha=alpha, seed=1, epoch=epoch)
        order = random.Random(epoch).sample(range(len(lines)), len(lines))
        for low in range(0, len(lines), BATCH):
            batch = [torch.from_numpy(rows[i].astype(np.int64)) for i in order[low : low + BATCH]]
            ids = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True, padding_value=pad)
            logits = model(ids[:, :-1]).flatten(0, 1)
            loss = torch.nn.functional.cross_entropy(logits, ids[:, 1:].flatten(), ignore_index=pad)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def log_probs(rows: list[list[int]]) -> np.ndarray:
        with torch.no_grad():
            return model(torch.tensor(rows))[:, -1].log_softmax(-1).numpy()

    return log_probs


def main() -> None:
    """Train both models, ask them about the prompts, and print the probabilities."""
    torch.set_num_threads(1)
    lines = made_lines(4000)
    model = bytepiece.train(lines, VOCAB_SIZE, algorithm="merge", spaces="across")
    tok = bytepiece.Tokenizer(model)
    plain, sampled = trained(tok, lines, None), trained(tok, lines, 0.1)
    print("".join(f"{name:>13}" for name in COLUMNS))
    for prompt, wanted in PROMPTS:
        ids = tok.encode(prompt, add_bos=True)
        asked = sum(line.startswith(prompt) for line in lines)
        share = sum(line.startswith(prompt + wanted) for line in lines) / asked
        as_it_is, one_back, two_back = (tok.continuations(ids, depth)[-1] for depth in range(3))
        one_piece = tok.continuations(ids, 1, tokens=1)[-1]
        found = [
            as_it_is.log_prob(wanted, plain),
            one_piece.log_prob(wanted, plain),
            one_back.log_prob(wanted, plain),
            two_back.log_prob(wanted, plain),
            as_it_is.log_prob(wanted, sampled),
        ]
        figures = "".join(f"{p:13.2g}" for p in [share, *map(math.exp, found)])
        pieces = [piece.decode("utf-8", "replace") for piece in tok.tokenize(prompt)]
        print(figures, " ", *map(repr, pieces), "→", repr(wanted))


if __name__ == "__main__":
    main()
