"""The report's data, its own script and style, and BokehJS whole → one HTML file that a content-security policy cuts off from all networks.

Data from the log goes into the page as JSON in a block that no browser runs, and the script writes it as text only. Scripts run
by their digest alone, so that nothing else in the page can, whatever an id holds.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import bokeh

from graphdet.errors import RunError
from graphdet.printable import inert
from graphdet.report.data import report_data
from graphdet.run.folder import Run
from graphdet.whole import whole_file, why
from graphdet.words.interface import page_words

MOST_RINGS = 300  # dossiers in one report, worst first; the table holds all rings
LIBRARIES = ("bokeh.min.js", "bokeh-api.min.js")
SCRIPTS = ("text.js", "charts.js", "grid.js", "ring.js", "node.js", "overview.js", "app.js")


def write_report(run: Run, path: Path, most_rings: int = MOST_RINGS) -> None:
    """Write the report of a run; an older file of that name is replaced in one step.

    Raises:
        RunError: the run holds no dossiers, or the file cannot be written.
    """
    text = render(report_data(run, most_rings))
    try:
        with whole_file(path) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path}: the report cannot be written ({why(error)}); choose another place.") from None


def render(data: dict[str, Any]) -> str:
    """The whole page."""
    own = files("graphdet.report")
    bundled = Path(bokeh.__file__).parent / "server" / "static" / "js"
    scripts = [(bundled / name).read_text(encoding="utf-8") for name in LIBRARIES]
    scripts += [own.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS]
    scripts = [script.replace("</script", "<\\/script") for script in scripts]
    policy = "; ".join(
        [
            "default-src 'none'",
            "script-src " + " ".join(f"'sha256-{_digest(script)}'" for script in scripts),
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "font-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    page = Template(own.joinpath("page.html").read_text(encoding="utf-8"))
    return page.substitute(
        policy=policy,
        style=own.joinpath("page.css").read_text(encoding="utf-8"),
        data=inert(data),
        labels=inert(page_words()),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
