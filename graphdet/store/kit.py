"""A run → a kit for Neo4j Browser: styles, a guide per run and per ring, saved queries, links; and a server on localhost for it.

What Browser accepts was tried with Browser 5.24: it takes images only as data or inline, drops scripts, wants CORS answers to OPTIONS
too, and cuts linked text at '&' and '#'.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pyarrow as pa

from graphdet.errors import StoreError
from graphdet.run.folder import Run, RunRing
from graphdet.schema import ITEM, KEY_TYPES, NODE_TYPE, USER
from graphdet.store.drawing import LONGEST_KEY
from graphdet.store.queries import SavedQuery, load_queries
from graphdet.store.server import post_connect
from graphdet.store.style import style_sheet
from graphdet.whole import whole_folder, why
from graphdet.words.claim_sentences import look_alike_in_words, number_in_words

MOST_GUIDES = 100  # rings with a guide of their own, worst first
MOST_DRAWN = 24  # members or shared things in the small picture
MARKER = "graphdet-kit"
IDLE_SECONDS = 15
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # of the kit's files


def write_kit(run: Run, folder: Path, address: str, browser: str) -> list[str]:
    """Write the kit of a run; returns lines that say how to use it.

    Args:
        run: its rings get a guide each; without embeddings there is no look-alike query.
        folder: made anew; an earlier kit there is replaced, anything else is left alone.
        address: where the kit will be served, such as http://localhost:7475.
        browser: where Neo4j Browser is, such as http://localhost:7474/browser/.

    Raises:
        StoreError: the folder holds something else, or cannot be written.
    """
    queries = [query for query in load_queries() if run.has("embeddings") or not query.needs_embeddings]
    rings = [run.ring(ring_id) for ring_id in run.rings.sort_by("rank")["ring_id"].to_pylist()[:MOST_GUIDES]]
    files: dict[str, bytes] = {MARKER: b"", "style.grass": style_sheet().encode(), "queries.zip": _zip(queries)}
    files["guide.html"] = _run_guide(run, rings, queries, address).encode()
    for place, ring in enumerate(rings, 1):
        files[_ring_file(place)] = _ring_guide(run, ring, queries, address).encode()
    files["links.html"] = _links_page(run, rings, queries, address, browser).encode()
    files["server-key.txt"] = (
        f"browser.post_connect_cmd={post_connect(address)}\nbrowser.remote_content_hostname_whitelist=localhost,127.0.0.1\n".encode()
    )
    _write(folder, files)
    return [
        f"kit written to {folder}: style, {len(rings) + 1} guides, {len(queries)} saved queries",
        f"  serve it        graphdet kit RUN --serve   (at {address})",
        f"  after log-in    `graphdet db up --kit {address}`, or the lines of {folder / 'server-key.txt'}, let Browser set all of it up:",
        f"                  {browser}",
        "  any server      this link opens the guide, and its buttons set up the rest:",
        f"                  {guide_link(browser, address)}",
        f"  saved queries   drop {folder / 'queries.zip'} on Browser's page",
    ]


def guide_link(browser: str, address: str, page: str = "guide.html") -> str:
    """A link that opens Browser with a guide beside it."""
    return f"{browser}?cmd=guide&arg={quote(f'{address}/{page}', safe='')}"


def query_link(browser: str, text: str) -> str:
    """A link that opens Browser with a query in its editor. Nothing runs until the analyst says so."""
    if "&" in text or "#" in text:
        raise ValueError("Browser cuts linked text at '&' and '#'")
    return f"{browser}?cmd=edit&arg={quote(text, safe='')}"


def serve_kit(folder: Path, port: int, browser: str = "") -> None:
    """Serve a kit on localhost until interrupted, to pages of this machine and to the Browser that is at `browser`."""
    try:
        server = kit_server(folder, port, browser)
    except OSError:
        raise StoreError(f"port {port} is taken; name another with --port, for both `graphdet kit` and `graphdet db up --kit`.") from None
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def kit_server(folder: Path, port: int, browser: str = "") -> ThreadingHTTPServer:
    """A server of the kit's files, on the loopback address alone; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_KitHandler, directory=str(folder), browser=browser))


