"""The console's style and scripts, and the report's: named files with their digests, so that browsers may keep them for good."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

OWN = ("console.css", "console.js", "case.js", "htmx.min.js")
REPORT = ("page.css", "text.js", "charts.js", "grid.js", "ring.js")
CHARTS = ("bokeh.min.js", "bokeh-api.min.js")
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
FOR_GOOD = "private, max-age=31536000, immutable"


@cache
def content(name: str) -> bytes:
    """A file that pages may name."""
    if name in CHARTS:
        import bokeh

        return (Path(bokeh.__file__).parent / "server" / "static" / "js" / name).read_bytes()
    room = ("console", "static") if name in OWN else ("report",)
    return files("graphdet").joinpath(*room, name).read_bytes()  # not of "graphdet.report", which would be imported


@cache
def address(name: str) -> str:
    """Where a page finds a file; another address as soon as it holds something else."""
    return f"/static/{hashlib.sha256(content(name)).hexdigest()[:16]}/{name}"


async def static_answer(request: Request) -> Response:
    """One of the files, to anybody: they hold nothing of a log."""
    name = request.path_params["name"]
    if name not in OWN + REPORT + CHARTS or request.url.path != address(name):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return Response(content(name), media_type=KINDS[Path(name).suffix], headers={"cache-control": FOR_GOOD})
