"""Labels and accounts' steps → log odds by a recurrent network: what the order and the pace of what somebody does tells.

Two networks learn, each from half of the labelled accounts, so that of those whom trees learn from afterwards nobody is judged by a network
that saw their label, nor that of others of their ring. Positives weigh as much as negatives together, and accounts that are told apart
already weigh little (focal loss, Lin et al. 2017). Learning stops where later labels are told no better. It reads forward in time, the
latest steps alone, so what it costs is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from graphdet.arrays import Bool, Float64, Int32, Int64, check_array
from graphdet.errors import BadNumbers, LabelError
from graphdet.events import Labels
from graphdet.learning.model_file import LARGEST, Arrays
from graphdet.learning.network import reproducible
from graphdet.learning.parting import Parts
from graphdet.learning.sequence_network import HIDDEN, LONGEST, WIDE, latest_steps
from graphdet.signals.sequences import TOKENS, Steps
from graphdet.signals.signal import Column

HEAD = Column(
    "labelled_steps",
    "what a network that learned labels says of the account's steps, log odds",
    "由标签学得的网络对行为序列的判断（对数几率）",
)
HALVES = 2
EPOCHS, PATIENCE, BATCH, RATE, FOCUS = 20, 3, 64, 4e-3, 2.0
MOST = 20_000  # accounts of a half that it learns from, drawn by the seed


class StepReader(nn.Module):
    """Tokens (n, length), `TOKENS` after the last → (n,) log odds, told at each account's last step."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(TOKENS + 1, WIDE)
        self.read = nn.GRU(WIDE, HIDDEN, batch_first=True)
        self.tell = nn.Linear(HIDDEN, 1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        hidden = self.read(self.embed(tokens))[0]
        last = ((tokens < TOKENS).sum(1) - 1).clamp(min=0)
        logits: torch.Tensor = self.tell(hidden[torch.arange(len(tokens)), last]).squeeze(1)
        return logits


@dataclass(frozen=True)
class StepHead:
    """What was learned from steps: a network of each half of the labels."""

    networks: tuple[StepReader, ...]

    def odds(self, steps: Steps, users: int) -> Float64:
        """(users,) log odds, the mean of both networks'."""
        return self.of_tokens(tokens_of(steps, users))

    def of_tokens(self, tokens: Int64) -> Float64:
        """(n,) log odds of so many sequences of steps."""
        return np.asarray(np.mean([_says(network, tokens) for network in self.networks], axis=0))


def tokens_of(steps: Steps, users: int) -> Int64:
    """(users, LONGEST) each account's latest steps, `TOKENS` after the last."""
    tokens = np.full((users, LONGEST), TOKENS, np.int64)
    if len(steps.user):
        told = latest_steps(steps)[0]
        tokens[steps.user[steps.first]] = np.where(told >= 0, told, TOKENS)
    return tokens


def learn_head(steps: Steps, users: int, labels: Labels, parts: Parts, rings: Sequence[Int32], seed: int) -> tuple[StepHead, Float64]:
    """Networks, and what they say of all users: of whom they learned from, the one of the other half.

    Args:
        steps: of the log.
        users: in the log.
        labels: of some of them.
        parts: of the labels, which tell whom to learn from and which are later.
        rings: user codes of the run's rings; none lies in two halves.
        seed: of halves, first weights and order.

    Raises:
        LabelError: positive or negative users of one group alone.
        BadNumbers: the loss is no finite number.
    """
    tokens = tokens_of(steps, users)
    chosen, positive = labels.user[parts.learn].astype(np.int64), labels.positive[parts.learn]
    half = _halves(chosen, positive, rings, seed)
    later = tokens[labels.user[parts.calibrate]], labels.positive[parts.calibrate]
    networks = []
    with reproducible(torch.device("cpu")), torch.random.fork_rng(devices=[]):
        for part in range(HALVES):
            own = half == part
            networks.append(_learn(tokens[chosen[own]], positive[own], *later, seed + part))
    head = StepHead(tuple(networks))
    told = head.of_tokens(tokens)
    for part in range(HALVES):
        others = chosen[half != part]
        told[others] = _says(networks[part], tokens[others])
    return head, told


def head_arrays(head: StepHead, prefix: str) -> Arrays:
    """Its weights, ready to be written."""
    weights = [network.state_dict() for network in head.networks]
    return {f"{prefix}{part}/{name}": value.numpy() for part, own in enumerate(weights) for name, value in own.items()}


def read_head(arrays: Arrays, prefix: str) -> StepHead:
    """What has its weights under this prefix.

    Raises:
        KeyError, ValueError, RuntimeError: they are missing, of another shape, or no numbers.
    """
    networks = []
    for part in range(HALVES):
        network = StepReader()
        weights = {name: arrays[f"{prefix}{part}/{name}"] for name in network.state_dict()}
        for name, value in weights.items():
            check_array(f"{prefix}{part}/{name}", value.reshape(-1), np.float32, value.size, -LARGEST, LARGEST)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        networks.append(network.eval())
    return StepHead(tuple(networks))


def _halves(users: Int64, positive: Bool, rings: Sequence[Int32], seed: int) -> Int64:
    """(n,) the half of each: rings whole, and of positives and of others as many in either."""
    group = np.arange(len(users))
    for number, ring in reversed(list(enumerate(rings))):
        group[np.isin(users, ring)] = len(users) + number
    half = np.zeros(len(users), np.int64)
    order = np.random.default_rng(seed).permutation(np.unique(group))
    counts = np.zeros((HALVES, 2), np.int64)
    for one in order[np.argsort([-positive[group == one].sum() for one in order], kind="stable")].tolist():
        own = group == one
        kinds = np.array([int((~positive[own]).sum()), int(positive[own].sum())])
        place = int(np.argmin(counts[:, int(kinds.argmax())]))
        half[own] = place
        counts[place] += kinds
    if not counts.all():
        raise LabelError(
            "[signals.sequences] labelled learns from two halves of the labels, and one has positive or negative users alone; "
            "give labels of more rings, or set it to false."
        )
    return half


def _loss(logits: torch.Tensor, positive: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, positive, reduction="none", pos_weight=weight)
    wrong = torch.where(positive > 0, torch.sigmoid(-logits), torch.sigmoid(logits))
    return (entropy * wrong**FOCUS).mean()


def _learn(tokens: Int64, positive: Bool, later: Int64, later_positive: Bool, seed: int) -> StepReader:
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network = StepReader()
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    weight = torch.tensor(float((~positive).sum() / positive.sum()))
    truth, truth_later = (torch.from_numpy(one.astype(np.float32)) for one in (positive, later_positive))
    rows = rng.permutation(len(tokens))[:MOST]
    best, kept, waited = float("inf"), network.state_dict(), 0
    for epoch in range(EPOCHS):
        rows = rng.permutation(rows)
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            loss = _loss(network(torch.from_numpy(tokens[batch])), truth[batch], weight)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        told = float(_loss(torch.from_numpy(_says(network, later).astype(np.float32)), truth_later, weight))
        if not np.isfinite(told):
            raise BadNumbers(f"learning of labelled steps, epoch {epoch + 1}", "the loss")
        if told < best:
            best, kept, waited = told, {name: value.clone() for name, value in network.state_dict().items()}, 0
        elif (waited := waited + 1) > PATIENCE:
            break
    network.load_state_dict(kept)
    return network.eval()


def _says(network: StepReader, tokens: Int64) -> Float64:
    told = np.zeros(len(tokens))
    with reproducible(torch.device("cpu")), torch.inference_mode():
        for start in range(0, len(tokens), 512):
            told[start : start + 512] = network(torch.from_numpy(tokens[start : start + 512])).numpy()
    return told
