"""A key that is discounted really changes a run: what rests on it is gone, what stands without it is found, and the cost is told."""

from __future__ import annotations

import csv
import ipaddress
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from case_runs import Clock, MadeRing, made_run
from typer.testing import CliRunner

from graphdet.cases.casebook import Casebook
from graphdet.cases.following import follow_lineage
from graphdet.cases.suppressed_run import SuppressedRun, run_suppressed
from graphdet.cases.taking_in import Cost, TakenIn
from graphdet.cli.program import app
from graphdet.errors import CaseError, LabelError, SettingsError
from graphdet.events import EventTable, read_events
from graphdet.events.addresses import in_networks
from graphdet.events.labels import joined_labels, labels_of
from graphdet.pipeline import detect
from graphdet.progress import Progress
from graphdet.run.folder import Run
from graphdet.settings import Settings, parse_settings
from graphdet.words.run_notes import decides, note_in_words

OFFICE = "203.0.113.7"
CHINESE = re.compile("[\u4e00-\u9fff]")
CREW, COLLEAGUES = range(400, 412), range(420, 434)
DAY = 86_400
SETTINGS = parse_settings({"gnn": {"least_rings": 0}, "rings": {"permutations": 3}, "machine": {"threads": 1}}, "test")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hundred who shop for themselves, a crew of twelve after eight items, and fourteen who shop from one office."""
    random, start = np.random.default_rng(3), datetime(2026, 3, 1, tzinfo=UTC)
    usual = random.zipf(1.3, 20_000) % 150
    rows: list[tuple[str, ...]] = []

    def came(user: int, item: int, second: float, ip: str, action: str = "order") -> None:
        rows.append((f"u{user}", f"i{item}", (start + timedelta(seconds=second)).isoformat(), ip, f"d{user}", action))

    for user in range(400):
        for _ in range(random.integers(5, 16)):
            action = str(random.choice(["view", "view", "order"]))
            came(user, int(usual[len(rows)]), random.uniform(0, 30 * DAY), f"10.1.{user // 250}.{user % 250}", action)
    for item in range(60, 68):
        begin = random.uniform(5, 25) * DAY
        for user in CREW:
            if random.random() < 0.9:
                came(user, item, begin + random.uniform(0, 3 * 3600), f"10.2.0.{user - 400}")
    for day in range(8, 13):
        begin = day * DAY + random.uniform(0, DAY / 2)
        for user in COLLEAGUES:
            if random.random() < 0.9:
                came(user, 100 + int(random.integers(0, 30)), begin + random.uniform(0, 3600), OFFICE)
    path = tmp_path_factory.mktemp("log") / "log.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("user_id", "item_id", "timestamp", "ip", "device_id", "action"))
        writer.writerows(rows)
    return path


def rows_of(log: Path, column: str, *values: str) -> int:
    with log.open(encoding="utf-8") as file:
        return sum(row[column] in values for row in csv.DictReader(file))


def read(log: Path, settings: Settings) -> EventTable:
    return read_events([log], settings.log, settings.machine)


def run_day(book: Casebook, log: Path) -> tuple[SuppressedRun, TakenIn]:
    found = run_suppressed(book, SETTINGS, lambda by: read(log, by), lambda events, by: detect(events, by), Progress())
    return found, book.take_in(found.run, follow_lineage, discounts=found.discounts, costs=found.costs)


def rings_with(run: Run, users: range) -> list[str]:
    """Rings of which most users are these."""
    found = []
    for ring in run.rings["ring_id"].to_pylist():
        members = [row["node_id"] for row in run.members.to_pylist() if row["ring_id"] == ring and row["node_type"] == "user"]
        if 2 * sum(user in {f"u{n}" for n in users} for user in members) > len(members):
            found.append(ring)
    return found


@pytest.mark.parametrize("kind", ["discount", "accept"])
def test_a_run_warns_in_the_last_seven_days_and_says_once_that_it_has_lapsed(tmp_path: Path, kind: str) -> None:
    clock, told = Clock(), dict[int, list[str]]()
    none = EventTable.__new__(EventTable)  # nothing looks at the events: what the discount costs is known
    with Casebook(tmp_path, "ann", clock) as book:

        def run_on(day: int) -> None:
            made = made_run(f"run-{day}", [MadeRing("R-1", ("u1", "u2"))])
            found = run_suppressed(book, SETTINGS, lambda _: none, lambda *_: made, Progress(), lambda: {"S-0001": Cost((), 0.0, 0)})
            book.take_in(found.run, follow_lineage, discounts=found.discounts, costs=found.costs)
            told[day] = [note for note in found.run.meta["notes"] if " ends on " in note or " lapsed on " in note]

        run_on(0)
        book.discount("ip", OFFICE, "our office") if kind == "discount" else book.accept("C-1", "a family")
        for day in range(1, 94):
            clock.forward(1)
            run_on(day)
    name = f"S-0001 on ip {OFFICE}" if kind == "discount" else "S-0001 on C-0001"
    soon, lapsed = f"{name} ends on {clock.now - timedelta(days=3):%Y-%m-%d}; what it hides is back then.", f"{name} lapsed on"
    assert {day: notes for day, notes in told.items() if notes and day < 90} == {day: [soon] for day in range(83, 90)}
    assert [day for day, notes in told.items() if any(note.startswith(lapsed) for note in notes)] == [90]
    for note in (told[83][0], told[90][0]):
        assert CHINESE.search(note_in_words(note, "zh"))


@pytest.mark.parametrize("key", [OFFICE, "203.0.112.0/23"])
def test_a_discounted_address_is_no_evidence_and_what_stands_without_it_is_found(log: Path, tmp_path: Path, key: str) -> None:
    clock = Clock()
    with Casebook(tmp_path / "home", "ann", clock) as book:
        plain, first = run_day(book, log)
        (crew,), (office,) = rings_with(plain.run, CREW), rings_with(plain.run, COLLEAGUES)
        book.discount("ip", key, "our office")
        clock.forward(85)
        without, second = run_day(book, log)
        assert rings_with(without.run, COLLEAGUES) == []
        (still,) = rings_with(without.run, CREW)
        assert second.case_of[still] == first.case_of[crew]
        assert book.case(first.case_of[office]).state == "dormant"
        assert OFFICE not in without.run.members["node_id"].to_pylist()
        cost, rows = without.costs["S-0001"], rows_of(log, "ip", OFFICE)
        assert cost.rings == (office,)
        assert cost.rows == rows
        at_office = [row["evidence"] for row in plain.run.evidence.to_pylist() if row["ring_id"] == office and row["key"] == OFFICE]
        assert cost.evidence == pytest.approx(sum(at_office))
        assert cost.evidence > 0
        (told,) = without.run.meta["suppressions"]
        assert (told["name"], told["node_id"], told["rings"], told["reason"]) == ("S-0001", key, [office], "our office")
        assert list(without.run.meta["settings"]["log"]["ignore_keys"]["ip"]) == [key]
        assert without.run.id != plain.run.id
        note, warning = without.run.meta["notes"][-2:]
        assert note.startswith(f"S-0001 on ip {key} is discounted until 2026-04-01: 1 ring would stand with it")
        assert "ends on 2026-04-01" in warning
        for said in (note, warning):
            assert decides(said)
            assert note_in_words(said, "zh") != said != note_in_words(said, "en")
        assert book.hid("S-0001")[0].count == 1
        without.run.save(tmp_path / "run")
        with Casebook(tmp_path / "other", "ann", Clock()) as other:  # a run folder tells of its discounts by itself
            other.discount("ip", key, "our office")
            other.take_in(Run.load(tmp_path / "run"))
            assert other.hid("S-0001") == book.hid("S-0001")
            odd = {**without.run.meta, "id": "run-odd", "suppressions": [{"name": "S-0001", "rings": 7}, "x", {"name": "S-9", "rings": []}]}
            other.take_in(replace(without.run, meta=odd))
            assert len(other.hid("S-0001")) == 1
            assert other.verify().faults == ()
        assert Run.load(tmp_path / "run").meta["suppressions"][0]["rows"] == rows

        clock.forward(6)
        again, third = run_day(book, log)
        assert [row["tier"] for row in again.run.rings.to_pylist()] == [row["tier"] for row in plain.run.rings.to_pylist()]
        assert third.case_of[office] == first.case_of[office]
        assert "lapsed on 2026-04-01" in again.run.meta["notes"][-1]
        assert book.verify().faults == ()


def test_a_network_holds_what_python_says_and_none_that_is_as_good_as_all(tmp_path: Path) -> None:
    names = ["10.1.2.3", "10.2.0.0", "9.255.255.255", "11.0.0.0", "2001:db8::1", "2001:db9::", "10.1.2.xxx", "a3f5c2e1b7d8", "10.1.0.0/16"]
    networks = ["10.0.0.0/8", "2001:db8::/32"]

    def lies_in_one(name: str) -> bool:
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return any(address in ipaddress.ip_network(network) for network in networks)

    assert in_networks(pa.array(names), networks).tolist() == [lies_in_one(name) for name in names]
    with Casebook(tmp_path / "home", "ann", Clock()) as book:
        assert book.discount("ip", "10.20.1.2/16", "the campus").node_id == "10.20.0.0/16"
        with pytest.raises(CaseError, match="too many addresses"):
            book.discount("ip", "0.0.0.0/0", "all")
        with pytest.raises(CaseError, match="no IP address"):
            book.discount("ip", "10.20.0.0/77?", "what")


def test_what_stands_without_a_key_costs_nothing(log: Path, tmp_path: Path) -> None:
    with Casebook(tmp_path / "home", "ann", Clock()) as book:
        book.discount("device", "d400", "a test phone")
        book.discount("item", "i60", "a give-away")
        found, _ = run_day(book, log)
        assert len(rings_with(found.run, CREW)) == 1
        assert {name: cost.rings for name, cost in found.costs.items()} == {"S-0001": (), "S-0002": ()}
        assert found.costs["S-0002"].rows == rows_of(log, "item_id", "i60")


def test_a_discounted_user_is_left_out_and_their_rows_say_why(log: Path) -> None:
    own = SETTINGS.model_copy(update={"log": SETTINGS.log.model_copy(update={"ignore_keys": {"user_id": ("u400", "u1")}})})
    events = read(log, own)
    assert {"u400", "u1"}.isdisjoint(events.ids["user"].to_pylist())
    rejected = events.report.rejected.to_pylist()
    assert {row["reason"] for row in rejected} == {"left out, as [log] ignore or a casebook's discount says"}
    assert len(rejected) == rows_of(log, "user_id", "u400", "u1")
    with pytest.raises(SettingsError, match="did you mean 'device_id'"):
        parse_settings({"log": {"ignore_keys": {"devise_id": ["x"]}}}, "test")


def test_the_commands_from_a_log_to_labels(log: Path, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[gnn]\nleast_rings = 0\n[rings]\npermutations = 3\n", encoding="utf-8")
    home = ["--home", str(tmp_path / "home")]

    def graphdet(*arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    run = ("run", str(log), *home, "--settings", str(tmp_path / "own.toml"), "--json", "--out")
    first = json.loads(graphdet(*run, str(tmp_path / "one")))
    assert {ring["verdicts"] for ring in first["rings"]} == {0}
    graphdet("cases", "decide", "C-1", "confirmed", *home)
    graphdet("cases", "decide", "C-2", "innocent", "--story", "reseller", *home)
    graphdet("cases", "discount", f"ip={OFFICE}", "--reason", "office", *home)
    second = json.loads(graphdet(*run, str(tmp_path / "two")))
    (crew,) = second["rings"]
    assert crew["verdicts"] == sum(ring["tier"] == crew["tier"] for ring in first["rings"])  # both were judged
    assert second["suppressions"][0]["rows"] > 0
    assert json.loads(graphdet("cases", "show", "C-1", *home, "--json"))["runs"] == 2

    events = read(log, SETTINGS)
    with Casebook(tmp_path / "home", "ann") as book:
        judged = book.judged_users()
    labels = labels_of([one.user_id for one in judged], [one.positive for one in judged], events)
    names = events.ids["user"].take(labels.user).to_pylist()
    told = dict(zip(names, labels.positive.tolist(), strict=True))
    assert {user for user, positive in told.items() if positive} == {f"u{n}" for n in CREW}
    members = Run.load(tmp_path / "one").members.to_pylist()
    office = {row["node_id"] for row in members if row["standing"] == "act"} - {f"u{n}" for n in CREW}  # who is held is no label
    assert {user for user, positive in told.items() if not positive} == office
    both = joined_labels(labels, labels_of(["u0", "u400", "nobody"], [True, False, True], events))
    assert len(both) == len(labels) + 1
    assert both.positive[both.user == events.ids["user"].index("u400").as_py()].all()


def test_training_without_a_verdict_says_what_to_do(log: Path, tmp_path: Path) -> None:
    with Casebook(tmp_path / "home", "ann"):
        pass
    with pytest.raises(LabelError, match="no ring was confirmed or found innocent yet"):
        CliRunner().invoke(
            app, ["train", str(log), "--home", str(tmp_path / "home"), "--out", str(tmp_path / "m.npz")], catch_exceptions=False
        )
