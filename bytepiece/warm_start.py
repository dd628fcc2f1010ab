"""Compiling all kernels ahead, so that later processes start warm."""

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, get_args

import numpy as np

from bytepiece._arrays import F64
from bytepiece.editing.prune import prune
from bytepiece.editing.score import score
from bytepiece.encoding.options import LARGEST_ALPHAS, Sampler
from bytepiece.errors import ArgumentError
from bytepiece.kernels import windows
from bytepiece.kernels.cache import FOLDER, VARIABLE, KernelCache
from bytepiece.kernels.decimals import LONGEST, write_rows
from bytepiece.kernels.jit import compiled_kernels
from bytepiece.model import Model, SpecialToken
from bytepiece.rules.foreign import HuggingFaceRules, SentencePieceRules
from bytepiece.rules.merges import Merges
from bytepiece.rules.text_rules import TextRules
from bytepiece.rules.words import GPT2, WordCut
from bytepiece.tokenizer import Tokenizer
from bytepiece.training.corpus_reader import Block
from bytepiece.training.options import Spaces
from bytepiece.training.sampled_counts import SampledCounts
from bytepiece.training.trainer import train

_LINES = ["the cat sat on the mat", "the hat: naïve 今天, 123", "the rat and the cat\n\nthe end"]
_PIECES = (
    *(bytes([byte]) for byte in range(256)),
    *(b"th", b"the", b"thethe", b"thethethe", b"the ", "é".encode()),
)


class WarmupStep(NamedTuple):
    """A part of the work, and what compiling it took.

    Args:
        name: "encoding", "sampling", "lattice" or "training".
        kernels: how many kernels were compiled, each for some types of arguments. The others were
            in the cache already.
        seconds: the time of the whole step.
    """

    name: str
    kernels: int
    seconds: float


def warmup(progress: Callable[[str], object] | None = None) -> list[WarmupStep]:
    """Compile all kernels that are not in the cache yet, so that later processes start warm.

    Run it once on each machine, or when an image of a container is built. It takes about a minute,
    and some seconds if all kernels are in the cache. Compiled kernels belong to one version of
    bytepiece, of Numba and of Python and to one kind of processor.

    Args:
        progress: called with the name of each step before the step begins.

    Returns:
        the steps: what was compiled, and the seconds.

    Raises:
        ArgumentError: if compiled kernels cannot be kept.
    """
    steps = []
    for name, work in _WORK.items():
        if progress is not None:
            progress(name)
        kernels, start = compiled_kernels(), time.monotonic()
        work()
        steps.append(
            WarmupStep(name, compiled_kernels() - kernels, time.monotonic() - start),
        )
        if (steps[-1].kernels and not FOLDER.writable) or KernelCache.unsaved:
            raise ArgumentError(
                f"compiled kernels cannot be kept in {FOLDER.path or 'any folder'}: name a folder "
                f"with free space in {VARIABLE}"
            )
    return steps


def _own() -> Tokenizer:
    return Tokenizer(Model(_PIECES, _scores()))


def _others(scale: float = 1.0) -> Tokenizer:
    """Return the tokenizer of a model over characters, as SentencePiece has it."""
    rules = TextRules(unknown="bytes", library=SentencePieceRules())
    return Tokenizer(Model(_PIECES, scale * _scores(), rules=rules))


def _with_unknown() -> Tokenizer:
    """Return the tokenizer of a model with a token for unknown characters."""
    specials = (SpecialToken("<unk>", 0, "unknown"),)
    rules = TextRules(unknown="token", normalization=("NFC",))
    return Tokenizer(Model(_PIECES, _scores(), special_tokens=specials, rules=rules))


def _bpe() -> Tokenizer:
    """Return the tokenizer of a BPE model, as tiktoken has it."""
    ranks = np.arange(len(_PIECES)) - 256
    return Tokenizer(
        Model(
            _PIECES,
            _scores(),
            rules=TextRules(segment="text", words=(WordCut(GPT2),)),
            merges=Merges(ranks=np.maximum(ranks, -1)),
        )
    )


