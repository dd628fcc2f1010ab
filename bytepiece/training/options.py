"""The one home of each option of training: its name, type, range, default and help text.

`bytepiece.train`, the command line and the table in docs/training.md follow this file or are
tested against it. It imports neither NumPy nor Numba, so that `--help` stays quick.
"""

import operator
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsIndex, TypedDict, get_args

from bytepiece._messages import shown
from bytepiece.errors import ArgumentError
from bytepiece.parallel import Engine
from bytepiece.training.progress import Progress

if TYPE_CHECKING:
    from bytepiece.rules.text_rules import Digits, NormalizationStep  # its module imports NumPy

Algorithm = Literal["merge", "unigram", "bnlm"]
Objective = Literal["compression", "likelihood"]
Newlines = Literal["apart", "end"]
Spaces = Literal["across", "words", "superwords"]
NEWLINES: tuple[str, ...] = get_args(Newlines)
STAGES = ("sample", "count", "cut", "rounds", "score", "combine")
"""The stages of a run, in their order; see `JobStage`."""
SPACES: tuple[str, ...] = get_args(Spaces)

FORMER_ALGORITHMS = {"em": "merge"}
"""Today's name of an algorithm, by the name that earlier releases used."""

_LARGEST_COUNT = 1 << 62
_LARGEST_SIZE = 1 << 24
_MOST_SPECIAL_TOKENS = 1 << 15


@dataclass(frozen=True)
class TrainingOption:
    """An option of training.

    Args:
        name: the keyword of `bytepiece.train`. The command line has the same name with dashes.
        type: what kind of value it takes: "int", "bool", "choice", "size" (of memory), "text",
            "texts" (several texts), "choices" (several choices), "ints" (one or several), "path"
            or "engine".
        default: the value without it. None: see `default_help`.
        help: one line for the command line and for the documentation.
        algorithms: the algorithms that the option matters to; empty if it matters to all.
        smallest, largest: the range of a number; both are 0 for other types.
        choices: the values that a choice may have.
        default_help: the default in words, where the value alone does not say it.
        flag: the name on the command line, if it differs from `name`.
    """

    name: str
    type: str
    default: Any
    help: str
    algorithms: tuple[str, ...] = ()
    smallest: int = 0
    largest: int = 0
    choices: tuple[str, ...] = ()
    default_help: str | None = None
    flag: str | None = None

    @property
    def command_line(self) -> str:
        """The name of the option on the command line."""
        return "--" + (self.flag or self.name.replace("_", "-"))

    @property
    def is_open(self) -> bool:
        """Whether the upper end of the range is a technical limit, which nobody needs to see."""
        return self.largest == _LARGEST_COUNT

    @property
    def full_help(self) -> str:
        """The help. If not all algorithms have the option, the names of those come first."""
        return f"{', '.join(self.algorithms)}: {self.help}" if self.algorithms else self.help


