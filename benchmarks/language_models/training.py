"""Training of a transformer on a stream of tokens."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.language_models.transformer import Shape, Transformer

_LARGEST_RATE = 3e-3
_WARM_UP = 0.05
_DECAY = 0.1


@dataclass(frozen=True)
class Batches:
    """The batches of a run.

    Args:
        context: the tokens of a sequence.
        sequences: the sequences of a batch.
        steps: the number of batches.
    """

    context: int
    sequences: int
    steps: int

    @property
    def tokens(self) -> int:
        """The tokens of all batches."""
        return self.context * self.sequences * self.steps

    def of(self, stream: npt.NDArray[np.int32], step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the tokens of a batch and the tokens after them.

        Sequence i of all batches together is part i of the stream, so that the sequences of one
        batch come from different places.
        """
        starts = (np.arange(self.sequences) * self.steps + step) * self.context
        places = starts[:, None] + np.arange(self.context + 1)
        found = torch.from_numpy(stream[places].astype(np.int64))
        return found[:, :-1].contiguous(), found[:, 1:].contiguous()


def train(
    stream: npt.NDArray[np.int32], ids: int, batches: Batches, shape: Shape, seed: int
) -> Transformer:
    """Train a transformer; the rate of learning rises for a twentieth, then falls to 0.

    Args:
        stream: the tokens, one more than the batches need.
        ids: the number of different tokens.
        batches: the size and the number of the batches.
        shape: the size of the transformer.
        seed: the seed of its first weights.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Transformer(shape, ids, seed).to(device)
    # The optimizer works on float32 copies, because its steps are smaller than bfloat16's.
    exact = [p.detach().clone() for p in model.parameters()]
    model.bfloat16()
    groups = [
        {"params": [p for p in exact if p.dim() > 1], "weight_decay": _DECAY},
        {"params": [p for p in exact if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95), fused=True)
    for step in range(batches.steps):
        done = (step + 1) / batches.steps
        rate = min(done / _WARM_UP, (1 + math.cos(math.pi * done)) / 2)
        for group in optimizer.param_groups:
            group["lr"] = _LARGEST_RATE * rate
        inputs, targets = (x.to(device) for x in batches.of(stream, step))
        model.loss(inputs, targets).backward()
        for parameter, copy in zip(model.parameters(), exact, strict=True):
            copy.grad = parameter.grad.float()
            parameter.grad = None
        torch.nn.utils.clip_grad_norm_(exact, 1.0)
        optimizer.step()
        with torch.no_grad():
            for parameter, copy in zip(model.parameters(), exact, strict=True):
                parameter.copy_(copy)
    return model.eval()
