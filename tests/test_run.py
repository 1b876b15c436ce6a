"""A run folder is whole or absent, says the same after a round trip, and refuses what is not a run in one clear line."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import graphdet
from graphdet.cli.program import app
from graphdet.errors import NotARun, RunError, RunExists, UnknownRing
from graphdet.run.code import code_digest
from graphdet.run.describing import run_id
from graphdet.run.folder import Run
from graphdet.run.saving import RunWriter, require_free
from graphdet.schema import RUN_TABLES
from graphdet.settings import MachineSettings, Settings


def test_a_saved_run_loads_as_it_was(small_run: Run, tmp_path: Path) -> None:
    small_run.save(tmp_path / "deep" / "run")
    loaded = Run.load(tmp_path / "deep" / "run")
    for name in RUN_TABLES:
        assert loaded.tables[name].equals(small_run.tables[name]), name
    assert loaded.meta == small_run.meta
    assert loaded.id == small_run.id
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["run"]
    assert sorted(path.name for path in (tmp_path / "deep" / "run").iterdir()) == sorted(
        ["run.json", *(f"{name}.parquet" for name in RUN_TABLES)]
    )


def test_the_bytes_do_not_depend_on_how_a_table_was_put_together(small_run: Run, tmp_path: Path) -> None:
    pieces = pa.concat_tables([small_run.members.slice(0, 4), small_run.members.slice(4)]).replace_schema_metadata({"a": "b"})
    small_run.save(tmp_path / "one")
    small_run.with_tables(members=pieces).save(tmp_path / "two")
    for name in RUN_TABLES:
        assert (tmp_path / "one" / f"{name}.parquet").read_bytes() == (tmp_path / "two" / f"{name}.parquet").read_bytes()


def test_a_run_written_table_by_table_is_the_one_that_is_saved_at_once(small_run: Run, tmp_path: Path) -> None:
    """Tables come in any order, and one is replaced at the end, as house's verdicts do; the rest is never in memory again."""
    other = small_run.with_tables(scores=small_run.scores.slice(1))
    for name, run in (("as it was", small_run), ("changed", other)):
        run.save(tmp_path / f"{name}, at once")
        with RunWriter(tmp_path / name) as writer:
            growing = writer.begin()
            growing.update({"rings": small_run.rings})
            growing.update({"scores": small_run.scores})
            growing.update({table: small_run.tables[table] for table in ("members", "evidence", "rejected")})
            made = Run(small_run.meta, growing)
            assert not (tmp_path / name).exists()
            assert made.scores.equals(small_run.scores)  # from memory or from the file, whichever it is by now
            made = made.with_tables(scores=other.scores) if run is other else made
            writer.finish(made.tables, made.meta)
        assert Run.load(tmp_path / name) == run
        for file in (tmp_path / name).iterdir():
            assert file.read_bytes() == (tmp_path / f"{name}, at once" / file.name).read_bytes(), file
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("how", ["an error", "no end", "a table that contradicts another", "a full disk"])
def test_a_run_that_is_not_finished_leaves_nothing(small_run: Run, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    expected = {"an error": KeyError, "a table that contradicts another": ValueError, "a full disk": RunError}.get(how)
    with pytest.raises(expected) if expected else contextlib.nullcontext(), RunWriter(tmp_path / "run") as writer:
        if how == "a full disk":
            monkeypatch.setattr("graphdet.run.saving.pq.ParquetWriter", full)
        growing = writer.begin()
        growing.update({"rings": small_run.rings, "members": small_run.members.slice(1 if how.startswith("a table") else 0)})
        if how == "an error":
            raise KeyError
        if how != "no end":
            writer.finish(growing, small_run.meta)
    assert list(tmp_path.iterdir()) == []


def test_listing_rings_loads_nothing_that_it_does_not_use(small_run: Run, tmp_path: Path) -> None:
    small_run.save(tmp_path / "run")
    unused = ["pandas", "scipy", "duckdb", "torch", "networkx", "pyarrow.dataset", "graphdet.simulate", "graphdet.settings"]
    code = f"import atexit, sys\natexit.register(lambda: print('loaded', [name for name in {unused} if name in sys.modules]))\n"
    code += f"sys.argv = ['graphdet', 'rings', {str(tmp_path / 'run')!r}]; import graphdet.cli; graphdet.cli.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded []\n")


def changed(table: pa.Table, column: str, value: object) -> pa.Table:
    rows = table.to_pylist()
    rows[0][column] = value
    return pa.Table.from_pylist(rows, table.schema)


