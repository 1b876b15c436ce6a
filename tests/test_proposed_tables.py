"""`graphdet init` on shops that keep orders, customers and goods in tables of their own: what it joins, why, and that all of it is read."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from commands import PROGRAM, Command, one_line

from graphdet.events import check_logs, read_events
from graphdet.proposing import Proposal, look_at_files, proposal_as_toml, propose
from graphdet.settings import LogSettings, MachineSettings, load_settings

MACHINE = MachineSettings(threads=1)
Rows = list[dict[str, object]]
Shop = dict[str, Rows]


def shop() -> Shop:
    """150 orders of 40 customers, one to three lines each; the customers' dates and the orders' sums are no line's."""
    customers: Rows = [{"id": f"c{n}", "name": f"n{n}", "created_at": "2019-01-01"} for n in range(40)]
    goods: Rows = [{"id": f"p{n}", "title": f"t{n // 2}", "category": f"k{n % 4}", "price": n + 0.5} for n in range(30)]
    orders: Rows = [
        {"id": f"o{n}", "customer_id": f"c{n * 7 % 40}", "placed_at": f"2025-03-{1 + n % 28:02} 10:00", "total": 99} for n in range(150)
    ]
    lines: Rows = [
        {"line": 10 * n + part, "order_id": f"o{n}", "product_id": f"p{(3 * n + part) % 30}", "pieces": 1 + part % 2}
        for n in range(150)
        for part in range(1 + n % 3)
    ]
    return {"customers": customers, "products": goods, "orders": orders, "order_lines": lines}


def text(rows: Rows, mark: str = ",", end: str = "\n") -> str:
    return end.join([mark.join(rows[0]), *(mark.join(map(str, row.values())) for row in rows)]) + end


def as_csv(folder: Path, tables: Shop) -> list[Path]:
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text(text(rows))
    return [folder]


def as_windows_wrote_it(folder: Path, tables: Shop) -> list[Path]:
    inside = folder / "März 2025, neu"
    inside.mkdir()
    for name, rows in tables.items():
        (inside / f"{name} (1).CSV").write_bytes(b"\xef\xbb\xbf" + text(rows, ";", "\r\n").encode())
    return [inside]


def as_json_lines(folder: Path, tables: Shop) -> list[Path]:
    for name, rows in tables.items():
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return [folder / f"{name}.jsonl" for name in tables]


def as_database(folder: Path, tables: Shop) -> list[Path]:
    with sqlite3.connect(folder / "shop.db") as database:
        for name, rows in tables.items():
            database.execute(f"CREATE TABLE {name} ({', '.join(rows[0])})")
            database.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", [tuple(row.values()) for row in rows])  # noqa: S608 - names of the test
    database.close()
    return [folder / "shop.db"]


def as_archive(folder: Path, tables: Shop) -> list[Path]:
    with zipfile.ZipFile(folder / "shop.zip", "w") as archive:
        for name, rows in tables.items():
            archive.writestr(f"dump/{name}.tsv", text(rows, "\t"))
    return [folder / "shop.zip"]


def proposed(paths: Sequence[Path]) -> Proposal:
    return propose(look_at_files(paths, MACHINE))


def settings_of(proposal: Proposal, folder: Path) -> LogSettings:
    (folder / "mine.toml").write_text(proposal_as_toml(proposal, ["shop"], folder=folder), encoding="utf-8")
    return load_settings(folder / "mine.toml").log


def joined_by_hand(tables: Shop) -> set[tuple[object, ...]]:
    orders = {row["id"]: row for row in tables["orders"]}
    goods = {row["id"]: row for row in tables["products"]}
    return {
        (
            orders[line["order_id"]]["customer_id"],
            line["product_id"],
            goods[line["product_id"]]["category"],
            goods[line["product_id"]]["price"],
        )
        for line in tables["order_lines"]
    }


