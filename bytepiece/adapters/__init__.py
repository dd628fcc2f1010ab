"""Tokenizer libraries, ours and others, each behind the interface that `base` describes."""
