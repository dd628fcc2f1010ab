"""Calls of every kind, each a function of its number: any thread must get the same result."""

import hashlib
import pickle
import random
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import bytepiece
from benchmarks.fuzzing import texts
from bytepiece import Tokenizer, model_io
from bytepiece.formats import to_huggingface
from bytepiece.token_files import TokenFile, TokenFileWriter

_TEXTS = 300
"""The number of texts that the calls choose from."""


class MixedCalls:
    """Calls that are numbered from 0.

    Args:
        tokenizers: the tokenizers that the calls use, by name.
        seed: decides which texts and which arguments the calls have.
    """

    def __init__(self, tokenizers: dict[str, Tokenizer], seed: int) -> None:
        self._tokenizers = tokenizers
        self._seed = seed
        found = [text for number in range(3) for text in texts.batch(seed, number)[: _TEXTS // 3]]
        # A text that is not valid Unicode cannot be a name, a record or a line.
        self._texts = [text for text in found if text]

    def digest(self, number: int) -> str:
        """Make a call, and return a checksum of all that it returns."""
        rng = random.Random(f"{self._seed}/{number}")
        name, call = rng.choice(_WEIGHED)
        tokenizer = self._tokenizers[rng.choice(list(self._tokenizers))]
        some = [self._texts[rng.randrange(len(self._texts))] for _ in range(rng.randint(1, 40))]
        result = call(tokenizer, some, rng)
        return hashlib.sha256(f"{name} {_plain(result)!r}".encode()).hexdigest()[:16]


def _plain(result: Any) -> Any:
    """Return a result in types whose repr shows every bit."""
    if isinstance(result, np.ndarray):
        return result.dtype.str, result.shape, hashlib.sha256(result.tobytes()).hexdigest()
    if isinstance(result, bytepiece.Encoded):
        return _plain(result.ids), _plain(result.offsets)
    if isinstance(result, (list, tuple)):
        return [_plain(part) for part in result]
    return result


def _options(rng: random.Random) -> dict[str, Any]:
    return {
        "alpha": rng.choice([None, 0.0, 0.1, 0.5, 1.0, (0.1, 0.9)]),
        "sampler": rng.choice(["perfect", "perfect", "viterbi", "nbest"]),
        "nbest_size": 8,
        "seed": rng.getrandbits(64),
        "epoch": rng.randrange(9),
        "sample_prob": rng.choice([1.0, 0.5]),
    }


def _encode(tok: Tokenizer, some: list[Any], rng: random.Random) -> Any:
    return [tok.encode(text, **_options(rng), doc_id=rng.randrange(99)) for text in some[:5]]


def _batch(tok: Tokenizer, some: list[Any], rng: random.Random) -> Any:
    threads, samples = rng.randint(1, 4), rng.randint(1, 3)
    return tok.encode_batch(some, threads=threads, samples=samples, **_options(rng))


def _special(tok: Tokenizer, some: list[Any], rng: random.Random) -> Any:
    return tok.encode_batch(
        [f"<|im_start|>{text!r}<|im_end|>" for text in some], allowed_special="all"
    )


def _decode(tok: Tokenizer, some: list[Any], rng: random.Random) -> Any:
    rows = tok.encode_batch(some)
    decoder = tok.stream_decoder()
    return [tok.decode_batch(rows), [decoder.push(id_) for id_ in rows[0].tolist()]]


def _align(tok: Tokenizer, some: list[Any], rng: random.Random) -> Any:
    found = tok.align(some[0], tok.encode(some[0]))
    return [found.byte_spans, found.char_spans]


def _lattice(tok: Tokenizer, some: list[Any], rng: random.Random) -> Any:
    if not tok.model.rules.own:
        return None
    law = tok.lattice(some[0], rng.choice([0.1, 1.0]))
    best = [(path.pieces, path.probability) for path in law.nbest(3)]
    return [law.log_z, law.entropy(), law.n_paths(), best]


def _continue(tok: Tokenizer, some: list[Any], rng: random.Random) -> Any:
    if not tok.model.rules.own:
        return None
    return [(kept, taken, cover.completing) for kept, taken, cover in tok.continuations(some[0], 2)]


def _copied(tok: Tokenizer, some: list[Any], rng: random.Random) -> Any:
    return pickle.loads(pickle.dumps(tok)).encode_batch(some)


def _saved(tok: Tokenizer, some: list[Any], rng: random.Random, other: bool = False) -> Any:
    if other and not tok.model.rules.own:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        (to_huggingface.save if other else model_io.save)(tok.model, path)
        return [path.read_bytes(), Tokenizer.load(path).encode_batch(some)]


def _kept(tok: Tokenizer, some: list[Any], rng: random.Random) -> Any:
    layout = rng.choice(["megatron", "npy"])
    with tempfile.TemporaryDirectory() as folder:
        prefix = f"{folder}/ids"
        with TokenFileWriter(prefix, tok.vocab_size, layout) as writer:
            writer.append(tok.encode_batch(some))
        # Copies, since the files will be gone.
        return [row.copy() for row in TokenFile(prefix)]


def _trained(tok: Tokenizer, some: list[Any], rng: random.Random) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        kept = rng.choice([None, Path(folder, "kept")])
        algorithm = rng.choice(["merge", "bnlm"])
        texts_ = [repr(text) for text in some] * 3
        return bytepiece.train(texts_, 300, algorithm=algorithm, checkpoint=kept, threads=2).pieces


def _edited(tok: Tokenizer, some: list[Any], rng: random.Random) -> Any:
    if not tok.model.rules.own:
        return None
    return bytepiece.prune(tok.model, 350, [repr(text) for text in some]).model.pieces


_CALLS: dict[str, tuple[int, Callable[[Tokenizer, list[Any], random.Random], Any]]] = {
    "encode": (40, _encode),
    "encode_batch": (40, _batch),
    "allowed_special": (10, _special),
    "decode": (20, _decode),
    "align": (15, _align),
    "lattice": (10, _lattice),
    "continuations": (5, _continue),
    "pickle": (4, _copied),
    "save and load": (3, _saved),
    "tokenizer.json": (2, partial(_saved, other=True)),
    "token files": (4, _kept),
    "train": (1, _trained),
    "prune": (1, _edited),
}
"""The calls by name, each with its share."""
_WEIGHED = [(name, call) for name, (share, call) in _CALLS.items() for _ in range(share)]