@pytest.mark.parametrize("form", [as_csv, as_windows_wrote_it, as_json_lines, as_database, as_archive])
def test_a_shop_of_four_tables_is_joined_as_a_dictionary_would(tmp_path: Path, form: Callable[[Path, Shop], list[Path]]) -> None:
    tables = shop()
    paths = form(tmp_path, tables)
    proposal = proposed(paths)
    assert {join.key for join in proposal.joins} == {"order_id = id", "product_id = id"}
    assert any("300 of 300 rows find their order_id among its 150, one row for many; tells user_id, timestamp" in join.reason
               for join in proposal.joins)  # fmt: skip
    table = read_events(paths, settings_of(proposal, tmp_path), MACHINE)
    assert len(table) == table.report.read == len(tables["order_lines"])
    names = {kind: table.ids[kind].take(pa.array(table.codes[kind])).to_pylist() for kind in ("user", "item")}
    assert table.amount is not None
    kinds = [table.categories[code] for code in table.item_category[table.codes["item"]]]
    assert set(zip(names["user"], names["item"], kinds, table.amount.tolist(), strict=True)) == joined_by_hand(tables)
    assert any("[log] skip leaves out: 1 (" in note and "customers" in note for note in table.report.notes)


def test_who_is_told_by_the_customers_lasting_name(tmp_path: Path) -> None:
    """Each order has a customer of its own, as marketplaces write it; the payments of an order are several, and so are not joined."""
    tables = shop()
    for row in tables["orders"]:
        row["customer_id"] = f"for-{row['id']}"
    tables["customers"] = [{"customer_id": f"for-o{n}", "customer_unique_id": f"u{n % 31}", "zip": n % 9} for n in range(150)]
    tables["payments"] = [{"order_id": f"o{n // 2 if n < 20 else n}", "value": n} for n in range(150)]
    as_csv(tmp_path, tables)
    proposal = proposed([tmp_path])
    assert {Path(join.table).name: join.key for join in proposal.joins} == {
        "orders.csv": "order_id = id", "customers.csv": "customer_id", "products.csv": "product_id = id",
    }  # fmt: skip
    assert [(Path(one.table).name, one.reason) for one in proposal.unjoined] == [
        ("payments.csv", "not joined: 10 of its 140 keys have several rows")
    ]
    found = check_logs([tmp_path], settings_of(proposal, tmp_path), MACHINE)
    assert (found.events, found.nodes["user"]) == (300, 31)
    roles = {Path(file.path).stem: file.role for file in proposal.files}
    assert roles == {"customers": "table", "orders": "table", "products": "table", "order_lines": "events", "payments": "left out"}


def test_what_a_table_tells_of_others_is_no_events(tmp_path: Path) -> None:
    """A customer's date is no time of an order, and an order's sum none of its lines'."""
    tables = shop()
    for row in tables["orders"]:
        del row["placed_at"]
        row["amount"] = row.pop("total")
    for row in tables["products"]:
        del row["price"]
    tables["customers"] = [{**row, "time": "2019-01-01 10:00"} for row in tables["customers"]]
    as_csv(tmp_path, tables)
    proposal = proposed([tmp_path])
    assert "timestamp" not in {guess.ours for guess in proposal.mapped}
    assert any("amount" in guess.theirs and "once for each of them" in guess.reason for guess in proposal.unsure)


def test_logs_that_stand_by_themselves_stay_as_they_are(tmp_path: Path) -> None:
    """Of several logs each is read, goods serve them as a catalogue, and ids that run from 1 on in every table join nothing."""
    clicks: Rows = [{"id": n, "user_id": n % 50 + 1, "item_id": n % 20 + 1, "time": "2025-03-01 10:00"} for n in range(200)]
    orders: Rows = [{"id": n, "user_id": n % 40 + 1, "item_id": n % 20 + 1, "time": "2025-03-02 10:00"} for n in range(100)]
    goods: Rows = [{"item_id": n + 1, "category": n % 3} for n in range(20)]
    notes: Rows = [{"id": n, "note": f"n{n}"} for n in range(300)]
    as_csv(tmp_path, {"clicks": clicks, "orders": orders, "goods": goods, "notes": notes})
    proposal = proposed([tmp_path])
    assert proposal.joins == proposal.unjoined == ()
    assert {Path(file.path).stem: file.role for file in proposal.files} == {
        "clicks": "events", "orders": "events", "goods": "catalogue", "notes": "left out",
    }  # fmt: skip
    found = check_logs([tmp_path], settings_of(proposal, tmp_path), MACHINE)
    assert (found.events, found.accepted, found.rejected) == (300, 320, 0)


