"""A judgement → its folder: figures as JSON and as a table, curves, calibration and confusion matrix as pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graphdet.arrays import Bool, Float64
from graphdet.errors import ModelError
from graphdet.learning.calibration import BINS
from graphdet.learning.from_labels import Judgement
from graphdet.schema.wording import numbered
from graphdet.whole import whole_file, whole_folder, why

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_report(judgement: Judgement, folder: Path) -> list[str]:
    """Write `figures.json`, `figures.md` and four pictures; names of the files.

    Raises:
        ModelError: the folder cannot be written.
    """
    try:
        if folder.is_dir() and any(folder.iterdir()):  # an older report's files are replaced, others' stay
            return _write_all(judgement, folder)
        with whole_folder(folder) as partial:
            return _write_all(judgement, partial)
    except OSError as error:
        raise ModelError(f"{folder}: the report cannot be written ({why(error)}); choose another folder.") from None


def _write_all(judgement: Judgement, folder: Path) -> list[str]:
    from matplotlib.figure import Figure  # takes a second to import

    for name, text in (("figures.json", json.dumps(judgement.as_dict(), indent=1) + "\n"), ("figures.md", as_table(judgement))):
        with whole_file(folder / name) as partial:
            partial.write_text(text, encoding="utf-8")
    names = ["figures.json", "figures.md"]
    for name, draw in {"roc.png": _roc, "precision_recall.png": _precision_recall, "calibration.png": _calibration}.items():
        figure = Figure(figsize=(5, 4.5), layout="constrained")
        axis = figure.add_subplot()
        across, up, x, y = draw(judgement.chance, judgement.positive)
        axis.plot(across, up, marker="." if name == "calibration.png" else "")
        axis.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        if name != "precision_recall.png":
            axis.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
        _save(figure, folder / name)
        names.append(name)
    figure = Figure(figsize=(4, 3.6), layout="constrained")
    axis = figure.add_subplot()
    axis.imshow(judgement.confusion, cmap="Blues")
    for row in (0, 1):
        for column in (0, 1):
            axis.text(column, row, f"{judgement.confusion[row][column]:,}", ha="center", va="center")
    axis.set_xticks([0, 1], ["passed", "flagged"])
    axis.set_yticks([0, 1], ["labelled good", "labelled bad"])
    _save(figure, folder / "confusion.png")
    return [*names, "confusion.png"]


def _save(figure: Figure, path: Path) -> None:
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=110)


def as_table(judgement: Judgement) -> str:
    """The figures in Markdown."""
    rows = [f"| {one.method} | {one.auroc:.3f} | {one.auprc:.3f} |" for one in judgement.methods]
    users = numbered(judgement.users, "user", "users")
    judged = f"{users} whose labels came last, {judgement.positives:,} of them positive, of rings not learned from"
    flagged = (
        f"Flagged from a chance of {judgement.threshold:.3f} on: precision {_share(judgement.precision)}, recall"
        f" {_share(judgement.recall)}, F1 {judgement.f1:.3f}, accuracy {judgement.accuracy:.3f}."
    )
    error = f"Expected calibration error {judgement.calibration_error:.3f}."
    return "\n".join([f"Judged on {judged}.", "", "| method | AUROC | AUPRC |", "|---|---|---|", *rows, "", f"{flagged} {error}"]) + "\n"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


Curve = tuple[Float64, Float64, str, str]


def _ranked(chance: Float64, positive: Bool) -> tuple[Float64, Float64]:
    """True and false positives when the first, the first two, … are flagged; users of one chance together."""
    order = np.argsort(-chance, kind="stable")
    last = np.append(np.diff(chance[order]) != 0, True)
    return np.cumsum(positive[order])[last].astype(np.float64), np.cumsum(~positive[order])[last].astype(np.float64)


def _roc(chance: Float64, positive: Bool) -> Curve:
    hits, false = _ranked(chance, positive)
    return np.append(0, false / false[-1]), np.append(0, hits / hits[-1]), "share of good users flagged", "share of bad users flagged"


def _precision_recall(chance: Float64, positive: Bool) -> Curve:
    hits, false = _ranked(chance, positive)
    return hits / hits[-1], hits / (hits + false), "recall", "precision"


def _calibration(chance: Float64, positive: Bool) -> Curve:
    place = np.minimum((chance * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    there = count > 0
    sums = [np.bincount(place, weights=values.astype(np.float64), minlength=BINS)[there] / count[there] for values in (chance, positive)]
    return sums[0], sums[1], "mean chance", "share of bad users"
