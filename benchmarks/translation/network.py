"""A small transformer that translates: an encoder and a decoder, trained on the CPU.

It is written out, because the layers of torch have no cache for decoding. All token embeddings
are one table, which is also the output layer.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

PAD, BOS, EOS = 0, 1, 2
"""The ids of <pad>, <bos> and <eos> in every vocabulary of the comparison."""


@dataclass(frozen=True)
class NetworkSize:
    """The size of a network.

    Args:
        width: the numbers of a token's vector.
        layers: the layers of the encoder; the decoder has as many.
        heads: the heads of an attention.
        inner: the numbers between the two matrices of a feed-forward layer.
        dropout: the share of numbers that is set to 0 in training.
    """

    width: int = 128
    layers: int = 3
    heads: int = 4
    inner: int = 512
    dropout: float = 0.3


class Memory(NamedTuple):
    """What the decoder reads of some sentences.

    Args:
        mask: whether a place holds a token, sentences × 1 × 1 × places.
        layers: the keys and values of each layer of the decoder, sentences × heads × places ×
            numbers of a head.
    """

    mask: Tensor
    layers: list[tuple[Tensor, Tensor]]

    def rows(self, rows: Tensor) -> "Memory":
        """Return the memory of some of the sentences."""
        return Memory(self.mask[rows], [(k[rows], v[rows]) for k, v in self.layers])


Cache = list[tuple[Tensor, Tensor]]
"""The keys and values of the tokens decoded so far, for each layer."""


class Dropout(nn.Module):
    """Sets random numbers to 0 in training, as torch's own does with a slower generator.

    Args:
        share: the share of numbers, rounded to 1/256.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.dropped = round(share * 256)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with zeros; the others grow, so that the mean stays."""
        if not self.training or not self.dropped:
            return x
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        kept = words.view(torch.uint8)[: x.numel()].view_as(x) >= self.dropped
        return x * kept.to(x.dtype).mul_(256 / (256 - self.dropped))


class Attention(nn.Module):
    """An attention with several heads; the keys and the values come from one matrix product."""

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.heads = size.heads
        self.query = nn.Linear(size.width, size.width)
        self.key_value = nn.Linear(size.width, 2 * size.width)
        self.out = nn.Linear(size.width, size.width)

    def keys(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values, rows × heads × places × numbers of a head."""
        key, value = self.key_value(x).chunk(2, dim=-1)
        return self._split(key), self._split(value)

    def forward(
        self, x: Tensor, keys: tuple[Tensor, Tensor], mask: Tensor | None, causal: bool = False
    ) -> Tensor:
        """Return what each place of `x` gathers from the places of `keys`."""
        query, (key, value) = self._split(self.query(x)), keys
        # torch's fused attention takes 5 times as long backwards, because texts are short
        scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
        if causal:
            mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        return self.out((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Layer(nn.Module):
    """A layer of the encoder, or with `cross` of the decoder; norms come before each part."""

    def __init__(self, size: NetworkSize, cross: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size.width)
        self.own = Attention(size)
        self.cross = Attention(size) if cross else None
        self.cross_norm = nn.LayerNorm(size.width) if cross else None
        self.inner_norm = nn.LayerNorm(size.width)
        self.inner = nn.Sequential(
            nn.Linear(size.width, size.inner), nn.ReLU(), nn.Linear(size.inner, size.width)
        )
        self.dropout = Dropout(size.dropout)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        memory: tuple[Tensor, Tensor] | None = None,
        memory_mask: Tensor | None = None,
    ) -> Tensor:
        """Return the vectors after this layer; a decoder's places see only earlier ones."""
        y = self.norm(x)
        x = x + self.dropout(self.own(y, self.own.keys(y), mask, causal=self.cross is not None))
        return self._rest(x, memory, memory_mask)

    def step(
        self,
        x: Tensor,
        cache: tuple[Tensor, Tensor],
        memory: tuple[Tensor, Tensor],
        memory_mask: Tensor,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Decode one more token of each beam.

        Args:
            x: vectors, sentences × beams × width.
            cache: the keys and values of earlier tokens, sentences · beams × heads × places × ….
            memory, memory_mask: see `Memory`.
        """
        y = self.norm(x).flatten(0, 1)[:, None]
        new = self.own.keys(y)
        cache = tuple(torch.cat(pair, dim=2) for pair in zip(cache, new, strict=True))
        x = x + self.own(y, cache, None).view_as(x)
        return self._rest(x, memory, memory_mask), cache

    def _rest(
        self, x: Tensor, memory: tuple[Tensor, Tensor] | None, memory_mask: Tensor | None
    ) -> Tensor:
        if self.cross is not None:
            x = x + self.dropout(self.cross(self.cross_norm(x), memory, memory_mask))
        return x + self.dropout(self.inner(self.inner_norm(x)))


class Translator(nn.Module):
    """The whole network.

    Args:
        vocabulary: the number of ids.
        size: its size.
        longest: the largest number of tokens of a text, marks included.
    """

    def __init__(self, vocabulary: int, size: NetworkSize, longest: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, size.width)
        nn.init.normal_(self.embedding.weight, std=size.width**-0.5)
        self.scale = math.sqrt(size.width)
        self.register_buffer("places", _sinusoids(longest, size.width), persistent=False)
        self.encoder = nn.ModuleList(Layer(size, cross=False) for _ in range(size.layers))
        self.decoder = nn.ModuleList(Layer(size, cross=True) for _ in range(size.layers))
        self.encoder_norm = nn.LayerNorm(size.width)
        self.decoder_norm = nn.LayerNorm(size.width)
        self.dropout = Dropout(size.dropout)

    def encode(self, source: Tensor) -> Memory:
        """Return what the decoder reads of padded sources, sentences × places."""
        mask = (source != PAD)[:, None, None]
        x = self._embedded(source)
        for layer in self.encoder:
            x = layer(x, mask)
        x = self.encoder_norm(x)
        return Memory(mask, [layer.cross.keys(x) for layer in self.decoder])

    def loss(self, source: Tensor, target: Tensor, smoothing: float = 0.0) -> Tensor:
        """Return the sum over the tokens of padded targets of their cross-entropy, in nats.

        Args:
            source: ids that end in EOS and then PAD, sentences × places.
            target: ids that begin with BOS and end in EOS and then PAD.
            smoothing: the share of probability that is wanted spread over all ids.
        """
        memory = self.encode(source)
        x = self._embedded(target[:, :-1])
        for layer, keys in zip(self.decoder, memory.layers, strict=True):
            x = layer(x, None, keys, memory.mask)
        wanted = target[:, 1:]
        counted = wanted != PAD  # the output layer is dear, so that padding stays out of it
        logits = functional.linear(self.decoder_norm(x[counted]), self.embedding.weight)
        return functional.cross_entropy(
            logits.float(), wanted[counted], reduction="sum", label_smoothing=smoothing
        )

    def step(self, ids: Tensor, place: int, cache: Cache, memory: Memory) -> tuple[Tensor, Cache]:
        """Return the log-probabilities of the next ids, sentences × beams × ids, and the cache.

        Args:
            ids: the last id of each beam, sentences × beams.
            place: the number of ids before it.
            cache: the cache after the ids before it.
            memory: of the sentences.
        """
        x = self.embedding(ids) * self.scale + self.places[place]
        after = []
        for layer, before, keys in zip(self.decoder, cache, memory.layers, strict=True):
            x, kept = layer.step(x, before, keys, memory.mask)
            after.append(kept)
        logits = functional.linear(self.decoder_norm(x), self.embedding.weight)
        return logits.log_softmax(-1), after

    def empty_cache(self, rows: int) -> Cache:
        """Return the cache of beams without any token."""
        heads = self.decoder[0].own.heads
        empty = torch.zeros(rows, heads, 0, self.embedding.embedding_dim // heads)
        return [(empty, empty)] * len(self.decoder)

    def _embedded(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids) * self.scale + self.places[: ids.shape[1]]
        return self.dropout(x)


def _sinusoids(longest: int, width: int) -> Tensor:
    angles = torch.arange(longest)[:, None] / 10_000 ** (torch.arange(0, width, 2) / width)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