OPTIONS = (
    TrainingOption(
        "vocab_size",
        "ints",
        32000,
        "The largest number of ids, special tokens included. Several sizes give one model each, "
        "from one run.",
        smallest=259,
        largest=_LARGEST_SIZE,
    ),
    TrainingOption(
        "algorithm",
        "choice",
        "unigram",
        "unigram is Kudo's trainer, whose vocabularies make the best language models. merge joins "
        "neighbouring pieces and compresses best. bnlm is the original library's trainer.",
        choices=get_args(Algorithm),
    ),
    TrainingOption(
        "objective",
        "choice",
        "compression",
        "Scores that give few tokens (compression) or follow frequencies (likelihood).",
        algorithms=("merge",),
        choices=get_args(Objective),
    ),
    TrainingOption(
        "newlines",
        "choice",
        "apart",
        "Newlines have pieces of their own (apart) or may end a piece (end).",
        algorithms=("merge", "unigram"),
        choices=NEWLINES,
    ),
    TrainingOption(
        "spaces",
        "choice",
        "words",
        "A piece lies within one word (words), may reach across words anywhere (across), or lies "
        "within one word or is several whole words (superwords, with merge only). A word is "
        "letters, or numbers, or other characters, and a blank before them.",
        algorithms=("merge", "unigram"),
        choices=SPACES,
    ),
    TrainingOption(
        "sparse",
        "bool",
        False,
        "Give rare pieces less than their share: exp(digamma(count)) in place of the count.",
        algorithms=("unigram",),
    ),
    TrainingOption(
        "order",
        "int",
        6,
        "The length of the byte n-grams that are counted. Longer ones cut more sharply and take "
        "more memory.",
        algorithms=("bnlm",),
        smallest=2,
        largest=7,
    ),
    TrainingOption(
        "min_count",
        "int",
        2,
        "Drop rarer n-grams and pieces. 4 suits 10 MB of text, 32 suits gigabytes.",
        algorithms=("bnlm",),
        smallest=1,
        largest=_LARGEST_COUNT,
    ),
    TrainingOption(
        "ensure_unicode",
        "bool",
        None,
        "Make no pieces of parts of characters, except the 256 single bytes. SentencePiece's "
        "format needs this; with merge it costs 0.3 % of compression.",
        default_help="yes with bnlm, otherwise no",
    ),
    TrainingOption(
        "max_piece_length",
        "int",
        36,
        "The largest number of bytes in a piece.",
        smallest=1,
        largest=1024,
    ),
    TrainingOption(
        "digits",
        "choice",
        "free",
        "Decimal digits are like other characters (free), tokens by themselves (each), or cut from "
        "the left into groups of up to three, which no piece crosses (groups-of-three).",
        choices=("free", "each", "groups-of-three"),
    ),
    TrainingOption(
        "normalization",
        "choices",
        (),
        "Normalize text in this way, in training and in encoding.",
        choices=("NFC", "NFD", "NFKC", "NFKD"),
    ),
    TrainingOption(
        "user_pieces",
        "texts",
        (),
        "Pieces that enter the vocabulary, however rare they are.",
        flag="user-piece",
    ),
    TrainingOption(
        "required_chars",
        "text",
        "",
        "Characters that enter the vocabulary, however rare they are.",
    ),
    TrainingOption(
        "special_tokens",
        "texts",
        (),
        "Names of tokens that stand for no text, in addition to <pad>, <bos> and <eos>.",
        flag="special-token",
    ),
    TrainingOption(
        "reserved",
        "int",
        0,
        "The number of special tokens to keep free for later use.",
        smallest=0,
        largest=_MOST_SPECIAL_TOKENS,
    ),
    TrainingOption(
        "pad_to_multiple",
        "int",
        1,
        "Add special tokens at the end until the size of the model is a multiple of this.",
        smallest=1,
        largest=_MOST_SPECIAL_TOKENS,
    ),
    TrainingOption(
        "memory",
        "size",
        None,
        "About how much memory to take, such as 2G. Limits below 512M may be exceeded. If the "
        "corpus does not fit, pieces are found in a sample of it.",
        default_help="a quarter of the machine's",
    ),
    TrainingOption(
        "checkpoint",
        "path",
        None,
        "A directory for finished work. The same run, started again after a kill, goes on from it.",
    ),
    TrainingOption(
        "temp_dir", "path", None, "The directory for temporary files.", default_help="the system's"
    ),
    TrainingOption(
        "threads",
        "int",
        None,
        "The number of threads. The result is the same for any number.",
        smallest=1,
        largest=1024,
        default_help="all usable cores",
    ),
    TrainingOption(
        "engine",
        "engine",
        None,
        "What applies the stages of training to the parts of the corpus: threads, or workers of a "
        "cluster of ray or spark. The result is the same. Clusters need a checkpoint.",
        default_help="threads",
    ),
)
BY_NAME = {option.name: option for option in OPTIONS}


class JobStage(NamedTuple):
    """One stage of a run, for jobs that share the checkpoint's directory and know no engine.

    The stages are "sample" (read some shards), "rounds" (learn vocabularies from all samples),
    "score" (count their pieces in some shards) and "combine" (make the models). Each stage needs
    all results of the stage before it. With BNLM, "count" and "cut" may come before "rounds": they
    count and cut some parts of all samples, so that less is left for the rounds.

    Args:
        name: the name of the stage.
        first, every: the stage works on shard or part number `first`, counted from 0, and on every
            further one whose number differs by a multiple of `every`.
    """

    name: str
    first: int = 0
    every: int = 1


