"""Generation by `transformers` that goes on from the middle of a token; needs torch.

    prepared = prepare(tok, ["import numpy", "from the air"], 2, log_probs=log_probs_of(model))
    rows = model.generate(**prepared.inputs, logits_processor=[prepared.processor])
    texts = tok.decode_batch(rows.tolist())  # each begins with its prompt

docs/continuation.md explains it.
"""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from bytepiece._arrays import F64, I32
from bytepiece.continuations import Continuation, Cover, Covers, LogProbs
from bytepiece.errors import ArgumentError
from bytepiece.rules.text import Text
from bytepiece.tokenizer import Tokenizer

Choices = tuple[I32, F64 | None]
"""The ids that may come next and their log-probabilities; None: those of the language model."""


class ContinuationProcessor:
    """A logits processor: only lets tokens through that cover what was taken back of a prompt.

    Once all of it is covered, and for prompts of which nothing was taken back, logits are left as
    they are. Nothing is remembered from one call to the next, so that beams may change places and
    one processor serves any number of calls of `generate`.

    Args:
        covers: one for each prompt, of what was taken back of it.
        width: of the rows of ids that generation begins with.
        laws: of the covers, one for each prompt: what is let through then has its exact
            log-probability. Without, the logits of the other tokens are masked.
    """

    def __init__(
        self, covers: Sequence[Cover], width: int, laws: Sequence[Covers] | None = None
    ) -> None:
        self._covers = list(covers)
        self._width = width
        self._steps: list[dict[tuple[int, ...], Choices]] | None
        self._steps = None if laws is None else [_steps(law) for law in laws]
        # Every piece covers a byte at least.
        self._most = max((len(cover.rest) for cover in self._covers), default=0)

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
        torch = _torch()
        rows, length = input_ids.shape
        generated = length - self._width
        if generated < 0 or not self._covers or rows % len(self._covers):
            raise ArgumentError(
                f"{rows} rows of {length} ids do not go on from {len(self._covers)} prompts of "
                f"{self._width}; give `generate` what `prepare` made together with this processor"
            )
        if generated >= self._most:
            return scores
        size = self._covers[0].table.vocab_size
        if scores.shape[-1] < size:
            raise ArgumentError(f"{scores.shape[-1]} logits for a vocabulary of {size} ids")
        masked = scores.clone()
        for row, ids in enumerate(input_ids[:, self._width :].tolist()):
            choices = self._choices(row * len(self._covers) // rows, ids)
            if choices is None:
                continue
            places = torch.from_numpy(choices[0].astype(np.int64)).to(scores.device)
            let = scores[row, places] if choices[1] is None else torch.from_numpy(choices[1])
            masked[row] = -float("inf")
            masked[row, places] = let.to(scores)
        return masked

    def _choices(self, prompt: int, ids: list[int]) -> Choices | None:
        """What may come after some ids, or None: anything.

        That is so after a cover, and after ids that begin none: beams without probability, which
        only come along to fill a number, may have such.
        """
        if self._steps is not None:
            return self._steps[prompt].get(tuple(ids))
        cover = self._covers[prompt]
        for id_ in ids:
            try:
                cover = cover.advance(id_)
            except ArgumentError:
                return None
        return None if cover.done else (cover.ids, None)


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
    log_probs: LogProbs | None = None,
) -> Prepared:
    """Take the last tokens of prompts back, to have a language model choose them anew.

    A text that is generated begins with its prompt (normalized, if the model says so), provided
    there is room for as many new tokens as cover what was taken back.

    Args:
        tokenizer: the language model's.
        prompts: texts or rows of ids.
        backtrack: how many tokens to take back of each; fewer, where there are fewer since the
            beginning or the last special token.
        add_bos: begin each with the id of the token whose role is bos.
        log_probs: the language model, such as `log_probs_of` makes it, which is asked now: covers
            of any length then have their exact probabilities. None: what does not cover is
            masked, token by token, and covers have at most `backtrack` tokens.

    Raises:
        ArgumentError: an argument is outside its range, or a prompt has nothing left to begin with.
        ModelError: there is no special token with the role bos, or pad if rows must be padded.
    """
    if isinstance(prompts, (str, bytes)):
        raise ArgumentError(f"prompts must be a list of them, not {type(prompts).__name__}")
    bos = [tokenizer.model.special_id("bos")] if add_bos else []
    tokens = max(backtrack, 1) if log_probs is None else None
    ends: list[Continuation] = []
    for number, prompt in enumerate(prompts):
        last = tokenizer.continuations(prompt, backtrack, tokens=tokens)[-1]
        ends.append(last._replace(kept=bos + last.kept))
        if not ends[-1].kept:
            raise ArgumentError(
                f"prompt {number}: nothing is left to begin with once {backtrack} tokens are "
                f"taken back; use add_bos=True, or a smaller backtrack"
            )
    if not ends:
        raise ArgumentError("there are no prompts")
    width = max(len(end.kept) for end in ends)
    missing = [width - len(end.kept) for end in ends]
    pad = [tokenizer.model.special_id("pad")] if any(missing) else []
    ids = [pad * count + end.kept for count, end in zip(missing, ends, strict=True)]
    mask = [[0] * count + [1] * (width - count) for count in missing]
    laws = None if log_probs is None else [end.distribution(log_probs) for end in ends]
    torch = _torch()
    return Prepared(
        {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)},
        ContinuationProcessor([end.cover for end in ends], width, laws),
    )


def log_probs_of(model: Any) -> LogProbs:
    """A causal language model of `transformers` as `Continuation.distribution` asks it.

    Args:
        model: called with int64[rows, length], it returns something with `logits`.
    """
    torch = _torch()

    def log_probs(rows: list[list[int]]) -> Any:
        with torch.no_grad():
            logits = model(torch.tensor(rows, device=model.device)).logits[:, -1]
            return logits.float().log_softmax(-1).cpu().numpy()

    return log_probs


def _steps(law: Covers) -> dict[tuple[int, ...], Choices]:
    """By the beginnings of covers: which ids may follow, and how probable each is."""
    after: dict[tuple[int, ...], dict[int, list[float]]] = {}
    for ids, log_prob in zip(law.ids, law.log_probs.tolist(), strict=True):
        for step, id_ in enumerate(ids):
            after.setdefault(ids[:step], {}).setdefault(id_, []).append(log_prob)
    steps = {}
    for begun, following in after.items():
        sums = np.array([np.logaddexp.reduce(each) for each in following.values()])
        places = np.array(list(following), dtype=np.int32)
        steps[begun] = (places, sums - np.logaddexp.reduce(sums))
    return steps


def _torch() -> Any:
    try:
        return import_module("torch")
    except ImportError:
        raise ImportError(
            "generation needs torch and transformers: pip install 'bytepiece[huggingface,torch]'"
        ) from None
