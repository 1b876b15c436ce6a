"""Files that lie, never end, vanish, change or swell while they are read: one line each, and never more than the machine has."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from commands import Command, one_line

import graphdet.events.tally
from graphdet.errors import LogError, NotAModel, NotARun, SettingsError, UnreadableFile
from graphdet.events import check_logs, read_events
from graphdet.learning.model_file import read_arrays
from graphdet.run.folder import Run
from graphdet.settings import LogSettings, load_settings

PLAIN = b"user_id,item_id,timestamp\nu1,i1,2025-03-01\nu2,i2,2025-03-02\n"
SMALL = LogSettings(unpacked_gb=0.001)
NOBODY = 65_534


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def nested(depth: int) -> bytes:
    content = PLAIN
    for level in range(depth):
        content = zipped((f"{level}.zip" if level else "log.csv", content))
    return content


def test_archives_in_archives_end(tmp_path: Path) -> None:
    path = tmp_path / "log.zip"
    path.write_bytes(nested(3))
    assert len(read_events([path])) == 2
    path.write_bytes(nested(30))
    with pytest.raises(UnreadableFile, match="more than 3 deep"):
        read_events([path])


@pytest.mark.parametrize("name", ["log.csv.gz", "log.zip", "log.xlsx"])
def test_what_unpacks_to_more_than_the_bound_is_refused_before_it_fills_the_disk(tmp_path: Path, name: str) -> None:
    big = PLAIN + b"u3,i3,2025-03-03\n" * 100_000
    path = tmp_path / name
    content = {"log.csv.gz": gzip.compress(big), "log.zip": zipped(("log.csv", big)), "log.xlsx": zipped(("xl/workbook.xml", big))}[name]
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"unpacks to .*more than 0\.001.*unpacked_gb"):
        read_events([path], SMALL)


def test_a_member_of_an_archive_that_is_more_than_it_says(tmp_path: Path) -> None:
    big = PLAIN + b"u3,i3,2025-03-03\n" * 100_000
    content, told = zipped(("log.csv", big)), struct.pack("<I", len(big))
    assert content.count(told) == 2
    path = tmp_path / "log.zip"
    path.write_bytes(content.replace(told, struct.pack("<I", 500)))
    with pytest.raises(UnreadableFile, match="cannot be unpacked"):
        read_events([path], SMALL)


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'
BOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="s" sheetId="1" r:id="r1"/>'
    "</sheets></workbook>"
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)


def workbook(rows: str) -> bytes:
    return zipped(
        ("_rels/.rels", RELATIONS.replace("worksheets/sheet1.xml", "xl/workbook.xml").replace("/worksheet", "/officeDocument").encode()),
        ("xl/workbook.xml", BOOK.encode()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.encode()),
        ("xl/worksheets/sheet1.xml", SHEET.format(rows=rows).encode()),
    )


def cells(row: int, **values: str) -> str:
    inner = "".join(f'<c r="{column}{row}" t="inlineStr"><is><t>{value}</t></is></c>' for column, value in values.items())
    return f'<row r="{row}">{inner}</row>'


def test_a_workbook_whose_cells_lie_far_apart_does_not_take_all_memory(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    path.write_bytes(workbook(cells(1, A="user_id", B="item_id") + cells(2, A="u1", B="i1")))
    assert len(read_events([path])) == 1
    path.write_bytes(workbook(cells(1, A="user_id") + cells(1_048_576, XFD="i1")))
    with pytest.raises(UnreadableFile, match="workbook cannot be read"):
        read_events([path])
    path.write_bytes(workbook("<row><c r='A99999999999999999999'/></row>"))
    with pytest.raises(LogError) as refused:
        read_events([path])
    assert "\n" not in str(refused.value)


def test_views_of_a_database_that_never_end_or_load_code(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE events (user_id, item_id)")
        database.execute("INSERT INTO events VALUES ('u1', 'i1')")
    database.close()
    assert len(read_events([path])) == 1
    counting = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS user_id, x AS item_id FROM c"
    for view, match in ((f"{counting}", "hold more than 0.001 GB"), ("SELECT load_extension('/x') AS user_id", "cannot be read")):
        with sqlite3.connect(path) as database:
            database.execute("DROP VIEW IF EXISTS v")
            database.execute(f"CREATE VIEW v AS {view}")
        database.close()
        with pytest.raises(UnreadableFile, match=match):
            read_events([path], SMALL)


def test_a_view_that_gives_no_row_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphdet.events.unpacking.STEPS", 3_000_000)
    path = tmp_path / "log.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c WHERE x < 0")
    database.close()
    with pytest.raises(UnreadableFile, match="does not come to an end"):
        read_events([path])


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz", "log.parquet", "log.zip"])
@pytest.mark.parametrize("when", ["opened", "read", "reported"])
def test_a_file_that_vanishes_is_one_line_at_whatever_moment(
    tmp_path: Path, name: str, when: str, monkeypatch: pytest.MonkeyPatch, graphdet_command: Command
) -> None:
    path = tmp_path / name
    rejected = PLAIN + b",i3,2025-03-03\n"
    if name == "log.parquet":
        import pandas as pd

        pd.read_csv(io.BytesIO(rejected)).to_parquet(path)
    else:
        path.write_bytes(
            gzip.compress(rejected) if name.endswith(".gz") else zipped(("a.csv", rejected)) if name.endswith("zip") else rejected
        )
    step = {"opened": "open_joined", "read": "_read", "reported": "_reports"}[when]
    usual = getattr(graphdet.events.tally, step)

    def vanish(*arguments: object, **more: object) -> object:
        path.unlink(missing_ok=True)
        return usual(*arguments, **more)

    monkeypatch.setattr(graphdet.events.tally, step, vanish)
    done = graphdet_command("check", path, "-q")
    if done.code:  # what was unpacked or read before may be enough
        one_line(done, 2)
        assert str(path) in done.err
    else:
        assert when == "reported"


def test_a_packed_file_that_is_replaced_between_unpacking_and_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(PLAIN))
    usual = graphdet.events.tally.open_joined

    def replace(*arguments: object) -> object:
        source = usual(*arguments)  # type: ignore[arg-type]
        other = tmp_path / "other"
        other.write_bytes(gzip.compress(PLAIN.replace(b"u1", b"u9")))
        stat = path.stat()
        os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        other.replace(path)
        return source

    monkeypatch.setattr(graphdet.events.tally, "open_joined", replace)
    with pytest.raises(UnreadableFile, match="changed while it was read"):
        read_events([path])


def test_what_stands_in_a_folder_beside_logs(tmp_path: Path) -> None:
    """A link to itself, a link to nothing, a pipe and a folder that are called like logs are passed over; named, each is told of."""
    (tmp_path / "good.csv").write_bytes(PLAIN)
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    (tmp_path / "nothing.csv").symlink_to("gone")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "around").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    assert read_events([tmp_path]).report.read == 2
    for name in ("loop.csv", "nothing.csv", "folder.csv"):
        with pytest.raises(LogError) as refused:
            read_events([tmp_path / name])
        assert name in str(refused.value)


def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root may become somebody else")
    allowed, locked = tmp_path / "logs", tmp_path / "logs" / "inner"
    locked.mkdir(parents=True)
    (allowed / "a.csv").write_bytes(PLAIN)
    (locked / "b.csv").write_bytes(PLAIN)
    (allowed / "c.csv").write_bytes(PLAIN)
    for above in (allowed, *allowed.parents):
        if above.stat().st_uid == 0 and above.is_relative_to("/tmp"):  # noqa: S108 - only what the test's own folder lies in
            above.chmod(0o755)
    locked.chmod(0o700)
    code = (
        "import os, sys\nfrom graphdet.errors import LogError\nfrom graphdet.events import read_events\nfrom pathlib import Path\n"
        f"os.setegid({NOBODY})\nos.seteuid({NOBODY})\n"
        "try:\n    print(read_events([Path(sys.argv[1])]).report.read)\nexcept LogError as error:\n    print(error)\n"
    )
    for path, told in (
        (allowed, f"{locked}: the folder cannot be read"),
        (locked / "b.csv", "b.csv: cannot be read"),
        (locked, str(locked)),
    ):
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
        assert told in done.stdout, done.stderr[-500:]
        assert done.stdout.count("\n") == 1


def test_a_pipe_that_nobody_closes_can_be_stopped(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-c", "from graphdet.cli import main; main()", "check", str(pipe)], stderr=subprocess.PIPE, text=True
    )
    opened = threading.Event()

    def feed() -> None:
        with pipe.open("wb", buffering=0) as out:
            out.write(PLAIN)
            opened.set()
            process.wait(60)

    writer = threading.Thread(target=feed)
    writer.start()
    assert opened.wait(60)
    process.terminate()
    _, told = process.communicate(timeout=60)
    writer.join()
    assert process.returncode == 143
    assert told.splitlines()[-1] == "graphdet: stopped; nothing half-written is left."


def test_a_run_ends_well_though_its_logs_are_gone_before_its_texts_are_read(tmp_path: Path) -> None:
    from graphdet.pipeline import detect
    from graphdet.settings import Settings
    from graphdet.simulate import preset, simulate, write_market

    write_market(simulate(preset("demo", events=12_000), seed=1), tmp_path / "market")
    path = tmp_path / "market" / "events.parquet"
    quick = Settings.model_validate({"rings": {"permutations": 2}, "gnn": {"least_rings": 0}})
    events = read_events([path])
    texts = detect(events, quick).events
    assert texts is not None
    assert texts["text"].null_count < texts.num_rows
    for spoil in (lambda: path.write_bytes(b"%PDF-1.7"), lambda: path.write_bytes(path.read_bytes()[:4]), path.unlink, path.mkdir):
        spoil()
        left = detect(events, quick).events
        assert left is not None
        assert left["text"].null_count == left.num_rows == texts.num_rows
    shutil.rmtree(tmp_path / "market")


def test_a_line_of_json_that_is_deep_or_wide_is_a_row_like_others(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    deep = '{"who": {"user_id": "u2", "a": ' + "[" * 5000 + "]" * 5000 + '}, "item_id": "i1"}'
    wide = '{"who": {"user_id": "u3"}, "item_id": "i2", "rows": [' + ", ".join('{"n": [1]}' for _ in range(500)) + "]}"
    path.write_text('{"who": {"user_id": "u1"}, "item_id": "i1"}\n' + f"{deep}\n{wide}\n", encoding="utf-8")
    found = read_events([path], LogSettings(columns={"who.user_id": "user_id"}))
    assert found.ids["user"].to_pylist() == ["u1", "u2", "u3"]
    path.write_text(f"{wide}\n{wide.replace('u3', 'u4')}\n", encoding="utf-8")  # no other line tells their names
    assert read_events([path], LogSettings(columns={"who.user_id": "user_id"})).count("user") == 2
    halves = '{"user_id": "\\ud800", "item_id": ["i1", "\\udfff"]}\n'
    path.write_text(halves * 2 + '{"user_id": "u1", "item_id": ["i1", "i2"]}\n', encoding="utf-8")
    report = read_events([path], LogSettings(unroll=("item_id",))).report
    assert (report.read, report.accepted) == (6, 2)


def test_pipes_and_devices_in_place_of_files_are_not_waited_for(small_run: Run, tmp_path: Path) -> None:
    small_run.save(tmp_path / "run")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(NotAModel, match="a pipe or a device"):
        read_arrays(pipe, "model", 1)
    with pytest.raises(SettingsError, match="more than 16 MB"):
        load_settings(Path("/dev/zero"))
    for name in ("rings.parquet", "run.json"):
        for other in (pipe, Path("/dev/zero")):
            (tmp_path / "run" / name).unlink()
            (tmp_path / "run" / name).symlink_to(other)
            with pytest.raises(NotARun, match=name.partition(".")[0]):
                Run.load(tmp_path / "run")


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/urandom"])
def test_a_device_that_never_ends_is_refused(name: str) -> None:
    with pytest.raises(UnreadableFile, match="a device, not a log"):
        check_logs([Path(name)])
    with Path(name).open("rb") as endless:
        command = [sys.executable, "-c", "from graphdet.cli import main; main()", "check", "-"]
        told = subprocess.run(command, stdin=endless, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "-: a device, not a log" in told.stderr


def test_names_of_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.csv")
    path.write_bytes(PLAIN)
    for named in (path, tmp_path):
        with pytest.raises(UnreadableFile, match=r"udcff.csv'?: the file's name is no UTF-8"):
            read_events([named])
