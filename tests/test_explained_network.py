"""What a run's network says of a user: shares add up, are those of slopes taken by differences, and are of the networks that score it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from planted_logs import Block, planted_log
from scipy.sparse import csr_array
from torch import nn

from graphdet import explain
from graphdet.cli.learn import _print_network
from graphdet.errors import LabelError, ModelError
from graphdet.events import EventTable
from graphdet.evidence.measured import Measured
from graphdet.learning.from_rings import PASSED_COLUMNS, pass_on, passed_columns
from graphdet.learning.messages import evidence_relation
from graphdet.learning.neighbourhood import gather_inputs
from graphdet.learning.network_reasons import NetworkExplanation, _read, explain_opinion
from graphdet.learning.opinion import Opinion
from graphdet.pipeline import find_in
from graphdet.progress import Progress
from graphdet.settings import GnnSettings, RingSettings, Settings, TierSettings
from graphdet.signals import measure_log, measure_users
from graphdet.signals.signal import names_of

SETTINGS = Settings(
    rings=RingSettings(permutations=1),
    gnn=GnnSettings(epochs=2, others=500),
    tiers=TierSettings(long_share=1.0),  # blocks come together all through the log, and it tells no shops: else they are for review
)
RINGS = tuple(Block(users=tuple(range(20 * n, 20 * n + 18)), items=tuple(range(8 * n, 8 * n + 8))) for n in range(8))
MEMBER, OUTSIDER = 3, 2000
STEPS = 4000


@pytest.fixture(scope="module")
def log() -> EventTable:
    return planted_log(np.random.default_rng(3), RINGS, users=2200, items=700, events=18_000)[0]


@pytest.fixture(scope="module")
def measured(log: EventTable) -> Measured:
    return measure_log(log, SETTINGS)


@pytest.fixture(scope="module")
def opinion(measured: Measured) -> Opinion:
    found = find_in(measured, SETTINGS, Progress()).opinion
    assert found is not None
    return found


def told_whole(opinion: Opinion, measured: Measured, user: int) -> NetworkExplanation:
    return explain_opinion(opinion, measured, user, 3.5, most=10_000)


@pytest.mark.parametrize("user", [MEMBER, OUTSIDER])
def test_shares_add_up_to_what_the_run_was_told_of_the_user(opinion: Opinion, measured: Measured, user: int) -> None:
    found = explain_opinion(opinion, measured, user, 3.5)
    assert found.log_odds == pytest.approx(opinion.odds[user] * np.log(10), abs=1e-4)
    assert found.ordinary + sum(one.by_network for one in found.moved) + found.others + found.missed == pytest.approx(
        found.log_odds, abs=1e-4
    )
    assert abs(found.missed) < 0.01 * max(abs(found.log_odds - found.ordinary), 1)
    assert len(found.moved) == 8
    assert found.weight == pytest.approx(3.5 * opinion.trust)
    every = told_whole(opinion, measured, user)
    assert every.others == 0
    assert every.fidelity == pytest.approx(1, abs=1e-4)
    assert np.diff([abs(one.by_network) for one in every.moved]).max() <= 0


def test_shares_are_slopes_taken_by_differences(opinion: Opinion, measured: Measured) -> None:
    (own, ordinary), layer, _ = _read(opinion, measured, MEMBER, 1)
    (network,) = layer.networks
    begin, end = (layer.scale.apply(row[None])[0].astype(np.float64) for row in (ordinary, own))
    way = begin + (end - begin) * ((np.arange(STEPS) + 0.5) / STEPS)[:, None]
    names = (*opinion.model.columns, *names_of(passed_columns()))
    for one in told_whole(opinion, measured, MEMBER).moved[:6]:
        aside = np.zeros(len(begin))
        aside[names.index(one.column)] = 1e-5
        slope = (by_hand(network, way + aside) - by_hand(network, way - aside)) / 2e-5
        assert one.by_network == pytest.approx(float(slope.mean() * (end - begin)[names.index(one.column)]), rel=0.05, abs=0.01), one.column


def by_hand(network: nn.Sequential, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n,) logits in doubles; without drop-out, as when it does not learn."""
    for layer in network:
        if isinstance(layer, nn.Linear):
            rows = rows @ layer.weight.detach().numpy().T.astype(np.float64) + layer.bias.detach().numpy()
        elif isinstance(layer, nn.ReLU):
            rows = np.maximum(rows, 0)
    return rows[:, 0]