class TrainingKeywords(TypedDict, total=False):
    """The keyword arguments of `bytepiece.train`, for type checkers and editors."""

    algorithm: Algorithm
    objective: Objective
    newlines: Newlines
    spaces: Spaces
    sparse: bool
    order: int
    min_count: int
    ensure_unicode: bool | None
    max_piece_length: int
    digits: "Digits"
    normalization: "Sequence[NormalizationStep]"
    user_pieces: Iterable[str | bytes]
    required_chars: str
    special_tokens: Iterable[str]
    reserved: int
    pad_to_multiple: int
    memory: int | str | None
    checkpoint: str | os.PathLike[str] | None
    temp_dir: str | os.PathLike[str] | None
    threads: int | None
    engine: Engine | JobStage | None
    progress: Progress | None


def current_algorithm(name: str) -> str:
    """Return today's name of an algorithm.

    >>> current_algorithm("em"), current_algorithm("bnlm")
    ('merge', 'bnlm')
    """
    return FORMER_ALGORITHMS.get(name, name) if isinstance(name, str) else name


def current_options(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in a record or a checkpoint under the names that they have today.

    >>> current_options({"algorithm": "em", "within_words": True})
    {'algorithm': 'merge', 'spaces': 'words'}
    """
    options = dict(record)
    if "algorithm" in options:
        options["algorithm"] = current_algorithm(options["algorithm"])
    if "within_words" in options:
        options["spaces"] = "words" if options.pop("within_words") is True else "across"
    return options


def whole(name: str, value: SupportsIndex) -> int:
    """Return the value of an option as a whole number.

    Raises:
        ArgumentError: if it is not a whole number, or is outside the option's range.
    """
    low, high = BY_NAME[name].smallest, BY_NAME[name].largest
    try:
        number = operator.index(value)
    except TypeError:
        raise ArgumentError(f"{name} must be a whole number, not {shown(value)}") from None
    if not low <= number <= high:
        raise ArgumentError(
            f"{name} must be at least {low} and at most {high}, not {shown(number)}"
        )
    return number


def choice(name: str, value: str) -> str:
    """Return the value of an option that has a few values.

    Raises:
        ArgumentError: if the value is not one of them.
    """
    known = BY_NAME[name].choices
    if value not in known:
        choices = " or ".join(f'"{one}"' for one in known)
        raise ArgumentError(f"{name} must be {choices}, not {value!r:.30}")
    return value


def table() -> str:
    """Return the Markdown table of the options that docs/training.md must show.

    `python -c "from bytepiece.training.options import table; print(table())"` prints it.
    """
    rows = ["| option | values | default | what it does |", "| --- | --- | --- | --- |"]
    for option in OPTIONS:
        cells = (f"`{option.name}`", _values(option), _default(option), option.full_help)
        rows.append(f"| {' | '.join(cells)} |")
    # An angle bracket would begin a tag.
    return re.sub(r"<\w+>", r"`\g<0>`", "\n".join(rows))


def _values(option: TrainingOption) -> str:
    """Return in words which values an option takes."""
    if option.choices:
        names = ", ".join(f"`{choice}`" for choice in option.choices)
        return f"any of {names}" if option.type == "choices" else names.replace(",", " or")
    if option.largest:
        end = " or more" if option.is_open else f" to {option.largest:,}"
        return f"{option.smallest:,}{end}"
    kinds = {"bool": "yes or no", "size": "bytes, or a text such as `2G`"}
    return kinds.get(option.type, option.type)


def _default(option: TrainingOption) -> str:
    """Return in words the default of an option."""
    if option.default_help is not None:
        return option.default_help
    if isinstance(option.default, bool):
        return "yes" if option.default else "no"
    return "none" if option.default in ((), "", None) else f"`{option.default}`"
