"""What is taken away reads back whole, in every format, and no id becomes a formula, markup or an error."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest
from dossier_runs import LoggedRun, hostile_run

from graphdet.dossier.building import Dossier, build_dossier
from graphdet.errors import RunError
from graphdet.export import WRITERS, export_ring, graph_of, tables_of
from graphdet.printable import printable
from graphdet.replay.recorded import Recorded

Case = tuple[Recorded, Dossier]


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedRun:
    return hostile_run(tmp_path_factory.mktemp("hostile") / "log")


@pytest.fixture(scope="module")
def case(logged: LoggedRun) -> Case:
    recorded = Recorded(logged.run)
    dossiers = [build_dossier(recorded, logged.run.ring(ring)) for ring in logged.alerts()]
    return recorded, next(dossier for dossier in dossiers if any("<script>" in member["id"] for member in dossier.members))


def write(case: Case, path: Path, form: str) -> Path:
    recorded, dossier = case
    return export_ring(dossier, recorded, path, form)


def test_csv_tables_hold_every_row_and_no_formula(case: Case, tmp_path: Path) -> None:
    folder = write(case, tmp_path / "ring", "csv")
    tables = tables_of(case[1], case[0])
    assert {path.stem for path in folder.iterdir()} == set(tables)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            read = list(csv.DictReader(file))
        assert len(read) == len(rows)
        for row in read:
            for cell in row.values():
                assert not re.match(r"\s*[=+@\t\r]", cell)
                assert not cell.startswith("-") or re.fullmatch(r"-[\d.e-]+", cell)
    with (folder / "members.csv").open(encoding="utf-8-sig", newline="") as file:
        names = {row["id"] for row in csv.DictReader(file)}
    assert any(name.startswith("'=HYPERLINK") for name in names)
    assert {name.removeprefix("'") for name in names} == {printable(member["id"]).removeprefix("'") for member in case[1].members}


def test_json_is_the_dossier(case: Case, tmp_path: Path) -> None:
    document = json.loads(write(case, tmp_path / "ring.json", "json").read_text(encoding="utf-8"))
    assert document["facts"]["what"] == case[1].facts["what"]
    assert [member["id"] for member in document["members"]] == [member["id"] for member in case[1].members]
    assert len(document["events"]["inside"]) == case[1].facts["what"]["events"]


def test_the_workbook_holds_text_and_numbers_alone(case: Case, tmp_path: Path) -> None:
    with zipfile.ZipFile(write(case, tmp_path / "ring.xlsx", "xlsx")) as book:
        sheets = [book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        strings = book.read("xl/sharedStrings.xml")
        assert not any("external" in name or "hyperlink" in name.lower() for name in book.namelist())
    assert len(sheets) == len(tables_of(case[1], case[0]))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    for sheet in sheets:
        tree = ElementTree.fromstring(sheet)  # noqa: S314 - we wrote it
        assert tree.find(f".//{space}f") is None
        assert tree.find(f".//{space}hyperlink") is None
    texts = [node.text or "" for node in ElementTree.fromstring(strings).iter(f"{space}t")]  # noqa: S314
    assert any(text.startswith("=HYPERLINK") for text in texts)
    assert max(map(len, texts)) <= 32_767


@pytest.mark.parametrize("form", ["graphml", "gexf"])
def test_graphs_read_back(case: Case, form: str, tmp_path: Path) -> None:
    path = write(case, tmp_path / f"ring.{form}", form)
    read = nx.read_graphml(path) if form == "graphml" else nx.read_gexf(path)
    whole = graph_of(case[1])
    assert set(read) == set(whole)
    assert {frozenset(edge) for edge in read.edges()} == {frozenset(edge) for edge in whole.edges()}
    events = sum(data["events"] for _, node, data in whole.edges(data=True) if str(node).startswith("item:"))
    assert events == case[1].facts["what"]["events"]
    assert sum(kind == "user" for _, kind in read.nodes(data="type")) == len(case[1].members)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_note_is_plain_markdown(case: Case, language: str, tmp_path: Path) -> None:
    recorded, dossier = case
    text = export_ring(dossier, recorded, tmp_path / "note.md", "md", language).read_text(encoding="utf-8")  # type: ignore[arg-type]
    assert "<script" not in text.replace("\\<script", "")
    assert "\u202e" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    lists = len({member["standing"] for member in dossier.members})
    told = len(dossier.members) + len(dossier.facts["targets"]) + len(dossier.events["read_first"]) + 1
    assert len(rows) == told + 2 * (lists + 3)  # each table has two lines of head
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} <= {7, 8, 9}
    assert dossier.verdict(language) in text  # type: ignore[arg-type]
    heads = [rows[place - 1] for place, line in enumerate(rows) if set(line) <= set("|- ")]
    assert all(not re.search("[a-z]{3}", head) for head in heads) == (language == "zh")
    assert ("处理意见" in text) == (language == "zh")
    assert not re.search("[\u4e00-\u9fff]: |: [\u4e00-\u9fff]", text)


def test_nothing_is_overwritten_or_left_half_done(case: Case, tmp_path: Path) -> None:
    (tmp_path / "ring.json").write_text("mine")
    for form in WRITERS:
        with pytest.raises(RunError, match="exists already"):
            write(case, tmp_path / "ring.json", form)
        with pytest.raises(RunError, match="cannot be written"):
            write(case, tmp_path / "ring.json" / "below", form)
    assert (tmp_path / "ring.json").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["ring.json"]


def test_what_cannot_be_seen_is_spelt_out() -> None:
    assert printable("a\x00b\u202ec\nd") == "a\\x00b\\u202ec\\nd"
    assert printable("用户 x") == "用户 x"
