"""How good is a run? `load_truth` and `evaluate` give every figure of detection; a market's truth or an analyst's own will do."""

from graphdet.evaluate.figures import Evaluation, evaluate, evaluate_groups
from graphdet.evaluate.metrics import bootstrap_interval
from graphdet.evaluate.truth import Truth, load_truth

__all__ = ["Evaluation", "Truth", "bootstrap_interval", "evaluate", "evaluate_groups", "load_truth"]