@pytest.mark.parametrize(
    ("table", "column", "value", "complaint"),
    [
        ("rings", "score", 1.5, "score must lie in [0, 1] (found 1.5)"),
        ("rings", "score", float("nan"), "score must lie in [0, 1] (found nan)"),
        ("rings", "score", None, "score must not be empty (found 1 rows without)"),
        ("rings", "ring_id", "../evil", "ring_id must be of the form"),
        ("rings", "ring_id", "ring\x1b[31m", "(found 'ring\\x1b[31m')"),
        ("rings", "ring_id", "ring-1a2b\n", "ring_id must be of the form"),
        ("rings", "size", 4, "ring ring-1a2b must have 4 users (found 3)"),
        ("rings", "strength", float("inf"), "strength must lie in [-inf, inf] (found inf)"),
        ("rings", "p_value", 0.0, "p_value must lie in"),
        ("rings", "q_value", -0.1, "q_value must lie in"),
        ("rings", "tier", "guilty", "unknown tier 'guilty'"),
        ("rings", "explanation", "bad_luck", "unknown explanation 'bad_luck'"),
        ("rings", "ring_id", "ring-1a7c", "ring_id must be unique"),
        ("rings", "rank", 2, "rank must be unique"),
        ("rings", "ring_id", "ring-none", "members: unknown ring_id 'ring-1a2b'"),
        ("members", "ring_id", "ring-none", "members: unknown ring_id 'ring-none'"),
        ("members", "node_type", "robot", "members: unknown node_type 'robot'"),
        ("members", "role", "boss", "unknown role 'boss'"),
        ("members", "node_id", "bob\x1b[31m", "node_id must be unique"),
        ("evidence", "view", "moon", "unknown view 'moon'"),
        ("evidence", "ring_id", "ring-none", "evidence: unknown ring_id"),
        ("scores", "score", -0.1, "score must lie in"),
        ("scores", "node_type", None, "node_type must not be empty"),
        ("scores", "node_id", "dan", "node_id must be unique"),
    ],
)
def test_a_run_checks_itself(small_run: Run, table: str, column: str, value: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        small_run.with_tables(**{table: changed(small_run.tables[table], column, value)})


def test_a_run_needs_its_columns_and_its_meta(small_run: Run) -> None:
    with pytest.raises(ValueError, match="rings must have the columns"):
        small_run.with_tables(rings=small_run.rings.drop_columns(["rank"]))
    with pytest.raises(ValueError, match="meta lacks seed"):
        Run({key: value for key, value in small_run.meta.items() if key != "seed"}, small_run.tables)


def test_the_id_of_a_run_follows_inputs_and_settings_alone() -> None:
    one = run_id(["a", "b"], Settings())
    assert one == run_id(["b", "a"], Settings(machine=MachineSettings(threads=1)))
    assert len({one, run_id(["a"], Settings()), run_id(["a", "b"], Settings(seed=1))}) == 3


def test_a_ring_is_found_by_id_by_the_start_of_it_or_by_rank(small_run: Run) -> None:
    for name in ("ring-1a2b", "ring-1a2", "1", "#1", " ring-1a2b\n"):
        ring = small_run.ring(name)
        assert ring.id == "ring-1a2b"
        assert set(ring.members["ring_id"].to_pylist()) == {"ring-1a2b"}
        assert ring.members.num_rows == 6
        assert ring.evidence.num_rows == 2


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("ring-1a", "could be any of 2 (such as ring-1a2b and ring-1a7c)"),
        ("ring-9f01", "did you mean 'ring-9f00'?"),
        ("4", "there are ranks 1 to 3"),
        ("", "no ring ''"),
    ],
)
def test_an_unknown_ring_is_named_with_the_nearest(small_run: Run, name: str, complaint: str) -> None:
    with pytest.raises(UnknownRing) as caught:
        small_run.ring(name)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_without_rings_says_so(small_run: Run) -> None:
    empty = {name: small_run.tables[name].slice(0, 0) for name in ("rings", "members", "evidence")}
    with pytest.raises(UnknownRing, match="found no rings"):
        small_run.with_tables(**empty).ring("1")


