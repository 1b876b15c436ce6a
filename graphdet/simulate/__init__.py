"""A synthetic market: settings and a seed in, a log with planted rings, innocent look-alikes and their truth out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphdet.simulate.knobs import (
    MarketSettings,
    preset,
    with_nights,
    with_pictures,
    with_sheets,
    with_takeovers,
    without_lookalikes,
    without_rings,
)
from graphdet.simulate.market import Market, simulate
from graphdet.simulate.writing import write_market

if TYPE_CHECKING:
    from graphdet.simulate.planting import Planted, fraudar_block, plant_ring

__all__ = [
    "Market",
    "MarketSettings",
    "Planted",
    "fraudar_block",
    "plant_ring",
    "preset",
    "simulate",
    "with_nights",
    "with_pictures",
    "with_sheets",
    "with_takeovers",
    "without_lookalikes",
    "without_rings",
    "write_market",
]

_HOMES = dict.fromkeys(("Planted", "fraudar_block", "plant_ring"), "graphdet.simulate.planting")  # needs pandas, of the extra `lab`


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
