"""`[log.join]` and databases as sources: rows stay as many and as they were, and no password is told or kept."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdet.errors import MissingColumn, SettingsError, UnreadableFile
from graphdet.events import check_logs, read_events
from graphdet.events.databases import address_of
from graphdet.settings import LogSettings, load_settings

PASSWORD = "s3cret/w:rd@'1"  # noqa: S105 - of a server that lives as long as a test
LINES = "order_id,sku,price\no1,a,1.50\no1,b,2\no2,a,3\no9,c,4\n"
ORDERS = "order_id;customer;when\no1;c1;2025-03-01 10:00\no2;c2;2025-03-02 11:00\no3;c1;2025-03-03 12:00\n"
CUSTOMERS = '{"id": "c1", "person": "p1", "sku": "x"}\n{"id": "c2", "person": "p2", "sku": "y"}\n'
COLUMNS = {"person": "user_id", "sku": "item_id", "when": "timestamp", "price": "amount"}
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "lines.csv").write_text(LINES)
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "customers.jsonl").write_text(CUSTOMERS)
    return tmp_path


def joined(folder: Path, **tables: str) -> LogSettings:
    return LogSettings(columns=COLUMNS, join={str(folder / name.replace("_", ".")): key for name, key in tables.items()})


def test_lines_get_their_order_and_its_customer(shop: Path) -> None:
    own = joined(shop, orders_csv="order_id", customers_jsonl="customer = id")
    table = read_events([shop / "lines.csv"], own)
    users, items = (table.ids[kind].take(pa.array(table.codes[kind])).to_pylist() for kind in ("user", "item"))
    assert set(zip(users, items, strict=True)) == {("p1", "a"), ("p1", "b"), ("p2", "a")}
    assert [(row["line"], row["column"], row["raw"]) for row in table.report.rejected.to_pylist()] == [(5, "person", "o9,c,4")]
    assert any("1 of 4 rows have no order_id that is in" in note for note in table.report.notes)
    assert any("customers.sku" in file.unused_columns for file in table.report.files)  # the log's own sku stays the item
    assert read_events([shop], own).report.read == 4  # of a folder, tables are no logs


def test_parquet_and_broken_lines_are_joined_too(shop: Path) -> None:
    own = joined(shop, orders_csv="order_id", customers_jsonl="customer = id")
    (shop / "lines.csv").write_text(LINES.replace("o1,b,2\n", 'o1,b\no1,"x"y,1\no1,b,2\n'))
    broken = read_events([shop / "lines.csv"], own)
    assert [row["line"] for row in broken.report.rejected.to_pylist()] == [3, 4, 7]
    rows = [line.split(",") for line in LINES.splitlines()]
    pq.write_table(pa.table({name: [row[place] for row in rows[1:]] for place, name in enumerate(rows[0])}), shop / "lines.parquet")
    plain = read_events([shop / "lines.parquet"], own)
    assert plain.ids["user"].to_pylist() == ["p1", "p2"]
    assert plain.report.rejected["line"].to_pylist() == [4]


@pytest.mark.parametrize(
    ("tables", "error"),
    [
        ({"orders_csv": "ordr_id"}, r"orders.csv has no column 'ordr_id'.*did you mean 'order_id'"),
        ({"orders_csv": "order_id = customer"}, "several rows for one customer .2 for one of them"),
        ({"nothing_csv": "order_id"}, "no such file"),
        ({"orders_csv": "order_id"}, "no column user_id"),
    ],
)
def test_tables_that_cannot_be_joined(shop: Path, tables: dict[str, str], error: str) -> None:
    with pytest.raises((SettingsError, MissingColumn, UnreadableFile), match=error):
        read_events(
            [shop / "lines.csv"], joined(shop, **tables).model_copy(update={"columns": {"sku": "device_id", "customer": "category"}})
        )


def test_tables_lie_beside_the_settings_file(shop: Path) -> None:
    columns = "\n".join(f'{theirs} = "{ours}"' for theirs, ours in COLUMNS.items())
    text = f'[log.join]\n"orders.csv" = "order_id"\n"customers.jsonl" = "customer = id"\n[log.columns]\n{columns}\n'
    (shop / "mine.toml").write_text(text)
    assert check_logs([shop / "lines.csv"], load_settings(shop / "mine.toml").log).accepted == 3


@QUICK
@given(lines=st.lists(st.tuples(st.sampled_from("abcdx"), st.integers(0, 9)), min_size=1, max_size=40))
def test_a_join_is_what_a_dictionary_gives(tmp_path: Path, lines: list[tuple[str, int]]) -> None:
    owner = {"a": "p1", "b": "p2", "c": "p1", "d": "p3"}
    (tmp_path / "table.csv").write_text("k,who\n" + "".join(f"{key},{who}\n" for key, who in owner.items()))
    (tmp_path / "log.csv").write_text("k,item_id,n\n" + "".join(f"{key},i{item},{n}\n" for n, (key, item) in enumerate(lines)))
    found = check_logs([tmp_path / "log.csv"], LogSettings(columns={"who": "user_id"}, join={str(tmp_path / "table.csv"): "k"}))
    known = [(owner[key], item) for key, item in lines if key in owner]
    assert (found.read, found.events, found.rejected) == (len(lines), len(known), len(lines) - len(known))
    assert found.nodes.get("user", 0) == len({who for who, _ in known})


# One thing under several names.


def test_columns_that_name_the_same_things_are_noted(tmp_path: Path) -> None:
    rows = [f"u{n % 37},i{n % 23},S-{n % 23 * 7},40{n % 23:08},d{n % 37},t{n % 23 // 2},{n}\n" for n in range(300)]
    (tmp_path / "log.csv").write_text("user_id,item_id,sku,ean,device_id,title,row\n" + "".join(rows))
    notes = check_logs([tmp_path / "log.csv"]).notes
    assert "user_id and device_id name the same 37 things one to one; what is shared in one of them is shared in the other, too." in notes
    said = [note for note in notes if "either will do as item_id" in note]
    assert [note.split()[0] for note in said] == ["sku", "ean"]
    (tmp_path / "log.csv").write_text("user_id,item_id,sku,ean,device_id,title,row\n" + "".join(rows) + "u1,i1,S-0,400,d2,t,x\n")
    assert not any("one to one" in note for note in check_logs([tmp_path / "log.csv"]).notes)


# Databases.


def test_addresses_hide_their_password() -> None:
    address = address_of("postgres:/ann:s3cret@db.shop.example:5433/shop#SELECT a FROM b")
    assert address is not None
    assert address.password == "s3cret"  # noqa: S105
    assert (address.url, address.asked) == ("postgres://ann@db.shop.example:5433/shop", "SELECT a FROM b")
    assert address.name == "postgres://db.shop.example/shop#SELECT a FROM b"
    assert address_of("logs/events.csv") is None


@pytest.mark.parametrize(
    ("address", "way"),
    [
        ("postgres://ann:s3cret@host/shop", "name a table or a query"),
        ("mysql://ann:s3cret@host/shop#orders", "INSTALL mysql"),
        ("oracle://ann:s3cret@host/shop#orders", "export the table"),
    ],
)
def test_what_cannot_be_asked_is_told_how_to_export(address: str, way: str) -> None:
    with pytest.raises(UnreadableFile, match=way) as refused:
        read_events([address])
    assert "s3cret" not in str(refused.value)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """host:port of a PostgreSQL server with a table of two orders, by whom no server may be run as root."""
    home = Path(tempfile.mkdtemp(prefix="graphdet-postgres-"))
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    run = ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "password").write_text(PASSWORD)
    if run:
        subprocess.run(["chown", "-R", user, str(home)], check=True)
    create = ["initdb", "-D", str(home / "data"), "-U", "ann", "-A", "scram-sha-256", f"--pwfile={home / 'password'}", "-E", "UTF8"]
    subprocess.run([*run, *create], check=True, capture_output=True, cwd=home)
    start = ["pg_ctl", "-D", str(home / "data"), "-w", "-l", str(home / "log"), "-o", f"-p {port} -h 127.0.0.1 -k {home}"]
    subprocess.run([*run, *start, "start"], check=True, capture_output=True, cwd=home)
    try:
        made = "CREATE TABLE orders (who text, item_id int, at timestamptz, price numeric);"
        made += "INSERT INTO orders VALUES ('u1', 7, '2025-03-01 10:00+00', 12.5), ('ü2', 7, '2025-03-02 10:00+01', NULL)"
        environment = os.environ | {"PGPASSWORD": PASSWORD}
        ask = ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "ann", "-d", "postgres", "-c", made]
        subprocess.run(ask, check=True, capture_output=True, env=environment)
        yield f"127.0.0.1:{port}"
    finally:
        subprocess.run([*run, "pg_ctl", "-D", str(home / "data"), "-m", "immediate", "stop"], check=False, capture_output=True, cwd=home)
        shutil.rmtree(home, ignore_errors=True)


NO_SERVER = pytest.mark.skipif(not all(map(shutil.which, ("initdb", "pg_ctl", "psql"))), reason="no PostgreSQL here")


@NO_SERVER
@pytest.mark.parametrize("asked", ["orders", "public.orders", "SELECT who, item_id, at, price FROM orders WHERE item_id = 7;"])
def test_a_table_or_query_of_a_database_is_read(server: str, asked: str) -> None:
    quoted = PASSWORD.replace("/", "%2F").replace("@", "%40").replace(":", "%3A")
    own = LogSettings(columns={"who": "user_id", "at": "timestamp", "price": "amount"})
    table = read_events([f"postgres://ann:{quoted}@{server}/postgres#{asked}"], own)
    assert table.ids["user"].to_pylist() == ["u1", "ü2"]
    assert table.time is not None
    assert table.time.tolist() == [1_740_823_200_000_000, 1_740_906_000_000_000]
    assert table.report.files[0].path == f"postgres://127.0.0.1/postgres#{asked}"


@NO_SERVER
def test_a_database_that_refuses_is_told_and_no_password_is_kept(
    server: str, graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quoted = PASSWORD.replace("/", "%2F").replace("@", "%40").replace(":", "%3A")
    for asked in ("nothing", "DELETE FROM orders RETURNING who", "SELECT nextval('x') FROM orders"):
        with pytest.raises(UnreadableFile, match=r"the database refused \(ERROR") as refused:
            read_events([f"postgres://ann:{quoted}@{server}/postgres#{asked}"])
        assert PASSWORD not in str(refused.value)
    with pytest.raises(UnreadableFile, match="the database refused") as refused:
        read_events([f"postgres://ann:wr0ng@{server}/postgres#orders"])
    assert "wr0ng" not in str(refused.value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "graphdet.toml").write_text('[log.columns]\nwho = "user_id"\nat = "timestamp"\nprice = "amount"\n')
    done = graphdet_command("run", f"postgres://ann:{quoted}@{server}/postgres#orders", "--out", "out")
    assert done.code == 0, done.err
    kept = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert PASSWORD.encode() not in kept
    assert quoted.encode() not in kept
    assert json.loads((tmp_path / "out" / "run.json").read_text())
    assert PASSWORD not in done.out + done.err
    assert quoted not in done.out + done.err
