"""Blocks of ids of a fixed length for language models; texts are encoded while they are read.

It needs `pip install torch`.
"""

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import count, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from bytepiece._checks import check_whole, plain, unsigned
from bytepiece.encoding.documents import numbers_of
from bytepiece.encoding.options import BY_TEXT, Alpha, Sampler
from bytepiece.encoding.request import Sampling
from bytepiece.encoding.special import AllowedSpecial, in_one_order
from bytepiece.errors import ArgumentError
from bytepiece.inputs.arrow import Column, chunked, is_arrow
from bytepiece.inputs.series import is_series, numbered
from bytepiece.integrations.pricing import alpha_by_price, check_sampler
from bytepiece.rules.text import Text
from bytepiece.tokenizer import Tokenizer

try:
    import torch
    from torch.utils.data import IterableDataset, get_worker_info
except ImportError as error:
    raise ImportError("bytepiece.integrations.torch needs torch: pip install torch") from error

Documents = Iterable[Text] | Callable[[], Iterable[Text]]

_CHARS = 1 << 20
"""The number of characters that are encoded together. A larger number saves no time, and needs more
memory."""
_SLICE = 1000
"""The number of documents that are taken from a sequence together, because the sequence may read
them from a file."""
_STATE = ("epoch", "document", "token")
_IGNORED = -100
"""The label of tokens that `torch.nn.functional.cross_entropy` and `transformers` ignore."""


