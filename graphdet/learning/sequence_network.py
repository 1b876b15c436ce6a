"""Steps of accounts → bits of surprise at each by a recurrent network, beside the trigram of `signals/sequences.py`.

The network reads forward in time and says what comes next. Accounts are dealt into two halves, and each half is judged by a network that
learned from the other, so that nobody is expected because of themselves. What it learns from and how far back it looks are bounded.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import nn

from graphdet.arrays import Float64, Int64
from graphdet.errors import BadNumbers
from graphdet.learning.network import reproducible
from graphdet.signals.sequences import TOKENS, Steps

Recurrent = Literal["gru", "lstm"]
LONGEST = 64  # steps of an account that are looked at, the latest
LEARNED_FROM = 2000  # accounts of a half, drawn by the seed
EPOCHS, BATCH, RATE = 3, 64, 8e-3
WIDE, HIDDEN = 24, 48


class NextStep(nn.Module):
    """Tokens (n, length), `TOKENS` before the first and as padding → logits of what each step is."""

    def __init__(self, kind: Recurrent) -> None:
        super().__init__()
        self.embed = nn.Embedding(TOKENS + 1, WIDE)
        self.read = nn.GRU(WIDE, HIDDEN, batch_first=True) if kind == "gru" else nn.LSTM(WIDE, HIDDEN, batch_first=True)
        self.tell = nn.Linear(HIDDEN, TOKENS)

    def forward(self, before: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.tell(self.read(self.embed(before))[0])
        return logits


def latest_steps(steps: Steps, longest: int = LONGEST) -> tuple[Int64, Int64]:
    """Each account's latest tokens, (accounts, longest), −1 after the last; and the place of each among the steps, likewise."""
    begin = np.flatnonzero(steps.first)
    end = np.append(begin[1:], len(steps.user))
    begin = np.maximum(begin, end - longest)
    place = begin[:, None] + np.arange(longest)
    place = np.where(place < end[:, None], place, -1)
    return np.where(place >= 0, steps.token[place], -1), place


def network_surprise(steps: Steps, kind: Recurrent, seed: int) -> tuple[Float64, Int64]:
    """Bits of surprise, and the places of the steps that they are of: the latest of each account.

    Raises:
        BadNumbers: the loss is no finite number.
    """
    tokens, place = latest_steps(steps)
    half = np.random.default_rng(seed).permutation(len(tokens)) % 2
    bits = np.zeros(tokens.shape)
    with reproducible(torch.device("cpu")), torch.random.fork_rng(devices=[]):
        for part in (0, 1):
            torch.manual_seed(seed + part)
            network = _learn(tokens[half != part], kind, seed + part)
            bits[half == part] = _bits(network, tokens[half == part])
    known = place >= 0
    return bits[known], place[known]


def _shifted(tokens: torch.Tensor) -> torch.Tensor:
    """What stands before each step."""
    before = torch.full_like(tokens, TOKENS)
    before[:, 1:] = torch.where(tokens[:, :-1] < 0, TOKENS, tokens[:, :-1])
    return before


def _learn(tokens: Int64, kind: Recurrent, seed: int) -> NextStep:
    rng = np.random.default_rng(seed)
    network = NextStep(kind)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    loss_of = nn.CrossEntropyLoss(ignore_index=-1)
    rows = rng.permutation(len(tokens))[:LEARNED_FROM]
    for epoch in range(EPOCHS):
        rows = rng.permutation(rows)
        for start in range(0, len(rows), BATCH):
            batch = torch.from_numpy(tokens[rows[start : start + BATCH]])
            batch = batch[:, : max(int((batch >= 0).sum(1).max()), 1)]
            loss = loss_of(network(_shifted(batch)).reshape(-1, TOKENS), batch.reshape(-1))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if len(rows) and not torch.isfinite(loss):
            raise BadNumbers(f"learning of sequences, epoch {epoch + 1}", "the loss")
    return network.eval()


def _bits(network: NextStep, tokens: Int64) -> Float64:
    bits = np.zeros(tokens.shape)
    with torch.inference_mode():
        for start in range(0, len(tokens), 512):
            batch = torch.from_numpy(tokens[start : start + 512])
            told = torch.log_softmax(network(_shifted(batch)), dim=2)
            chosen = told.gather(2, batch.clamp(min=0).unsqueeze(2)).squeeze(2)
            bits[start : start + 512] = (-chosen / np.log(2)).numpy()
    return bits
