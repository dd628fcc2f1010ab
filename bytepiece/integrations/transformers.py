"""A tokenizer for `transformers`: chat templates, padding, truncation and offsets, and sampling.

It needs `pip install transformers`. It saves bytepiece's own model file, so that nothing is lost,
and a tokenizer.json beside it for programs that do not know bytepiece.
"""

import copy
import os
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from bytepiece import model_io
from bytepiece.encoding.options import Alpha, Sampler
from bytepiece.encoding.request import Sampling
from bytepiece.encoding.special import NO_TOKENS
from bytepiece.errors import ArgumentError, VocabularyError
from bytepiece.integrations import rows
from bytepiece.integrations.fast_tokenizer import fast, save_fast
from bytepiece.integrations.pricing import alpha_by_price, check_sampler
from bytepiece.integrations.rows import NOWHERE, IdWithSpan, Row, joined
from bytepiece.integrations.transformers_vocabulary import ModelVocabulary
from bytepiece.integrations.words import LazyPlaces
from bytepiece.model import Model
from bytepiece.rules.text import Text
from bytepiece.tokenizer import Tokenizer

try:
    from transformers import AutoTokenizer, BatchEncoding, PretrainedConfig
except ImportError as error:
    raise ImportError(
        "bytepiece.integrations.transformers needs transformers: pip install transformers"
    ) from error

__all__ = ["BytePieceConfig", "BytePieceTokenizer", "fast", "register"]

_TOKEN_OF_ROLE = {
    "pad": "pad_token",
    "bos": "bos_token",
    "eos": "eos_token",
    "unknown": "unk_token",
}
_SAMPLING_KEYWORDS = ("alpha", "sampler", "seed", "epoch", "sample_prob")
"""Keywords that a call may change for itself."""


