"""A synthetic market: settings and a seed in, a log with planted rings, innocent look-alikes and their truth out."""

from graphdet.simulate.knobs import MarketSettings, preset, without_lookalikes, without_rings
from graphdet.simulate.market import Market, simulate
from graphdet.simulate.planting import Planted, fraudar_block, plant_ring
from graphdet.simulate.writing import write_market

__all__ = [
    "Market",
    "MarketSettings",
    "Planted",
    "fraudar_block",
    "plant_ring",
    "preset",
    "simulate",
    "without_lookalikes",
    "without_rings",
    "write_market",
]
