"""The fast tokenizer of `transformers` that gives a model's ids, for generation and serving."""

from typing import Any

from bytepiece.formats import to_huggingface
from bytepiece.model import Model
from bytepiece.tokenizer import Tokenizer

try:
    from tokenizers import Tokenizer as TokenizersTokenizer
    from transformers import PreTrainedTokenizerFast
except ImportError as error:
    raise ImportError(
        "bytepiece.integrations.fast_tokenizer needs transformers: pip install transformers"
    ) from error


def fast(model: Model | Tokenizer, **settings: Any) -> PreTrainedTokenizerFast:
    """Return a fast tokenizer of `transformers` with the same ids, for generation and serving.

    Programs that look into a tokenizer, such as servers and libraries for constrained generation,
    can handle this class of `transformers`. It cannot sample; to train with samples, take
    `BytePieceTokenizer`.

    Args:
        model: a model without rules of another library.
        settings: keywords of `PreTrainedTokenizerFast`, such as `chat_template` or
            `model_max_length`.

    Raises:
        ModelError: if tokenizer.json cannot represent the model.

    >>> import bytepiece
    >>> model = bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300)
    >>> tokenizer = fast(model)
    >>> tokenizer("the hat")["input_ids"] == bytepiece.Tokenizer(model).encode("the hat")
    True
    """
    model = model.model if isinstance(model, Tokenizer) else model
    backend = TokenizersTokenizer.from_str(to_huggingface.to_json(model))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, **{**to_huggingface.settings_of(model), **settings}
    )
