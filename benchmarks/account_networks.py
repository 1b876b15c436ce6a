"""The networks of the articles that graphdet starts from, as they describe them, and how they learn: for `signals.py` and `review_cnn.py`.

(a) pictures: convolution 32 of 3 × 3, pooling, dense 64, of review pictures and of an account's days × hours. (b) event sequences: LSTM 128
and 64, drop-out .2. (c) a plain RNN over padded sequences. (d) windows of five days, two LSTM layers of 50, squared error of the forecast.
Beside them a small transformer, and a GRU with focal loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from graphdet.signals.sequences import TOKENS

Floats = npt.NDArray[np.float64]
LENGTH = 50  # steps of an account that networks of sequences read
EPOCHS, PATIENCE, BATCH = 6, 2, 128


class TwoLstms(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(TOKENS + 1, 32, padding_idx=TOKENS)
        self.first, self.second = nn.LSTM(32, 128, batch_first=True), nn.LSTM(128, 64, batch_first=True)
        self.drop, self.tell = nn.Dropout(0.2), nn.Linear(64, 1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        hidden = self.drop(self.first(self.embed(tokens))[0])
        return self.tell(self.drop(self.second(hidden)[0][:, -1])).squeeze(1)


class OneRecurrent(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.embed = nn.Embedding(TOKENS + 1, 32, padding_idx=TOKENS)
        self.read = nn.RNN(32, 64, batch_first=True) if kind == "rnn" else nn.GRU(32, 64, batch_first=True)
        self.tell = nn.Linear(64, 1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.tell(self.read(self.embed(tokens))[0][:, -1]).squeeze(1)


class SmallTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(TOKENS + 1, 32, padding_idx=TOKENS), nn.Embedding(LENGTH, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.1, batch_first=True)
        self.read, self.tell = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(32, 1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        absent = tokens == TOKENS
        read = self.read(self.embed(tokens) + self.place.weight[: tokens.shape[1]], src_key_padding_mask=absent)
        there = (~absent).unsqueeze(2).float()
        return self.tell((read * there).sum(1) / there.sum(1).clamp(min=1)).squeeze(1)


class Picture(nn.Module):
    def __init__(self, days: int) -> None:
        super().__init__()
        self.read = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * ((days - 2) // 2) * 11, 64), nn.ReLU(),
            nn.Linear(64, 1),
        )  # fmt: skip

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.read(pictures.unsqueeze(1)).squeeze(1)


class ArticlePicture(nn.Module):
    """Of 28 × 28 points; softmax over two labels."""

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Sequential(
            nn.AdaptiveAvgPool2d(28), nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 13 * 13, 64), nn.ReLU(),
            nn.Linear(64, 2),
        )  # fmt: skip

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        told = nn.functional.log_softmax(self.read(pictures.unsqueeze(1)), dim=1)
        return told[:, 1] - told[:, 0]


class Forecast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.read, self.tell = nn.LSTM(1, 50, 2, batch_first=True, dropout=0.2), nn.Linear(50, 1)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return self.tell(self.read(windows.unsqueeze(2))[0][:, -1]).squeeze(1)


@dataclass(frozen=True)
class Learned:
    """What a network says of rows, as log odds."""

    says: Callable[[npt.NDArray[np.generic]], Floats]


def learn(
    make: Callable[[], nn.Module],
    inputs: npt.NDArray[np.generic],
    labels: npt.NDArray[np.bool_],
    held: tuple[npt.NDArray[np.generic], npt.NDArray[np.bool_]],
    focal: float = 0.0,
) -> Learned:
    """A network by binary cross-entropy, positives weighed up (or focal loss), stopped where held-out loss rises."""
    torch.manual_seed(0)
    rng, network = np.random.default_rng(0), make()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    weight = torch.tensor(float((~labels).sum() / max(labels.sum(), 1)))

    def loss_of(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        entropy = nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="none", pos_weight=weight)
        wrong = torch.where(truth > 0, torch.sigmoid(-logits), torch.sigmoid(logits))
        return (entropy * wrong**focal).mean()

    best, state, waited = float("inf"), None, 0
    for _ in range(EPOCHS):
        network.train()
        order = rng.permutation(len(labels))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            loss = loss_of(network(torch.from_numpy(inputs[rows])), torch.from_numpy(labels[rows].astype(np.float32)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        later = float(loss_of(torch.from_numpy(_say(network, held[0])), torch.from_numpy(held[1].astype(np.float64))))
        if later < best:
            best, state, waited = later, {name: value.clone() for name, value in network.state_dict().items()}, 0
        elif (waited := waited + 1) >= PATIENCE:
            break
    if state is not None:
        network.load_state_dict(state)
    return Learned(lambda rows: _say(network, rows))


def forecast_residual(learn_from: Floats, series: Floats) -> Floats:
    """(accounts,) the largest squared error of a forecast of each account's next day from the five before."""
    torch.manual_seed(0)
    rng, network = np.random.default_rng(0), Forecast()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    windows = np.lib.stride_tricks.sliding_window_view(np.log1p(learn_from), 6, axis=1).reshape(-1, 6).astype(np.float32)
    windows = windows[rng.permutation(len(windows))[:40_000]]
    for _ in range(2):
        for start in range(0, len(windows), 256):
            batch = torch.from_numpy(windows[start : start + 256])
            loss = ((network(batch[:, :5]) - batch[:, 5]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    asked = np.lib.stride_tricks.sliding_window_view(np.log1p(series), 6, axis=1).astype(np.float32)
    said = _say(network, np.ascontiguousarray(asked[:, :, :5].reshape(-1, 5)), 4096).reshape(asked.shape[:2])
    return np.asarray(((said - asked[:, :, 5]) ** 2).max(axis=1))


def _say(network: nn.Module, rows: npt.NDArray[np.generic], size: int = 1024) -> Floats:
    network.eval()
    with torch.inference_mode():
        parts = [network(torch.from_numpy(rows[start : start + size])).numpy() for start in range(0, len(rows), size)]
    return np.concatenate(parts).astype(np.float64)
