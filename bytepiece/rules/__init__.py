"""Rules: how a text becomes segments, and what decoding does where a text begins.

- text_rules.py: `TextRules`, the rules of a model.
- text.py: texts as users give them, and their bytes.
- foreign.py: the rules of SentencePiece and Hugging Face.
- character_map.py: SentencePiece's normalization and its compiled character map.
- origins.py: where each byte of a normalized text comes from.
- grapheme_map.py, patterns.py, character_classes.py: steps of Hugging Face's normalizers.
- words.py, merges.py: the cuts of a text into words, and the merges of BPE models.
- word_pattern.py, word_automaton.py: a pattern that finds words, as a program and as an automaton.
- character_set.py, unicode_categories.py: sets of characters, and the categories of Unicode.
- as_json.py: the rules of SentencePiece and Hugging Face as JSON, for our own model file.
- sentencepiece_message.py, protobuf.py: the fields of SentencePiece's files, and their bytes.
- opening.py, unknown.py: spaces where a text begins, and the token for unknown characters.
"""
