"""Several models on the same text."""

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from bytepiece.adapters.subjects import Source, subjects
from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.evaluation.results import Evaluation, Measures, Script, ScriptUse
from bytepiece.evaluation.scripts import MOST_SCRIPTS, Scripts, has_words, words
from bytepiece.evaluation.tally import Batch, Tally
from bytepiece.inputs.corpus import Corpus
from bytepiece.inputs.files import Files
from bytepiece.parallel import usable_cores
from bytepiece.rules.text import Text, is_utf8, to_bytes

RENYI_ORDER = 2.5
"""Which predicted translation quality best, among the orders tried by Zouhar et al. 2023."""

_BATCH = 1 << 20
"""Bytes of text that are encoded at a time, at least."""
_SEGMENT = re.compile(rb"[^\n]*\n+|[^\n]+")
"""A line with all its line ends, as the library cuts a text."""


def evaluate(
    models: Iterable[Source] | Mapping[str, Source],
    corpus: Corpus,
    *,
    threads: int | None = None,
) -> Evaluation:
    r"""Measure how well models encode a text, all of them on the same one.

    Args:
        models: a list of models, `Tokenizer`s and paths, or a dict of them by name. A file may be
            of this library, the original one, SentencePiece, or Hugging Face (tokenizer.json).
        corpus: the path of a text file, `bytepiece.Files`, or texts, str or bytes; it is read
            once, and never whole. Each text counts once, whatever the weights of files say.
        threads: by default all cores that this process may use; each model keeps one busy. The
            result is the same for any number.

    Raises:
        OSError: a file cannot be read.
        ModelError: a file holds no model, or takes a library that is not installed.
        CorpusError: the text has no line that is not empty.
        ArgumentError: an argument is something else.

    Source: for each measure, docs/evaluation.md has it.

    >>> import bytepiece
    >>> small = bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300)
    >>> found = bytepiece.evaluate({"small": small}, ["the cat\nэто\n"])
    >>> found.lines, found.models[0].tokens, round(found.models[0].bytes_per_token, 3)
    (2, 7, 1.857)
    >>> found.models[0].scripts["Cyrillic"].tokens_per_character
    2.0
    """
    if isinstance(corpus, (str, os.PathLike)):
        corpus = Files([corpus])
    elif isinstance(corpus, (bytes, bytearray, memoryview)) or not isinstance(corpus, Iterable):
        raise ArgumentError(
            f"the corpus must be a path or a series of texts, not {type(corpus).__name__}"
        )
    threads = usable_cores() if threads is None else threads
    if not isinstance(threads, int) or threads < 1:
        raise ArgumentError(f"threads must be a whole number of at least 1, not {threads!r:.30}")
    names = Scripts()
    tallies = [Tally(subject, names) for subject in subjects(models)]
    text = _TextTally()
    with ThreadPoolExecutor(min(threads, len(tallies)), "bytepiece") as pool:
        for segments in _batches(corpus):
            batch = text.add(segments, names)
            # In a list, for what a model raises is raised where its result is taken.
            list(pool.map(lambda tally, batch=batch: tally.add(batch), tallies))
    if not text.lines:
        raise CorpusError("the text has no line that is not empty: there is nothing to measure")
    scripts = text.scripts(names)
    vocabularies = [frozenset(tally.pieces) - {b""} for tally in tallies]
    return Evaluation(
        text.bytes,
        text.lines,
        text.line_bytes,
        sum(script.characters for script in scripts),
        tuple(scripts),
        tuple(_measures(tally, text, scripts, names.names) for tally in tallies),
        tuple(
            tuple(len(one & other) / max(len(one), 1) for other in vocabularies)
            for one in vocabularies
        ),
    )


def _batches(corpus: Iterable[Text]) -> Iterator[list[bytes]]:
    """The segments of all texts, so many at a time that they have enough bytes."""
    batch: list[bytes] = []
    size = 0
    for text in corpus:
        try:
            raw = to_bytes(text)
        except ArgumentError as error:
            raise CorpusError(f"in the corpus, {error}") from None
        for found in _SEGMENT.finditer(raw):
            batch.append(found[0])
            size += len(found[0])
            if size >= _BATCH:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


