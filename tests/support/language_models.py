"""Small untrained language models."""

import torch
import transformers


def tiny_gpt2(vocab_size, seed, **settings):
    """Return a model of one layer; settings are those of `GPT2Config`."""
    torch.manual_seed(seed)
    ids = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    config = transformers.GPT2Config(vocab_size=vocab_size, n_embd=16, n_layer=1, **ids, **settings)
    return transformers.GPT2LMHeadModel(config).eval()
