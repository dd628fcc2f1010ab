"""What must hold for every text: one function checks a whole batch with one tokenizer.

- lossless: ids decode to the text, row by row; a model that normalizes gives the normalized text.
- sample: a random encoding decodes like the best one, and does not depend on the threads.
- single: `encode` gives the ids of `encode_batch`, with samples, too.
- align: the spans lie end to end in the text and cover it.
- stream: ids that are decoded one by one give the text of all ids.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bytepiece import Encoded, Tokenizer
from bytepiece.rules.text import to_bytes

Texts = Sequence[str | bytes]
_FEW = 50
"""One text in this many also goes through the checks that take long."""


class TextFinding(NamedTuple):
    """A text for which a promise does not hold.

    Args:
        check: the promise, a name of `CHECKS`.
        model: the kind of the model.
        text: the text; None if only the whole batch shows the fault.
        detail: what came instead.
    """

    check: str
    model: str
    text: str | bytes | None
    detail: str


def check_texts(model: str, tokenizer: Tokenizer, texts: Texts, seed: int) -> Iterator[TextFinding]:
    """Yield a finding for each promise that some of the texts break.

    Args:
        model: the name of the model in findings.
        tokenizer: the tokenizer.
        texts: the texts.
        seed: the seed of the samples.
    """
    try:
        rows = tokenizer.encode_batch(texts)
        sampled = _sampled(tokenizer, texts, seed, 1)
    except Exception as error:
        yield TextFinding("encode", model, _guilty(tokenizer, texts), repr(error))
        return
    for name, check in CHECKS.items():
        try:
            found = check(tokenizer, texts, rows, sampled, seed)
        except Exception as error:
            yield TextFinding(name, model, None, repr(error))
        else:
            if found is not None:
                text = None if found < 0 else texts[found]
                yield TextFinding(name, model, text, f"text {found} of {len(texts)}")


def _guilty(tokenizer: Tokenizer, texts: Texts) -> str | bytes | None:
    """Return the first text that cannot be encoded."""
    for text in texts:
        try:
            tokenizer.encode(text)
        except Exception:
            return text
    return None


def _sampled(tokenizer: Tokenizer, texts: Texts, seed: int, threads: int) -> Encoded:
    sampler = ("perfect", "perfect", "viterbi", "nbest")[seed % 4]
    alpha = (0.0, 0.1, 0.5, 1.0, 3.0)[seed % 5]
    return tokenizer.encode_batch(
        texts, alpha=alpha, sampler=sampler, nbest_size=8, seed=seed, threads=threads
    )


def keeps_bytes(tokenizer: Tokenizer) -> bool:
    """Return whether decoding gives back every text."""
    rules = tokenizer.model.rules
    return rules.library is None and not rules.normalization


def _lossless(
    tokenizer: Tokenizer, texts: Texts, rows: Encoded, sampled: Encoded, seed: int
) -> int | None:
    rules = tokenizer.model.rules
    if rules.library is not None:
        return _rowwise(tokenizer, rows, sampled)
    expected = [to_bytes(text, rules.normalization) for text in texts]
    # Two comparisons check all rows: of all bytes, and of the places where rows begin.
    ends = np.cumsum([0, *map(len, expected)])
    whole = b"".join(expected)
    sizes = np.zeros(tokenizer.vocab_size, dtype=np.int64)
    for id_, piece in tokenizer.vocabulary.bytes_of.items():
        sizes[id_] = len(piece)
    for some in (rows, sampled):
        places = np.append(0, np.cumsum(sizes[some.ids]))[some.offsets]
        if not np.array_equal(places, ends) or tokenizer.decode_bytes(some.ids) != whole:
            pairs = enumerate(zip(some, expected, strict=True))
            return next((n for n, (ids, raw) in pairs if tokenizer.decode_bytes(ids) != raw), -1)
    return None


def _rowwise(tokenizer: Tokenizer, rows: Encoded, sampled: Encoded) -> int | None:
    """Compare the decoded best path with the decoded sample.

    The unknown token of a model stands for several characters in the one and for fewer in the
    other, so only the models without it are compared.
    """
    if any(token.role == "unknown" for token in tokenizer.model.special_tokens):
        return None
    for number, (best, other) in enumerate(zip(rows, sampled, strict=True)):
        if tokenizer.decode_bytes(best) != tokenizer.decode_bytes(other):
            return number
    return None


def _threads(
    tokenizer: Tokenizer, texts: Texts, rows: Encoded, sampled: Encoded, seed: int
) -> int | None:
    again = _sampled(tokenizer, texts, seed, 2)
    return None if again == sampled else -1


def _single(
    tokenizer: Tokenizer, texts: Texts, rows: Encoded, sampled: Encoded, seed: int
) -> int | None:
    encode, ids, ends = tokenizer.encode, rows.ids.tolist(), rows.offsets.tolist()
    # The normalization of other libraries takes most of the time of a short text.
    step = 1 if tokenizer.model.rules.library is None else _FEW // 5
    for number in range(seed % step, len(texts), step):
        if encode(texts[number]) != ids[ends[number] : ends[number + 1]]:
            return number
    for number in range(seed % _FEW, len(texts), _FEW):
        alone = _sampled_alone(tokenizer, texts[number], seed, number)
        if alone != sampled[number].tolist():
            return number
    return None


def _sampled_alone(tokenizer: Tokenizer, text: str | bytes, seed: int, number: int) -> list[int]:
    sampler = ("perfect", "perfect", "viterbi", "nbest")[seed % 4]
    alpha = (0.0, 0.1, 0.5, 1.0, 3.0)[seed % 5]
    return tokenizer.encode(
        text, alpha=alpha, sampler=sampler, nbest_size=8, seed=seed, doc_id=number
    )


def _align(
    tokenizer: Tokenizer, texts: Texts, rows: Encoded, sampled: Encoded, seed: int
) -> int | None:
    if keeps_bytes(tokenizer):
        # The pieces of all texts spell the joined text, so one call aligns all of them.
        for some in (rows, sampled):
            whole = b"".join([to_bytes(text) for text in texts])
            if not _covers(tokenizer, whole, some.ids.tolist()):
                return -1
    for number in range(seed % _FEW, len(texts), _FEW):
        for some in (rows, sampled):
            if not _covers(tokenizer, texts[number], some[number].tolist()):
                return number
    return None


def _covers(tokenizer: Tokenizer, text: str | bytes, ids: list[int]) -> bool:
    """Return whether the spans of tokens cover a text in order."""
    found = tokenizer.align(text, ids)
    raw = to_bytes(found.text)
    chars = raw.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else found.text
    whole = len(raw), len(chars)
    for spans, size in zip((found.byte_spans, found.char_spans), whole, strict=True):
        if len(spans) != len(ids):
            return False
        if len(spans) == 0:
            continue
        starts, ends = spans[:, 0], spans[:, 1]
        inside = starts[0] >= 0 and ends[-1] <= size and np.all(starts <= ends)
        if not inside or np.any(np.diff(starts) < 0) or np.any(np.diff(ends) < 0):
            return False
        if keeps_bytes(tokenizer) and (
            starts[0] != 0 or ends[-1] != size or np.any(starts[1:] > ends[:-1])
        ):
            return False
    return True


def _stream(
    tokenizer: Tokenizer, texts: Texts, rows: Encoded, sampled: Encoded, seed: int
) -> int | None:
    decoder = tokenizer.stream_decoder()
    push, ids = decoder.push, rows.ids.tolist()
    for number, (low, high) in enumerate(pairwise(rows.offsets.tolist())):
        parts = [push(id_) for id_ in ids[low:high]]
        parts.append(decoder.finish())
        if "".join(parts) != tokenizer.decode(ids[low:high]):
            return number
    return None


Check = Callable[[Tokenizer, Texts, Encoded, Encoded, int], int | None]
"""Returns the number of the first text that breaks a promise, −1 if only the batch shows it."""

CHECKS: dict[str, Check] = {
    "lossless": _lossless,
    "threads": _threads,
    "single": _single,
    "align": _align,
    "stream": _stream,
}
