"""The rows of `scale.py` → one picture: time and memory against the size of the log, and where the time goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from detection_plots import GOAL_COLOR, OTHER_COLOR, OURS_COLOR, STYLE
from matplotlib.axes import Axes
from scale_peers import PEERS

GIB = 2**30
GOALS_SECONDS = {1e5: 3.5, 1e6: 7.5, 1e7: 95.0}
GOALS_GIB = {1e7: 4.0}
MARKS = {"pandas": "o--", "cypher": "s:", "coaction": "^-."}

Row = Mapping[str, Any]


def draw_scale(rows: Sequence[Row], path: Path) -> None:
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(14, 4.6), layout="constrained", width_ratios=[1, 1, 1.3])
        draw_growth(axes[0], rows, "seconds", GOALS_SECONDS, "seconds from log to run folder")
        draw_growth(axes[1], rows, "peak_bytes", GOALS_GIB, "peak memory, GiB", unit=GIB)
        draw_stages(axes[2], rows)
        figure.savefig(path, dpi=110)
        plt.close(figure)


def draw_growth(axes: Axes, rows: Sequence[Row], name: str, goals: Mapping[float, float], title: str, unit: float = 1.0) -> None:
    """One line for graphdet and one for each peer; a peer that failed ends in a cross at what it had taken by then."""
    events = [row["events"] for row in rows]
    values = [row[name] / unit for row in rows]
    axes.plot(events, values, "o-", color=OURS_COLOR, linewidth=2, label="graphdet run")
    for at, value in zip(events, values, strict=True):
        note(axes, f"{value:.1f}", at, value, above=True, color=OURS_COLOR)
    for peer, style in MARKS.items():
        taken = [(row["events"], row["peers"][peer][name] / unit, row["peers"][peer]["failure"]) for row in rows if peer in row["peers"]]
        if not taken:
            continue
        axes.plot([at for at, *_ in taken], [value for _, value, _ in taken], style, color=OTHER_COLOR, label=PEERS[peer])
        at, value, failure = taken[-1]
        if failure:
            axes.plot([at], [value], "x", color=OTHER_COLOR, markersize=10, markeredgewidth=2)
        note(axes, failure or f"{value:.1f}", at, value, above=False, color="#666666")
    if goals:
        axes.plot(list(goals), list(goals.values()), "_", color=GOAL_COLOR, markersize=16, markeredgewidth=2.5, label="goal: at most")
    axes.set(xscale="log", yscale="log", xlabel="events")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.18, y=0.2)
    axes.legend(fontsize=8, loc="upper left")
    axes.set_title(title)


def note(axes: Axes, text: str, at: float, value: float, above: bool, color: str) -> None:
    shift = (0, 7 if above else -13)
    axes.annotate(text, (at, value), xytext=shift, textcoords="offset points", ha="center", fontsize=8, color=color)


def draw_stages(axes: Axes, rows: Sequence[Row]) -> None:
    """Microseconds for each event, stacked by stage: near-linear growth shows as bars of equal length."""
    names = list(dict.fromkeys(stage["stage"] for row in rows for stage in row["stages"]))
    palette = plt.get_cmap("viridis")
    for position, row in enumerate(rows):
        left = 0.0
        seconds = {stage["stage"]: stage["seconds"] for stage in row["stages"]}
        parts = {**seconds, "start, import, write": max(row["seconds"] - sum(seconds.values()), 0.0)}
        for index, name in enumerate([*names, "start, import, write"]):
            width = 1e6 * parts.get(name, 0.0) / row["events"]
            color = "#cccccc" if index == len(names) else palette(index / max(len(names) - 1, 1))
            axes.barh(position, width, left=left, color=color, edgecolor="white", linewidth=0.5, label=name if position == 0 else None)
            left += width
        axes.text(left, position, f" {row['events_per_second']:,.0f} events/s", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [f"{row['events']:,}" for row in rows])
    axes.set(xlabel="microseconds per event")
    axes.margins(x=0.3)
    axes.legend(fontsize=8, loc="upper right")
    axes.set_title("where the time goes")
