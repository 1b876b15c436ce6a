"""How good is a run? `load_truth` and `evaluate` give every figure of detection; a market's truth or an analyst's own will do."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphdet.evaluate.metrics import bootstrap_interval

if TYPE_CHECKING:
    from graphdet.evaluate.figures import Evaluation, evaluate, evaluate_groups
    from graphdet.evaluate.truth import Truth, load_truth

__all__ = ["Evaluation", "Truth", "bootstrap_interval", "evaluate", "evaluate_groups", "load_truth"]

# These need pandas, of the extra `lab`; learning needs the metrics without it.
_HOMES = {
    **dict.fromkeys(("Evaluation", "evaluate", "evaluate_groups"), "graphdet.evaluate.figures"),
    **dict.fromkeys(("Truth", "load_truth"), "graphdet.evaluate.truth"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
