"""The commands on a run's rings: show, rings, report, export."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from dossier_runs import LoggedRun, market_run
from typer.testing import CliRunner, Result

from graphdet.cli.look import ExportFormat, SortBy
from graphdet.cli.program import app
from graphdet.cli.shared import Lang
from graphdet.errors import GraphdetError
from graphdet.export import WRITERS
from graphdet.schema.wording import LANGUAGES


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedRun:
    return market_run(tmp_path_factory.mktemp("market") / "log", 1)


@pytest.fixture(scope="module")
def folder(logged: LoggedRun) -> str:
    return str(logged.folder / "run")


def call(*arguments: str) -> Result:
    result = CliRunner(env={"COLUMNS": "160"}).invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rows(*arguments: str) -> list[dict[str, object]]:
    return json.loads(call("rings", *arguments, "--json").stdout)  # type: ignore[no-any-return]


def test_choices_are_those_of_the_library() -> None:
    assert [one.value for one in Lang] == list(LANGUAGES)
    assert [one.value for one in ExportFormat] == list(WRITERS)


def test_show_prints_the_dossier_in_both_languages(folder: str) -> None:
    english, chinese = call("show", folder, "1").stdout, call("show", folder, "1", "--lang", "zh").stdout
    for text in (
        "Suspected ring",
        "What speaks for a ring",
        "Innocent explanations tried",
        "Read these events first",
        "The alert rests on",
    ):
        assert text in english
    for text in ("疑似团伙", "支持团伙怀疑的事实", "已检验的正常原因", "请先阅读以下事件", "告警建立在"):
        assert text in chinese
    assert not re.search("[\u4e00-\u9fff]: |: [\u4e00-\u9fff]", chinese), "its own colon"
    assert len(english.splitlines()) < 90


def test_show_lists_raw_events(folder: str, logged: LoggedRun) -> None:
    dossier = json.loads(call("show", folder, "1", "--json").stdout)["dossier"]
    text = call("show", folder, "1", "--events").stdout
    assert f"({len(dossier['events']['witness'])})" in text
    assert f"({len(dossier['events']['inside'])})" in text
    assert len(text.splitlines()) > len(dossier["events"]["witness"]) + len(dossier["events"]["inside"])
    told = {
        "ring",
        "verdict",
        "facts",
        "reasons",
        "innocent",
        "objections",
        "counterfactuals",
        "against",
        "queued",
        "uses",
        "bursts",
        "members",
        "events",
    }
    assert set(dossier) == told
    assert dossier["facts"]["what"]["events"] == len(dossier["events"]["inside"])


def test_rings_are_sorted_and_filtered(folder: str) -> None:
    every = rows(folder)
    for sort in SortBy:
        found = [ring["first_seen" if sort is SortBy.FIRST else sort.value] for ring in rows(folder, "--sort", sort.value)]
        assert found == sorted(found, reverse=sort is not SortBy.RANK)  # type: ignore[type-var]
    size = sorted(int(str(ring["size"])) for ring in every)[1]
    amount = sorted(float(str(ring["amount"])) for ring in every)[1]
    for found, expected in (
        (rows(folder, "--min-size", str(size)), [ring for ring in every if int(str(ring["size"])) >= size]),
        (rows(folder, "--min-amount", str(amount)), [ring for ring in every if float(str(ring["amount"])) >= amount]),
        (rows(folder, "--explanation", "fan_club"), [ring for ring in every if ring["explanation"] == "fan_club"]),
    ):
        assert found == expected
        assert len(found) < len(every)
    since, until = "2025-03-28", "2025-03-06T12:00:00"
    assert rows(folder, "--since", since) == [ring for ring in every if str(ring["last_seen"]) >= since]
    assert rows(folder, "--until", until) == [ring for ring in every if str(ring["first_seen"]) <= until]


def test_report_goes_into_the_run_folder_or_elsewhere(folder: str, tmp_path: Path) -> None:
    assert call("report", folder).stdout.strip() == str(Path(folder) / "report.html")
    assert call("report", folder, "--out", str(tmp_path / "r.html"), "--most", "1").exit_code == 0
    assert (tmp_path / "r.html").stat().st_size < (Path(folder) / "report.html").stat().st_size
    assert call("rings", folder).exit_code == 0  # the folder is still a run


@pytest.mark.parametrize("form", list(WRITERS))
def test_export_writes_each_format_once(folder: str, form: str, tmp_path: Path) -> None:
    place = tmp_path / f"ring.{form}"
    assert call("export", folder, "1", "--format", form, "--out", str(place)).stdout.strip() == str(place)
    assert place.exists()
    with pytest.raises(GraphdetError, match="exists already"):
        call("export", folder, "1", "--format", form, "--out", str(place))
