"""The notebook runs from its first cell to its last, draws its pictures, and is kept without outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import nbclient
import nbformat
import pyarrow as pa
import pytest

from graphdet.run.folder import Run

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    shown: list[int] = []
    monkeypatch.setattr(plt, "show", lambda: (shown.append(len(plt.gcf().axes)), plt.close("all")))
    names: dict[str, Any] = {}
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            text = "".join(cell["source"]).replace("USERS = 8_000", "USERS = 4_000")
            exec(compile(text, f"{path.name}, cell {number}", "exec"), names)  # noqa: S102 - our own file
    assert len(shown) == 4
    assert all(axes == 1 for axes in shown)
    assert names["figures"].ranking["user"].auprc > 0.4
    assert "alerts; precision" in capsys.readouterr().out


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_outputs_are_kept(path: Path) -> None:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


READING = """
import sys
sys.modules["ipywidgets"] = None  # as where it is not installed
from graphdet import read_events
from graphdet.progress import progress_for
print(len(read_events(["{log}"])), "events")
with progress_for(sys.stderr).stage("look", 3):
    pass
"""


def test_a_notebook_reads_logs_without_widgets_and_shows_progress(tmp_path: Path) -> None:
    """In a kernel of its own, as Jupyter starts it."""
    log = tmp_path / "log.csv"
    log.write_text("user_id,item_id\nann,soap\nbob,tea\n")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(READING.format(log=log))])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    said = {output["name"]: output["text"] for output in notebook.cells[0].outputs}
    assert said["stdout"] == "2 events\n"
    assert "graphdet: look: " in said["stderr"]


def test_runs_and_rings_are_tables_in_a_notebook_that_no_id_can_deface(small_run: Run) -> None:
    shown = small_run._repr_html_()
    assert all(ring in shown for ring in ("ring-1a2b", "ring-1a7c", "ring-9f00"))
    hostile = small_run.with_tables(
        members=pa.Table.from_pylist(
            [row | {"node_id": f"<script>{n}</script>"} for n, row in enumerate(small_run.members.to_pylist())], small_run.members.schema
        )
    )
    shown = hostile.ring("1")._repr_html_() + small_run.ring("1")._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "bob\\x1b[31m" in shown
    assert ElementTree.fromstring(f"<div>{shown}</div>") is not None  # noqa: S314 - made here