def _scores() -> F64:
    return np.array([-6.0 + len(piece) for piece in _PIECES])


def _long() -> str:
    """Return a line that is encoded window by window."""
    return "a" * (windows.LONG + 1)


def _encode() -> None:
    for tokenizer in (_own(), _others()):
        ids = tokenizer.encode(_LINES[1])
        tokenizer.canonical(ids)
        tokenizer.encode_batch([*_LINES, _long()], add_bos=True, add_eos=True)
        rows = tokenizer.encode_batch(_LINES)
        tokenizer.decode_batch(rows)
        room = np.empty(LONGEST, dtype=np.uint8)
        write_rows(rows.ids, rows.offsets, np.zeros(2, dtype=np.int64), room)
    _bpe().encode_batch([*_LINES, "the" * 3, "the" * 20])
    _with_unknown().encode_batch(_LINES)
    _others(scale=1e4).encode_batch(_LINES)  # SentencePiece reduces sums that are so large
    rules = TextRules(unknown="bytes", library=HuggingFaceRules(prefix="always"))
    Tokenizer(Model(_PIECES, _scores(), rules=rules)).encode_batch(_LINES)


def _sample() -> None:
    for tokenizer in (_own(), _others()):
        for sampler in get_args(Sampler):
            if sampler not in LARGEST_ALPHAS:
                tokenizer.encode_batch(_LINES, alpha=0.5, sampler=sampler)
        for text in (_LINES[0], _long()):
            tokenizer.encode_batch([text], alpha=0.5)
            tokenizer.encode_batch([text], alpha=0.5, log_probs=True)
            tokenizer.encode_batch([text], alpha=0.5, sampler="viterbi")
        tokenizer.encode_batch(_LINES, alpha=0.5, sampler="nbest", log_probs=True)
        tokenizer.encode_batch(_LINES, alpha=(0.0, 0.5))
        tokenizer.encode_batch(_LINES, alpha=0.5, samples=2, replace=False)
    for sampler in LARGEST_ALPHAS:
        _bpe().encode_batch([*_LINES, "the" * 20], alpha=0.5, sampler=sampler)
    tokenizer = _own()
    tokenizer.encode(_LINES[0], alpha=0.5)
    tokenizer.alpha_for_tokens(_LINES, 1.1)
    size = tokenizer.vocab_size

    def uniform(rows: Sequence[Sequence[int]]) -> F64:
        return np.full((len(rows), size), -math.log(size))

    tokenizer.continuations("the")[1].distribution(uniform).sample()


def _measure() -> None:
    for tokenizer in (_own(), _others()):
        lattice = tokenizer.lattice(_LINES[1])
        lattice.log_prob(lattice.best().pieces)
        lattice.entropy()
        lattice.expected_tokens()
        lattice.score_variance()
        lattice.marginals()
        lattice.boundary_probs()
        lattice.nbest(3)
        lattice.sample(2)
        lattice.sample_without_replacement(2)
        lattice.alpha_for_entropy(1.0)


def _train() -> None:
    score(_bpe().model, _LINES)
    for spaces in get_args(Spaces):
        model = train(_LINES * 9, 290, algorithm="merge", spaces=spaces)
        prune(model, 280, _LINES)
    # These sizes are so small that pieces have to be taken away.
    train([*_LINES * 9, "and once"], 262, algorithm="bnlm", digits="groups-of-three")
    train(_LINES * 9, 262, algorithm="unigram", spaces="across")
    train(_LINES * 9, 262, algorithm="unigram", spaces="words", sparse=True)
    words = SampledCounts(most=1)  # so little that strings have to be dropped
    words.add(Block(np.array([97, 98], dtype=np.uint8), np.array([0, 1, 2]), np.array([1, 1])))


_WORK = {"encoding": _encode, "sampling": _sample, "lattice": _measure, "training": _train}
