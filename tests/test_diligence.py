"""Logs without times: a circle of one taste is no alert; who comes back and back is, without those who came once; dossiers agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graphdet import Run, Settings, detect, read_events
from graphdet.replay.recorded import Recorded
from graphdet.replay.replaying import Replay
from graphdet.settings import GnnSettings, RingSettings

RING, VISITORS, TARGETS = 40, 30, 12
SETTINGS = Settings(rings=RingSettings(permutations=2), gnn=GnnSettings(least_rings=0))


def untimed_log(returns: int) -> pd.DataFrame:
    """Circles of 60 users, each after its own 40 things, and a ring that comes to a dozen things `returns` times, as others do once."""
    generator = np.random.default_rng(3)
    rows = []
    for circle in range(20):
        for who in range(60):
            things = generator.choice(40, 8, replace=False)
            rows += [(f"u{circle}-{who}", f"i{circle}-{thing}", 1 + generator.poisson(0.5)) for thing in things]
    for who in range(RING):
        rows += [(f"ring{who}", f"t{target}", returns + generator.poisson(2)) for target in generator.choice(TARGETS, 5, replace=False)]
    for who in range(VISITORS):
        rows += [(f"once{who}", f"t{target}", 1) for target in generator.choice(TARGETS, 4, replace=False)]
    user, item, times = zip(*rows, strict=True)
    log = pd.DataFrame({"user_id": np.repeat(user, times), "item_id": np.repeat(item, times)})
    return log.assign(event_id=[f"e{number}" for number in range(len(log))])


@pytest.fixture(scope="module", params=[10, 0])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Run]:
    path = tmp_path_factory.mktemp("untimed") / "log.csv"
    untimed_log(request.param).to_csv(path, index=False)
    return request.param, detect(read_events([path]), SETTINGS)


def members(run: Run, tier: str) -> set[str]:
    rings = run.rings.to_pandas().query("tier == @tier")["ring_id"]
    of = run.members.to_pandas().query("node_type == 'user'")
    return set(of[of["ring_id"].isin(rings)]["node_id"])


def test_without_times_only_who_comes_back_and_back_is_in_an_alert(made: tuple[int, Run]) -> None:
    returns, run = made
    assert run.rings.num_rows > 10  # the circles are there, for review
    if returns:
        assert members(run, "alert") == {f"ring{who}" for who in range(RING)}
    else:
        assert members(run, "alert") == set()


def test_a_ring_is_grown_again_as_it_was(made: tuple[int, Run], tmp_path: Path) -> None:
    _, run = made
    run.save(tmp_path / "run")
    recorded = Recorded(Run.load(tmp_path / "run"))
    for ring in run.rings.to_pandas().itertuples():
        replay = Replay(recorded, ring.ring_id)
        grown = {replay.small.events.ids["user"][code].as_py() for code in replay.whole().members}
        assert grown == set(run.members.to_pandas().query("ring_id == @ring.ring_id and node_type == 'user'")["node_id"])
        nothing = np.zeros(len(replay.small.events), np.bool_)
        assert replay.without_events(nothing).tier == ring.tier
