"""The results file of `detection.py` → one page that a person reads in a minute.

`python benchmarks/detection_plots.py benchmarks/results/detection.json` draws it again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from markets import VARIANT_TITLES
from matplotlib.axes import Axes

OURS = "graphdet"
LETTER = 0.0195  # width of a letter of a label, in units of the first panel
OURS_COLOR, OTHER_COLOR, GOAL_COLOR, TEXT_COLOR = "#0b6e6e", "#9aa0a6", "#d1495b", "#333333"
GOALS = {
    "device_farm": 0.95,
    "crowd": 0.9,
    "hijacked": 0.75,
    "slow": 0.75,
    "coattail": 0.8,
    "cartel": 0.8,
    "review": 0.8,
}
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": TEXT_COLOR,
}

Method = Mapping[str, Any]


def draw_page(results: Mapping[str, Any], path: Path) -> None:
    """Six panels: everyone's precision and recall, the head of the list, and for graphdet what it finds, misses and mistakes."""
    whole = [method for method in results["methods"] if method["variant"] == "everything"]
    ours = next(method for method in whole if method["method"] == OURS)
    others = [method for method in whole if method["method"] != OURS]
    rival = max(others, key=lambda method: mean(method, "F1"), default=None)
    variants = [method for method in results["methods"] if method["method"] == OURS]
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(2, 3, figsize=(15, 9), layout="constrained")
        count = len(results["seeds"])
        figure.suptitle(
            f"Ring detection on the '{results['preset']}' market, {count} fresh seed{'s' * (count > 1)}: "
            f"graphdet F1 {mean(ours, 'F1'):.2f}" + (f", best of the others {mean(rival, 'F1'):.2f} ({rival['method']})" if rival else ""),
            fontsize=13,
            fontweight="bold",
            x=0.01,
            ha="left",
        )
        precision_and_recall(axes[0, 0], whole)
        first_alerts(axes[0, 1], whole)
        by_kind(axes[0, 2], ours, rival)
        by_bucket(axes[1, 0], ours, rival)
        false_alerts(axes[1, 1], ours)
        if len(variants) > 1:
            missing_columns(axes[1, 2], variants)
        else:
            seconds(axes[1, 2], whole)
        figure.savefig(path, dpi=110)
        plt.close(figure)


def mean(method: Method, title: str) -> float:
    figures = method["figures"][title]
    return float(figures[0]) if figures else 0.0


def precision_and_recall(axes: Axes, methods: Sequence[Method]) -> None:
    grid = np.linspace(0.01, 1, 200)
    for f1 in (0.2, 0.4, 0.6, 0.8, 0.92):
        curve = f1 * grid / np.where(2 * grid > f1, 2 * grid - f1, np.nan)
        axes.plot(grid[curve <= 1.02], curve[curve <= 1.02], color="#dddddd", linewidth=0.8, zorder=0)
        axes.text(1.04, f1 / (2 - f1), f"F1 {f1:g}", fontsize=7, color="#999999", va="center", clip_on=False)
    points = {method["method"]: (mean(method, "recall"), mean(method, "precision")) for method in methods if method["figures"]["precision"]}
    taken = [(x - 0.015, y - 0.02, x + 0.015, y + 0.02) for x, y in points.values()]
    for method in sorted(methods, key=lambda m: m["method"] != OURS):
        name = method["method"]
        if name not in points:
            continue
        x, y = points[name]
        color = OURS_COLOR if name == OURS else OTHER_COLOR
        spans = {"recall": x, "precision": y}
        recall, precision = (np.abs(np.array(method["figures"][title][1:]) - at)[:, None] for title, at in spans.items())
        axes.errorbar(x, y, xerr=recall, yerr=precision, color=color, linewidth=1)
        axes.plot(x, y, "o", color=color, markersize=9 if name == OURS else 6)
        left, bottom = free_place(x, y, width=LETTER * len(name), taken=taken)
        taken.append((left, bottom, left + LETTER * len(name), bottom + 0.04))
        nearest = np.clip(x, left, left + LETTER * len(name))
        axes.plot([x, nearest], [y, bottom + 0.02], color="#bbbbbb", linewidth=0.8, zorder=0)
        axes.text(left, bottom + 0.02, name, fontsize=8, va="center", fontweight="bold" if name == OURS else "normal")
    axes.set(xlim=(0, 1.03), ylim=(0, 1.05), xlabel="recall of detectable members", ylabel="precision of alerted users")
    axes.set_title("Who names the right users")


