"""Formats: model files, read and written.

- reading.py: `load`; recognizes a file's format by its content.
- bytepiece_file.py: our own model file, and a table of the vocabulary that people can read.
- original.py: the original BytePiece library's file.
- from_sentencepiece.py, to_sentencepiece.py: SentencePiece's .model files.
- from_huggingface.py, to_huggingface.py: Hugging Face's tokenizer.json.
- from_huggingface_bpe.py, huggingface_words.py: a tokenizer.json with a BPE model.
- huggingface_tokens.py: the tokens of a tokenizer.json beside its pieces.
- sentencepiece_merges.py: SentencePiece's BPE models.
- from_tiktoken.py: tiktoken's files of ranks, and Mistral's tekken.json.
- character_vocabulary.py: the vocabulary of a model over characters, as those libraries hold it.
- characters_to_sentencepiece.py, characters_to_huggingface.py: files for models over characters.
- library_rules.py: the rules of one library in the terms of another.
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

SourceFormat = Format | Literal["tiktoken", "tekken"]
"""The format of a model file that is read; two of them are not written."""

FORMATS: tuple[Format, ...] = get_args(Format)
"""All formats that are written."""
