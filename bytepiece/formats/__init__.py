"""Other people's model files, in and out."""

from typing import Literal, get_args

Format = Literal["bytepiece", "original", "sentencepiece", "huggingface"]
"""What a model file may be: this library's, the original one's, a .model, a tokenizer.json."""

FORMATS: tuple[Format, ...] = get_args(Format)