def test_a_user_is_explained_by_those_that_learned_from_other_rings(opinion: Opinion, measured: Measured) -> None:
    """And by all of them together, where the model was learned elsewhere."""
    assert opinion.fold is not None
    assert len(set(opinion.fold[[ring.users[0] for ring in RINGS]].tolist())) > 1
    relation = evidence_relation(measured.pairs, measured.visits.users)
    own = measure_users(measured.events, measured.visits, measured.base_rates, measured.pairs)
    inputs, _ = gather_inputs(own, measured.visits, relation, opinion.model.scale, depth=opinion.model.depth)
    together = opinion.model.logit(inputs.values, measured.visits, relation)
    elsewhere = Opinion(together / np.log(10), opinion.trust, opinion.model, None)
    found = told_whole(elsewhere, measured, MEMBER)
    assert found.log_odds == pytest.approx(together[MEMBER], abs=1e-4)
    assert found.log_odds != pytest.approx(told_whole(opinion, measured, MEMBER).log_odds, abs=1e-4)
    assert abs(found.missed) < 0.01 * abs(found.log_odds - found.ordinary)


def test_values_are_the_users_and_passed_columns_have_their_own_words(opinion: Opinion, measured: Measured, log: EventTable) -> None:
    told = {one.column: one for one in told_whole(opinion, measured, MEMBER).moved}
    assert told["log_events"].value == pytest.approx((log.codes["user"] == MEMBER).sum(), rel=1e-4)
    words = passed_columns()
    assert len(words) == PASSED_COLUMNS
    assert len({one.english for one in words}) == len({one.chinese for one in words}) == len(words)
    visits = measured.visits
    alone = csr_array((visits.users, visits.users), dtype=np.float32)
    passed = pass_on(np.linspace(-3, 3, visits.users), (0.0, 1.0), visits, alone)
    for one, column in zip(words, passed.T, strict=True):
        assert bool(column.any()) == one.name.startswith("item_"), one.name  # a log of items, in which nobody has pair evidence
        assert not one.name.endswith("_suspicion") or column.min() >= 0, one.name


def test_a_log_without_a_network_says_so(log: EventTable, opinion: Opinion, measured: Measured, capsys: pytest.CaptureFixture[str]) -> None:
    few = SETTINGS.model_copy(update={"gnn": GnnSettings(epochs=1, least_rings=500)})
    user = log.ids["user"][MEMBER].as_py()
    with pytest.raises(ModelError, match=r"no network: too few alert rings to learn from \(at least 500\)"):
        explain(log, user, settings=few)
    with pytest.raises(ModelError, match="least_rings = 0"):
        explain(log, user, settings=SETTINGS.model_copy(update={"gnn": GnnSettings(least_rings=0)}))
    with pytest.raises(LabelError, match="no user 'nobody'"):
        explain(log, "nobody", settings=few)
    found = explain(log, user, settings=SETTINGS)
    assert isinstance(found, NetworkExplanation)
    assert found == explain_opinion(opinion, measured, MEMBER, SETTINGS.gnn.weight)
    _print_network(found)
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith(
        f"log odds by the network {found.log_odds:+.3f}, of an ordinary user {found.ordinary:+.3f}; the columns below hold "
    )
    assert [line.split()[0] for line in rest[:-1]] == [f"{one.by_network:+.3f}" for one in found.moved]
    assert rest[-1].split()[0] == f"{found.others:+.3f}"