def test_what_stands_in_the_way_is_never_touched(small_run: Run, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    small_run.save(tmp_path / "run")  # an empty folder is no obstacle
    before = (tmp_path / "run" / "run.json").stat().st_mtime_ns
    with pytest.raises(RunExists, match="holds a run already"):
        small_run.save(tmp_path / "run")
    assert (tmp_path / "run" / "run.json").stat().st_mtime_ns == before
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").write_text("keep me")
    with pytest.raises(RunExists, match=r"not empty .*todo\.txt"):
        small_run.save(tmp_path / "notes")
    with pytest.raises(RunExists, match="not a folder"):
        small_run.save(tmp_path / "notes" / "todo.txt")
    with pytest.raises(RunError, match="no folder that may be written to"):
        require_free(tmp_path / "notes" / "todo.txt" / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes", "run"]


def test_a_failing_disk_leaves_nothing_and_one_line(small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("graphdet.run.saving.json.dump", full)
    with pytest.raises(RunError, match="No space left on device"):
        small_run.save(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_two_saves_at_once_leave_one_whole_run(small_run: Run, tmp_path: Path) -> None:
    refused: list[Exception] = []

    def save() -> None:
        try:
            small_run.save(tmp_path / "run")
        except RunExists as error:
            refused.append(error)

    threads = [threading.Thread(target=save) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 5
    assert Run.load(tmp_path / "run").id == small_run.id
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


HOLD = """
import fcntl, os, sys, time
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_leftovers_of_dead_saves_are_cleared_but_not_those_of_living_ones(small_run: Run, tmp_path: Path) -> None:
    dead = tmp_path / ".run.graphdet-0000"
    dead.mkdir()
    (dead / "rings.parquet").write_bytes(b"half")
    living = tmp_path / ".run.graphdet-1111"
    living.mkdir()
    other = tmp_path / ".another.graphdet-2222"
    other.mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(living)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        small_run.save(tmp_path / "run")
        holder.kill()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".another.graphdet-2222", ".run.graphdet-1111", "run"]


SAVE = """
import sys
from pathlib import Path
from graphdet.run.folder import Run
run = Run.load(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(10_000):
    run.save(Path(sys.argv[2]) / str(number))
"""


def test_a_save_killed_at_any_moment_leaves_a_whole_folder_or_none(small_run: Run, tmp_path: Path) -> None:
    small_run.save(tmp_path / "source")
    for attempt in range(6):
        place = tmp_path / f"place {attempt}"
        place.mkdir()
        with subprocess.Popen(
            [sys.executable, "-c", SAVE, str(tmp_path / "source"), str(place)], stdout=subprocess.PIPE, text=True
        ) as saver:
            assert saver.stdout is not None
            saver.stdout.readline()
            while not any(path.name.startswith(".") for path in place.iterdir()):  # a save is at work
                assert saver.poll() is None
            time.sleep(0.017 * attempt)
            os.kill(saver.pid, signal.SIGKILL)
        folders = [path for path in place.iterdir() if not path.name.startswith(".")]
        for folder in folders:
            assert Run.load(folder).id == small_run.id
        small_run.save(place / str(len(folders)))  # a rerun is not disturbed by what the dead one left
        assert not [path for path in place.iterdir() if path.name.startswith(f".{len(folders)}.")]


def damage(folder: Path, how: str) -> None:
    rings = folder / "rings.parquet"
    meta = json.loads((folder / "run.json").read_text())
    if how == "cut":
        rings.write_bytes(rings.read_bytes()[:200])
    elif how == "empty":
        rings.write_bytes(b"")
    elif how == "absent":
        rings.unlink()
    elif how == "column":
        pq.write_table(pq.read_table(rings).drop_columns(["tier"]), rings)
    elif how == "contradiction":
        pq.write_table(pq.read_table(rings).slice(1), rings)
    elif how == "no meta":
        (folder / "run.json").unlink()
    elif how == "broken meta":
        (folder / "run.json").write_bytes(b'{"format": 1, \xff')
    elif how == "foreign meta":
        (folder / "run.json").write_text("[]")
    elif how == "newer":
        (folder / "run.json").write_text(json.dumps({**meta, "format": 99, "version": "9.0"}))


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ("cut", "rings.parquet: damaged"),
        ("empty", "rings.parquet: damaged"),
        ("absent", "rings.parquet is missing"),
        ("column", "rings.parquet: has no column 'tier' of type string"),
        ("contradiction", "members: unknown ring_id 'ring-1a2b'"),
        ("no meta", "run.json is missing"),
        ("broken meta", "run.json: damaged"),
        ("foreign meta", "not a graphdet run.json"),
        ("newer", "written by a newer graphdet (9.0, format 99)"),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(small_run: Run, tmp_path: Path, how: str, complaint: str) -> None:
    small_run.save(tmp_path / "run")
    damage(tmp_path / "run", how)
    with pytest.raises(NotARun) as caught:
        dict(Run.load(tmp_path / "run").tables)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_listing_rings_reads_the_table_of_rings_and_no_other(small_run: Run, tmp_path: Path) -> None:
    small_run.save(tmp_path / "run")
    for path in (tmp_path / "run").glob("*.parquet"):
        if path.name != "rings.parquet":
            path.write_bytes(b"no table at all")
    done = CliRunner().invoke(app, ["rings", str(tmp_path / "run"), "--json"])
    assert done.exit_code == 0, done.output
    assert [ring["ring_id"] for ring in json.loads(done.stdout)] == small_run.rings["ring_id"].to_pylist()
    found = Run.load(tmp_path / "run")
    assert found.has("members")
    assert not found.has("relations")
    with pytest.raises(NotARun, match=r"run/members\.parquet: damaged") as caught:
        _ = found.members
    assert "\n" not in str(caught.value)


def test_a_table_is_checked_when_it_is_asked_for(small_run: Run, tmp_path: Path) -> None:
    small_run.save(tmp_path / "run")
    path = tmp_path / "run" / "scores.parquet"
    pq.write_table(changed(small_run.scores, "score", 1.5), path)
    found = Run.load(tmp_path / "run")
    assert found.members.equals(small_run.members)
    with pytest.raises(NotARun, match=r"scores\.parquet: damaged \(scores: score must lie in \[0, 1\] \(found 1\.5\)\)"):
        _ = found.scores


def test_a_run_is_its_meta_and_its_tables_wherever_they_lie(small_run: Run, tmp_path: Path) -> None:
    small_run.save(tmp_path / "run")
    assert Run.load(tmp_path / "run") == small_run
    assert small_run.with_tables(scores=small_run.scores.slice(1)) != Run.load(tmp_path / "run")
    with pytest.raises(ValueError, match=r"absent: \['scores'\], unknown: \['moods'\]"):
        Run(small_run.meta, {"moods" if name == "scores" else name: table for name, table in small_run.tables.items()})


IDENTITY = """
import sys
sys.path.insert(0, sys.argv[1])
import graphdet
from graphdet.cli.program import app
from graphdet.run.code import code_digest
from graphdet.run.code import code_digest
from graphdet.run.describing import run_id
from graphdet.settings import Settings
assert graphdet.__file__.startswith(sys.argv[1]), graphdet.__file__
print(code_digest(), run_id(["a"], Settings()))
"""


def identity(place: Path) -> list[str]:
    """The code's digest and the id of a run of the package that lies at `place`, from a process of its own."""
    done = subprocess.run([sys.executable, "-I", "-c", IDENTITY, str(place)], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_id_of_a_run_knows_the_code_and_not_where_it_lies(tmp_path: Path) -> None:
    def leave_out(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name == "__pycache__" or (Path(folder) / name).is_symlink()]

    for name in ("one", "two"):
        shutil.copytree(Path(graphdet.__file__).parent, tmp_path / name / "graphdet", ignore=leave_out)
    here = [code_digest(), run_id(["a"], Settings())]
    assert identity(tmp_path / "one") == here
    assert identity(tmp_path / "one") == here  # with what Python compiled the first time
    assert identity(tmp_path / "two") == here
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "one")
    assert identity(tmp_path / "packed.zip") == here
    changed = tmp_path / "two" / "graphdet" / "rings" / "growth.py"
    source = changed.read_bytes()
    changed.write_bytes(source[:3] + b"~" + source[4:])  # a letter of its first sentence
    digest, run = identity(tmp_path / "two")
    assert digest != here[0]
    assert run != here[1]
    changed.rename(changed.with_name("other.py"))
    assert identity_of_code(tmp_path / "two") not in (digest, here[0])


def identity_of_code(place: Path) -> str:
    """The digest alone, where the package may no longer be whole."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); from graphdet.run.code import code_digest; print(code_digest())"
    return subprocess.run([sys.executable, "-I", "-c", code, str(place)], capture_output=True, text=True, check=True).stdout.strip()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotARun, match="no such run folder"):
        Run.load(tmp_path / "nowhere")


def test_columns_of_later_versions_are_passed_over(small_run: Run, tmp_path: Path) -> None:
    small_run.save(tmp_path / "run")
    path = tmp_path / "run" / "rings.parquet"
    rings = pq.read_table(path)
    pq.write_table(rings.append_column("mood", pa.array(["grim"] * rings.num_rows)), path)
    assert Run.load(tmp_path / "run").rings.equals(small_run.rings)