class BytePieceTokenizer(ModelVocabulary):
    r"""A `PreTrainedTokenizer` that encodes with a bytepiece model.

    The name of a token, as `convert_ids_to_tokens` returns it, has one character for each byte, as
    in the byte-level tokenizers of `transformers`: "Ġthe" is b" the". If an added token already has
    that name, the name of the piece is "\0piece" and its id. The name of an id that stands for
    nothing is "\0unused" and the id.

    Special tokens inside a text are found, because chat templates need this. With
    `split_special_tokens=True`, here or in a call, they are plain text, and a document can't forge
    one: no piece has the id of a special token.

    Args:
        vocab_file: a model file, a `Model` or a `Tokenizer`.
        alpha: sample with this exponent, or with an alpha for each text from a range (low, high).
            None, the default, gives the best path.
        more_tokens: take the alpha at which samples have this share of tokens more than best paths,
            such as 0.1 for 10 %, in place of alpha. It is found once, here, and `logging` gets it.
        price_texts: typical texts by which it is found; see
            `bytepiece.Tokenizer.alpha_for_tokens`.
        sampler: how samples are drawn, such as "dropout" with a BPE model; see
            `bytepiece.Tokenizer`.
        seed: the seed of the samples; None takes a fresh one for every call.
        epoch: another number gives other samples.
        sample_prob: the share of texts that are sampled; the others get the best path.
        add_bos: begin every text with the bos token.
        add_eos: end every text with the eos token.
        kwargs: keywords of every tokenizer in `transformers`, such as `chat_template`,
            `model_max_length`, `padding_side`. Special tokens of the model become pad_token,
            bos_token, eos_token and unk_token by their roles; the others become additional ones.

    A sample is a pure function of the model, the text, alpha, seed, epoch, and the document's
    number. A call gets the numbers in `doc_ids`, one for each text, in any form that
    `bytepiece.Tokenizer.encode_batch` takes. Without `doc_ids`, or with "text", a text's number is
    the hash of the text: the same text gets the same sample in any batch and any process,
    until seed or epoch changes. The settings of sampling belong to a training run, not to the
    tokenizer: `save_pretrained` leaves them out.

    `save_pretrained` writes bytepiece.model, from which this class loads, and tokenizer.json, from
    which `AutoTokenizer` and other programs load where bytepiece is not installed. A warning says
    where tokenizer.json is not exact, or why there is none.

    >>> import bytepiece
    >>> model = bytepiece.train(["the cat", "the hat", "the rat"] * 9, 300)
    >>> tokenizer = BytePieceTokenizer(model)
    >>> tokenizer.tokenize("the hat, the cat<eos>")
    ['the', 'Ġhat', ',', 'Ġ', 'the', 'Ġcat', '<eos>']
    >>> tokenizer(["the hat", "the"], padding=True)["attention_mask"]
    [[1, 1], [1, 0]]
    >>> sampler = tokenizer.sampled(alpha=0.1, seed=7)
    >>> tokenizer.decode(sampler.encode("the hat"))
    'the hat'
    """

    vocab_files_names = {"vocab_file": "bytepiece.model"}  # noqa: RUF012
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012

    def __init__(
        self,
        vocab_file: str | os.PathLike[str] | Model | Tokenizer,
        *,
        alpha: Alpha = None,
        seed: int | None = None,
        epoch: int = 0,
        sample_prob: float = 1.0,
        more_tokens: float | None = None,
        price_texts: Iterable[Text] | None = None,
        sampler: Sampler = "perfect",
        add_bos: bool = False,
        add_eos: bool = False,
        **kwargs: Any,
    ) -> None:
        if vocab_file is None:
            raise ArgumentError("there is no bytepiece.model; save_pretrained writes one")
        tokenizer = vocab_file if isinstance(vocab_file, Tokenizer) else Tokenizer(vocab_file)
        alpha = alpha_by_price(tokenizer, alpha, more_tokens, price_texts, sample_prob, sampler)
        sampling = Sampling(alpha, sampler, sample_prob=sample_prob, seed=seed, epoch=epoch)
        self._sampling = _checked(tokenizer, sampling)
        model = tokenizer.model
        for token in model.special_tokens:
            if token.role in _TOKEN_OF_ROLE:
                kwargs.setdefault(_TOKEN_OF_ROLE[token.role], token.name)
        if not kwargs.keys() & {"additional_special_tokens", "extra_special_tokens"}:
            others = [
                token.name for token in model.special_tokens if token.role not in _TOKEN_OF_ROLE
            ]
            kwargs["additional_special_tokens"] = others
        kwargs.setdefault("clean_up_tokenization_spaces", False)
        super().__init__(tokenizer, add_bos, add_eos, **kwargs)

    def sampled(
        self,
        alpha: Alpha = None,
        *,
        seed: int | None = None,
        epoch: int = 0,
        sample_prob: float = 1.0,
        more_tokens: float | None = None,
        price_texts: Iterable[Text] | None = None,
        sampler: Sampler = "perfect",
    ) -> "BytePieceTokenizer":
        """Return a tokenizer like this one that samples with these settings; see the class."""
        alpha = alpha_by_price(
            self._tokenizer, alpha, more_tokens, price_texts, sample_prob, sampler
        )
        sampling = Sampling(alpha, sampler, sample_prob=sample_prob, seed=seed, epoch=epoch)
        twin = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, (dict, list)):
                setattr(twin, name, copy.copy(value))
        twin._sampling = _checked(self._tokenizer, sampling)
        twin._names = copy.deepcopy(self._names)
        twin._forget_lookups()
        return twin

    # Text to ids.

    def tokenize(self, text: str, pair: str | None = None, **kwargs: Any) -> list[str]:
        """Return the names of the tokens of a text; special tokens are not added."""
        kwargs.setdefault("add_special_tokens", False)
        names: list[str] = self.convert_ids_to_tokens(self.encode(text, pair, **kwargs))
        return names

    def _encode_plus(
        self,
        text: Any,
        text_pair: Any = None,
        add_special_tokens: bool = True,
        padding_strategy: Any = "do_not_pad",
        truncation_strategy: Any = "do_not_truncate",
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: Any = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        verbose: bool = True,
        split_special_tokens: bool | None = None,
        sanitize_control_tokens: bool = False,
        doc_ids: int | Iterable[int | str | bytes] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Encode one text or many, alone or in pairs; `__call__` and `encode` end here."""
        batched, firsts, seconds = rows.firsts_and_seconds(text, text_pair, is_split_into_words)
        if sanitize_control_tokens:  # The base class has marked which parts are users' text.
            from transformers.utils import chat_template_utils  # noqa: PLC0415

            firsts = [chat_template_utils.encode_marked_chat(self, chat) for chat in firsts]
        split = self.split_special_tokens if split_special_tokens is None else split_special_tokens
        maker = rows.RowMaker(
            self._tokenizer,
            self._sampling._replace(
                **{name: kwargs[name] for name in _SAMPLING_KEYWORDS if name in kwargs}
            ),
            rows.given_numbers(doc_ids),
            NO_TOKENS if split else self._special_tokens(),
            return_offsets_mapping,
        )
        begin: Row
        end: Row
        begin, end = self.marks() if add_special_tokens else ([], [])
        if return_offsets_mapping:
            begin, end = [IdWithSpan(id_) for id_ in begin], [IdWithSpan(id_) for id_ in end]
        limit = None if truncation_strategy == "do_not_truncate" else max_length
        columns: dict[str, list[Any]] = {"input_ids": []}
        kept: list[tuple[int, int | None]] = []
        for first, second in zip(maker.rows(firsts), maker.rows(seconds, second=True), strict=True):
            excess = 0
            if limit is not None:
                excess = max(len(joined(first, second, begin, end)) - limit, 0)
            overflow: Row = []
            if excess:
                first, second, overflow = self.truncate_sequences(  # noqa: PLW2901
                    first, second, excess, truncation_strategy, stride
                )
            kept.append((len(first), None if second is None else len(second)))
            row: dict[str, Any] = {"input_ids": joined(first, second, begin, end)}
            if return_token_type_ids or (
                return_token_type_ids is None and "token_type_ids" in self.model_input_names
            ):
                row["token_type_ids"] = rows.token_type_ids(first, second, begin, end)
            if return_special_tokens_mask:
                row["special_tokens_mask"] = rows.special_tokens_mask(first, second, begin, end)
            if return_overflowing_tokens:
                row["overflowing_tokens"] = [getattr(one, "id", one) for one in overflow]
                row["num_truncated_tokens"] = excess
            if return_offsets_mapping:
                row["offset_mapping"] = [one.span for one in row["input_ids"]]
                row["input_ids"] = [one.id for one in row["input_ids"]]
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
        lengths = list(map(len, columns["input_ids"]))
        longest = max(lengths, default=0)
        self._eventual_warn_about_too_long_sequence(range(longest), limit, verbose)
        if return_length:
            columns["length"] = lengths
        if return_attention_mask or (
            return_attention_mask is None and "attention_mask" in self.model_input_names
        ):
            columns["attention_mask"] = [[1] * length for length in lengths]
        side = padding_side or self.padding_side
        if padding_strategy != "do_not_pad":
            width = longest if padding_strategy == "longest" else max_length or 0
            width += -width % (pad_to_multiple_of or 1)
            self._fill(columns, width, side)
        marks = (len(begin), len(end))
        places = LazyPlaces(self, maker, columns["input_ids"], kept, marks, side == "left")
        if return_tensors:
            # The base class leaves these two out, too.
            for name in ("overflowing_tokens", "num_truncated_tokens"):
                columns.pop(name, None)
            # Arrays become tensors in a hundredth of the time that lists need.
            for name in columns.keys() - {"length"}:
                columns[name] = [np.asarray(row, np.int64) for row in columns[name]]
        elif not batched:
            columns = {name: column[0] for name, column in columns.items()}
        pairs = 2 if any(second is not None for _, second in kept) else 1
        return BatchEncoding(columns, places, return_tensors, n_sequences=pairs)

    def _batch_encode_plus(self, batch_text_or_text_pairs: Any, **kwargs: Any) -> Any:
        # transformers 4 calls this for many texts.
        return self._encode_plus(batch_text_or_text_pairs, **kwargs)

    def _fill(self, columns: dict[str, list[Any]], width: int, side: str) -> None:
        """Fill all rows up to a width with padding, in place."""
        fillers = {
            "input_ids": self.pad_token_id,
            "attention_mask": 0,
            "token_type_ids": self.pad_token_type_id,
            "special_tokens_mask": 1,
            "offset_mapping": NOWHERE,
        }
        for name in columns.keys() & fillers.keys():
            for row in columns[name]:
                place = len(row) if side == "right" else 0
                row[place:place] = [fillers[name]] * (width - len(row))

    # Ids to text.

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Return the text of tokens that are given by their names; an empty name has no text."""
        tokens = [name for name in tokens if name]
        ids = self.convert_tokens_to_ids(tokens)
        if None in ids:
            raise VocabularyError(f"there is no token {tokens[ids.index(None)]!r:.60}")
        return self._decode(ids)

    def _decode(
        self,
        token_ids: int | list[int],
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        **_: Any,
    ) -> str:
        ids = [token_ids] if isinstance(token_ids, int) else token_ids
        skipped = self._ids_of_specials() if skip_special_tokens else {}
        added = self._added_tokens_decoder
        parts, opening = [], True
        for of_text, run in groupby(ids, lambda i: i in self._names.pieces and i not in added):
            if of_text:
                part, opening = self._tokenizer.vocabulary.decode_on(run, opening)
                parts.append(part)
                continue
            for id_ in run:
                # A language model with more rows than tokens may give ids without a token. They
                # have no text.
                if id_ in added and id_ not in skipped:
                    parts.append(added[id_].content.encode())
                # An unknown token that is shown stands for text, so a space after it is not at the
                # beginning of the text.
                opening = opening and (id_ in skipped or id_ not in self._unknown)
        text = b"".join(parts).decode("utf-8", "replace")
        clean_up = clean_up_tokenization_spaces
        if self.clean_up_tokenization_spaces if clean_up is None else clean_up:
            text = self.clean_up_tokenization(text)
        return text

    def save_vocabulary(
        self, save_directory: str, filename_prefix: str | None = None
    ) -> tuple[str, ...]:
        """Write the model file, without added tokens; `save_pretrained` writes these too."""
        prefix = f"{filename_prefix}-" if filename_prefix else ""
        path = Path(save_directory) / (prefix + self.vocab_files_names["vocab_file"])
        model_io.save(self.model, path)
        return (str(path),)

    def _save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        file_names: tuple[str, ...],
        legacy_format: bool | None = None,
        filename_prefix: str | None = None,
    ) -> tuple[str, ...]:
        """Write all files but tokenizer_config.json; `save_pretrained` ends here."""
        files: tuple[str, ...] = super()._save_pretrained(
            save_directory, file_names, legacy_format, filename_prefix
        )
        prefix = f"{filename_prefix}-" if filename_prefix else ""
        return (*files, *save_fast(self, Path(save_directory) / f"{prefix}tokenizer.json"))


class BytePieceConfig(PretrainedConfig):  # type: ignore[misc]
    """The configuration by which `AutoTokenizer` finds the tokenizer class."""

    model_type = "bytepiece"


def register() -> None:
    """Let `AutoTokenizer.from_pretrained` load what `BytePieceTokenizer.save_pretrained` wrote."""
    AutoTokenizer.register(BytePieceConfig, slow_tokenizer_class=BytePieceTokenizer, exist_ok=True)


def _checked(tokenizer: Tokenizer, sampling: Sampling) -> Sampling:
    """Return a request for samples; wrong settings raise an error here, not at the first text."""
    check_sampler(tokenizer, sampling.alpha, sampling.sampler)
    tokenizer.encode_batch([], **sampling._asdict())
    return sampling