class PackedBlocks(IterableDataset[dict[str, torch.Tensor]]):  # type: ignore[misc]
    """A dataset of the ids of documents, end to end, cut into blocks of equal length.

    Each document is encoded or sampled, and the eos token follows it. A block may begin and end
    within a document. A block is a dict of int64 tensors: "input_ids" and "labels". The labels are
    the ids, but −100 for padding in the last block.

    The blocks are a pure function of the documents and of these arguments. They do not depend on
    the number of workers of a `DataLoader`, on fork or spawn, or on restarts. The reason: where a
    block begins depends on the number of tokens in all documents before it, so one worker encodes
    everything, with one thread for each worker of the loader. The other workers do nothing.

    A second iteration gives the same blocks again. After `set_epoch` it gives other samples of the
    same texts.

    Args:
        tokenizer: the tokenizer that encodes.
        documents: the texts: a sequence, a column of Arrow, another iterable that can be iterated
            again, such as `bytepiece.Files`, or a function that returns an iterator. After a
            restart, a sequence or a column continues at once; any other iterable is read again from
            its beginning, but earlier documents are not encoded. Nulls of a column give no tokens.
        length: length of a block in tokens, at least 1.
        alpha, sampler, sample_prob, seed, epoch, add_bos, allowed_special: see
            `bytepiece.Tokenizer.encode_batch`. The seed is never fresh, because workers and
            restarts must agree on it.
        doc_ids: the numbers of all documents, in any form that `encode_batch` takes; or "text" for
            the hash of each text. By default a document's number is its place, from 0.
        more_tokens: take the alpha at which samples have this share of tokens more than best paths,
            such as 0.1 for 10 %, in place of alpha. It is found once, here, and `logging` gets it.
        price_texts: typical texts by which it is found; see
            `bytepiece.Tokenizer.alpha_for_tokens`.
        add_eos: end every document with the eos token.
        fill_last: fill the last block with the pad token. By default the tokens at the end of an
            epoch that do not fill a block are dropped.
        rank, world_size: take only every world_size-th document, from number `rank` on, for
            processes that train together. Samples do not depend on these numbers, but the number of
            blocks does: end an epoch after a number of steps that all ranks reach.
        threads: how many threads encode; by default the number of workers.
        positions: add a "position" to each block, for `state_at`.

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
        documents: Documents,
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
        doc_ids: Iterable[int | str | bytes] | None = None,
        more_tokens: float | None = None,
        price_texts: Iterable[Text] | None = None,
        sampler: Sampler = "perfect",
    ) -> None:
        super().__init__()
        if is_arrow(documents):
            documents = Column(chunked(documents))
        if not is_series(documents) and not callable(documents):
            raise ArgumentError("documents must be texts, or a function that gives an iterator")
        if isinstance(documents, Iterator):
            raise ArgumentError(
                "documents can be read only once; give a function that gives an iterator"
            )
        length = check_whole(length, "length", 1)
        if seed is None:
            raise ArgumentError("seed must be a number: workers and restarts must agree on it")
        alpha = alpha_by_price(tokenizer, alpha, more_tokens, price_texts, sample_prob, sampler)
        Sampling(alpha).check_unlisted()
        seed, epoch = unsigned(seed, 64, "seed"), unsigned(epoch, 32, "epoch")
        world_size = check_whole(world_size, "world_size", 1)
        rank = check_whole(rank, "rank", 0)
        if not rank < world_size:
            raise ArgumentError(f"rank must be in 0…{world_size - 1}, not {rank}")
        self._tokenizer = tokenizer
        self._documents = documents
        self._length = length
        self._options: dict[str, Any] = {
            "alpha": plain(alpha),
            "sample_prob": plain(sample_prob),
            "seed": seed,
            "add_bos": add_bos,
            "add_eos": add_eos,
            "allowed_special": in_one_order(allowed_special),
        }
        if sampler != "perfect":  # States that were saved without it stay valid.
            self._options["sampler"] = sampler
        check_sampler(tokenizer, alpha, sampler)
        # Raises an error for wrong settings before any work is done.
        tokenizer.encode_batch([], epoch=epoch, **self._options)
        self._pad = tokenizer.model.special_id("pad") if fill_last else None
        self._rank, self._world_size = rank, world_size
        settings = tokenizer.fingerprint, sorted(self._options.items()), rank, world_size
        stream = hashlib.sha256(repr(settings).encode())
        self._by_text = isinstance(doc_ids, str) and doc_ids == BY_TEXT
        self._doc_ids = None if doc_ids is None or self._by_text else numbers_of(doc_ids)
        if self._by_text:
            stream.update(BY_TEXT.encode())
        elif self._doc_ids is not None:
            stream.update(self._doc_ids.tobytes())
        self._stream = stream.hexdigest()[:16]
        self._threads = threads
        self._positions = positions
        # The epoch, the document, and how many of its tokens are used. It is in shared memory, so
        # that workers that live for several epochs see a new epoch.
        self._start = torch.tensor([epoch, rank, 0]).share_memory_()
        self._place: tuple[int, ...] = (epoch, rank, 0)

    @property
    def alpha(self) -> Alpha:
        """The alpha that samples are drawn with: as given, or the one that more_tokens found."""
        alpha: Alpha = self._options["alpha"]
        return alpha

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r:.60}" for name, value in self._options.items())
        return f"{type(self).__name__}(length={self._length}, {settings})"

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
                    texts,
                    doc_ids=self._numbers(numbers[:-1]),
                    epoch=epoch,
                    threads=threads,
                    **self._options,
                )
                flat = np.concatenate([left, rows.ids[used:]])
                ends = np.arange(self._length, len(flat) + 1, self._length)
                within = ends - len(left) + used  # The same ends, counted in the chunk's ids.
                used = 0
                # For each block, the document at its end and how many of its tokens are used.
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

    def _numbers(self, places: npt.NDArray[np.int64]) -> Iterable[int | str | bytes]:
        """Return the numbers of the documents at these places."""
        if self._by_text:
            return BY_TEXT
        if self._doc_ids is None:
            return places
        if len(self._doc_ids) <= places[-1]:
            raise ArgumentError(f"{len(self._doc_ids)} doc_ids, and more documents than that")
        return self._doc_ids[places]

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration begin this epoch, unless a loaded state is within this epoch."""
        epoch = unsigned(epoch, 32, "epoch")
        if int(self._start[0]) != epoch:
            self._start.copy_(torch.tensor([epoch, self._rank, 0]))
            self._place = (epoch, self._rank, 0)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the iteration in this process, after its latest block.

        With workers, a copy of this dataset in a worker iterates, and the state is there. A loader
        that saves the state of its workers, such as torchdata's StatefulDataLoader, finds it. With
        any other loader, use `positions=True` and `state_at`.
        """
        return self._state(self._place)

    def state_at(self, position: torch.Tensor) -> dict[str, Any]:
        """Return the state after a block.

        Args:
            position: int64[3], the "position" of a block; or int64[blocks, 3], the positions of a
                batch. The last one of a batch counts.
        """
        return self._state(position.reshape(-1, 3)[-1].tolist())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let iterations continue from a state, until `set_epoch` begins another epoch.

        Raises:
            ArgumentError: if the state comes from settings that give documents other tokens, or
                from another rank.
        """
        if state.get("stream") != self._stream:
            raise ArgumentError(
                "this state is of another model, other settings for its ids, or another rank"
            )
        place = [int(state[name]) for name in _STATE]
        if get_worker_info() is None:
            self._start.copy_(torch.tensor(place))
        else:  # The start of this worker only.
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
        """Yield the documents of this rank in chunks, beginning with document number `first`.

        Yields:
            a pair: int64[documents + 1], the numbers of the documents of the chunk and of the next
            document; and the documents.
        """
        numbers: list[int] = []
        texts: list[Text] = []
        size = 0
        with closing(self._texts(first)) as documents:
            for number, text in documents:
                numbers.append(number)
                texts.append(text)
                size += len(text)
                if size >= _CHARS:
                    yield np.array([*numbers, number + self._world_size]), texts
                    numbers, texts, size = [], [], 0
        if texts:
            yield np.array([*numbers, numbers[-1] + self._world_size]), texts

    def _texts(self, first: int) -> Generator[tuple[int, Text], None, None]:
        """Yield the texts of this rank with their numbers; nulls are left out."""
        documents = self._documents() if callable(self._documents) else self._documents
        step = self._world_size
        source = Column(chunked(documents)) if is_arrow(documents) else documents
        try:
            if isinstance(source, (Sequence, Column)):
                for low in range(first, len(source), _SLICE * step):
                    together = source[low : low + _SLICE * step : step]
                    yield from numbered(together, numbers=count(low, step))
            else:
                some = islice(source, first, None, step)
                yield from numbered(some, numbers=count(first, step))
        finally:
            if callable(self._documents) and hasattr(documents, "close"):
                documents.close()
