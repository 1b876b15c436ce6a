"""graphdet: finds organised fraud rings in shop and marketplace logs.

The public names load what they need when first used, so that `import graphdet` costs nothing. Beside them stand two packages for
measuring: `graphdet.simulate` makes a market with planted rings, `graphdet.evaluate` compares a run with the truth.
"""

from __future__ import annotations

TYPE_CHECKING = False  # not from typing, whose import is most of what a command does before it hears Ctrl-C
if TYPE_CHECKING:
    from typing import Any

    from graphdet.errors import GraphdetError
    from graphdet.events import EventTable, check_logs, read_events, read_labels
    from graphdet.explanation import explain
    from graphdet.graph import FraudGraph, build_graph
    from graphdet.learning.hetero import as_hetero
    from graphdet.pipeline import apply, detect, train
    from graphdet.report import write_report
    from graphdet.run.folder import Run
    from graphdet.settings import Settings, load_settings
    from graphdet.store.push import push

__version__ = "0.2.0"

__all__ = [
    "EventTable",
    "FraudGraph",
    "GraphdetError",
    "Run",
    "Settings",
    "apply",
    "as_hetero",
    "build_graph",
    "check_logs",
    "detect",
    "explain",
    "load_settings",
    "push",
    "read_events",
    "read_labels",
    "train",
    "write_report",
]

_HOMES = {
    "EventTable": "graphdet.events",
    "FraudGraph": "graphdet.graph",
    "GraphdetError": "graphdet.errors",
    "Run": "graphdet.run.folder",
    "Settings": "graphdet.settings",
    "apply": "graphdet.pipeline",
    "as_hetero": "graphdet.learning.hetero",
    "build_graph": "graphdet.graph",
    "check_logs": "graphdet.events",
    "detect": "graphdet.pipeline",
    "explain": "graphdet.explanation",
    "load_settings": "graphdet.settings",
    "push": "graphdet.store.push",
    "read_events": "graphdet.events",
    "read_labels": "graphdet.events",
    "train": "graphdet.pipeline",
    "write_report": "graphdet.report",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'graphdet' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
