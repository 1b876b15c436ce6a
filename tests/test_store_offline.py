"""The offline files, through the real importer: the imported database is what a push would have written."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from store_runs import Touch, make_run, two_rings, with_standings
from store_servers import contents, start

from graphdet.errors import StoreError
from graphdet.run.folder import Run
from graphdet.store.connection import find_target, open_database
from graphdet.store.machine import choose_line, fetch_jars
from graphdet.store.offline import write_import
from graphdet.store.push import push_run
from graphdet.store.server import stop_server, wipe_server

pytestmark = pytest.mark.server


def hostile_run() -> Run:
    hostile = ['a"b', "c,d", "e\nf", "x;y", "\\", "'", "名", "z" * 5000]
    touches: list[Touch] = [(user, "order", "item", "i;1", 1) for user in hostile]
    found = make_run("run-h", {"ring-h": {"user": hostile, "item": ["i;1", '"']}}, touches)
    return with_standings(found, {"ring-h": {"c,d": "few_items,stray", "名": "little_evidence"}})


def test_an_import_equals_a_push(line: str, tmp_path: Path) -> None:
    found = {"lts": hostile_run, "current": two_rings}[line]()  # quoting is the files' matter, not the line's
    chosen, java = choose_line(line)
    told = write_import(found, tmp_path / found.id)
    match = re.search(r"neo4j-admin (database import full) (neo4j) (\S+)$", told, re.MULTILINE)
    assert match is not None
    data, home = tmp_path / "db", (tmp_path / "db" / "home").resolve()
    (home / "conf").mkdir(parents=True)
    switches = ["--add-opens=java.base/java.nio=ALL-UNNAMED", "-Xmx256m", "-XX:TieredStopAtLevel=1"]
    admin = [str(java / "bin" / "java"), *switches, "-cp", f"{fetch_jars(chosen, java)}/*", "org.neo4j.cli.AdminTool"]
    command = [*admin, *match.group(1).split(), *match.groups()[1:]]
    environment = {**os.environ, "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1500:]
    start(data, line)
    try:
        with open_database(find_target(data)) as database:
            imported = contents(database)
            assert push_run(database, found).rows == 0
            assert contents(database) == imported
            assert len(imported[0]) > 5
    finally:
        stop_server(data)
        wipe_server(data)


def test_files_are_not_put_among_others(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(StoreError, match="is not empty"):
        write_import(two_rings(), tmp_path)
