"""Two public graphs with labelled accounts → how well the ways of learning with labels rank them, over 10 splits, in one table and picture.

Tolokers: crowd workers who shared tasks, 21.8 % banned; official splits 50/25/25; yandex-research/heterophilous-graphs, MIT licence.
Reddit: users and subreddits, 3.3 % banned; stratified 40/20/40, seeds 3407 + 10·i; pygod-team/data, MIT licence.

All methods see the same splits and stop early by the AUPRC on validation nodes; nothing is chosen on test nodes. `graphdet` is one recipe
for both: boosted trees over aggregates of one to three rounds, spectral positions, and the shares of known labels around a node.

    python benchmarks/node_classification.py --data ../shared/data
    python benchmarks/node_classification.py --data ../shared/data --splits 1 --only tolokers
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import lightgbm as lgb
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
import torch
from results_io import RESULTS, write_result
from scipy.sparse.linalg import svds
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch_geometric.nn import GCNConv, SAGEConv
from torch_geometric.utils import to_torch_csr_tensor

SPLITS = 10
HIDDEN, EPOCHS, RATE = 32, 100, 0.01
TREES: dict[str, Any] = {
    "learning_rate": 0.03, "num_leaves": 15, "min_child_samples": 20, "subsample": 0.8, "subsample_freq": 1, "colsample_bytree": 0.4,
    "reg_lambda": 5.0, "n_estimators": 2000, "n_jobs": 1, "verbose": -1,
}  # fmt: skip
PUBLISHED = {
    "reddit": {"AMNet, published": (68.4, 7.3), "trees over aggregates, published": (62.9, 5.6)},
    "tolokers": {"GHRN, published": (80.4, 49.9), "trees over aggregates, published": (82.9, 54.4)},
}

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Which nodes a method learns from, may look at for its choices, and is judged on."""

    train: Mask
    validation: Mask
    test: Mask
    seed: int