class _KitHandler(SimpleHTTPRequestHandler):
    """The kit's own files with the headers that Browser asks for; ids of a log are in them, so other sites' pages get nothing.

    A page of another site can ask by a name of its own that it has made to mean this machine (DNS rebinding), so the Host must be ours.
    """

    timeout = IDLE_SECONDS  # of a connection that says nothing

    def __init__(self, *told: Any, browser: str, **more: Any) -> None:
        self._browser = urlsplit(browser).netloc
        super().__init__(*told, **more)

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        ours = self.headers.get_all("Host", []) == [host] and _is_here(host)
        if not ours or (origin is not None and not (_is_here(urlsplit(origin).netloc) or urlsplit(origin).netloc == self._browser)):
            self.send_error(HTTPStatus.FORBIDDEN)
            return False
        file = Path(self.directory) / self._name()
        if self.command != "OPTIONS" and (not NAME.fullmatch(self._name()) or file.is_symlink() or not file.is_file()):
            self.send_error(HTTPStatus.NOT_FOUND)
            return False
        return True

    def _name(self) -> str:
        """What of the kit is asked for: a file that lies in its folder, and none that a link leads to."""
        return unquote(self.path.partition("?")[0]).removeprefix("/")

    def end_headers(self) -> None:
        origin = getattr(self, "headers", {}).get("Origin")
        if origin is not None and (_is_here(urlsplit(origin).netloc) or urlsplit(origin).netloc == self._browser):
            self.send_header("Access-Control-Allow-Origin", origin)
        self.send_header("Vary", "Origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Access-Control-Allow-Headers", "*")
        self.send_header("Access-Control-Allow-Methods", "GET, OPTIONS")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def do_OPTIONS(self) -> None:
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def list_directory(self, path: object) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def _is_here(place: str) -> bool:
    """Whether a host, with its port or without, is this machine by a name that nobody else can give away."""
    return re.fullmatch(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", place) is not None


def _ring_file(place: int) -> str:
    return f"ring-{place:04d}.html"


def _run_guide(run: Run, rings: list[RunRing], queries: list[SavedQuery], address: str) -> str:
    tiers = run.rings["tier"].to_pylist()
    counts = run.meta["counts"]
    start = (
        f"<h3>Run {_text(run.id)}</h3><p>{counts['accepted']:,} events; {len(tiers):,} suspected rings: "
        f"{tiers.count('alert'):,} to act on, "
        f"{tiers.count('review'):,} to review, {tiers.count('explained'):,} that an innocent explanation covers. "
        "The graph says suspected; the verdict is yours.</p>"
        f"{_buttons(address, None)}"
    )
    if rings:
        first = next(query for query in queries if query.name == "ring")
        start += f"<h4>The worst ring, {_text(rings[0].id)}</h4>{_slide_part(first, first.filled(ring=rings[0].id))}"
    rows = "".join(
        f"<tr><td><a play-topic='{address}/{_ring_file(place)}'>{_text(ring.id)}</a></td><td>{ring.row['tier']}</td>"
        f"<td>{ring.row['score']:.3f}</td><td>{ring.row['size']:,}</td><td>{ring.row['targets']:,}</td></tr>"
        for place, ring in enumerate(rings, 1)
    )
    table = f"<table class='table'><tr><th>ring</th><th>tier</th><th>score</th><th>users</th><th>items</th></tr>{rows}</table>"
    left = f"<p>The {len(rings)} highest of {len(tiers):,}.</p>" if len(rings) < len(tiers) else ""
    about_run = "".join(_slide_part(query, query.filled(run=run.id)) for query in queries if "ring" not in query.parameters)
    return _page(f"graphdet {run.id}", [start, f"<h3>Rings, worst first</h3>{left}{table}", f"<h3>About the run</h3>{about_run}"])


def _ring_guide(run: Run, ring: RunRing, queries: list[SavedQuery], address: str) -> str:
    first = next(query for query in queries if query.name == "ring")
    slides = [
        f"<h3>{_text(ring.id)}</h3><p>{_text(_sentence(ring))}</p>{_small_picture(ring)}"
        + _buttons(address, ring.id)
        + _slide_part(first, first.filled(ring=ring.id))
    ]
    slides += [
        f"<h3>{_text(query.title)}</h3>{_slide_part(query, query.filled(ring=ring.id, run=run.id))}"
        for query in queries
        if query is not first and "ring" in query.parameters and query.name != "decide"
    ]
    decide = next(query for query in queries if query.name == "decide")
    slides.append(
        f"<h3>Your verdict</h3><p>Click the text, put your words in, and run it. Every verdict is kept; the latest counts.</p>"
        f"<pre class='pre-scrollable code runnable'>{_text(_verdict(decide, ring.id))}</pre>"
    )
    return _page(f"{ring.id}", slides)


def _verdict(decide: SavedQuery, ring_id: str) -> str:
    return decide.filled(ring=ring_id, verdict="unsure", author="your name", note="why")


def _sentence(ring: RunRing) -> str:
    facts = ring.row
    parts = [f"{facts['size']:,} users acted together on {facts['targets']:,} items"]
    shared = [
        NODE_TYPE[name].noun.counted(count)
        for name in KEY_TYPES
        if name != ITEM and (count := ring.members.filter(pa.compute.equal(ring.members["node_type"], name)).num_rows)
    ]
    if shared:
        parts.append(f"and share {', '.join(shared)}")
    if facts["first_seen"] is not None:
        parts.append(f"from {facts['first_seen']:%Y-%m-%d %H:%M} to {facts['last_seen']:%Y-%m-%d %H:%M} UTC")
    told = " ".join(parts) + "."
    explanation = facts["explanation"]
    innocent = f" Innocent explanation weighed: {look_alike_in_words(explanation, 'en')}." if explanation else ""
    coincidence = number_in_words(facts["q_value"], "chance")
    return f"{told} Score {facts['score']:.3f}, by coincidence {coincidence}, tier {facts['tier']}.{innocent}"


def _small_picture(ring: RunRing) -> str:
    """Members on the left, what they share on the right, a line where the evidence says that a member was there."""
    rows = ring.members.sort_by([("contribution", "descending"), ("node_id", "ascending")]).to_pylist()
    users = [row for row in rows if row["node_type"] == USER][:MOST_DRAWN]
    things = [row for row in rows if row["node_type"] != USER][:MOST_DRAWN]
    height = 18 * max(len(users), len(things), 1) + 12
    at_user = {row["node_id"]: (60, 15 + (height - 12) * (place + 0.5) / len(users)) for place, row in enumerate(users)}
    at_thing = {
        (row["node_type"], row["node_id"]): (240, 15 + (height - 12) * (place + 0.5) / len(things)) for place, row in enumerate(things)
    }
    touched = {(user, (row["view"], row["key"])) for row in ring.evidence.to_pylist() for user in (row["user_a"], row["user_b"])}
    lines = [
        f"<line x1='{at_user[user][0]}' y1='{at_user[user][1]:.0f}' x2='{at_thing[key][0]}' y2='{at_thing[key][1]:.0f}' stroke='#B0B5BC'/>"
        for user, key in sorted(touched)
        if user in at_user and key in at_thing
    ]
    dots = [f"<circle cx='{x}' cy='{y:.0f}' r='7' fill='{NODE_TYPE[USER].look.colour}'/>" for x, y in at_user.values()]
    dots += [f"<circle cx='{x}' cy='{y:.0f}' r='6' fill='{NODE_TYPE[kind].look.colour}'/>" for (kind, _), (x, y) in at_thing.items()]
    return f"<svg width='300' height='{height + 15}' viewBox='0 0 300 {height + 15}' role='img'>{''.join(lines + dots)}</svg>"


def _buttons(address: str, ring_id: str | None) -> str:
    """What a guide link cannot set up by itself: styles, number of nodes, the ring as a parameter."""
    found = [f"<a class='btn' data-exec='style {address}/style.grass'>Set the colours</a>"]
    found.append("<a class='btn' data-exec='config initialNodeDisplay: 500'>Show up to 500 nodes</a>")
    found.append("<a class='btn' data-exec='config autoComplete: false'>Draw what is asked for</a>")
    if ring_id is not None and ring_id.replace("-", "").isalnum():
        found.append(f"<a class='btn' data-exec=\"param ring =&gt; '{_text(ring_id)}'\">Set $ring</a>")
    return f"<p>{' '.join(found)}</p>"


def _slide_part(query: SavedQuery, text: str) -> str:
    return f"<p>{_text(query.question)}</p><pre class='pre-scrollable code runnable'>{_text(text)}</pre>"


def _page(title: str, slides: list[str]) -> str:
    body = "".join(f"<slide class='row-fluid'><div class='col-sm-12'>{slide}</div></slide>" for slide in slides)
    head = f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>{_text(title)}</title></head>"
    return f"{head}<body><article class='guide'><carousel class='deck container-fluid'>{body}</carousel></article></body></html>\n"


def _links_page(run: Run, rings: list[RunRing], queries: list[SavedQuery], address: str, browser: str) -> str:
    first = next(query for query in queries if query.name == "ring")
    rows = "".join(
        f"<li>{_text(ring.id)} ({ring.row['tier']}, {ring.row['score']:.3f}): "
        f"<a href='{html.escape(guide_link(browser, address, _ring_file(place)))}'>guide</a>, "
        f"<a href='{html.escape(query_link(browser, first.filled(ring=ring.id)))}'>picture</a></li>"
        for place, ring in enumerate(rings, 1)
    )
    guide = html.escape(guide_link(browser, address))
    title = f"graphdet {_text(run.id)}"
    return (
        f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>{title}</title></head><body style='font-family:sans-serif'>"
        f"<h1>{title}</h1><p><a href='{guide}'>Open Neo4j Browser with the guide</a></p><ol>{rows}</ol></body></html>\n"
    )


def _zip(queries: list[SavedQuery]) -> bytes:
    """One folder of saved queries; the same queries give the same bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, query in enumerate(queries, 1):
            archive.writestr(zipfile.ZipInfo(f"graphdet/{place:02d}_{query.name}.cypher"), query.file_text)
    return data.getvalue()


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
            raise StoreError(f"{folder}: holds something that is no kit; choose another --out.")
        with whole_folder(folder, replace=True) as partial:
            for name, data in files.items():
                (partial / name).write_bytes(data)
    except OSError as error:
        raise StoreError(f"{folder}: the kit cannot be written ({why(error)}); choose another --out.") from None


def _text(value: object) -> str:
    """Text as HTML, whatever an id holds; long ones are cut."""
    words = str(value)
    return html.escape(words if len(words) <= 4 * LONGEST_KEY else words[: 4 * LONGEST_KEY] + "…", quote=True)
