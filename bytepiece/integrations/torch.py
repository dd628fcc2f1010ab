"""Blocks of a fixed length for language models, from texts that are encoded on the way.

Needs `pip install torch`.
"""

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from bytepiece._checks import unsigned
from bytepiece.encoding.request import Alpha, Sampling
from bytepiece.encoding.special import AllowedSpecial, in_one_order
from bytepiece.errors import ArgumentError
from bytepiece.rules.text import Text
from bytepiece.tokenizer import Tokenizer

try:
    import torch
    from torch.utils.data import IterableDataset, get_worker_info
except ImportError as error:
    raise ImportError("bytepiece.integrations.torch needs torch: pip install torch") from error

Source = Iterable[Text] | Callable[[], Iterable[Text]]

_CHARS = 1 << 20
"""Texts are encoded so many characters at a time: more gain no time, and take memory."""
_SLICE = 1000
"""So many documents are asked for at a time, of a sequence that may be a file."""
_STATE = ("epoch", "document", "token")
_IGNORED = -100
"""The label by which `torch.nn.functional.cross_entropy` and `transformers` leave a token out."""


class PackedBlocks(IterableDataset[dict[str, torch.Tensor]]):  # type: ignore[misc]
    """Documents as ids, end to end, cut into blocks of equal length.

    Each document is encoded, sampled if you like, and followed by the eos token; a block may begin
    and end within one. It is a dict of int64 tensors: "input_ids", and "labels", the same but for
    −100 where the last block is filled up.

    The blocks are a pure function of the documents and of these arguments: the same for any number
    of workers of a `DataLoader`, started by fork or by spawn, and after a restart. That is so
    because one worker encodes everything, with a thread for each worker that the loader has, and
    the others have nothing to do: where a block begins depends on how many tokens all documents
    before it have.

    Iterating again gives the same blocks again; after `set_epoch`, other samples of the same texts.

    Args:
        tokenizer: with which.
        documents: the texts, as a sequence or something else that can be iterated again, such as
            `bytepiece.Files`, or a function that gives an iterator. A restart goes to its place in
            a sequence at once; in others it reads again what comes before, but encodes none of it.
        length: of a block, in tokens.
        alpha, sample_prob, seed, epoch, add_bos, allowed_special: see
            `bytepiece.Tokenizer.encode_batch`; a document's number is its place, from 0. There is
            no fresh seed: workers and restarts could not agree on one.
        add_eos: end every document with the eos token.
        fill_last: fill the last block up with the pad token; by default, what is left at the end
            of an epoch and does not fill a block is left out.
        rank, world_size: take every world_size-th document only, from number `rank` on: for
            processes that train together. Samples do not depend on it. How many blocks a rank has
            does: end an epoch after a number of steps that all of them reach.
        threads: how many threads encode; by default as many as there are workers.
        positions: give each block its "position" too, for `state_at`.

    >>> import bytepiece
    >>> tok = bytepiece.Tokenizer(bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300))
    >>> blocks = PackedBlocks(tok, ["the cat", "the hat"] * 9, length=4, alpha=0.1)
    >>> block = next(iter(blocks))
    >>> block["input_ids"].shape, block["input_ids"].dtype
    (torch.Size([4]), torch.int64)
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        documents: Source,
        length: int,
        *,
        alpha: Alpha = None,
        sample_prob: float = 1.0,
        seed: int = 0,
        epoch: int = 0,
        add_bos: bool = False,
        add_eos: bool = True,
        allowed_special: AllowedSpecial = (),
        fill_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
        threads: int | None = None,
        positions: bool = False,
    ) -> None:
        super().__init__()
        if isinstance(documents, (str, bytes)) or not (
            isinstance(documents, Iterable) or callable(documents)
        ):
            raise ArgumentError("documents must be texts, or a function that gives an iterator")
        if isinstance(documents, Iterator):
            raise ArgumentError(
                "documents can be read only once; give a function that gives an iterator"
            )
        if not isinstance(length, int) or length < 1:
            raise ArgumentError(f"length must be a whole number of at least 1, not {length!r:.30}")
        if seed is None:
            raise ArgumentError("seed must be a number, that workers and restarts agree on")
        Sampling(alpha).check_unlisted()
        if not 0 <= rank < world_size:
            raise ArgumentError(f"rank must be in 0…{world_size - 1}, not {rank}")
        self._tokenizer = tokenizer
        self._documents = documents
        self._length = length
        self._options: dict[str, Any] = {
            "alpha": alpha,
            "sample_prob": sample_prob,
            "seed": seed,
            "add_bos": add_bos,
            "add_eos": add_eos,
            "allowed_special": in_one_order(allowed_special),
        }
        tokenizer.encode_batch([], epoch=epoch, **self._options)  # sees whether they are right
        self._pad = tokenizer.model.special_id("pad") if fill_last else None
        self._rank, self._world_size = rank, world_size
        ids_of = tokenizer.fingerprint, sorted(self._options.items()), rank, world_size
        self._stream = hashlib.sha256(repr(ids_of).encode()).hexdigest()[:16]
        self._threads = threads
        self._positions = positions
        # Epoch, document, and how many tokens of it are used up. In shared memory, so that workers
        # that live on from one epoch to the next one learn of it.
        self._start = torch.tensor([epoch, rank, 0]).share_memory_()
        self._place: tuple[int, ...] = (epoch, rank, 0)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        worker = get_worker_info()
        if worker is not None and worker.id > 0:
            return iter(())
        threads = self._threads or (1 if worker is None else worker.num_workers)
        epoch, document, used = self._place = tuple(self._start.tolist())
        return self._blocks(epoch, document, used, threads)

    def _blocks(
        self, epoch: int, document: int, used: int, threads: int
    ) -> Iterator[dict[str, torch.Tensor]]:
        left = np.empty(0, dtype=np.int32)
        with closing(self._chunks(document)) as chunks:
            for numbers, texts in chunks:
                rows = self._tokenizer.encode_batch(
                    texts, doc_ids=numbers[:-1], epoch=epoch, threads=threads, **self._options
                )
                flat = np.concatenate([left, rows.ids[used:]])
                ends = np.arange(self._length, len(flat) + 1, self._length)
                within = ends - len(left) + used  # the same places, from the chunk's beginning
                used = 0
                row = np.searchsorted(rows.offsets, within, side="right") - 1
                places = np.stack([numbers[row], within - rows.offsets[row]], axis=1)
                for end, place in zip(ends.tolist(), places.tolist(), strict=True):
                    self._place = (epoch, *place)
                    yield self._block(flat[end - self._length : end])
                left = flat[len(ends) * self._length :]
                document = int(numbers[-1])
        if self._pad is not None and len(left):
            self._place = (epoch, document, 0)
            yield self._block(left)

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration begin this epoch, unless it is to go on with it already."""
        epoch = int(unsigned(epoch, 32, "epoch"))
        if int(self._start[0]) != epoch:
            self._start.copy_(torch.tensor([epoch, self._rank, 0]))
            self._place = (epoch, self._rank, 0)

    def state_dict(self) -> dict[str, Any]:
        """Where the iteration in this process is: after the block that it gave last.

        With workers, it is a copy of this dataset that iterates. A loader that saves the state of
        its workers, as torchdata's StatefulDataLoader does, finds it there; with any other one,
        take `positions=True` and `state_at`.
        """
        return self._state(self._place)

    def state_at(self, position: torch.Tensor) -> dict[str, Any]:
        """The state after a block.

        Args:
            position: int64[3] or int64[blocks, 3], the "position" of a block, or of a batch of
                them, of which the last one counts.
        """
        return self._state(position.reshape(-1, 3)[-1].tolist())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let iterations go on from a state, until `set_epoch` begins another epoch.

        Raises:
            ArgumentError: it is of other settings, with which its documents have other tokens.
        """
        if state.get("stream") != self._stream:
            raise ArgumentError(
                "this state is of another model, other settings for its ids, or another rank"
            )
        place = [int(state[name]) for name in _STATE]
        if get_worker_info() is None:
            self._start.copy_(torch.tensor(place))
        else:  # of this worker alone
            self._start = torch.tensor(place)
        self._place = tuple(place)

    def _state(self, place: Sequence[int]) -> dict[str, Any]:
        return {**dict(zip(_STATE, place, strict=True)), "stream": self._stream}

    def _block(self, ids: npt.NDArray[np.int32]) -> dict[str, torch.Tensor]:
        block = torch.from_numpy(ids.astype(np.int64))
        labels = block.clone()
        if missing := self._length - len(ids):
            pad = torch.nn.functional.pad
            block, labels = (
                pad(block, (0, missing), value=self._pad),
                pad(labels, (0, missing), value=_IGNORED),
            )
        found = {"input_ids": block, "labels": labels}
        if self._positions:
            found["position"] = torch.tensor(self._place)
        return found

    def _chunks(
        self, first: int
    ) -> Generator[tuple[npt.NDArray[np.int64], list[Text]], None, None]:
        """Documents of this rank from a number on, a chunk at a time.

        Yields:
            int64[documents + 1], their numbers and that of the one after them; the documents.
        """
        texts: list[Text] = []
        size = 0
        with closing(self._texts(first)) as documents:
            for text in documents:
                texts.append(text)
                size += len(text)
                if size >= _CHARS:
                    numbers = first + self._world_size * np.arange(len(texts) + 1)
                    yield numbers, texts
                    first, texts, size = int(numbers[-1]), [], 0
        if texts:
            yield first + self._world_size * np.arange(len(texts) + 1), texts

    def _texts(self, first: int) -> Generator[Text, None, None]:
        documents = self._documents() if callable(self._documents) else self._documents
        step = self._world_size
        try:
            if isinstance(documents, Sequence):
                for low in range(first, len(documents), _SLICE * step):
                    yield from documents[low : low + _SLICE * step : step]
            else:
                yield from islice(documents, first, None, step)
        finally:
            if callable(self._documents) and hasattr(documents, "close"):
                documents.close()
