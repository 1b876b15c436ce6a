"""The report for those who see, hear or touch it otherwise, and on paper: axe's checks in Chromium, and the PDF's text against the data."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import QUIET, find_chromium
from dossier_runs import LoggedRun, market_run

from graphdet.report import write_report
from graphdet.report.data import report_data
from graphdet.report.page import render

NO_CHROMIUM = "no Chromium on this machine (Debian: apt install chromium)"


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedRun:
    return market_run(tmp_path_factory.mktemp("market") / "log", 1)


@pytest.fixture(scope="module")
def report(logged: LoggedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(logged.run, path)
    return path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    executable = find_chromium()
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        yield browser
        browser.close()


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_to_say(chromium: Any, report: Path, logged: LoggedRun, width: int, scheme: str) -> None:
    """Names of controls, contrast, landmarks, headings, labels: of the worklist, a ring and an account, in both languages."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()
    # The page forbids all scripts but its own; axe is let in from outside.
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page.goto(report.as_uri())
    for language in ("en", "zh"):
        if language == "zh":
            page.locator("#language").click()
        for where in ("#/", f"#/ring/{logged.run.ring('1').id}", "#/node/user/0"):
            page.evaluate("where => { location.hash = where; }", where)
            page.wait_for_function("() => document.querySelector('main').childElementCount > 1")
            found = [
                (one["id"], one["impact"], one["nodes"][0]["html"][:200], one["nodes"][0].get("failureSummary", "")[:300])
                for one in axe.run(page).response["violations"]
            ]
            assert found == [], (language, where)
    page.close()


def test_the_pdf_holds_all_members_items_and_events(chromium: Any, report: Path, logged: LoggedRun, tmp_path: Path) -> None:
    from pypdf import PdfReader

    ring = logged.run.ring("1")
    page = chromium.new_page(viewport={"width": 1400, "height": 900})
    page.goto(f"{report.as_uri()}#/ring/{ring.id}")
    page.wait_for_selector(".grid-chart")
    page.emulate_media(media="print")
    page.pdf(path=str(tmp_path / "ring.pdf"), format="A4")
    dossier, ids = page.evaluate("() => [dossierOf(data.rings[0]), data.ids]")
    page.close()
    text = re.sub(r"\s+", "", "".join(one.extract_text() for one in PdfReader(tmp_path / "ring.pdf").pages))
    members = ring.members.to_pylist()
    for row in members:
        if row["node_type"] in ("user", "item"):
            assert row["node_id"] in text, row
    facts = ring.row
    for told in (f"{facts['amount']:,.2f}", f"{facts['at_stake']:,.2f}"):
        assert told in text
    # Who stands side by side, though nobody can see what was chosen.
    first, second = (dossier["members"][place]["id"] for place in (0, 1))
    assert f"member:{ids[first]}·secondmember:{ids[second]}" in text  # "first" has a ligature there
    # Every event with its moment: a row that is cut off would be missing.
    moments = [re.sub(r"\s+", "", moment) for moment in _moments(logged, ring.id)]
    assert len(moments) == dossier["inside"] == len(dossier["events"])
    for moment in set(moments):
        assert text.count(moment) >= moments.count(moment), moment


def test_the_worklist_on_paper_holds_every_ring_under_its_headings(chromium: Any, logged: LoggedRun, tmp_path: Path) -> None:
    """On the screen it has pages of 50, which nobody can turn on paper; and what has no dossier here is said to be left out of a search."""
    data = report_data(logged.run, 1)
    whole = [{**ring, "ring_id": f"{ring['ring_id']}-{copy}"} for copy in range(60) for ring in data["rings"][1:]]
    data["rings"] = [data["rings"][0], *whole[:60]]
    (tmp_path / "many.html").write_text(render(data), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 1400, "height": 900}, locale="en-US")
    page.goto((tmp_path / "many.html").as_uri())
    rows = page.locator("#rings tbody tr")
    assert rows.count() == 50
    assert "At stake in those of the first 1 ring, whose dossiers are here: " in page.locator(".lead").inner_text()
    page.emulate_media(media="print")
    rows.nth(60).wait_for(state="attached")  # the page hears of it with its next frame
    assert rows.count() == 61
    for name in page.evaluate("COLUMNS.map(([name]) => heading(name))"):
        assert page.locator("#rings th button", has_text=name).first.is_visible(), name
    page.emulate_media(media="screen")
    rows.nth(60).wait_for(state="detached")
    assert rows.count() == 50
    page.locator("#search").fill("u")
    assert "dossiers of the first 1 of 61 rings; members and things of the others are not searched" in page.locator("main").inner_text()
    page.evaluate("() => { location.hash = '#/node/user/0'; }")
    page.wait_for_selector("#copy-id")
    assert "dossiers of the first 1 of 61 rings" in page.locator("main").inner_text()
    page.close()


def _moments(logged: LoggedRun, ring_id: str) -> list[str]:
    """When each event of the ring was, to the minute as pages tell it, from the raw log."""
    run = logged.run
    users = {row["node_id"] for row in run.ring(ring_id).members.to_pylist() if row["node_type"] == "user"}
    measured = next(json.loads(row["measured"]) for row in run.dossiers.to_pylist() if row["ring_id"] == ring_id)
    log = logged.log[logged.log["user_id"].isin(users)]
    micros = (
        log["timestamp"].astype("int64") // 1000
        if str(log["timestamp"].dtype).startswith("datetime64[ns")
        else log["timestamp"].astype("int64")
    )
    found: list[str] = []
    for window in measured["windows"]:
        if window["type"] == "item":
            here = log[(log["item_id"] == window["id"]) & (micros >= window["start"]) & (micros <= window["end"])]
            found += here["timestamp"].dt.strftime("%Y-%m-%d %H:%M").tolist()
    return found
