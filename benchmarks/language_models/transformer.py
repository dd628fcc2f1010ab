"""A small decoder-only transformer, and the number of its floating-point operations.

The matrices are bfloat16, and `training` keeps exact copies of them, because matrix products in
bfloat16 are several times faster than in float32 on recent CPUs. The embedding is also the output
layer (tied).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_LOGITS = 1 << 22
"""Logits that are computed together. They take 8 MB; all logits of a batch would take too much."""


@dataclass(frozen=True)
class Shape:
    """The size of a transformer without its embedding.

    Args:
        width: the length of the vector of a position.
        layers: the number of layers.
        heads: the number of attention heads in a layer.
    """

    width: int = 256
    layers: int = 4
    heads: int = 4

    @property
    def parameters(self) -> int:
        """The number of parameters in matrices, without the embedding."""
        return 12 * self.layers * self.width**2

    def training_flops(self, vocabulary: int, context: int) -> float:
        """Return the floating-point operations of training on one token, on average.

        A multiplication with an addition counts as two operations. The backward pass takes twice
        as many as the forward pass. A position attends to half of the context on average. The
        embedding is looked up, which counts as nothing; the output layer counts.

        Args:
            vocabulary: the number of rows of the embedding.
            context: the number of tokens in a sequence.
        """
        matrices = 2 * (self.parameters + self.width * vocabulary)
        attention = self.layers * 2 * 2 * self.width * (context + 1) / 2
        return 3 * (matrices + attention)


def rows_for(ids: int) -> int:
    """Return the number of rows of the embedding for a number of ids: a multiple of 64."""
    return -(-ids // 64) * 64


class _Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.before_attention = nn.LayerNorm(width, bias=False)
        self.attention_in = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.before_inner = nn.LayerNorm(width, bias=False)
        self.inner_in = nn.Linear(width, 4 * width, bias=False)
        self.inner_out = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, later: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = self.attention_in(self.before_attention(x))
        parts = parts.view(batch, length, 3 * self.heads, -1)
        turned, values = parts.split([2 * self.heads, self.heads], dim=2)
        first, second = turned.chunk(2, dim=3)
        turned = torch.cat(
            (first * cosine - second * sine, second * cosine + first * sine), dim=3
        ).transpose(1, 2)
        queries, keys = turned.chunk(2, dim=1)
        # Plain products are 3 times as fast as PyTorch's fused attention for a CPU, backwards.
        scores = torch.baddbmm(
            later,
            queries.reshape(batch * self.heads, length, -1),
            keys.reshape(batch * self.heads, length, -1).transpose(1, 2),
            alpha=(width // self.heads) ** -0.5,
        )
        mixed = torch.bmm(scores.softmax(2), values.transpose(1, 2).flatten(0, 1))
        mixed = mixed.view(batch, self.heads, length, -1).transpose(1, 2)
        x = x + self.attention_out(mixed.reshape(batch, length, width))
        inner = functional.relu(self.inner_in(self.before_inner(x)))
        return x + self.inner_out(inner * inner)


class Transformer(nn.Module):
    """A transformer with rotary positions.

    Args:
        shape: its size.
        ids: the number of different tokens.
        seed: the seed of its first weights.
    """

    def __init__(self, shape: Shape, ids: int, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.embedding = nn.Embedding(rows_for(ids), shape.width)
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(shape.layers))
        self.last = nn.LayerNorm(shape.width, bias=False)
        self._half = shape.width // shape.heads // 2
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                scale = 0.02 / (2 * shape.layers) ** 0.5 if "_out" in name else 0.02
                nn.init.normal_(parameter, std=scale)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors from which the next tokens are predicted: [batch, length, width]."""
        x = self.embedding(ids)
        rates = 10000.0 ** -(torch.arange(self._half, device=ids.device) / self._half)
        angles = torch.arange(ids.shape[1], device=ids.device)[:, None, None] * rates
        cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        later = x.new_full((ids.shape[1], ids.shape[1]), -torch.inf).triu(1)
        for layer in self.layers:
            x = layer(x, cosine, sine, later)
        return self.last(x)

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of the targets in nats.

        Args:
            ids: int64[batch, length].
            targets: int64[batch, length], the token after each of them.
        """
        loss: Tensor = _MeanLoss.apply(
            self(ids).flatten(0, 1), self.embedding.weight, targets.flatten()
        )
        return loss

    @torch.no_grad()
    def bits(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Return the bits of each target, float32[batch, length]."""
        vectors = self(ids).flatten(0, 1)
        found = []
        step = max(1, _LOGITS // self.embedding.num_embeddings)
        for some, wanted in zip(vectors.split(step), targets.flatten().split(step), strict=True):
            logits = (some @ self.embedding.weight.t()).float()
            found.append(functional.cross_entropy(logits, wanted, reduction="none"))
        return torch.cat(found).view(targets.shape) / torch.log(torch.tensor(2.0))


class _MeanLoss(torch.autograd.Function):
    """The output layer and the loss, piece by piece; the gradients are computed on the way.

    The probabilities replace the logits in place, so that 1,000 tokens need 16 MB with 8 k pieces.
    """

    @staticmethod
    def forward(context: Any, vectors: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        step = max(1, _LOGITS // len(weight))
        gradient = torch.empty_like(vectors)
        of_weight = torch.zeros_like(weight, dtype=torch.float32)
        loss = torch.zeros((), device=vectors.device)
        for start in range(0, len(vectors), step):
            some, wanted = vectors[start : start + step], targets[start : start + step]
            slopes = torch.softmax(some @ weight.t(), dim=1)
            rows = torch.arange(len(some), device=vectors.device)
            right = slopes[rows, wanted]
            loss -= right.float().clamp_min(1e-30).log().sum()
            slopes[rows, wanted] = right - 1
            gradient[start : start + step] = slopes @ weight
            of_weight += slopes.t() @ some
        context.save_for_backward(
            gradient / len(vectors), (of_weight / len(vectors)).to(weight.dtype)
        )
        return loss / len(vectors)

    @staticmethod
    def backward(context: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        gradient, of_weight = context.saved_tensors
        return gradient * slopes[0], of_weight * slopes[0], None
