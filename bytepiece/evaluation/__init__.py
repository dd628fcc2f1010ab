"""How well models encode a text: `evaluate` measures them and returns an `Evaluation`."""

from bytepiece.evaluation.results import Evaluation as Evaluation
from bytepiece.evaluation.results import Measures as Measures
from bytepiece.evaluation.results import Script as Script
from bytepiece.evaluation.results import ScriptUse as ScriptUse
from bytepiece.evaluation.run import evaluate as evaluate
