"""The street of `docs/architecture.md`, drawn from the code: `python tests/street.py` writes it anew; a test compares.

What stands between the two markers in the document is made here; all else is written by people.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "graphdet"
DOCUMENT = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- street: made by tests/street.py -->", "<!-- end of street -->"

# The order of the data: a file may import only from those before it.
ORDER = (
    "printable",
    "errors",
    "refused_values",
    "extras",
    "arrays",
    "schema",
    "log_settings",
    "evidence_settings",
    "alert_settings",
    "drift_settings",
    "signal_settings",
    "settings",
    "spilling",
    "name_columns",
    "progress",
    "early_stop",
    "scratch",
    "whole",
    "folder_lock",
    "listening_socket",
    "shortage",
    "spreadsheets",
    "words",
    "events",
    "proposing",
    "graph",
    "visits",
    "evidence",
    "rings",
    "judging",
    "signals",
    "run",
    "lineage",
    "evaluate",
    "learning",
    "record",
    "reviews",
    "replay",
    "dossier",
    "pipeline",
    "explanation",
    "simulate",
    "store",
    "cases",
    "week",
    "alerts",
    "answering",
    "drift",
    "watch",
    "export",
    "report",
    "terminal",
    "console",
    "cli",
    "__main__",
)

# What only some rooms may import, because it is heavy, or belongs to one job.
CONFINED = {
    "torch": ("learning",),
    "torch_geometric": ("learning",),
    "lightgbm": ("learning",),
    "neo4j": ("store",),
    "networkx": ("graph", "dossier", "export"),
    "duckdb": ("events",),
    "PIL": ("events", "simulate"),
    "rapidocr": ("events",),
    "typer": ("cli",),
    "rich": ("progress", "terminal"),
}


def files() -> list[Path]:
    """Every file of the package but its front door."""
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    """The room, or the file that is one by itself."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Dotted names of all imports of a file, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_imported(path: Path) -> set[str]:
    """Other rooms that a file imports from."""
    found = {name.split(".")[1] for name in imports_of(path) if name.startswith("graphdet.")} - {"__version__", "_kernels"}
    return found - {room_of(path)}


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, methods and inner ones too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def first_sentence(path: Path) -> str:
    """Of a file's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def draw() -> str:
    """The street as Markdown: for each room what it turns into what, whom it reads from, and its files."""
    lines = []
    for room in ORDER:
        folder = PACKAGE / room
        own = [path for path in files() if room_of(path) == room]
        if folder.is_dir():
            lines += [f"### `{room}/`", "", first_sentence(folder / "__init__.py"), ""]
        else:
            lines += [f"### `{room}.py`", "", first_sentence(own[0]), ""]
        read = sorted({name for path in own for name in rooms_imported(path)}, key=ORDER.index)
        lines += [f"Reads from: {', '.join(read) or 'nobody'}.", ""]
        inside = [path for path in own if path.name != "__init__.py"] if folder.is_dir() else []
        lines += [f"- `{path.relative_to(folder)}`: {first_sentence(path)}" for path in inside]
        lines += [""] * bool(inside)
    lines += ["### `kernels/`", "", "C++ → `graphdet._kernels`: the loops that NumPy has no word for, called from any room.", ""]
    lines += [f"- `{path.name}`: {first_comment(path)}" for path in sorted((PACKAGE / "kernels").glob("*.?pp"))]
    return "\n".join(lines).rstrip() + "\n"


def first_comment(path: Path) -> str:
    """The first line of a C++ file, which says what it is about."""
    return path.read_text(encoding="utf-8").split("\n")[0].removeprefix("// ")


def renewed(text: str) -> str:
    """The document with the street of today."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{draw()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
