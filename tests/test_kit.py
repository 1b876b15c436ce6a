"""The kit: its files say what the run says, and in a real Browser on a real server the ring is drawn as they promise.

Set GRAPHDET_SCREENSHOTS to a folder to keep pictures of what Browser shows.
"""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from browser import QUIET, SECONDS, Drawn, draw_ring, find_chromium, sign_in, take_picture
from store_runs import make_run, two_rings, with_embeddings, with_standings
from store_servers import missing

from graphdet.errors import ServerError, StoreError
from graphdet.run.folder import Run
from graphdet.schema import NODE_TYPE, NODE_TYPES, RISK_BANDS
from graphdet.store.connection import Database
from graphdet.store.drawing import band_of, circle_text, draw
from graphdet.store.gains import measure_gains
from graphdet.store.guides import MOST_DRAWN, MOST_THINGS, MOST_USERS
from graphdet.store.kinds import BANDS, LABELS, RELATION_KINDS
from graphdet.store.kit import guide_link, kit_server, query_link, write_kit
from graphdet.store.machine import choose_line, fetch_jars
from graphdet.store.push import push_run
from graphdet.store.queries import load_queries
from graphdet.store.server import post_connect, read_server
from graphdet.store.style import style_sheet

pytestmark = pytest.mark.server

NO_CHROMIUM = "no Chromium on this machine (Debian: apt install chromium)"
BROWSER = "http://localhost:7474/browser/"


def rules(sheet: str) -> dict[str, str]:
    return dict(re.findall(r"^(\S+) \{(.*)\}$", sheet, re.MULTILINE))


def test_every_label_and_type_has_a_rule_and_bands_come_last() -> None:
    names = list(rules(style_sheet()))
    nodes = [name.removeprefix("node.") for name in names if name.startswith("node.")]
    assert nodes == list(LABELS)
    assert nodes[-4:] == [label for label, _ in RISK_BANDS]
    assert {f"relationship.{kind.type}" for kind in RELATION_KINDS.values()} <= set(names)
    assert {node.label for node in NODE_TYPES} <= set(nodes)
    assert all("color: #" in rule for name, rule in rules(style_sheet()).items() if name.startswith("node"))