def test_what_init_writes_check_and_run_take(graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the settings file lies, and with the words that init prints."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my shop").mkdir()
    (tmp_path / "own").mkdir()
    tables = shop()
    as_csv(tmp_path / "my shop", tables)
    said = graphdet_command("init", "my shop", "--out", "own/mine.toml")
    assert said.code == 0
    assert "orders.csv: joined by order_id = id; 300 of 300 rows find their order_id" in said.out
    assert "graphdet check 'my shop' --settings own/mine.toml" in said.out
    assert f'"{os.path.join("..", "my shop", "orders.csv")}" = "order_id = id"' in Path("own/mine.toml").read_text()  # noqa: PTH118
    found = json.loads(graphdet_command("check", "my shop", "--settings", "own/mine.toml", "--json").out)
    assert (found["events"], found["rejected"], found["nodes"]["item"]) == (300, 0, 30)
    one = graphdet_command("run", "my shop/order_lines.csv", "--settings", "own/mine.toml", "--out", "out", "--dry-run", "--json")
    assert json.loads(one.out)["events"] == 300
    refused = graphdet_command("check", "my shop/customers.csv", "--settings", "own/mine.toml")
    assert "[log] skip leaves it out" in one_line(refused, 2)


def test_a_part_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    as_database(tmp_path, shop())
    own = LogSettings(columns={"product_id": "item_id"}, join={str(tmp_path / "shop.db!ordrs"): "order_id = id"})
    with pytest.raises(Exception, match="no such table in this file; it has customers, order_lines, orders, products"):
        read_events([tmp_path / "shop.db"], own, MACHINE)


# What newcomers met.


def test_a_price_list_beside_a_log_is_joined_for_its_prices(tmp_path: Path) -> None:
    """A catalogue gives categories and sellers alone, so that a price mapped in it would be read by nobody."""
    log: Rows = [{"user_id": f"u{n % 40}", "sku": f"i{n % 25}", "time": "2025-03-01 10:00"} for n in range(200)]
    as_csv(tmp_path, {"log": log, "goods": [{"sku": f"i{n}", "price": n + 0.5, "category": n % 3} for n in range(25)]})
    proposal = proposed([tmp_path])
    assert [join.key for join in proposal.joins] == ["sku"]
    assert check_logs([tmp_path], settings_of(proposal, tmp_path), MACHINE).columns["amount"] == 200


def test_a_column_is_one_of_ours_alone(tmp_path: Path) -> None:
    """A log of coupons: the column coupon_id is the item there, and is not told as coupon_id beside it."""
    header = ("User_id", "Merchant_id", "Coupon_id", "Discount_rate", "Date_received")
    (tmp_path / "log.csv").write_text(",".join(header) + "\n" + "".join(f"u{n},m{n % 3},c{n % 9},0.9,20160701\n" for n in range(60)))
    proposal = proposed([tmp_path / "log.csv"])
    assert {guess.theirs: guess.ours for guess in proposal.mapped}["Coupon_id"] == "item_id"
    assert "Coupon_id" not in proposal.own


