"""bytepiece: a byte-level Unigram tokenizer toolkit with stochastic segmentation."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bytepiece import errors as errors
    from bytepiece import model_io as model_io
    from bytepiece.editing.extend import extend as extend
    from bytepiece.editing.ids import Edited as Edited
    from bytepiece.editing.merge import merge as merge
    from bytepiece.editing.prune import prune as prune
    from bytepiece.editing.score import score as score
    from bytepiece.encoding.alignment import Alignment as Alignment
    from bytepiece.encoding.encoded import Encoded as Encoded
    from bytepiece.encoding.stream_decoder import StreamDecoder as StreamDecoder
    from bytepiece.evaluation.results import Evaluation as Evaluation
    from bytepiece.evaluation.run import evaluate as evaluate
    from bytepiece.explain.facts import Explanation as Explanation
    from bytepiece.inputs.files import Files as Files
    from bytepiece.lattice.lattice import Lattice as Lattice
    from bytepiece.model import Model as Model
    from bytepiece.model import SpecialToken as SpecialToken
    from bytepiece.rules.text_rules import TextRules as TextRules
    from bytepiece.tokenizer import Tokenizer as Tokenizer
    from bytepiece.training.original_interface import Trainer as Trainer
    from bytepiece.training.original_interface import convert_to_bytepiece as convert_to_bytepiece
    from bytepiece.training.trainer import train as train
    from bytepiece.warm_start import warmup as warmup

__version__ = "0.7.0"

# The module that defines each public name. A module is imported when one of its names is first
# used. So `import bytepiece` is quick, and programs that only ask for the version never load the
# compiler. The package lazy_loader would be a dependency for the few lines at the end of this file.
_HOMES = {
    "Alignment": "encoding.alignment",
    "Edited": "editing.ids",
    "Encoded": "encoding.encoded",
    "Evaluation": "evaluation.results",
    "Explanation": "explain.facts",
    "Files": "inputs.files",
    "Lattice": "lattice.lattice",
    "Model": "model",
    "SpecialToken": "model",
    "StreamDecoder": "encoding.stream_decoder",
    "TextRules": "rules.text_rules",
    "Tokenizer": "tokenizer",
    "Trainer": "training.original_interface",
    "convert_to_bytepiece": "training.original_interface",
    "evaluate": "evaluation.run",
    "extend": "editing.extend",
    "merge": "editing.merge",
    "prune": "editing.prune",
    "score": "editing.score",
    "train": "training.trainer",
    "warmup": "warm_start",
}

__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604


# The public modules, and where each of them is.
_MODULES = {"conversion": "parity.conversion", "errors": "errors", "model_io": "model_io"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{_MODULES[name]}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
