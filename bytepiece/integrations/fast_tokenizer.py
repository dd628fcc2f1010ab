"""The fast tokenizer of `transformers` that gives a model's ids, for generation and serving."""

import os
import warnings
from pathlib import Path
from typing import Any

from bytepiece import model_io
from bytepiece._logarithms import rounded
from bytepiece.errors import ModelError
from bytepiece.formats import to_huggingface
from bytepiece.integrations.transformers_vocabulary import ModelVocabulary
from bytepiece.model import Model
from bytepiece.tokenizer import Tokenizer

try:
    from tokenizers import Tokenizer as TokenizersTokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast
except ImportError as error:
    raise ImportError(
        "bytepiece.integrations.fast_tokenizer needs transformers: pip install transformers"
    ) from error


def fast(
    model: str | os.PathLike[str] | Model | Tokenizer | ModelVocabulary, **settings: Any
) -> PreTrainedTokenizerFast:
    """Return a fast tokenizer of `transformers` with the same ids, for generation and serving.

    Programs that look into a tokenizer, such as servers and libraries for constrained generation,
    can handle this class of `transformers`. It cannot sample; to train with samples, take
    `BytePieceTokenizer`.

    Args:
        model: a model file or a model. A `BytePieceTokenizer` also hands over its added tokens, its
            bos and eos tokens, its chat template, its sides and its longest length.
        settings: keywords of `PreTrainedTokenizerFast`, such as `chat_template` or
            `model_max_length`.

    Raises:
        ModelError: if tokenizer.json cannot represent the model or an added token.

    >>> import bytepiece
    >>> model = bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300)
    >>> tokenizer = fast(model)
    >>> tokenizer("the hat")["input_ids"] == bytepiece.Tokenizer(model).encode("the hat")
    True
    """
    if isinstance(model, (str, os.PathLike)):
        model = model_io.load(model)
    bare = model if isinstance(model, Model) else model.model
    backend = TokenizersTokenizer.from_str(to_huggingface.to_json(bare))
    kept = to_huggingface.settings_of(bare)
    if isinstance(model, ModelVocabulary):
        _add_tokens(backend, model)
        _add_marks(backend, model)
        kept |= _settings_of(model)
    return PreTrainedTokenizerFast(tokenizer_object=backend, **{**kept, **settings})


def save_fast(tokenizer: ModelVocabulary, path: Path) -> tuple[str, ...]:
    """Write the tokenizer.json of a tokenizer, and return its path.

    A warning says in one line where the file is not exact. If tokenizer.json cannot represent the
    tokenizer, nothing is written, an older file is deleted, and a warning says why.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            backend = fast(tokenizer).backend_tokenizer
    except ModelError as error:
        path.unlink(missing_ok=True)
        warnings.warn(
            f"no tokenizer.json was written, so only bytepiece can load this: {error}", stacklevel=4
        )
        return ()
    backend.save(str(path))
    differences = [str(warning.message) for warning in caught]
    model = tokenizer.model
    if model.rules.unknown is None and (rounded(model.scores) != model.scores).any():
        differences.append(
            "scores are rounded, so a few texts of thousands, in which two paths nearly tie, may "
            "get other ids"
        )
    if differences:
        warnings.warn(f"tokenizer.json is not exact: {'; '.join(differences)}", stacklevel=4)
    return (str(path),)


def _add_tokens(backend: TokenizersTokenizer, tokenizer: ModelVocabulary) -> None:
    """Add the tokens that were added to another tokenizer, with the same ids."""
    for id_, token in tokenizer.added_tokens_decoder.items():
        add = backend.add_special_tokens if token.special else backend.add_tokens
        add([token])
        if backend.token_to_id(token.content) != id_:
            raise ModelError(
                f"tokenizer.json cannot have the added token {token.content!r:.60} with the id "
                f"{id_}: a byte has this name there, or an id below is free; rename the token"
            )


def _add_marks(backend: TokenizersTokenizer, tokenizer: ModelVocabulary) -> None:
    """Let texts begin with bos and end with eos, if they do so in another tokenizer."""
    begin, end = tokenizer.marks()
    if not begin + end:
        return
    names = {name: ids for name, ids in (("bos", begin), ("eos", end)) if ids}
    first, second = (
        [*(["bos"] if begin else []), text, *(["eos"] if end else [])] for text in ("$A", "$B")
    )
    backend.post_processor = TemplateProcessing(
        single=first,
        pair=[f"{each}:0" for each in first] + [f"{each}:1" for each in second],
        special_tokens=[
            {"id": name, "ids": ids, "tokens": tokenizer.convert_ids_to_tokens(ids)}
            for name, ids in names.items()
        ],
    )


def _settings_of(tokenizer: ModelVocabulary) -> dict[str, Any]:
    """Return the settings of a tokenizer that belong to every tokenizer of `transformers`."""
    names = (
        "chat_template",
        "model_max_length",
        "padding_side",
        "truncation_side",
        "split_special_tokens",
        "clean_up_tokenization_spaces",
    )
    roles = tokenizer.special_tokens_map.items()
    with_roles = {name: token for name, token in roles if isinstance(token, str)}
    others = [name for name in tokenizer.all_special_tokens if name not in with_roles.values()]
    return {
        **{name: getattr(tokenizer, name) for name in names},
        **with_roles,
        "additional_special_tokens": others,
    }
