"""Small pictures of reviews and labels of their writers → log odds that each is by a writer with a positive label.

A convolutional network as the articles describe it, with a layer more. Pictures are dealt into two halves, copies and what one writer
shows together, and either half is judged by the network that learned from the other; later pictures by both. A network stops learning
where its loss on the latest of its own pictures no longer falls. `benchmarks/review_cnn.py` says what it adds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from graphdet.arrays import Bool, Float64, Int64, UInt8
from graphdet.errors import BadNumbers
from graphdet.events.picture_prints import SIDE
from graphdet.learning.network import reproducible

EPOCHS, PATIENCE, BATCH, RATE = 40, 5, 32, 1e-3
LATEST = 0.75  # share of a network's own pictures, by time, from which on they say when to stop
AT_ONCE = 256


@dataclass(frozen=True)
class PictureOpinion:
    """What was learned from n pictures.

    Attributes:
        own: (n,) log odds of each, by the network that learned from the other half.
        networks: both.
    """

    own: Float64
    networks: tuple[nn.Sequential, nn.Sequential]

    def log_odds(self, pictures: UInt8) -> Float64:
        """(m,) of later pictures, (m, SIDE, SIDE): the mean of both networks."""
        return np.asarray(np.mean([_say(network, pictures) for network in self.networks], axis=0))


def make_picture_network() -> nn.Sequential:
    """(n, 1, SIDE, SIDE) → logits (n, 1)."""
    last = SIDE // 8
    return nn.Sequential(
        nn.AvgPool2d(2), nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * last * last, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 1),
    )  # fmt: skip


def learn_pictures(pictures: UInt8, positive: Bool, writer: Int64, copies: Int64, seed: int) -> PictureOpinion:
    """The same pictures, labels and seed give the same bytes.

    Args:
        pictures: (n, SIDE, SIDE) in grey, in order of time.
        positive: (n,) whether the writer's label is.
        writer, copies: (n,) whose each is, and which group of copies it is of.
        seed: of halves, first weights, order and drop-out.

    Raises:
        BadNumbers: the loss is no finite number.
    """
    group = _kept_together(writer, copies)
    half = (np.random.default_rng(seed).permutation(int(group.max(initial=-1)) + 1) % 2)[group]
    networks, own = [], np.zeros(len(positive))
    with reproducible(torch.device("cpu")), torch.random.fork_rng(devices=[]):
        for part in (0, 1):
            mine = half != part
            network = _learn(pictures[mine], positive[mine], group[mine], seed + part)
            own[half == part] = _say(network, pictures[half == part])
            networks.append(network)
    return PictureOpinion(own, (networks[0], networks[1]))


def _kept_together(writer: Int64, copies: Int64) -> Int64:
    """(n,) numbers of what a chain of writers and copies ties together."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, one = np.unique(writer, return_inverse=True)
    _, other = np.unique(copies, return_inverse=True)
    writers = int(one.max(initial=-1)) + 1
    nodes = writers + int(other.max(initial=-1)) + 1
    ties = coo_array((np.ones(len(one)), (one, writers + other)), shape=(nodes, nodes))
    return np.asarray(connected_components(ties, directed=False)[1][one], np.int64)


def _learn(pictures: UInt8, positive: Bool, group: Int64, seed: int) -> nn.Sequential:
    """The network at its lowest loss on the latest pictures; both labels weigh the same."""
    torch.manual_seed(seed)
    rng, network = np.random.default_rng(seed), make_picture_network()
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    earlier = np.arange(len(positive)) < round(LATEST * len(positive))
    later = ~earlier & ~np.isin(group, group[earlier])
    weight = torch.tensor(float((~positive[earlier]).sum() / max(positive[earlier].sum(), 1)))
    loss_of = nn.BCEWithLogitsLoss(pos_weight=weight)
    taught, truth = _as_input(pictures[earlier]), torch.from_numpy(positive[earlier].astype(np.float32))
    shown, known = _as_input(pictures[later]), torch.from_numpy(positive[later].astype(np.float32))
    best, kept, waited = float("inf"), network.state_dict(), 0
    for epoch in range(EPOCHS):
        network.train()
        order = torch.from_numpy(rng.permutation(len(truth)))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            loss = loss_of(network(taught[rows]).squeeze(1), truth[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        network.eval()
        with torch.inference_mode():
            told = float(loss_of(network(shown).squeeze(1), known)) if len(known) else -float(epoch)  # with none it learns to the end
        if not np.isfinite(told):
            raise BadNumbers(f"learning of pictures, epoch {epoch + 1}", "the loss")
        if told < best:
            best, waited, kept = told, 0, {name: value.clone() for name, value in network.state_dict().items()}
        elif (waited := waited + 1) >= PATIENCE:
            break
    network.load_state_dict(kept)
    return network.eval()


def _as_input(pictures: UInt8) -> torch.Tensor:
    """Light from -1 to 1, each picture around its own middle, so that one that was made lighter is the same."""
    light = pictures.astype(np.float32) / 127.5
    return torch.from_numpy(light - light.mean(axis=(1, 2), keepdims=True)).unsqueeze(1)


def _say(network: nn.Sequential, pictures: UInt8) -> Float64:
    with reproducible(torch.device("cpu")), torch.inference_mode():
        parts = [network(_as_input(pictures[start : start + AT_ONCE])).squeeze(1).numpy() for start in range(0, len(pictures), AT_ONCE)]
    return np.concatenate([np.zeros(0), *parts]).astype(np.float64)
