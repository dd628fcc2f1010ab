"""Models compared: how well they encode a text; `evaluate` does it all."""

from bytepiece.evaluation.results import Evaluation as Evaluation
from bytepiece.evaluation.results import Measures as Measures
from bytepiece.evaluation.results import Script as Script
from bytepiece.evaluation.results import ScriptUse as ScriptUse
from bytepiece.evaluation.run import evaluate as evaluate
