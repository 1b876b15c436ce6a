"""The casebook's commands, one after another as an analyst gives them: what they print, their JSON, and how they fail."""

from __future__ import annotations

import csv
import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from case_runs import MadeRing, made_run
from typer.testing import CliRunner

from graphdet.cases.casebook import Casebook
from graphdet.cases.entries import KINDS
from graphdet.cases.identifying import KEY
from graphdet.cases.rows import DOUBTS, STATES
from graphdet.cli.case_commands import State, Verdict
from graphdet.cli.program import app
from graphdet.errors import CaseError
from graphdet.schema import TIERS, VERDICTS
from graphdet.words.casework import ENTRIES, WORDS, standing_in_words

HOSTILE = "\x1b[31mu\u202e1\n=cmd()"
RINGS = [MadeRing("ring-1a2b", (HOSTILE, "u2", "u3"), ("i1", "i2"), "review"), MadeRing("ring-9f00", ("u4", "u5"), ("i3",))]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHDET_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GRAPHDET_AUTHOR", "ann")
    made_run("run-1", RINGS).save(tmp_path / "run")
    assert say("add", str(tmp_path / "run")) == "2 cases opened, 0 carried on\n"
    return tmp_path / "home"


def say(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["cases", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def told(*arguments: str) -> Any:
    return json.loads(say(*arguments, "--json"))


def refused(*arguments: str) -> str:
    with pytest.raises(CaseError) as error:
        CliRunner().invoke(app, ["cases", *arguments], catch_exceptions=False)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_whose_a_pseudonym_is_two_people_tell_together(home: Path, tmp_path: Path) -> None:
    """Alone one is told at once; where there are several, another one approves, and whoever asked is told, once."""
    say("decide", "C-2", "confirmed")
    say("export", "--out", str(tmp_path / "act.csv"), "--pseudonyms")
    say("export", "--out", str(tmp_path / "plain.csv"))
    with (tmp_path / "act.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [row["user_id"] for row in rows]
    assert {name[:2] for name in names} == {"P-"}
    assert {row["ring_id"] for row in rows} == {""}, "a digest of the members' ids, so that small groups could be tried out"
    assert "u4" in (tmp_path / "plain.csv").read_text(encoding="utf-8-sig")
    assert {one.strip('"') for one in re.split(r"[,\s]", (tmp_path / "act.csv").read_text(encoding="utf-8-sig"))}.isdisjoint({"u4", "u5"})
    first, second = names
    assert "empty" in refused("identify", first)
    assert {say("identify", name, "--reason", "the bank asks").strip() for name in names} == {"u4", "u5"}
    say("note", "C-2", "here", "--author", "bo")
    assert say("identify", second, "--reason", "the bank asks") == f"{second}: waits for a second person\n"
    assert "waits for a second person" in refused("identify", second)
    assert "waits for a second person" in refused("identify", second, "--author", "bo")
    assert "somebody else must approve" in refused("approve", second)
    assert "no approval" in refused("approve", first, "--author", "bo")
    say("approve", second, "--author", "bo")
    assert "no approval" in refused("approve", second, "--author", "cy")
    assert "asked for by ann" in refused("identify", second, "--author", "bo")
    assert say("identify", second).strip() in {"u4", "u5"}
    assert "empty" in refused("identify", second), "once told, one asks anew"
    history = say("history")
    assert f"was told whose {second} is" in history
    with Casebook(home, "ann") as book:
        assert book.verify().faults == ()
        steps = [entry for entry in book.history() if "who" in entry.kind]
        assert [(entry.kind, entry.author) for entry in steps] == [
            *[("asked_who", "ann"), ("told_who", "ann")] * 2,
            ("asked_who", "ann"),
            ("who_approved", "bo"),
            ("told_who", "ann"),
        ]
        assert not any(f'"{user}"' in entry.payload for entry in steps for user in ("u4", "u5"))


def test_a_pseudonym_is_one_houses_own(home: Path, tmp_path: Path) -> None:
    users = (HOSTILE, "u2", "\ud800")
    with Casebook(home, "ann") as book:
        own = book.pseudonyms(users)
        assert book.pseudonyms(users) == own
        assert len(set(own.values())) == len(users)
        assert book.identify(own[HOSTILE], "a test") == HOSTILE
    with Casebook(tmp_path / "other", "ann") as book:
        assert set(book.pseudonyms(users).values()).isdisjoint(own.values())
    key = home / KEY
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "nobody's" in refused("identify", "P-" + 20 * "0", "--reason", "a guess")
    assert "twenty digits" in refused("identify", "u2", "--reason", "a guess")
    key.write_bytes(b"short")
    assert "no key of pseudonyms" in refused("identify", own["u2"], "--reason", "a test")


def test_an_afternoon(home: Path, tmp_path: Path) -> None:
    assert "C-0001  open" in say("list")
    assert "待处理" in say("list", "--lang", "zh")
    assert say("decide", "C-1", "innocent", "--story", "household", "--note", "one family") == ""
    say("decide", "ring-9", "confirmed")
    say("decide", "C-2", "innocent", "--user", "u5")
    say("note", "C-2", "asked the shop")
    say("assign", "C-2", "bo")
    say("plan", "C-2", "hold payouts")
    assert [(case["name"], case["verdict"]) for case in told("list", "--state", "decided")] == [
        ("C-0001", "innocent"),
        ("C-0002", "confirmed"),
    ]
    assert [case["name"] for case in told("list", "--owner", "bo")] == ["C-0002"]
    assert [case["name"] for case in told("list", "--with", "user=u4")] == ["C-0002"]
    shown = say("show", "C-2")
    for line in ("next step: hold payouts", "accounts: u4, u5 (innocent)", "owner: bo", "note: asked the shop", "ann"):
        assert line in shown
    assert "无辜（" not in say("show", "C-1", "--lang", "en")
    assert "家庭成员" in say("show", "C-1", "--lang", "zh")
    assert say("undo").startswith("taken back: C-0002  next step: hold payouts")
    assert told("show", "C-2")["next_step"] == ""
    assert [entry["undone"] for entry in told("show", "C-2")["history"] if entry["kind"] == "next_step"] == [True]
    say("close", "C-2", "--note", "accounts closed")
    assert told("list", "--state", "closed")[0]["name"] == "C-0002"
    say("reopen", "C-2")
    assert say("add", str(tmp_path / "run")).startswith("This run was taken in before")
    assert "one chain" in say("verify")


def test_suppressions(home: Path) -> None:
    assert say("accept", "C-1", "--reason", "a family").startswith("S-0001: applies, until ")
    assert say("discount", "ip=203.0.113.7", "--reason", "the office").startswith("S-0002: applies")
    assert told("note", "C-1", "hm", "--author", "bo")["notes"] == 1
    assert say("discount", "device=d1", "--reason", "test phone").startswith("S-0003: waits for a second person")
    assert "somebody else" in refused("approve", "S-3")
    assert say("approve", "S-3", "--author", "bo").startswith("S-0003: applies")
    assert say("withdraw", "S-2", "--reason", "moved").startswith("S-0002: withdrawn")
    rows = told("suppressions")
    assert [(row["name"], row["standing"]) for row in rows] == [("S-0001", "active"), ("S-0002", "withdrawn"), ("S-0003", "active")]
    assert "discounts ip 203.0.113.7" in say("suppressions")
    assert "不作为证据" in say("suppressions", "--lang", "zh")
    for line in ("S-0003 discounts device d1", "S-0003 is approved", "S-0002 is withdrawn – moved"):
        assert line in say("history")


def test_what_cannot_be_is_refused_in_one_line(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "no case 'C-0009'" in refused("show", "C-9").replace("C-9", "C-0009")
    assert "did you mean 'device'" in refused("discount", "devise=d1", "--reason", "x")
    assert "TYPE=ID" in refused("discount", "203.0.113.7", "--reason", "x")
    assert "a family" not in refused("accept", "C-1", "--reason", "a family", "--until", "2001-01-01")
    assert "holds no casebook" in refused("list", "--home", str(tmp_path / "nowhere"))
    assert "a person's name" in refused("note", "C-1", "x", "--author", "graphdet")
    monkeypatch.delenv("GRAPHDET_HOME")
    assert "--home DIR" in refused("list")


def test_hostile_ids_are_parameters_and_deface_nothing(home: Path) -> None:
    say("decide", "C-1", "confirmed", "--user", HOSTILE.strip(), "--note", "'); DROP TABLE journal; --")
    for screen in (say("show", "C-1"), say("history"), say("show", "C-1", "--json")):
        assert "\x1b" not in screen
        assert "\u202e" not in screen
    with Casebook(home, "ann") as book:
        assert book.member_words("C-0001")[0].user_id == HOSTILE
        assert book.verify().faults == ()


def test_verify_tells_by_its_exit_code(home: Path) -> None:
    import sqlite3

    with sqlite3.connect(home / "casebook.db") as connection:
        connection.execute("UPDATE cases SET verdict = 'confirmed'")
    connection.close()
    done = CliRunner().invoke(app, ["cases", "verify"])
    assert done.exit_code == 1
    assert "verdict is not what the journal says" in done.stdout


def test_words_for_everything() -> None:
    assert {one.value for one in Verdict} == set(VERDICTS)
    assert {one.value for one in State} == set(STATES)
    assert set(ENTRIES) == set(KINDS)
    lineages = {"new", "same", "grew", "shrank", "split", "merged", "returned", "dormant", "left_window"}
    assert {*VERDICTS, *STATES, *TIERS, *lineages} <= set(WORDS)
    assert {f"back_{why}" for why in ("lapsed", "members", "tier", "money", "withdrawn", *DOUBTS)} <= set(WORDS)
    for standing in ("asked", "active", "ending", "lapsed", "withdrawn", "returned"):
        assert standing_in_words(standing, "zh") != standing
