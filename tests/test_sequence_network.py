"""The recurrent network over steps and the autoencoder of maps: forward in time, own events left out, the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphdet.learning.map_autoencoder import drawn_again
from graphdet.learning.sequence_network import LONGEST, NextStep, latest_steps, network_surprise
from graphdet.signals.sequences import TOKENS, Steps


def steps_of(paths: list[list[int]]) -> Steps:
    user = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
    first = np.append(True, user[1:] != user[:-1])
    return Steps(np.arange(len(user)), user, np.concatenate(paths).astype(np.int64), first)


@pytest.fixture(scope="module")
def habits() -> Steps:
    """Two hundred people of one habit, and one whose steps nobody else takes."""
    return steps_of([[7, 8, 9] * 5 if user != 70 else [200, 31, 5] * 5 for user in range(200)])


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_steps_that_nobody_else_takes_surprise_and_nobody_expects_themselves(habits: Steps, kind: str) -> None:
    bits, place = network_surprise(habits, kind, 3)  # type: ignore[arg-type]
    mean = np.bincount(habits.user[place], bits) / np.bincount(habits.user[place])
    assert mean.argmax() == 70
    assert mean[70] > np.log2(TOKENS)  # by more than chance: no network that learned from them has a say
    again, _ = network_surprise(habits, kind, 3)  # type: ignore[arg-type]
    assert (bits == again).all()
    torch.rand(5)
    assert (network_surprise(habits, kind, 3)[0] == bits).all()  # type: ignore[arg-type]


def test_what_comes_later_changes_nothing_before() -> None:
    torch.manual_seed(1)
    network = NextStep("gru").eval()
    one, other = torch.randint(0, TOKENS, (1, 9)), torch.randint(0, TOKENS, (1, 9))
    other[:, :5] = one[:, :5]
    assert torch.equal(network(one)[:, :5], network(other)[:, :5])


def test_the_latest_steps_are_looked_at() -> None:
    steps = steps_of([list(range(LONGEST + 10)), [4]])
    tokens, place = latest_steps(steps)
    assert tokens[0].tolist() == list(range(10, LONGEST + 10))
    assert tokens[1].tolist() == [4] + [-1] * (LONGEST - 1)
    assert place[1, 0] == LONGEST + 10


def test_odd_maps_are_drawn_badly() -> None:
    rng = np.random.default_rng(4)
    counts = np.zeros((300, 168), np.int64)
    for user in range(300):
        np.add.at(counts[user], rng.integers(0, 7, 20) * 24 + (3 if user == 9 else rng.integers(17, 23, 20)), 1)
    bits = drawn_again(counts, 5)
    assert bits.argmax() == 9
    assert (bits == drawn_again(counts, 5)).all()