class Tags(HTMLParser):
    """Balanced tags, and nothing that Browser drops or blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.queries: list[str] = []
        self.seen: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1
        values = dict(attrs)
        assert tag != "script"
        assert not (values.get("src") or "").startswith("http")
        if tag not in ("meta", "line", "circle", "br"):
            self.open.append(tag)
        if tag == "pre":
            assert values["class"] == "pre-scrollable code runnable"
            self.queries.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "pre":
            self.queries[-1] += data


def test_the_guides_hold_the_run_and_survive_hostile_ids(tmp_path: Path) -> None:
    hostile = "</pre><script>alert(1)</script>'&#"
    with pytest.raises(ValueError, match="ring_id must be of the form"):  # a run with such a ring is none
        make_run("run-<x>", {f"ring-{hostile}": {"user": [hostile, "b"], "item": ["i"]}})
    found = make_run(f"run-{hostile}", {"ring-1": {"user": [hostile, "b"], "item": ["i"]}})
    lines = write_kit(found, tmp_path / "kit", "http://localhost:7475", BROWSER)
    assert "kit written" in lines[0]
    for name, slides in (("guide.html", 3), ("ring-0001.html", 7)):
        tags = Tags()
        tags.feed((tmp_path / "kit" / name).read_text(encoding="utf-8"))
        assert tags.open == []
        assert tags.seen["slide"] == slides
        assert tags.queries
        assert all("$ring" not in query and "$run" not in query for query in tags.queries)
    guide, text = ((tmp_path / "kit" / name).read_text(encoding="utf-8") for name in ("guide.html", "ring-0001.html"))
    assert "<svg" in text
    assert "\\u003C\\u002Fpre" in guide  # the run's id, in queries
    assert "<script>alert" not in guide + text
    for link in re.findall(r"href='([^']*)'", (tmp_path / "kit" / "links.html").read_text(encoding="utf-8")):
        assert link.startswith(BROWSER)
        assert "%26" not in link
        assert "%23" not in link


def test_what_is_drawn_of_a_run_does_not_depend_on_where_it_lies(tmp_path: Path) -> None:
    found = with_embeddings(two_rings())
    found.save(tmp_path / "run")
    for run in (found, Run.load(tmp_path / "run")):
        picture = draw(run)
        assert picture.dimensions == 32
        assert picture.notes == ()
        assert picture.describe("user", "ann")[1][-1] == pytest.approx([1.0, 0.5, *[0.1] * 30])
        write_kit(run, tmp_path / "kit", "http://localhost:7475", BROWSER)
        assert "vector" in (tmp_path / "kit" / "ring-0001.html").read_text(encoding="utf-8")
    assert draw(two_rings()).notes == ("this run has no embeddings: no look-alike search",)


def test_a_kit_replaces_a_kit_and_nothing_else(tmp_path: Path) -> None:
    write_kit(two_rings(), tmp_path / "kit", "http://localhost:7475", BROWSER)
    first = {path.name: path.read_bytes() for path in (tmp_path / "kit").iterdir()}
    write_kit(two_rings(), tmp_path / "kit", "http://localhost:7475", BROWSER)
    assert {path.name: path.read_bytes() for path in (tmp_path / "kit").iterdir()} == first
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("x")
    with pytest.raises(StoreError, match="holds something that is no kit"):
        write_kit(two_rings(), tmp_path / "mine", "http://localhost:7475", BROWSER)
    assert "password" not in b"".join(first.values()).decode(errors="replace").lower()
    assert first["server-key.txt"].decode().startswith("browser.post_connect_cmd=style http://localhost:7475/style.grass;")
    with zipfile.ZipFile(io.BytesIO(first["queries.zip"])) as archive:
        texts = [archive.read(name).decode() for name in archive.namelist()]
    assert [text.splitlines()[0] for text in texts] == [f"// {query.title}" for query in load_queries() if not query.needs_embeddings]


def test_guides_say_how_much_is_drawn_and_the_verdict_as_it_stands_is_none(tmp_path: Path) -> None:
    users = [f"user-{number}" for number in range(412)]
    found = make_run("run-x", {"ring-1": {"user": users, "item": ["i"]}})
    write_kit(found, tmp_path / "kit", "http://localhost:7475", BROWSER)
    guide = (tmp_path / "kit" / "ring-0001.html").read_text(encoding="utf-8")
    assert f"Drawn: {MOST_USERS} of 412 members and 1 of 1 thing" in guide
    ring = next(query for query in load_queries() if query.name == "ring")
    assert f"users[..{MOST_USERS}]" in ring.text
    assert f"every[..{MOST_THINGS}]" in ring.text
    assert MOST_USERS + MOST_THINGS + 1 + 3 <= 150  # nodes that Browser draws readably, with the ring and three sellers
    assert "verdict: &#x27;confirmed\\u002C innocent or unsure&#x27;, author: &#x27;your name&#x27;, note: &#x27;why&#x27;" in guide


def text_of(path: Path) -> str:
    """What is read of a guide, without its queries: lists and headings parted by lines."""
    guide = re.sub(r"<pre.*?</pre>|<svg.*?</svg>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"(<[^>]*>\s*)+", "\n", guide)


def test_guides_say_whom_to_act_on_and_whom_to_hold(tmp_path: Path) -> None:
    """Of an alert; of a ring for review on condition; of a crowd without those outside its core; of an older run that it does not say."""
    held = with_standings(two_rings(), {"ring-1": {"cid": "few_items,stray"}, "ring-2": {"dan": "little_evidence,crowd"}})
    rings = held.rings.to_pylist()
    rings[1]["tier"] = "review"
    held = held.with_tables(rings=pa.Table.from_pylist(rings, held.rings.schema))
    write_kit(held, tmp_path / "kit", "http://localhost:7475", BROWSER)
    alert, review = (text_of(tmp_path / "kit" / f"ring-000{place}.html") for place in (1, 2))
    assert "2 members to act on; 1 member to hold, not to act on: their part is weak." in alert
    assert "\n2 members to act on\nann\nbob\n1 member to hold, not to act on: their part is weak\ncid: touched few of the items, " in alert
    assert "\nWhat stands in the column why: few_items = touched few of the items, stray = came at another time.\n" in alert
    assert (
        "1 member to act on if you decide that it is a ring; nobody to hold. Not in the database: 1 member of the crowd outside" in review
    )
    assert "dan" not in review
    hollow = re.findall(r"<circle [^>]*fill='#FFFFFF'", (tmp_path / "kit" / "ring-0001.html").read_text(encoding="utf-8"))
    assert (len(hollow), "Hollow" in alert, "Hollow" in review) == (1, True, False)
    assert re.findall(r"\nring-[12]\n(?:alert|review)\n[.\d]+\n(\d)\n(\d)\n", text_of(tmp_path / "kit" / "guide.html")) == [
        ("3", "1"),
        ("2", "0"),
    ]
    write_kit(two_rings(), tmp_path / "kit", "http://localhost:7475", BROWSER)
    assert "did not tell whom to hold" in text_of(tmp_path / "kit" / "ring-0001.html")
    many = with_standings(make_run("run-x", {"ring-1": {"user": [f"user-{one:03d}" for one in range(40)], "item": ["i"]}}), {})
    write_kit(many, tmp_path / "kit", "http://localhost:7475", BROWSER)
    assert f"and {40 - MOST_DRAWN} more, in the query below" in text_of(tmp_path / "kit" / "ring-0001.html")


def test_a_chinese_kit_is_chinese_throughout(tmp_path: Path) -> None:
    held = with_standings(two_rings(), {"ring-1": {"cid": "few_items,stray,little_evidence"}, "ring-2": {"dan": "crowd"}})
    write_kit(held, tmp_path / "kit", "http://localhost:7475", BROWSER, "zh")
    with zipfile.ZipFile(tmp_path / "kit" / "queries.zip") as archive:
        for name in archive.namelist():
            assert all(re.search("[\u3400-\u9fff]", line) for line in archive.read(name).decode().splitlines()[:2])
    for name in ("guide.html", "ring-0001.html", "links.html"):
        text = re.sub(r"<pre.*?</pre>|<style.*?</style>", "", (tmp_path / "kit" / name).read_text(encoding="utf-8"), flags=re.DOTALL)
        words = re.sub(r"<[^>]*>|run-a|ring-\d|graphdet|Neo4j Browser|\$ring|UTC|IP", " ", text)
        words = re.sub(r"\b(confirmed|innocent|unsure|act|hold|why|few_items|little_evidence|stray)\b", " ", words)  # of the queries
        words = re.sub(r"\b(ann|bob|cid|dan)\b", " ", words)
        assert not re.search("[A-Za-z]{3,}", words), re.search(".*[A-Za-z]{3,}.*", words)


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("u1", "u1"),
        ("lane 1", "lane 1"),
        ("10.0.0.1", "10.0. 0.1"),
        ("149.72.13.9", "149.72. 13.9"),
        ("192.168.101.201", "192.… .201"),
        ("user-000123", "user- 000123"),
        ("abcdefghij", "abcde fghij"),
        ("u09fb12ab34cd56ef", "u09f… 56ef"),
    ],
)
def test_a_circle_holds_both_ends_of_an_id(name: str, caption: str) -> None:
    assert circle_text(name) == caption


def test_linked_text_is_never_cut() -> None:
    assert query_link(BROWSER, "RETURN 1").endswith("?cmd=edit&arg=RETURN%201")
    with pytest.raises(ValueError, match="cuts linked text"):
        query_link(BROWSER, "MATCH (n:A&B) RETURN n")


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """An empty folder that is served, and its address."""
    server = kit_server(tmp_path / "kit", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield tmp_path / "kit", f"http://localhost:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_kits_server_answers_as_browser_asks(kit: tuple[Path, str]) -> None:
    folder, address = kit
    write_kit(two_rings(), folder, address, BROWSER)
    for method, status in (("GET", 200), ("OPTIONS", 204)):
        request = urllib.request.Request(f"{address}/guide.html", method=method, headers={"Origin": "http://localhost:7474"})  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            assert answer.status == status
            assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:7474"
            assert answer.headers["Access-Control-Allow-Headers"] == "*"
    for path in ("", "../run.json", "%2e%2e/%2e%2e/etc/passwd"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/{path}")  # noqa: S310
        assert refused.value.code == 404
        refused.value.close()


def keep(page: Any, name: str) -> None:
    folder = os.environ.get("GRAPHDET_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_the_ring_is_drawn_in_browser(database: Database, server: Path, line: str, kit: tuple[Path, str]) -> None:
    if find_chromium() is None:
        missing(NO_CHROMIUM)
    from playwright.sync_api import sync_playwright

    folder, address = kit
    run = two_rings()
    push_run(database, run)
    about = read_server(server)
    assert about is not None
    write_kit(run, folder, address, about.browser)
    colours = ["Item", "Item", "Device", "IP", "Seller", "Payment", "Address", "FraudRing", *BANDS[1:]]
    expected = Counter(map(colour, colours))
    link = guide_link(about.browser, address, "ring-0001.html")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(SECONDS)
        sign_in(page, link, database.target.password)
        page.get_by_text("Set the colours").first.click()
        page.wait_for_function("() => (localStorage.getItem('neo4j.grass') || '').includes('RiskCritical')")
        drawn = draw_ring(page)
        keep(page, f"ring-{line}")
        assert (drawn.nodes, drawn.fills, drawn.complaints) == (11, expected, 0)
        drop(page, folder / "queries.zip")
        page.get_by_test_id("navigationFavorites").click()
        page.get_by_test_id("savedScriptsFolder-graphdet").click()
        for query in load_queries():
            if not query.needs_embeddings:
                page.get_by_test_id(f"scriptTitle-{query.title}").first.wait_for()
        keep(page, f"queries-{line}")
        browser.close()


def colour(label: str) -> str:
    found = re.search(r" color: (#\w+);", rules(style_sheet())[f"node.{label}"])
    assert found is not None
    return found.group(1).upper()


def drop(page: Any, path: Path) -> None:
    """Drop a file on the page, as a hand would."""
    page.evaluate(
        """([name, text]) => {
            const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], name, {type: 'application/zip'}));
            const target = document.querySelector('.filedrop');
            for (const kind of ['dragenter', 'dragover', 'drop'])
                target.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data}));
        }""",
        [path.name, base64.b64encode(path.read_bytes()).decode()],
    )


def test_an_installed_graphdet_has_its_files(tmp_path: Path) -> None:
    """A wheel, built and unpacked: the compiled kernels, the queries and the server's files are in it, and found there."""
    root = Path(__file__).parent.parent
    for name in ("graphdet", "neo4j", "build_backend"):
        shutil.copytree(root / name, tmp_path / "source" / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "CMakeLists.txt"):
        shutil.copy(root / name, tmp_path / "source" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path)]
    subprocess.run([*pip, str(tmp_path / "source")], check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "installed")
    code = "from graphdet.store.queries import load_queries, project_folder; print(project_folder(), len(load_queries()))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    assert done.stdout.split() == [str(tmp_path / "installed" / "graphdet" / "neo4j"), str(len(load_queries()))]
    assert (tmp_path / "installed" / "graphdet" / "neo4j" / "compose.yaml").is_file()


