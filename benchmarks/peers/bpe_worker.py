"""Encodes lines by a BPE library, in the environment of that library. Imports nothing of ours.

    python bpe_worker.py LIBRARY VOCABULARY [PATTERN]

The library is tokenizers, fastokens, gigatoken, iree.tokenizer, tiktoken, mistral_common or
sentencepiece.

Each line of the input is JSON: a list of texts. The answer is JSON: the CPU seconds of one call,
the number of ids, and a hash of them.
"""

import hashlib
import json
import os
import struct
import sys
import time
from functools import partial
from importlib import import_module, metadata


def encoder(library, vocabulary, pattern):
    """Return a function from texts to rows of ids, on one thread."""
    if library == "mistral_common":
        module = import_module("mistral_common.tokens.tokenizers.tekken")
        tekken = module.Tekkenizer.from_file(vocabulary)
        return lambda texts: [tekken.encode(text, bos=False, eos=False) for text in texts]
    module = import_module(library)
    if library == "sentencepiece":
        return module.SentencePieceProcessor(model_file=vocabulary).encode
    if library == "tiktoken":
        ranks = import_module("tiktoken.load").load_tiktoken_bpe(vocabulary)
        loaded = module.Encoding(
            "benchmark", pat_str=pattern, mergeable_ranks=ranks, special_tokens={}
        )
        return lambda texts: [loaded.encode_ordinary(text) for text in texts]
    if library == "gigatoken":
        # It knows the pattern of a .tiktoken file by the file's name.
        kind = module.Tokenizer
        read = kind.from_tiktoken if vocabulary.endswith(".tiktoken") else kind
        return partial(read(vocabulary).encode_batch, parallel=False)
    loaded = module.Tokenizer.from_file(vocabulary)
    if library == "iree.tokenizer":
        return lambda texts: [loaded.encode_batch_to_array(texts)[0]]  # the ids of all texts
    if library == "fastokens":
        return lambda texts: loaded.encode_batch(texts, False)
    options = {"add_special_tokens": False}
    if hasattr(loaded, "encode_special_tokens"):
        loaded.encode_special_tokens = True  # they are plain text
    else:  # since tokenizers 1.0
        options["encode_special_tokens"] = True
    call = getattr(loaded, "encode_batch_fast", loaded.encode_batch)
    return lambda texts: call(texts, **options)


def ids_of(row):
    """Return the ids of a row as a list."""
    ids = getattr(row, "ids", row)
    return ids if isinstance(ids, list) else ids.tolist()


def main():
    """Answer the lines of the input until it ends."""
    os.environ["RAYON_NUM_THREADS"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    library, vocabulary = sys.argv[1:3]
    encode = encoder(library, vocabulary, (sys.argv[3:] or [None])[0])
    print(json.dumps(metadata.version(library)), flush=True)
    for line in sys.stdin:
        texts = json.loads(line)
        begin = time.process_time()
        rows = encode(texts)
        seconds = time.process_time() - begin
        digest, count = hashlib.sha256(), 0
        for row in rows:
            ids = ids_of(row)
            count += len(ids)
            digest.update(struct.pack(f"<{len(ids)}i", *ids))
        print(json.dumps([seconds, count, digest.hexdigest()]), flush=True)


if __name__ == "__main__":
    main()
