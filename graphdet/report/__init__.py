"""A run → one HTML file for people: it holds all it needs and opens from disk with no network."""

from graphdet.report.page import MOST_RINGS, write_report

__all__ = ["MOST_RINGS", "write_report"]
