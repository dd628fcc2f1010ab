"""The settings `more_tokens` and `price_texts`, which stand for an alpha, and `sampler`."""

from collections.abc import Iterable

from bytepiece._checks import is_number
from bytepiece.encoding.options import Alpha, Sampler
from bytepiece.errors import ArgumentError
from bytepiece.rules.text import Text
from bytepiece.tokenizer import Tokenizer


def alpha_by_price(
    tokenizer: Tokenizer,
    alpha: Alpha,
    more_tokens: float | None,
    price_texts: Iterable[Text] | None,
    sample_prob: float,
    sampler: Sampler,
) -> Alpha:
    """Return the alpha that is given, or the one at which samples have this many more tokens.

    Args:
        tokenizer: the tokenizer that samples.
        alpha: the alpha that is given.
        more_tokens: the share by which the number of tokens grows; None if alpha is given.
        price_texts: the texts whose tokens are counted; None if alpha is given.
        sample_prob: the share of documents that are sampled.
        sampler: the name of the sampler.

    Raises:
        ArgumentError: if the settings do not fit together, or if no alpha has this price.
    """
    if more_tokens is None and price_texts is None:
        return alpha
    if alpha is not None:
        raise ArgumentError("more_tokens finds the alpha; leave alpha out")
    if more_tokens is None or price_texts is None:
        raise ArgumentError(
            "more_tokens and price_texts belong together: the alpha is found with these texts"
        )
    if not is_number(more_tokens):
        raise ArgumentError(f"more_tokens must be a number such as 0.1, not {more_tokens!r:.30}")
    price = 1 + more_tokens
    return tokenizer.alpha_for_tokens(price_texts, price, sampler=sampler, sample_prob=sample_prob)


def check_sampler(tokenizer: Tokenizer, alpha: Alpha, sampler: Sampler) -> None:
    """Check that a sampler fits a model, whatever alphas the documents will draw.

    Raises:
        ArgumentError: if it does not.
    """
    for each in alpha if isinstance(alpha, tuple) else (alpha,):
        tokenizer.encode_batch([], alpha=each, sampler=sampler)
