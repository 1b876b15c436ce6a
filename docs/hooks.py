"""Pages of the site that the code knows best: commands, settings, schema, and one for each well-known layout of logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from graphdet.cli.program import HEADED, app
from graphdet.proposing import LAYOUTS, Layout
from graphdet.schema import EVENT_COLUMNS, OPTIONAL_RUN_TABLES, RUN_TABLES
from graphdet.settings import Settings, settings_as_toml

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent


def pages() -> dict[str, str]:
    """Path in the site → Markdown."""
    made = {"contributing.md": (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("](docs/", "](")}
    made["reference/commands.md"] = "\n".join(["# Commands", "", *_commands()])
    made["reference/settings.md"] = f"# Settings\n\n```toml\n{settings_as_toml(Settings())}```\n"
    made["reference/schema.md"] = "\n".join(["# Columns of logs and of run folders", "", *_schema()])
    listed = [f"- [{layout.title}]({layout.name}.md)" for layout in LAYOUTS]
    made["layouts/index.md"] = "\n".join(["# Well-known layouts", "", "`graphdet init` knows these by their headers.", "", *listed, ""])
    made |= {f"layouts/{layout.name}.md": _layout(layout) for layout in LAYOUTS}
    results = sorted((ROOT / "benchmarks" / "results").glob("*.md"))
    return made | {f"figures/{path.name}": path.read_text(encoding="utf-8") for path in results}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to what stands at the root of the project lead to the same page on the site."""
    for theirs, here in (("../CONTRIBUTING.md", "contributing.md"), ("../README.md", "index.md"), ("../benchmarks/results/", "figures/")):
        markdown = markdown.replace(f"]({theirs}", f"]({here}")
    return markdown


def _commands() -> list[str]:
    runner = CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100"})
    names = [name for own in HEADED.values() for name in own]
    shown = [(f"graphdet {name}", runner.invoke(app, [name, "--help"], prog_name="graphdet").output) for name in names]
    return [line for name, text in shown for line in (f"## {name}", "", "```text", text.rstrip(), "```", "")]


def _schema() -> list[str]:
    lines = ["## Logs", "", "| column | meaning |", "|---|---|", *(f"| `{field.name}` | {field.meaning} |" for field in EVENT_COLUMNS), ""]
    for name, fields in {**RUN_TABLES, **OPTIONAL_RUN_TABLES}.items():
        rows = [f"| `{field.name}` | {field.type} | {field.meaning.replace('|', ' or ')} |" for field in fields]
        lines += [f"## {name}.parquet", "", "| column | type | meaning |", "|---|---|---|", *rows, ""]
    return lines


def _layout(layout: Layout) -> str:
    known = f"It is known by the columns {', '.join(f'`{name}`' for name in layout.header)}." if layout.header else "It has no header."
    columns = [f"| `{theirs}` | `{ours}` |" for theirs, ours in layout.columns.items()]
    table = ["| column | read as |", "|---|---|", *columns, ""] if columns else []
    actions = [f"- `{theirs}` is `{ours}`" for theirs, ours in layout.actions.items()]
    if not layout.alone:
        actions += ["", "```sh", f"graphdet init LOG --layout {layout.name}", "```"]
        return "\n".join([f"# {layout.title}", "", layout.told, "", known, "", *table, *actions, ""])
    run = ["```sh", f"graphdet init LOG --layout {layout.name}", "graphdet check LOG", "graphdet run LOG --out out/first", "```", ""]
    return "\n".join([f"# {layout.title}", "", layout.told, "", known, "", *table, *actions, "", *run])
