"""Generation by `transformers` that goes on from the middle of a token; needs torch.

    prepared = prepare(tok, ["import numpy", "from the air"], add_bos=True)
    rows = model.generate(**prepared.inputs, logits_processor=[prepared.processor])
    texts = tok.decode_batch(rows.tolist())  # each begins with its prompt

See docs/continuation.md for what it does, and for what it is not exact in.
"""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from bytepiece.continuations import Cover
from bytepiece.errors import ArgumentError
from bytepiece.text import Text
from bytepiece.tokenizer import Tokenizer


class ContinuationProcessor:
    """A logits processor: masks all tokens but those that cover what was taken back of a prompt.

    Once all of it is covered, and for prompts of which nothing was taken back, logits are left as
    they are. Nothing is remembered from one call to the next, so that beams may change places and
    one processor serves any number of calls of `generate`.

    Args:
        covers: one for each prompt, of what was taken back of it.
        width: of the rows of ids that generation begins with.
    """

    def __init__(self, covers: Sequence[Cover], width: int) -> None:
        self._covers = list(covers)
        self._width = width
        # Every piece covers a byte at least.
        self._steps = max((len(cover.rest) for cover in self._covers), default=0)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The logits of each row's next token.

        Args:
            input_ids: int64[rows, width + generated]; each prompt has the same number of rows,
                its beams or samples, which follow one another.
            scores: float[rows, at least vocab_size].

        Returns:
            float[rows, same], −inf where a token would not cover what was taken back.

        Raises:
            ArgumentError: the rows are not those that were prepared.
        """
        rows, length = input_ids.shape
        generated = length - self._width
        if generated < 0 or not self._covers or rows % len(self._covers):
            raise ArgumentError(
                f"{rows} rows of {length} ids do not go on from {len(self._covers)} prompts of "
                f"{self._width}; give `generate` what `prepare` made together with this processor"
            )
        if generated >= self._steps:
            return scores
        size = self._covers[0].table.vocab_size
        if scores.shape[-1] < size:
            raise ArgumentError(f"{scores.shape[-1]} logits for a vocabulary of {size} ids")
        each = rows // len(self._covers)
        forbidden = np.zeros(scores.shape, dtype=np.bool_)
        for row, ids in enumerate(input_ids[:, self._width :].tolist()):
            cover = _after(self._covers[row // each], ids)
            if not cover.done:
                forbidden[row] = True
                forbidden[row, cover.ids] = False
        masked = _torch().from_numpy(forbidden).to(scores.device)
        return scores.masked_fill(masked, -float("inf"))


class Prepared(NamedTuple):
    """What to hand to `generate`.

    Args:
        inputs: tensors int64[prompts, width]: input_ids, the ids that are kept, with padding on
            the left, and attention_mask, 0 at the padding.
        processor: for the list of logits processors.
    """

    inputs: dict[str, Any]
    processor: ContinuationProcessor


def prepare(
    tokenizer: Tokenizer,
    prompts: Iterable[Text | Iterable[int]],
    backtrack: int = 1,
    *,
    add_bos: bool = False,
) -> Prepared:
    """Take the last tokens of prompts back, to have a language model choose them anew.

    What is taken back is covered by at most `backtrack` tokens. A text that is generated begins
    with its prompt (normalized, if the model says so) if there is room for so many new tokens.

    Args:
        tokenizer: the language model's.
        prompts: texts or rows of ids.
        backtrack: how many tokens to take back of each; fewer, where there are fewer since the
            beginning or the last special token.
        add_bos: begin each with the id of the token whose role is bos.

    Raises:
        ArgumentError: an argument is outside its range, or a prompt has nothing left to begin with.
        ModelError: there is no special token with the role bos, or pad if rows must be padded.
    """
    torch = _torch()
    if isinstance(prompts, (str, bytes)):
        raise ArgumentError(f"prompts must be a list of them, not {type(prompts).__name__}")
    bos = [tokenizer.model.special_id("bos")] if add_bos else []
    rows, covers = [], []
    for number, prompt in enumerate(prompts):
        # Not all ways to spell it: see docs/continuation.md.
        last = tokenizer.continuations(prompt, backtrack, tokens=max(backtrack, 1))[-1]
        rows.append(bos + last.kept)
        covers.append(last.cover)
        if not rows[-1]:
            raise ArgumentError(
                f"prompt {number}: nothing is left to begin with once {backtrack} tokens are "
                f"taken back; use add_bos=True, or a smaller backtrack"
            )
    if not rows:
        raise ArgumentError("there are no prompts")
    width = max(map(len, rows))
    padded = any(len(row) < width for row in rows)
    pad = tokenizer.model.special_id("pad") if padded else 0
    ids = [[pad] * (width - len(row)) + row for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    inputs = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
    return Prepared(inputs, ContinuationProcessor(covers, width))


def _after(cover: Cover, ids: list[int]) -> Cover:
    """What is left to cover after some ids; nothing, if they are no cover.

    Beams without probability, which only come along to fill a number, may have such.
    """
    for id_ in ids:
        if cover.done:
            break
        try:
            cover = cover.advance(id_)
        except ArgumentError:
            return Cover(cover.table, b"")
    return cover


def _torch() -> Any:
    try:
        return import_module("torch")
    except ImportError:
        raise ImportError(
            "generation needs torch and transformers: pip install 'bytepiece[huggingface,torch]'"
        ) from None
