"""The answers to the page's calls, each from a bounded part of the text."""

import os
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64
from bytepiece.explain.lattice_svg import drawn, svg
from bytepiece.explain.shown import shown
from bytepiece.formats.reading import load_with_format
from bytepiece.lattice.lattice import Lattice
from bytepiece.play.asked import MOST_SHOWN, AskedText, one_of, text_of, utf16_places
from bytepiece.play.vocabulary import VocabularySearch
from bytepiece.rules.text import to_bytes
from bytepiece.tokenizer import Tokenizer

MOST_EDGES = 1 << 22
"""The most edges of a lattice. The shown beginning of a text is shorter if it might have more."""
MOST_EXPLAINED = 400
"""The most bytes of a text whose lattice is drawn."""
_ALTERNATIVES = 12
_PATHS = 10
_SAMPLES = 20
_LEAST_DRAWN = 1e-6
"""The least probability of an edge of a picture. The page hides more of them."""


class PlayModel:
    """A model on the page.

    Args:
        path: the file, as the user named it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        model, self.format = load_with_format(path)
        self.path = os.fspath(path)
        self.tokenizer = Tokenizer(model)
        self.vocabulary = VocabularySearch(self.tokenizer)
        # A position has at most one edge for each length.
        self.most_shown = MOST_EDGES // len({len(piece) for piece in model.pieces})

    def facts(self) -> dict[str, Any]:
        """Return what the page says about the model."""
        model = self.tokenizer.model
        return {
            "path": self.path,
            "name": os.path.basename(self.path),  # noqa: PTH119  # the name may not be a Path
            "format": self.format,
            "algorithm": "Unigram" if model.merges is None else "BPE",
            "vocab_size": model.vocab_size,
            "fingerprint": model.fingerprint,
        }

    def tokens(self, asked: AskedText) -> dict[str, Any]:
        """Return the tokens of a text, their places and probabilities, and the price of alpha."""
        tokenizer, text = self.tokenizer, asked.shown
        best = tokenizer.encode(text)
        ids = tokenizer.encode(text, **asked.sampling) if asked.sampling else best
        places = tokenizer.align(text, ids)
        lattice = tokenizer.lattice(text, asked.alpha)
        spans = places.byte_spans
        if lattice.text != to_bytes(text):
            spans = tokenizer.align(text, ids, normalized=True).byte_spans
        expected = lattice.expected_tokens()
        characters = utf16_places(text)[places.char_spans]
        whole = len(asked.text) > len(text)
        return {
            "count": len(tokenizer.encode_batch([asked.text], **asked.sampling).ids)
            if whole
            else len(ids),
            "ids": ids,
            "starts": characters[:, 0].tolist(),
            "ends": characters[:, 1].tolist(),
            "bytes": places.byte_spans.ravel().tolist(),
            # In the normalized text, if that is another one.
            "places": None if spans is places.byte_spans else spans.ravel().tolist(),
            "p": _probabilities(lattice, spans),
            "pieces": {id_: self.vocabulary.described(id_) for id_ in {*ids}},
            "best": len(best),
            "expected": expected,
            "price": expected / len(best) if best else None,
        }

    def alternatives(self, asked: AskedText, start: int, end: int) -> list[dict[str, Any]]:
        """Return the most probable pieces that overlap a place of the normalized text."""
        lattice = self.tokenizer.lattice(asked.shown, asked.alpha)
        starts, ends, ids, p = lattice.marginals()
        some = np.flatnonzero((starts < end) & (ends > start))
        some = some[np.argsort(-p[some], kind="stable")[:_ALTERNATIVES]]
        return [
            {
                "id": int(ids[edge]),
                **self.vocabulary.described(int(ids[edge]))._asdict(),
                "shown": shown(lattice.text[starts[edge] : ends[edge]]),
                "start": int(starts[edge]),
                "end": int(ends[edge]),
                "p": float(p[edge]),
            }
            for edge in some.tolist()
        ]


class Playground:
    """The calls of the page. Each takes a JSON object and returns what becomes JSON."""

    def __init__(self) -> None:
        self._models: list[PlayModel] = []
        self._most = MOST_SHOWN
        self.calls = {
            "models": self.models,
            "tokens": self.tokens,
            "alternatives": self.alternatives,
            "lattice": self.lattice,
            "vocabulary": self.vocabulary,
        }

    def add(self, path: str | os.PathLike[str]) -> None:
        """Add the model of a file.

        Raises:
            OSError: if the file cannot be read.
            ModelError: if it does not hold a valid model.
        """
        model = PlayModel(path)
        self._models.append(model)
        self._most = min(self._most, model.most_shown)

    def warm_up(self) -> None:
        """Compile and load all that the first calls need."""
        common = {"text": "a b", "alpha": 1.0, "sample": True, "seed": "0", "epoch": "0"}
        self.tokens(common)
        self.lattice({**common, "model": 0})

    def models(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what the page says about the models."""
        return [model.facts() for model in self._models]

    def tokens(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the tokens of a text by each model."""
        given = text_of(asked, self._most)
        return {
            "bytes": len(to_bytes(given.text)),
            "shown_bytes": len(to_bytes(given.shown)),
            "shown": len(given.shown.encode("utf-16-le", "surrogatepass")) // 2,
            "models": [model.tokens(given) for model in self._models],
        }

    def alternatives(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the pieces that a model could have at a place of the shown text."""
        model = one_of(asked, "model", self._models)
        return model.alternatives(
            text_of(asked, self._most), int(asked["start"]), int(asked["end"])
        )

    def lattice(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the explanation of the beginning of a text by a model, with its picture."""
        model = one_of(asked, "model", self._models)
        given = text_of(asked, min(self._most, MOST_EXPLAINED))
        seed = given.sampling.get("seed", 0)
        explained = model.tokenizer.explain(
            given.shown, given.alpha, nbest=_PATHS, samples=_SAMPLES, seed=seed
        )
        paths = (*explained.nbest, *explained.samples)
        ids = {id_ for path in paths for id_ in path.ids}
        return {
            **explained.as_json(),
            "bytes": len(to_bytes(given.text)),
            "pieces_by_id": {id_: model.vocabulary.described(id_) for id_ in ids},
            "picture": _tree(ElementTree.fromstring(svg(drawn(explained), _LEAST_DRAWN))),
        }

    def vocabulary(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the pieces of a model that a search finds, and how often the text has them."""
        model = one_of(asked, "model", self._models)
        given = text_of(asked)
        used = Counter(model.tokenizer.encode_batch([given.text], **given.sampling).ids.tolist())
        query, first = str(asked["query"]), int(asked["first"])
        found = model.vocabulary.search(
            query,
            bool(asked["contains"]),
            str(asked["order"]),
            used if asked["unused"] else None,
            max(first, 0),
        )
        for row in found["rows"]:
            row["used"] = used[row["id"]]
        return found


def _tree(element: ElementTree.Element) -> list[Any]:
    """Return an element as [name, attributes, text, children]. The page makes no HTML of texts."""
    name = element.tag.rpartition("}")[2]
    return [name, dict(element.attrib), element.text or "", [_tree(child) for child in element]]


def _probabilities(lattice: Lattice, spans: npt.NDArray[np.int64]) -> list[int]:
    """Return the probability of each token at its place in millionths; −1 if it is no edge.

    A run of unknown characters is one token and several edges, and has −1. Whole numbers become
    JSON in half the time.
    """
    starts, ends, _, p = lattice.marginals()
    keys = _key(starts, ends)
    wanted = _key(*spans.T)
    edges = np.searchsorted(keys, wanted)
    found = np.append(keys, -1)[edges] == wanted
    millionths: list[int] = np.where(
        found, np.rint(np.append(p, 0.0)[edges] * 1e6).astype(np.int64), -1
    ).tolist()
    return millionths


def _key(starts: I32 | I64, ends: I32 | I64) -> I64:
    return starts.astype(np.int64) << 32 | ends