def free_place(x: float, y: float, width: float, taken: Sequence[tuple[float, float, float, float]]) -> tuple[float, float]:
    """Left and bottom of the nearest place beside a point where a label of that width hides neither labels nor points."""
    middle = min(x, 1.03 - width / 2) - width / 2
    sides = [(x + 0.02, y - 0.02), (x - 0.02 - width, y - 0.02), (middle, y + 0.025), (middle, y - 0.065)]
    sides += [(left, bottom + shift) for shift in (0.05, -0.05, 0.1, -0.1) for left, bottom in sides[:2]]
    for left, bottom in sides:
        inside = left >= 0 and left + width <= 1.03 and 0 <= bottom <= 1.03
        if inside and all(left > r or left + width < low or bottom > t or bottom + 0.04 < b for low, b, r, t in taken):
            return left, bottom
    return sides[0]


def first_alerts(axes: Axes, methods: Sequence[Method], most: int = 100) -> None:
    """Share of true rings among the first k groups that each method gives."""
    ends: list[tuple[float, int, str]] = []
    for method in methods:
        lists = [[int(hit) for hit in seed["hits"][:most]] for seed in method["seeds"].values() if len(seed["hits"]) >= 5]
        if not lists or method["method"] == "isolation forest":
            continue
        length = max(len(hits) for hits in lists)
        running = np.full((len(lists), length), np.nan)
        for row, hits in enumerate(lists):
            running[row, : len(hits)] = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        curve = np.nanmean(running, axis=0)
        own = method["method"] == OURS
        axes.plot(range(1, length + 1), curve, color=OURS_COLOR if own else OTHER_COLOR, linewidth=2.5 if own else 1.2)
        ends.append((float(curve[-1]), length, method["method"]))
    level = 1.1
    for y, x, name in sorted(ends, reverse=True):
        level = min(y, level - 0.05)
        axes.annotate(name, (x, y), xytext=(104, level), fontsize=8, va="center", arrowprops={"arrowstyle": "-", "color": "#dddddd"})
    axes.set(xlim=(1, 140), ylim=(0, 1.05), xlabel="groups looked at, most suspicious first", ylabel="share that are true rings")
    axes.set_xticks([1, 20, 50, 100])
    axes.set_title("How pure is the top of the list")


def by_kind(axes: Axes, ours: Method, rival: Method | None) -> None:
    kinds = sorted(ours["by_kind"], key=lambda kind: ours["by_kind"][kind]["ring_recall"])
    for row, kind in enumerate(kinds):
        axes.barh(row, ours["by_kind"][kind]["ring_recall"], color=OURS_COLOR, height=0.6)
        if rival:
            axes.plot(rival["by_kind"][kind]["ring_recall"], row, "o", color="white", markeredgecolor=TEXT_COLOR, markersize=6)
        if kind in GOALS:
            axes.plot([GOALS[kind]] * 2, [row - 0.4, row + 0.4], color=GOAL_COLOR, linewidth=2)
    labels = [f"{kind.replace('_', ' ')} ({ours['by_kind'][kind]['rings']:.0f})" for kind in kinds]
    axes.set_yticks(range(len(kinds)), labels)
    axes.set(xlim=(0, 1.02), ylim=(-2.2, len(kinds) - 0.4), xlabel="share of rings matched by one alert (Jaccard > 0.5)")
    axes.plot([], [], color=GOAL_COLOR, linewidth=2, label="goal")
    if rival:
        axes.plot([], [], "o", color="white", markeredgecolor=TEXT_COLOR, label=rival["method"])
    axes.legend(loc="lower left", fontsize=8, ncols=2, frameon=False)
    axes.set_title("Kinds of ring found (rings per market)")