def test_four_documented_commands_lead_to_the_ring_in_browser(tmp_path: Path) -> None:
    try:
        fetch_jars(*choose_line(None))
    except ServerError as error:
        missing(str(error))
    if find_chromium() is None:
        missing(NO_CHROMIUM)
    drawn = take_picture(tmp_path, tmp_path / "browser.png")
    run = Run.load(tmp_path / "demo" / "run")
    worst = run.ring("1").members
    kinds = Counter(worst["node_type"].to_pylist())
    scores = {row["node_id"]: row["score"] for row in run.scores.to_pylist() if row["node_type"] == "user"}
    users = [row["node_id"] for row in worst.to_pylist() if row["node_type"] == "user"]
    assert kinds["user"] <= MOST_USERS, "the query shows no more"
    assert worst.num_rows - kinds["user"] <= MOST_THINGS, "the query shows no more"
    expected = Counter(colour(band) for user in users for band in band_of(scores[user]))
    expected += Counter({colour(NODE_TYPE[kind].label): count for kind, count in kinds.items() if kind != "user"})
    sellers = {row["node_id"] for row in worst.to_pylist() if row["node_type"] == "seller"}
    gaining = {gain.seller for gain in [gain for gain in measure_gains(run) if gain.ring == run.ring("1").id][:3]} - sellers
    expected += Counter([colour("Seller")] * len(gaining))
    assert drawn == Drawn(worst.num_rows + 1 + len(gaining), expected + Counter([colour("FraudRing")]), 0)


def test_the_server_key_names_the_kit() -> None:
    assert (
        post_connect("http://localhost:1/")
        == "style http://localhost:1/style.grass; config initialNodeDisplay: 500; config autoComplete: false; guide http://localhost:1/guide.html"
    )