class Data:
    """One graph with everything that is the same for all splits."""

    def __init__(self, name: str, folder: Path) -> None:
        file = np.load(folder / f"{name}.npz")
        self.name = name
        self.features = file["node_features"].astype(np.float64)
        self.labels = file["node_labels"].astype(np.int64)
        self.size = len(self.labels)
        edges = file["edges"].astype(np.int64)
        both = np.concatenate([edges, edges[:, ::-1]])
        both = np.unique(both[both[:, 0] != both[:, 1]], axis=0)
        self.edges = both.T
        self.graph = sp.csr_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(self.size, self.size))
        self.masks = {key: file[key] for key in ("train_masks", "val_masks", "test_masks") if key in file.files}
        self.degree = np.asarray(self.graph.sum(axis=1)).ravel()
        self.mean_of = sp.csr_array(sp.diags_array(1 / np.maximum(self.degree, 1)) @ self.graph)

    def splits(self, count: int) -> Iterator[Split]:
        for number in range(count):
            if self.masks:
                yield Split(*(self.masks[key][number] for key in ("train_masks", "val_masks", "test_masks")), seed=number)
                continue
            seed = 3407 + 10 * number
            train, rest = train_test_split(np.arange(self.size), train_size=0.4, stratify=self.labels, random_state=seed)
            validation, test = train_test_split(rest, train_size=1 / 3, stratify=self.labels[rest], random_state=seed)
            yield Split(*(np.isin(np.arange(self.size), part) for part in (train, validation, test)), seed=seed)

    @cached_property
    def two_rounds(self) -> Matrix:
        """Own features and the means of one and of two rounds: the aggregation that trees are published with."""
        once = self.mean_of @ self.features
        return np.hstack([self.features, once, self.mean_of @ once])

    @cached_property
    def aggregates(self) -> Matrix:
        """Three rounds of means, spread and maximum of the first, degrees, triangles, and 16 spectral positions."""
        once = self.mean_of @ self.features
        twice = self.mean_of @ once
        spread = np.sqrt(np.maximum(self.mean_of @ self.features**2 - once**2, 0))
        highest = np.column_stack([self._highest(column) for column in self.features.T])
        triangles = np.asarray(self.graph.multiply(self.graph @ self.graph).sum(axis=1)).ravel()
        scale = sp.diags_array(1 / np.sqrt(np.maximum(self.degree, 1)))
        even = scale @ self.graph @ scale
        start = np.random.default_rng(0).standard_normal(self.size)
        places = svds(sp.csr_array(even), k=16, v0=start)[0]
        form = [
            np.log1p(self.degree),
            np.log1p(self.mean_of @ self.degree),
            np.asarray(even.sum(axis=1)).ravel(),
            np.log1p(triangles),
            triangles / np.maximum(self.degree * (self.degree - 1), 1),
        ]
        return np.hstack([self.features, once, twice, self.mean_of @ twice, spread, highest, np.column_stack(form), places])

    def label_shares(self, split: Split) -> Matrix:
        """Shares of known positives one and two steps away, a node's own label never among them; only training labels are known."""
        known = split.train.astype(np.float64)
        positive = known * self.labels
        share = positive.sum() / known.sum()
        inverse = 1 / np.maximum(self.degree, 1)
        near, near_known = self.graph @ positive, self.graph @ known
        own = self.graph @ inverse  # of a node's label comes back to it over two steps
        far = self.graph @ (inverse * near) - own * positive
        far_known = self.graph @ (inverse * near_known) - own * known
        return np.column_stack([(near + 3 * share) / (near_known + 3), (far + share) / (np.maximum(far_known, 0) + 1), near_known])

    def _highest(self, column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        copy = self.graph.copy()
        copy.data = column[copy.indices] - column.min() + 1
        return np.asarray(copy.max(axis=1).todense()).ravel()


def logistic(data: Data, split: Split) -> Matrix:
    values = StandardScaler().fit_transform(data.features)
    model = LogisticRegression(max_iter=2000, class_weight="balanced").fit(values[split.train], data.labels[split.train])
    return np.asarray(model.decision_function(values))


def trees(values: Matrix, data: Data, split: Split, seeds: int = 2) -> Matrix:
    total = np.zeros(data.size)
    frame = pd.DataFrame(values)
    for seed in range(seeds):
        model = lgb.LGBMClassifier(**TREES, random_state=seed)
        model.fit(
            frame[split.train],
            data.labels[split.train],
            eval_X=frame[split.validation],
            eval_y=data.labels[split.validation],
            eval_metric="average_precision",
            callbacks=[lgb.early_stopping(80, first_metric_only=True, verbose=False)],
        )
        total += model.predict_proba(frame)[:, 1]
    return total / seeds


class Layered(nn.Module):
    """Two PyG layers."""

    def __init__(self, layers: list[nn.Module], width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.out = nn.Linear(width, 1)

    def forward(self, values: torch.Tensor, graph: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            values = nn.functional.dropout(torch.relu(layer(values, graph)), 0.2, self.training)
        return self.out(values).squeeze(1)


class BetaWavelet(nn.Module):
    """BWGNN (Tang et al. 2022), order 2: three polynomials of the normalised Laplacian, side by side."""

    POLYNOMIALS = ((3.0, -3.0, 0.75), (0.0, 3.0, -1.5), (0.0, 0.0, 0.75))

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.into = nn.Sequential(nn.Linear(columns, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.out = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, values: torch.Tensor, graph: torch.Tensor) -> torch.Tensor:
        powers = [self.into(values)]
        for _ in range(2):
            powers.append(powers[-1] - graph @ powers[-1])
        mixed = [sum(weight * power for weight, power in zip(row, powers, strict=True)) for row in self.POLYNOMIALS]
        return self.out(torch.cat(mixed, dim=1)).squeeze(1)


def message_passing(kind: str, data: Data, split: Split) -> Matrix:
    """A published network, full batch, the epoch that is best on validation nodes."""
    torch.manual_seed(split.seed)
    values = torch.from_numpy(StandardScaler().fit_transform(data.features).astype(np.float32))
    edges = torch.from_numpy(data.edges)
    columns = values.shape[1]
    if kind == "GCN":
        model: nn.Module = Layered([GCNConv(columns, HIDDEN), GCNConv(HIDDEN, HIDDEN)], HIDDEN)
        graph = to_torch_csr_tensor(edges, size=(data.size, data.size))
    elif kind == "GraphSAGE":
        model = Layered([SAGEConv(columns, HIDDEN), SAGEConv(HIDDEN, HIDDEN)], HIDDEN)
        graph = to_torch_csr_tensor(edges, size=(data.size, data.size))
    else:
        scale = 1 / np.sqrt(np.maximum(data.degree, 1))
        weight = torch.from_numpy((scale[data.edges[0]] * scale[data.edges[1]]).astype(np.float32))
        graph = to_torch_csr_tensor(edges, weight, size=(data.size, data.size))
        model = BetaWavelet(columns, HIDDEN)
    labels = torch.from_numpy(data.labels.astype(np.float32))
    train = torch.from_numpy(np.flatnonzero(split.train))
    weight_of = torch.tensor(float((data.labels[split.train] == 0).sum() / (data.labels[split.train] == 1).sum()))
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE, weight_decay=5e-4)
    best, kept = -1.0, np.zeros(data.size)
    for _ in range(EPOCHS):
        model.train()
        logits = model(values, graph)
        loss = nn.functional.binary_cross_entropy_with_logits(logits[train], labels[train], pos_weight=weight_of)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        model.eval()
        with torch.no_grad():
            found = model(values, graph).numpy().astype(np.float64)
        score = average_precision_score(data.labels[split.validation], found[split.validation])
        if score > best:
            best, kept = score, found
    return kept


OURS = "graphdet: trees over aggregates, positions and label shares"
METHODS: dict[str, Callable[[Data, Split], Matrix]] = {
    "logistic regression": logistic,
    "trees on raw features": lambda data, split: trees(data.features, data, split),
    "trees over two rounds of means": lambda data, split: trees(data.two_rounds, data, split),
    "GCN": lambda data, split: message_passing("GCN", data, split),
    "GraphSAGE": lambda data, split: message_passing("GraphSAGE", data, split),
    "BWGNN": lambda data, split: message_passing("BWGNN", data, split),
    OURS: lambda data, split: trees(np.hstack([data.aggregates, data.label_shares(split)]), data, split),
}
NETWORKS = ("GCN", "GraphSAGE", "BWGNN")
AVERAGE = "rank average of graphdet's trees and the network best on validation"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of tolokers.npz and reddit.npz")
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--only", choices=list(PUBLISHED))
    options = parser.parse_args()
    torch.set_num_threads(1)
    earlier = RESULTS / "node_classification.json"
    results: dict[str, Any] = json.loads(earlier.read_text(encoding="utf-8")) if options.only and earlier.exists() else {}
    for name in [options.only] if options.only else list(PUBLISHED):
        data = Data(name, options.data)
        figures: dict[str, list[tuple[float, float]]] = {}
        for split in data.splits(options.splits):
            begin = time.perf_counter()
            found = {method: work(data, split) for method, work in METHODS.items()}
            known = data.labels[split.validation]
            best = max(NETWORKS, key=lambda method: average_precision_score(known, found[method][split.validation]))
            found[AVERAGE] = rankdata(found[OURS]) + rankdata(found[best])
            for method, score in found.items():
                truth, own = data.labels[split.test], score[split.test]
                figures.setdefault(method, []).append((100 * roc_auc_score(truth, own), 100 * average_precision_score(truth, own)))
            print(f"{name}, split {split.seed}: {time.perf_counter() - begin:.0f} s", flush=True)
            results[name] = figures
            write(results)
    print(write(results))


def write(results: dict[str, Any]) -> str:
    """Table, raw figures and picture of the splits that are done."""
    text = "\n".join(as_table(name, figures) for name, figures in results.items())
    write_result("node_classification", results, "# Learning with labels on public graphs\n\n" + text)
    draw(results, RESULTS / "node_classification.png")
    return text


def as_table(name: str, figures: dict[str, list[tuple[float, float]]]) -> str:
    splits = len(next(iter(figures.values())))
    lines = [f"## {name.capitalize()}, {splits} splits", "", "| method | AUROC | AUPRC |", "|---|---|---|"]
    for method, values in figures.items():
        mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
        lines.append(f"| {method} | {mean[0]:.1f} ± {spread[0]:.1f} | {mean[1]:.1f} ± {spread[1]:.1f} |")
    lines += [f"| {method} | {auroc} | {auprc} |" for method, (auroc, auprc) in PUBLISHED[name].items()]
    return "\n".join(lines) + "\n"


def draw(results: dict[str, Any], path: Path) -> None:
    """AUPRC of every method, mean and deviation, one panel a graph."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(results), figsize=(13, 4), layout="constrained")
    for axis, (name, figures) in zip(np.atleast_1d(axes), results.items(), strict=True):
        values = [np.array(figures[method])[:, 1] for method in figures]
        colour = ["tab:red" if method in (OURS, AVERAGE) else "tab:blue" for method in figures]
        names = [method.replace(": ", ":\n") for method in figures]
        axis.barh(names, [value.mean() for value in values], xerr=[value.std() for value in values], color=colour)
        axis.set_title(name)
        axis.set_xlabel("AUPRC, %")
        axis.invert_yaxis()
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
