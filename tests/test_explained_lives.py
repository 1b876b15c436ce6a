"""What moved a score: a network's share by slopes, and the events behind an account's life, counted by hand and taken out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
import torch
from planted_logs import coded_table

from graphdet.events import EventTable
from graphdet.learning.life_columns import LIVES, SEED
from graphdet.learning.life_events import NAMED, reasons_in_life
from graphdet.learning.map_autoencoder import drawn_again, drawn_hours
from graphdet.learning.neighbourhood import Scale
from graphdet.learning.network import integrated_gradients, make_network
from graphdet.signals.activity_maps import WEEK_HOURS, activity_maps, oddness, surprise_of_events
from graphdet.signals.signal import FeatureTable, names_of

DAY = 86_400


@pytest.fixture(scope="module")
def log() -> EventTable:
    """60 accounts that come by day and look before they order; account 7 orders out of nothing at three nights' hours, again and again."""
    rng = np.random.default_rng(3)
    user = np.repeat(rng.integers(0, 60, 300), 3)
    start = np.repeat(rng.integers(0, 28, 300) * DAY + rng.integers(9 * 3600, 20 * 3600, 300), 3)
    second, action = start + np.tile([0, 40, 95], 300), np.tile([0, 0, 1], 300)
    night = np.arange(6) * 3 * DAY + 3 * 3600 + np.array([0, 5, 9, 2, 7, 4])
    user, second, action = (np.append(*both) for both in ((user, np.full(6, 7)), (second, night), (action, np.ones(6))))
    table = coded_table(user, second, item=rng.integers(0, 60, len(user)), device=user)
    order = np.argsort(second, kind="stable")
    return replace(table, action=action[order].astype(np.int16), actions=("view", "order"))


def test_a_networks_shares_add_up_and_those_of_a_linear_one_are_its_weights() -> None:
    torch.manual_seed(1)
    rng = np.random.default_rng(2)
    scale = Scale(*(np.full(9, value, np.float32) for value in (-3, 3, 0, 1)))
    own, ordinary = rng.normal(size=9).astype(np.float32), rng.normal(size=9).astype(np.float32)
    network = make_network(9).eval()
    shares = integrated_gradients(network, scale, own, ordinary)
    with torch.inference_mode():
        apart = float(network(torch.from_numpy(own[None])) - network(torch.from_numpy(ordinary[None])))
    assert shares.sum() == pytest.approx(apart, abs=1e-3)
    linear = torch.nn.Sequential(torch.nn.Linear(9, 1)).eval()
    weights = linear[0].weight.detach().numpy()[0]
    np.testing.assert_allclose(integrated_gradients(linear, scale, own, ordinary), weights * (own - ordinary), rtol=1e-5)
    same = own.copy()
    same[4] = ordinary[4]
    assert integrated_gradients(network, scale, same, ordinary)[4] == 0


def test_surprise_of_events_adds_up_to_the_account_and_repeats_surprise_less(log: EventTable) -> None:
    hours, _ = activity_maps(log)
    total = hours.sum(axis=1)
    odd = oddness(hours)
    bits = {user: surprise_of_events(hours, np.repeat(np.arange(WEEK_HOURS), hours[user])).sum() / total[user] for user in (3, 7, 50)}
    like = np.log2(total).astype(int)
    usual = {user: np.mean([surprise_of_events(hours, np.repeat(np.arange(WEEK_HOURS), hours[other])).sum() / total[other]
                            for other in np.flatnonzero(like == like[user])]) for user in bits}  # fmt: skip
    for user, own in bits.items():
        assert own - usual[user] == pytest.approx(odd[user], abs=1e-4)
    told = surprise_of_events(hours, np.array([5, 100, 5, 5]))
    assert told[0] > told[2] > told[3]


@pytest.mark.parametrize(
    ("life", "column", "least"),
    [
        ("trigram", "surprise_mean", 0.4),
        ("gru", "gru_surprise_mean", 0.2),
        ("activity maps", "hours_odd", 0.4),
        ("hours by network", "hours_drawn", 0.4),
    ],  # a network learns little here
)
def test_the_events_behind_a_column_are_those_that_were_planted_and_without_them_it_falls(
    log: EventTable, life: str, column: str, least: float
) -> None:
    inputs = FeatureTable("test", names_of(LIVES[life].columns), LIVES[life].measure(log))
    (found,) = reasons_in_life(log, 7, ["log_events", column], inputs)
    assert (found.column, found.value) == (column, float(inputs.column(column)[7]))
    assert len(found.events) == NAMED
    assert found.without < found.value
    at_night = [event["timestamp"][11:13] == "03" for event in found.events]
    assert sum(at_night) >= 3
    assert {event["action"] for event, night in zip(found.events, at_night, strict=True) if night} == {"order"}
    assert found.fidelity > least
    assert reasons_in_life(log, 7, ["log_events"], inputs) == ()


def test_hours_by_network_add_up_and_without_the_named_events_are_those_of_a_smaller_map(log: EventTable) -> None:
    hours, _ = activity_maps(log)
    drawn = drawn_again(hours, SEED)
    for user in (3, 7, 50):
        bits = drawn_hours(hours, SEED, user)
        assert (bits * hours[user]).sum() / hours[user].sum() == pytest.approx(drawn[user], rel=1e-5)
        assert np.exp2(-bits).sum() == pytest.approx(1, rel=1e-5)
    inputs = FeatureTable("test", ("hours_drawn",), LIVES["hours by network"].measure(log))
    (found,) = reasons_in_life(log, 7, ["hours_drawn"], inputs)
    smaller = hours.copy()
    for event in found.events:
        moment = datetime.fromisoformat(event["timestamp"])
        hour = moment.weekday() * 24 + moment.hour
        smaller[7, hour] -= 1
        assert event["bits"] == pytest.approx(drawn_hours(hours, SEED, 7)[hour], abs=0.01)
    assert (smaller >= 0).all()
    assert found.without == pytest.approx(drawn_again(smaller, SEED)[7], rel=1e-5)
    assert (drawn_again(np.zeros((4, 0), np.int64), SEED) == 0).all()  # a log without times of day


def test_a_takeover_is_told_by_its_stretch() -> None:
    rng = np.random.default_rng(6)
    user = rng.integers(0, 120, 2500)
    device = np.where(rng.random(2500) < 0.9, user, 200 + rng.integers(0, 300, 2500))
    log = coded_table(user, rng.integers(0, 30 * DAY, 2500), item=rng.integers(0, 60, 2500), device=device)
    inputs = FeatureTable("test", names_of(LIVES["takeovers"].columns), LIVES["takeovers"].measure(log))
    scores = inputs.column("takeover_score")
    worst = int(scores.argmax())
    (found,) = reasons_in_life(log, worst, ["takeover_score", "takeover_goods"], inputs)
    assert found.column == "takeover_score"
    assert found.value == pytest.approx(float(scores[worst]))
    assert found.without < found.value
    assert all(event["bits"] is None for event in found.events)
