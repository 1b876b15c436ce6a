"""What `graphdet diff` tells of two runs: rings by lineage, tiers, money, members, settings and spans, in both languages."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from commands import Command, one_line

from graphdet.run.folder import Run
from graphdet.schema import TIERS, arrow_schema
from graphdet.words.lineage_words import CHANGES


def changed(run: Run, *, ring: dict[str, Any] | None = None, users: dict[str, list[str]] | None = None, **meta: Any) -> Run:
    """The run with other facts of its first ring, other users in rings, or other meta."""
    rings, members = run.rings.to_pylist(), run.members.to_pylist()
    rings[0] |= ring or {}
    for ring_id, names in (users or {}).items():
        like = next(row for row in members if row["ring_id"] == ring_id and row["node_type"] == "user")
        members = [row for row in members if (row["ring_id"], row["node_type"]) != (ring_id, "user")]
        members += [{**like, "node_id": name} for name in names]
        own = next(row for row in rings if row["ring_id"] == ring_id)
        own["size"] = len(names)
    known = {row["node_id"] for row in members if row["node_type"] == "user"}
    scores = [{"node_type": "user", "node_id": user, "score": 1 / rank, "rank": rank} for rank, user in enumerate(sorted(known), 1)]
    evidence = [row for row in run.evidence.to_pylist() if row["ring_id"] not in (users or {})]
    told = {"rings": rings, "members": members, "scores": scores, "evidence": evidence}
    tables = {name: pa.Table.from_pylist(rows, arrow_schema(name)) for name, rows in told.items()}
    return replace(run.with_tables(**tables), meta={**run.meta, **meta})


@pytest.fixture
def two(small_run: Run, tmp_path: Path) -> tuple[Path, Path]:
    """A run, and one in which its alert grew, lost its alert and is worth more, a review has gone, and a setting is another."""
    settings = {**small_run.meta["settings"], "rings": {**small_run.meta["settings"]["rings"], "effort": 7}}
    people = ["[red]ann[/red]", "bob\x1b[31m", "\u202eeve", "\x1b[2Jmallory"]
    later = changed(
        small_run,
        ring={"tier": "review", "amount": 999.5},
        users={"ring-1a2b": people, "ring-1a7c": ["nobody", "else"]},
        settings=settings,
    )
    small_run.save(tmp_path / "monday")
    later.save(tmp_path / "tuesday")
    return tmp_path / "monday", tmp_path / "tuesday"


def test_it_tells_what_changed(two: tuple[Path, Path], graphdet_command: Command) -> None:
    told = graphdet_command("diff", *two)
    assert told.code == 0
    assert "1 new, 1 grew, 1 same, 1 dormant" in told.out
    assert "Ring ring-1a2b grew from 3 to 4 accounts: 1 came, 0 went. Tier: alert → review. Money: 250.50 → 999.50." in told.out
    before = Run.load(two[0]).meta["settings"]["rings"]["effort"]
    assert f"rings.effort = {before} → 7" in told.out
    assert "unknown to unknown\n" in told.out  # runs without a background, as older ones
    assert "ring-9f00" not in told.out
    assert "ring-9f00" in graphdet_command("diff", *two, "--all").out


def test_hostile_ids_do_no_harm(two: tuple[Path, Path], graphdet_command: Command) -> None:
    told = graphdet_command("diff", *two, "--members")
    assert "in: \\x1b[2Jmallory; out: nobody" in told.out
    assert "\x1b" not in told.out
    assert "\x1b" not in graphdet_command("diff", *two, "--json").out


def test_machines_get_all_of_it(two: tuple[Path, Path], graphdet_command: Command) -> None:
    told = json.loads(graphdet_command("diff", *two, "--json").out)
    assert told["differs"]
    kinds = {(row["after"] or row["before"])["ring_id"] + " " + row["change"]: row for row in told["changes"]}
    assert set(kinds) == {"ring-1a7c new", "ring-1a2b grew", "ring-9f00 same", "ring-1a7c dormant"}
    grew = kinds["ring-1a2b grew"]
    assert grew["members_in"] == ["\x1b[2Jmallory"]
    assert [grew[side]["tier"] for side in ("before", "after")] == ["alert", "review"]
    assert told["settings"]["rings.effort"][1] == 7


def test_the_exit_code_is_that_of_other_diffs(two: tuple[Path, Path], graphdet_command: Command) -> None:
    assert graphdet_command("diff", *two, "--exit-code").code == 1
    assert graphdet_command("diff", two[0], two[0], "--exit-code") == (0, graphdet_command("diff", two[0], two[0]).out, "")
    assert "No ring differs." in graphdet_command("diff", two[0], two[0]).out
    assert "no such run folder" in one_line(graphdet_command("diff", two[0], two[0] / "none", "--exit-code"), 2)


def test_settings_alone_are_no_difference(small_run: Run, tmp_path: Path, graphdet_command: Command) -> None:
    small_run.save(tmp_path / "a")
    changed(small_run, settings={**small_run.meta["settings"], "seed": 5}).save(tmp_path / "b")
    told = graphdet_command("diff", tmp_path / "a", tmp_path / "b", "--exit-code")
    assert told.code == 0
    assert f"seed = {small_run.meta['settings']['seed']} → 5" in told.out


def test_it_speaks_chinese(two: tuple[Path, Path], graphdet_command: Command) -> None:
    told = graphdet_command("diff", *two, "--lang", "zh")
    assert "新增 1，扩大 1，不变 1，沉寂 1" in told.out
    assert "等级：告警 → 待复核。" in told.out
    assert not [words.en for words in CHANGES.values() if f" {words.en} " in told.out]
    assert not [tier for tier in TIERS if f" {tier} " in told.out]


def test_what_is_told_backwards_is_the_reverse(two: tuple[Path, Path], graphdet_command: Command) -> None:
    there, back = (json.loads(graphdet_command("diff", *pair, "--json").out)["changes"] for pair in (two, two[::-1]))

    def turned(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["after"], row["before"], row["members_out"] if row["before"] and row["after"] else [], row["differs"]

    def as_told(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["before"], row["after"], row["members_in"] if row["before"] and row["after"] else [], row["differs"]

    assert sorted(map(repr, map(turned, there))) == sorted(map(repr, map(as_told, back)))
