"""Activity maps → how badly a small convolutional autoencoder draws each account's map again: oddness of hours, learned.

It stands beside the Dirichlet-multinomial likelihood of `signals/activity_maps.py`; `benchmarks/signals.py` says what it adds. Accounts are
dealt into two halves, and each half is drawn by a network that learned from the other.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from graphdet.arrays import Float64, Int64
from graphdet.learning.network import reproducible

DAYS, HOURS = 7, 24
LEARNED_FROM, EPOCHS, BATCH, RATE = 6000, 6, 128, 3e-3


def _network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, stride=(1, 2)), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1, stride=(1, 2)), nn.ReLU(), nn.Flatten(),
        nn.Linear(4 * DAYS * HOURS // 4, 12), nn.ReLU(), nn.Linear(12, DAYS * HOURS),
    )  # fmt: skip


def drawn_again(by_hour: Int64, seed: int) -> Float64:
    """(users,) bits an event of each account's hours of the week as a network expects them that learned from the other half of accounts.

    Args:
        by_hour: (users, 168) counts, from `activity_maps`; no columns where the log has no times of day.
    """
    bits = np.zeros(len(by_hour))
    for part in (0, 1) if by_hour.shape[1] else ():
        own = np.flatnonzero(_halves(by_hour, seed) == part)
        bits[own] = (_drawn(by_hour, own, part, seed) * by_hour[own]).sum(axis=1) / np.maximum(by_hour[own].sum(axis=1), 1)
    return bits


def drawn_hours(by_hour: Int64, seed: int, user: int) -> Float64:
    """(168,) bits of an event of one account by its hour of the week; over the account's events their mean is what `drawn_again` says."""
    return np.asarray(_drawn(by_hour, np.array([user]), int(_halves(by_hour, seed)[user]), seed)[0])


def _halves(by_hour: Int64, seed: int) -> Int64:
    return np.random.default_rng(seed).permutation(len(by_hour)) % 2


def _drawn(by_hour: Int64, own: Int64, part: int, seed: int) -> Float64:
    """(own, 168) bits of an event in each hour, for accounts of one half by the network of the other."""
    learned_from = _halves(by_hour, seed) != part
    share = (by_hour / np.maximum(by_hour.sum(axis=1, keepdims=True), 1)).astype(np.float32).reshape(-1, 1, DAYS, HOURS)
    with reproducible(torch.device("cpu")), torch.random.fork_rng(devices=[]):
        network = _learn(share[learned_from], by_hour[learned_from], seed + part)
        with torch.inference_mode():
            told = torch.log_softmax(network(torch.from_numpy(share[own])), dim=1).numpy()
    return np.asarray(-told / np.log(2), np.float64)


def _learn(share: np.ndarray, counts: Int64, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    rng, network = np.random.default_rng(seed), _network()
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    rows = rng.permutation(len(share))[:LEARNED_FROM]
    for _ in range(EPOCHS):
        rows = rng.permutation(rows)
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            told = torch.log_softmax(network(torch.from_numpy(share[batch])), dim=1)
            loss: torch.Tensor = -(told * torch.from_numpy(counts[batch].astype(np.float32))).sum() / max(int(counts[batch].sum()), 1)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return network.eval()
