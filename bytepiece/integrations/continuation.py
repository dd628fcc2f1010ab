"""Generation by `transformers` that continues from the middle of a token; it needs torch.

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
"""The ids that may come next, and their log-probabilities. None keeps the language model's own
log-probabilities."""


class ContinuationProcessor:
    """A logits processor that only allows tokens that cover the bytes taken back from a prompt.

    Once these bytes are covered, it leaves logits as they are. The same holds for prompts from
    which nothing was taken back. It remembers nothing between calls. So beams may change places,
    and one processor serves any number of calls of `generate`.

    Args:
        covers: for each prompt, the cover of the bytes that were taken back.
        width: length of the rows of ids that generation begins with.
        laws: for each prompt, the law of its covers. Allowed tokens then get their exact
            log-probabilities. Without it, the logits of all other tokens are masked.
    """

    def __init__(
        self, covers: Sequence[Cover], width: int, laws: Sequence[Covers] | None = None
    ) -> None:
        self._covers = list(covers)
        self._width = width
        self._steps: list[dict[tuple[int, ...], Choices]] | None
        self._steps = None if laws is None else [_steps(law) for law in laws]
        # Every piece covers at least one byte.
        self._most_tokens = max((len(cover.rest) for cover in self._covers), default=0)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the logits of each row's next token.

        Args:
            input_ids: int64[rows, width + generated]. Each prompt has the same number of rows (its
                beams or samples), one after another.
            scores: float[rows, at least vocab_size].

        Returns:
            float of the shape of `scores`, −inf for a token that does not cover the bytes taken
            back.

        Raises:
            ArgumentError: if the rows do not continue the prepared prompts.
        """
        torch = _torch()
        rows, length = input_ids.shape
        generated = length - self._width
        if generated < 0 or not self._covers or rows % len(self._covers):
            raise ArgumentError(
                f"{rows} rows of {length} ids do not go on from {len(self._covers)} prompts of "
                f"{self._width}; give `generate` what `prepare` made together with this processor"
            )
        if generated >= self._most_tokens:
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
            logits = scores[row, places] if choices[1] is None else torch.from_numpy(choices[1])
            masked[row] = -float("inf")
            masked[row, places] = logits.to(scores)
        return masked

    def _choices(self, prompt: int, ids: list[int]) -> Choices | None:
        """Return the ids that may follow some ids; None if any id may follow.

        Any id may follow a whole cover. Any id may also follow ids that do not begin a cover. Such
        ids are in beams of probability 0, which `generate` keeps if it finds too few other beams.
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
    """The arguments of `generate`.

    Args:
        inputs: two tensors int64[prompts, width]. input_ids has the ids of each prompt that were
            not taken back, padded on the left. attention_mask is 0 for padding.
        processor: a processor for the list of logits processors.
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
    """Take the last tokens of prompts back, so that a language model chooses them again.

    A generated text begins with its prompt (normalized, if the model normalizes), provided that
    there is room for enough new tokens to cover the bytes taken back.

    Args:
        tokenizer: the tokenizer of the language model.
        prompts: texts or rows of ids.
        backtrack: how many tokens to take back from each prompt. It may be fewer: tokens before the
            last special token stay.
        add_bos: begin each prompt with the special token with the role bos.
        log_probs: the language model as a function, such as the result of `log_probs_of`. It is
            called now, and covers of any length then have their exact probabilities. With None,
            tokens that do not cover are masked step by step, and covers have at most `backtrack`
            tokens.

    Raises:
        ArgumentError: if an argument is outside its range, or no token of a prompt is left.
        ModelError: if there is no special token with the role bos, or with the role pad if rows
            must be padded.
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
    """Return a causal language model of `transformers` as a function of rows of ids.

    Args:
        model: a model that takes int64[rows, length] and returns an object with `logits`.

    Returns:
        the function that `Continuation.distribution` and `prepare` take.
    """
    torch = _torch()

    def log_probs(rows: list[list[int]]) -> Any:
        with torch.no_grad():
            logits = model(torch.tensor(rows, device=model.device)).logits[:, -1]
            return logits.float().log_softmax(-1).cpu().numpy()

    return log_probs


def _steps(law: Covers) -> dict[tuple[int, ...], Choices]:
    """Return the ids that may follow each beginning of a cover, with their log-probabilities."""
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