def by_bucket(axes: Axes, ours: Method, rival: Method | None) -> None:
    sizes, densities = sorted(ours["by_size"]), sorted(ours["by_density"])
    places = [*range(len(sizes)), *range(len(sizes) + 1, len(sizes) + 1 + len(densities))]
    for method, color, name in ((ours, OURS_COLOR, OURS), (rival, OTHER_COLOR, rival["method"] if rival else "")):
        if method is None:
            continue
        for part, buckets, at in (("by_size", sizes, places[: len(sizes)]), ("by_density", densities, places[len(sizes) :])):
            rings = [method[part].get(bucket, {}).get("ring_recall", np.nan) for bucket in buckets]
            members = [method[part].get(bucket, {}).get("detectable_recall", np.nan) for bucket in buckets]
            axes.plot(at, rings, "o-", color=color, label=f"{name}, rings" if part == "by_size" else None)
            axes.plot(at, members, "s:", color=color, label=f"{name}, detectable members" if part == "by_size" else None, markersize=4)
    counts = [ours["by_size"][bucket]["rings"] for bucket in sizes] + [ours["by_density"][bucket]["rings"] for bucket in densities]
    names = [bucket.split(": ")[1] for bucket in (*sizes, *densities)]
    axes.set_xticks(places, [f"{name}\n({count:.0f})" for name, count in zip(names, counts, strict=True)], fontsize=7)
    axes.set(ylim=(0, 1.4), ylabel="recall", yticks=np.arange(0, 1.1, 0.2))  # room for the legend
    for span, title in ((places[: len(sizes)], "size in users"), (places[len(sizes) :], "density: member-target pairs there")):
        axes.text(float(np.mean(span)), -0.14, title, ha="center", va="top", transform=axes.get_xaxis_transform())
    axes.legend(fontsize=8, framealpha=0.9, loc="upper left")
    axes.set_title("Small, large, sparse, dense rings (rings per market)")


def false_alerts(axes: Axes, ours: Method) -> None:
    kinds = sorted(ours["lookalikes"], key=lambda kind: ours["lookalikes"][kind].get("alert_rate", 0.0))
    rates = [100 * ours["lookalikes"][kind].get("alert_rate", 0.0) for kind in kinds]
    axes.barh(range(len(kinds)), rates, color=GOAL_COLOR, height=0.6)
    for row, rate in enumerate(rates):
        axes.text(rate, row, f" {rate:.1f} %", va="center", fontsize=8)
    labels = [f"{kind.replace('_', ' ')} ({ours['lookalikes'][kind]['groups']:.0f})" for kind in kinds]
    axes.set_yticks(range(len(kinds)), labels)
    axes.set(xlim=(0, max([*rates, 5.0]) * 1.35), xlabel="groups that raise an alert, %")
    axes.set_title("Innocent look-alikes accused (groups per market)")


def missing_columns(axes: Axes, variants: Sequence[Method]) -> None:
    order = list(reversed(variants))
    for row, method in enumerate(order):
        for title, offset, color in (("precision", 0.2, "#7fb8b8"), ("F1", -0.2, OURS_COLOR)):
            axes.barh(row + offset, mean(method, title), height=0.36, color=color, label=title if row == 0 else None)
            axes.text(mean(method, title) + 0.01, row + offset, f"{mean(method, title):.2f}", va="center", fontsize=8)
    axes.set_yticks(range(len(order)), [VARIANT_TITLES[method["variant"]] for method in order])
    axes.set(xlim=(0, 1.12), ylim=(-1.3, len(order) - 0.4), xlabel="detectable members")
    axes.legend(fontsize=8, loc="lower left", ncols=2, frameon=False)
    axes.set_title("graphdet when the log lacks columns")


def seconds(axes: Axes, methods: Sequence[Method]) -> None:
    order = list(reversed(methods))
    values = [mean(method, "seconds") for method in order]
    axes.barh(range(len(order)), values, color=[OURS_COLOR if method["method"] == OURS else OTHER_COLOR for method in order], height=0.6)
    for row, value in enumerate(values):
        axes.text(value, row, f" {value:.1f}", va="center", fontsize=8)
    axes.set_yticks(range(len(order)), [method["method"] for method in order])
    axes.set(xlabel="seconds for each log, after reading")
    axes.set_title("What it costs")


if __name__ == "__main__":
    source = Path(sys.argv[1])
    draw_page(json.loads(source.read_text(encoding="utf-8")), source.with_suffix(".png"))
