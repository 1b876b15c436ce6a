"""What the demo tells of planted rings is what the tables say, counted by hand."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

import graphdet.cli.detect
from graphdet.simulate.outcome import PlantedRing, compare_with_planted
from graphdet.terminal import show_outcome


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    rings = [{"ring_id": ring, "kind": kind} for ring, kind in (("t1", "farm"), ("t2", "crowd"), ("t3", "crowd"))]
    users = {"t1": "abcdef", "t2": "ghij", "t3": "xyz"}
    members = [{"ring_id": ring, "node_type": "user", "node_id": user} for ring, own in users.items() for user in own]
    members += [{"ring_id": "t1", "node_type": "item", "node_id": "soap"}]
    beside = [
        {"group_id": group, "kind": kind, "node_type": "user", "node_id": user}
        for group, kind, own in (("l1", "fan_club", "kl"), ("l2", "campus", "mn"))
        for user in own
    ]
    for name, rows in (("rings", rings), ("members", members), ("lookalikes", beside)):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{name}.parquet")
    return tmp_path


def found(**rings: tuple[int, str, str]) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    rows: list[dict[str, object]] = [{"ring_id": ring, "rank": rank, "tier": tier} for ring, (rank, tier, _) in rings.items()]
    members: list[dict[str, object]] = [{"ring_id": ring, "node_type": "device", "node_id": "a"} for ring in rings]
    members += [{"ring_id": ring, "node_type": "user", "node_id": user} for ring, (_, _, own) in rings.items() for user in own]
    return rows, members


def test_each_planted_ring_is_held_against_the_one_that_has_most_of_it(truth: Path) -> None:
    run = found(r1=(1, "alert", "abcde!"), r2=(2, "review", "gf"), r3=(3, "alert", "kl?"), r4=(4, "review", "m"))
    outcome = compare_with_planted(truth, *run)
    assert outcome.rings == (
        PlantedRing("farm", 6, 1, "alert", 5, 1),
        PlantedRing("crowd", 4, 2, "review", 1, 1),
        PlantedRing("crowd", 3),
    )
    assert [ring.found for ring in outcome.rings] == [True, False, False]
    assert outcome.innocent == {"campus": 1, "fan_club": 1}
    assert outcome.accused == {"campus": 0, "fan_club": 1}
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    show_outcome(console, outcome)
    console.file.close()
    shown = " ".join(console.export_text().split())
    assert "Planted rings: 3, of which 1 alert, 2 not found" in shown
    assert "farm 6 alert 1 5 1" in shown
    assert "crowd 4 not found (1 in review 2) crowd 3 not found" in shown
    assert "2 (1 campus, 1 fan club); an alert was made of 1" in shown


def test_a_run_without_rings_found_nothing(truth: Path) -> None:
    outcome = compare_with_planted(truth, [], [])
    assert [ring.rank for ring in outcome.rings] == [0, 0, 0]
    assert sum(outcome.accused.values()) == 0


def test_opening_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []
    for answer in (True, False):
        monkeypatch.setattr(webbrowser, "open", lambda url, answer=answer: asked.append(url) or answer)
        graphdet.cli.detect._open(tmp_path / "report.html")
        assert asked.pop() == (tmp_path / "report.html").resolve().as_uri()
        assert ("no browser was found" in capsys.readouterr().err) is not answer
