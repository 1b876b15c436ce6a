"""Small foreign logs (`tests/data/cases`): whom a run names there, and whom it must not.

What fails today is marked; who mends it takes the mark off.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection
from functools import cache
from pathlib import Path

import pytest
from rich.console import Console

from graphdet import Run, check_logs, detect, load_settings, read_events
from graphdet.dossier.building import build_dossier
from graphdet.replay.recorded import Recorded
from graphdet.settings import Settings
from graphdet.terminal.one_ring import show_dossier

CASES = Path(__file__).parent / "data" / "cases"


@cache
def run_of(name: str) -> Run:
    return detect(read_events([CASES / f"{name}.csv.gz"], settings_of(name).log), settings_of(name))


def settings_of(name: str) -> Settings:
    path = CASES / f"{name}.toml"
    return load_settings(path) if path.exists() else Settings()


def told(name: str, *tiers: str) -> list[set[str]]:
    """Users of each ring of these tiers."""
    run = run_of(name)
    tier = dict(zip(run.rings["ring_id"].to_pylist(), run.rings["tier"].to_pylist(), strict=True))
    users: dict[str, set[str]] = {ring: set() for ring in tier if tier[ring] in tiers}
    for row in run.members.to_pylist():
        if row["node_type"] == "user" and row["ring_id"] in users:
            users[row["ring_id"]].add(row["node_id"])
    return list(users.values())


def names_them(rings: Collection[set[str]], users: set[str]) -> bool:
    """Whether one ring holds all of them, and hardly anybody else."""
    return any(users <= ring and len(ring) <= 1.1 * len(users) for ring in rings)


def crew(count: int) -> set[str]:
    return {f"z{number:03d}" for number in range(count)}


@pytest.mark.parametrize(
    "name",
    [
        "01-set-of-three-in-one-order",
        "03-list-shown-to-new-users",
        "05-every-event-under-three-ids",
        "07-web-log-with-page-files",
        "11-zero-device-and-loopback-log-ins",
        "13-coupon-pack-bare-dates",
    ],
)
def test_honest_people_are_named_by_nothing_but_an_innocent_explanation(name: str) -> None:
    assert told(name, "alert", "review") == []


def test_readers_of_one_mail_are_no_alert() -> None:
    assert told("04-newsletter-of-four", "alert") == []


def test_ids_that_always_come_together_are_noted() -> None:
    assert any("one thing under several ids" in note for note in run_of("05-every-event-under-three-ids").meta["notes"])


@pytest.mark.parametrize("placeholder", ["127.0.0.1", "00000000-0000-0000-0000-000000000000"])
def test_a_check_notes_placeholders(placeholder: str) -> None:
    notes = check_logs([CASES / "11-zero-device-and-loopback-log-ins.csv.gz"]).notes
    assert any(placeholder in note for note in notes)


@pytest.mark.parametrize(
    ("name", "users"),
    [
        ("08-phone-of-20-accounts-5-days", 20),
        ("10-phone-of-20-accounts-same-item", 20),
        ("14-device-of-60-in-one-minute", 60),
    ],
)
def test_accounts_on_one_device_are_reviewed_at_least(name: str, users: int) -> None:
    assert names_them(told(name, "alert", "review"), crew(users))


def test_a_device_that_120_accounts_order_from_is_an_alert() -> None:
    assert names_them(told("16-phone-of-120-accounts", "alert"), crew(120))


def test_the_ring_beside_a_sale_is_an_alert() -> None:
    assert names_them(told("39-burst-outside-the-ring", "alert"), crew(15))


def test_no_fact_of_a_ring_is_of_another_fortnight() -> None:
    run = run_of("39-burst-outside-the-ring")
    recorded = Recorded(run)
    for ring in run.rings["ring_id"].to_pylist():
        dossier = build_dossier(recorded, run.ring(ring))
        assert "2025-03-27" not in json.dumps([dossier.facts, dossier.reasons], default=str)


def test_bare_dates_are_told_as_dates_and_coupons_alone_make_no_crew() -> None:
    """Of whatever ring is told, in whatever tier."""
    run = run_of("13-coupon-pack-bare-dates")
    recorded = Recorded(run)
    for ring in run.rings["ring_id"].to_pylist():
        screen = io.StringIO()
        show_dossier(Console(file=screen, width=200), build_dossier(recorded, run.ring(ring)), recorded, "en")
        for wrong in ("minute", "coupon crew", "16:00"):
            assert wrong not in screen.getvalue()
