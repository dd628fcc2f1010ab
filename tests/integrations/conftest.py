"""Tokenizers for `transformers`, if it is installed."""

import pytest

CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def chat(model):
    """A tokenizer with two added tokens for chats."""
    from bytepiece.integrations.transformers import BytePieceTokenizer

    tokenizer = BytePieceTokenizer(model, chat_template=CHAT)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    return tokenizer


@pytest.fixture(scope="module")
def plain(model):
    from bytepiece.integrations.transformers import BytePieceTokenizer

    return BytePieceTokenizer(model)
