"""Tokenizer libraries, this one and others, behind one interface.

- `base`: the interface, `Adapter`, and `NotPossibleError`
- `loading`: model files of any library, each with the adapter that encodes with it
- `ours`: this library
- `sentencepiece`, `huggingface`, `rs_bytepiece`: libraries that run in this process
- `sentencepiece_lite`: SentencePiece's Lite runtime, which is in C++ and has to be compiled
- `original_library`: the original bytepiece, which runs in a process and an environment of its own
- `original_worker`: the program that runs in that process
- `spelling`: the bytes that the pieces of a Hugging Face tokenizer.json stand for
"""