class _TextTally:
    """What there is in the text, whatever the model."""

    def __init__(self) -> None:
        self.bytes = self.lines = self.line_bytes = self.bad_lines = 0
        self._characters = np.zeros(MOST_SCRIPTS, dtype=np.int64)
        self._bytes = np.zeros(MOST_SCRIPTS, dtype=np.int64)
        self._words = np.zeros(MOST_SCRIPTS, dtype=np.int64)

    def add(self, segments: list[bytes], names: Scripts) -> Batch:
        """Count some segments, and prepare them for the models."""
        lines = [line for segment in segments if (line := segment.rstrip(b"\n"))]
        joined = b"".join([line + b"\n" for line in lines])
        characters = names.characters(joined)
        ends = np.bincount([0], minlength=MOST_SCRIPTS) * len(lines)  # which are not the lines'
        found = np.bincount(characters.scripts, minlength=MOST_SCRIPTS)
        self._characters += found - ends
        by_byte = characters.by_byte()
        self._bytes += np.bincount(by_byte, minlength=MOST_SCRIPTS) - ends
        known = words(characters, names.names)
        self._words[: len(known)] += known
        self.bytes += sum(map(len, segments))
        self.lines += len(lines)
        self.line_bytes += len(joined) - len(lines)
        self.bad_lines += _bad(joined, lines)
        return Batch(lines, segments, joined, by_byte)

    def scripts(self, names: Scripts) -> list[Script]:
        """The scripts that occurred, the most frequent first."""
        found = [
            Script(
                name,
                int(self._bytes[code]),
                int(self._characters[code]),
                int(self._words[code]) if has_words(name) else None,
            )
            for code, name in enumerate(names.names)
            if self._characters[code]
        ]
        return sorted(found, key=lambda script: (-script.characters, script.name))


def _bad(joined: bytes, lines: list[bytes]) -> int:
    """How many lines are not UTF-8."""
    if is_utf8(joined):
        return 0
    return sum(not is_utf8(line) for line in lines)


def _measures(tally: Tally, text: _TextTally, scripts: list[Script], names: list[str]) -> Measures:
    counts, pieces = tally.counts, tally.pieces
    used = (counts > 0) | (tally.counts_with_line_ends > 0)
    out = tally.subject.adapter.come_out()
    total, total_with_ends = int(counts.sum()), int(tally.counts_with_line_ends.sum())
    spelling = np.fromiter(map(bool, pieces), dtype=np.bool_, count=len(pieces))
    unknown = int(counts[~spelling].sum())
    shares = tally.tokens()
    entropy, renyi = _entropies(counts)
    most = math.log2(len(pieces)) if len(pieces) > 1 else 1.0
    return Measures(
        name=tally.subject.name,
        format=tally.subject.format,
        algorithm=tally.subject.algorithm,
        vocab_size=len(pieces),
        tokens=total,
        bytes_per_token=text.line_bytes / max(total, 1),
        tokens_with_line_ends=total_with_ends,
        bytes_per_token_with_line_ends=text.bytes / max(total_with_ends, 1),
        keeps_line_ends=tally.keeps_line_ends,
        tokens_per_character=total / sum(script.characters for script in scripts),
        scripts={s.name: _use(s, float(shares[names.index(s.name)])) for s in scripts},
        unknown_tokens=unknown,
        lossless_lines=tally.lossless_lines,
        lossless=tally.lossless_lines / text.lines,
        pieces=len({piece for piece in pieces if piece}),
        unused=tuple(p for p, one in zip(pieces, used.tolist(), strict=True) if p and not one),
        unreachable=(
            None
            if out is None
            else tuple(p for p, one in zip(pieces, out, strict=True) if p and not one)
        ),
        entropy=entropy,
        efficiency=entropy / most,
        renyi_efficiency=renyi / most,
        notes=tuple(_notes(tally, text, unknown)),
    )


def _use(script: Script, tokens: float) -> ScriptUse:
    return ScriptUse(
        tokens,
        script.bytes / tokens if tokens else None,
        tokens / script.characters,
        tokens / script.words if script.words else None,
    )


def _entropies(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """The Shannon and the Rényi entropy of relative frequencies, in bits."""
    found = counts[counts > 0].tolist()
    total = sum(found)
    # + 0.0, so that one token that is always the same does not have −0.
    shannon = -math.fsum(n / total * math.log2(n / total) for n in found) + 0.0
    powers = math.fsum((n / total) ** RENYI_ORDER for n in found)
    return shannon, (math.log2(powers) / (1 - RENYI_ORDER) if found else 0.0) + 0.0


def _notes(tally: Tally, text: _TextTally, unknown: int) -> Iterator[str]:
    if tally.subject.adapter.note:
        yield tally.subject.adapter.note
    if not tally.keeps_line_ends:
        yield "* line ends get lost, and so does what they would cost"
    if unknown:
        yield f"{unknown:,} tokens stand for text that it does not know, however long"
    if text.bad_lines and not tally.subject.over_bytes:
        yield f"{text.bad_lines:,} lines are not UTF-8; it got U+FFFD for what is not"
