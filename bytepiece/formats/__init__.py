"""Formats: model files, read and written.

- reading.py: `load`; recognizes a file's format by its content.
- bytepiece_file.py: our own model file, and a table of the vocabulary that people can read.
- original.py: the original BytePiece library's file.
- from_sentencepiece.py, to_sentencepiece.py: SentencePiece's .model files.
- from_huggingface.py, to_huggingface.py: Hugging Face's tokenizer.json.
- huggingface_steps.py: the normalizer, pre-tokenizer and decoder of a tokenizer.json.
- huggingface_numbers.py: numbers in JSON as Hugging Face's reader rounds them.
- byte_level.py: the alphabet in which a tokenizer.json spells bytes.

`bytepiece.model_io` is the public face of reading and writing.
"""

from typing import Literal, get_args

Format = Literal["bytepiece", "original", "sentencepiece", "sentencepiece-lite", "huggingface"]
"""The format of a model file: ours, the original's, SentencePiece's or Hugging Face's.

"sentencepiece-lite" is SentencePiece's format with ids that its Lite runtime accepts.
"""

FORMATS: tuple[Format, ...] = get_args(Format)
"""All formats."""
