"""bytepiece: a byte-level Unigram tokenizer toolkit with stochastic segmentation."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bytepiece import errors as errors
    from bytepiece import model_io as model_io
    from bytepiece.alignment import Alignment as Alignment
    from bytepiece.editing.extend import extend as extend
    from bytepiece.editing.ids import Edited as Edited
    from bytepiece.editing.merge import merge as merge
    from bytepiece.editing.prune import prune as prune
    from bytepiece.encoded import Encoded as Encoded
    from bytepiece.evaluation.results import Evaluation as Evaluation
    from bytepiece.evaluation.run import evaluate as evaluate
    from bytepiece.lattice import Lattice as Lattice
    from bytepiece.model import Model as Model
    from bytepiece.model import SpecialToken as SpecialToken
    from bytepiece.model import TextRules as TextRules
    from bytepiece.streaming import StreamDecoder as StreamDecoder
    from bytepiece.tokenizer import Tokenizer as Tokenizer
    from bytepiece.training.files import Files as Files
    from bytepiece.training.original import Trainer as Trainer
    from bytepiece.training.original import convert_to_bytepiece as convert_to_bytepiece
    from bytepiece.training.trainer import train as train

__version__ = "0.7.0"

# Where each public name lives. They are imported when first used: `import bytepiece` is then
# quick, and programs that only ask for the version never load the compiler.
_HOMES = {
    "Alignment": "alignment",
    "Edited": "editing.ids",
    "Encoded": "encoded",
    "Evaluation": "evaluation.results",
    "Files": "training.files",
    "Lattice": "lattice",
    "Model": "model",
    "SpecialToken": "model",
    "StreamDecoder": "streaming",
    "TextRules": "model",
    "Tokenizer": "tokenizer",
    "Trainer": "training.original",
    "convert_to_bytepiece": "training.original",
    "evaluate": "evaluation.run",
    "extend": "editing.extend",
    "merge": "editing.merge",
    "prune": "editing.prune",
    "train": "training.trainer",
}

__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604


_MODULES = ("errors", "model_io")  # of use by themselves


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