def test_no_number_of_a_check_is_cut_on_a_narrow_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the file's name, the reasons and the devices' ids are."""
    folder = tmp_path / "exports of the shop" / "from the warehouse, by hand"
    folder.mkdir(parents=True)
    rows = [f"u{n},{'d' * 40}{n % 40:03},{'2025-03-01' if n % 7 else 'soon, I hope, at some time or other'}\n" for n in range(1600)]
    (folder / "a log with a long name.csv").write_text("user_id,device_id,timestamp\n" + "".join(rows))
    monkeypatch.setenv("COLUMNS", "80")
    shown = subprocess.run([*PROGRAM, "check", str(folder)], capture_output=True, text=True, check=True).stdout
    for whole in ("accepted", "rejected", "duplicates", "10 or more", "1,371", "229", " line "):
        assert whole in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_how_dates_are_read_is_shown_by_one_that_tells(tmp_path: Path) -> None:
    """1/1/15 would be the same day in any order."""
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp\n" + "".join(f"u{n},i,1/{n + 1}/15 9:30\n" for n in range(28)))
    assert any("read month first: 1/13/15 9:30 as 2015-01-13T09:30:00" in note for note in check_logs([tmp_path / "log.csv"]).notes)


GROCER: Shop = {
    "coupons": [{"coupon_upc": 700 + n % 20, "product_id": f"p{n % 30}", "campaign_id": n % 3} for n in range(120)],
    "campaigns": [{"campaign_id": n % 3, "household_id": f"h{n % 40}"} for n in range(80)],
    "products": [{"product_id": f"p{n}", "department": f"k{n % 4}"} for n in range(30)],
    "promotions": [{"product_id": f"p{n % 30}", "store_id": n % 7, "display": n % 5} for n in range(210)],
    "redemptions": [{"household_id": f"h{n % 40}", "coupon_upc": 700 + n % 20, "date": f"2025-03-{1 + n % 28:02}"} for n in range(90)],
    "transactions": [
        {
            "household_id": f"h{n % 40}",
            "product_id": f"p{7 * n % 30}",
            "basket_id": f"b{n // 2}",
            "quantity": 1 + n % 14,
            "sales_value": n / 8,
        }
        | {"transaction_timestamp": f"2025-03-{1 + n % 28:02} 10:{n % 60:02}:00"}
        for n in range(400)
    ],
}


def test_tables_that_are_no_logs_and_no_catalogues_are_left_out_so_that_what_is_proposed_runs(
    graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a grocer has them, whose files call the same things by names that one file needs for this and another for that."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grocer").mkdir()
    as_csv(tmp_path / "grocer", GROCER)
    proposal = propose(look_at_files([Path("grocer")], MACHINE))
    mapped = {guess.theirs: guess.ours for guess in proposal.mapped}
    assert mapped["household_id"] == "user_id"
    assert (mapped["product_id"], mapped["basket_id"], mapped["sales_value"]) == ("item_id", "order_id", "amount")
    why = {Path(file.path).stem: (file.role, file.why) for file in proposal.files}
    assert why["products"] == ("catalogue", "it names items and no users")
    assert why["promotions"] == ("left out", "it names no users, and items on several rows each, so that none is sure to have one seller")
    assert why["coupons"][0] == why["campaigns"][0] == "left out"
    assert why["transactions"][0] == "events"
    assert graphdet_command("init", "grocer").code == 0
    checked = graphdet_command("check", "grocer", "--json")
    assert checked.code == 0
    found = json.loads(checked.out)
    assert (found["read"], found["rejected"]) == (400 + 30 + 90 * (why["redemptions"][0] == "events"), 0)


def test_a_file_by_which_another_is_no_log_does_not_make_it_one(tmp_path: Path) -> None:
    """`code` is the item where nothing else is, and the item's other name where there is one: one mapping for both files."""
    first = [{"buyer": f"u{n % 9}", "sku": f"p{n % 30}", "item_code": f"q{n % 30}", "seller": "s"} for n in range(90)]
    other = [{"buyer": f"u{n % 9}", "item_code": f"q{n % 30}", "note": f"n{n}"} for n in range(90)]
    (tmp_path / "first.csv").write_text(text(first))
    (tmp_path / "other.csv").write_text(text(other))
    proposal = propose(look_at_files([tmp_path], MACHINE))
    assert {Path(file.path).name: file.role for file in proposal.files} == {"first.csv": "events", "other.csv": "left out"}
    (tmp_path / "graphdet.toml").write_text(proposal_as_toml(proposal, [str(tmp_path)], folder=tmp_path))
    assert check_logs([tmp_path], load_settings(tmp_path / "graphdet.toml").log, MACHINE).events == 90
