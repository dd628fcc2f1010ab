"""Models compared: how well they encode a text; `evaluate` does it all."""

from bytepiece.evaluation.results import Evaluation, Measures, Script, ScriptUse
from bytepiece.evaluation.run import evaluate
