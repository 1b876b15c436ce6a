"""`graphdet init`: what it takes logs of all kinds for, that its files load, and that it asks and never guesses in silence."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from commands import PROGRAM, Command, one_line
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdet.events import check_logs
from graphdet.proposing import LAYOUTS, Layout, Proposal, look_at_files, proposal_as_toml, propose
from graphdet.schema import ACTIONS, EVENT_COLUMN
from graphdet.settings import LogSettings, MachineSettings, load_settings

MACHINE = MachineSettings(threads=1)
VALUES = {
    "user_id": [f"u{n % 40}" for n in range(200)],
    "item_id": [f"i{n % 50}" for n in range(200)],
    "device_id": [f"{n % 45 + 1:012x}" for n in range(200)],
    "ip": [f"81.2.{n % 60}.{n % 7}" for n in range(200)],
    "timestamp": [f"2025-03-{1 + n % 28:02} 10:{n % 60:02}:00" for n in range(200)],
    "action": [("view", "order")[n % 2] for n in range(200)],
    "category": [f"c{n % 6}" for n in range(200)],
    "seller_id": [f"s{n % 9}" for n in range(200)],
    "amount": [f"{n}.50" for n in range(200)],
    "rating": [str(1 + n % 5) for n in range(200)],
    "text": [f"a lengthy text about item {n}" for n in range(200)],
    "order_id": [f"o{n}" for n in range(200)],
    "event_id": [f"e{n}" for n in range(200)],
    "label": [str(n % 2) for n in range(200)],
    "": [f"{n * 7919 % 200}x" for n in range(200)],
}


def write(path: Path, columns: dict[str, list[str]]) -> Path:
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    path.write_text("\n".join(",".join(f'"{cell}"' for cell in row) for row in rows) + "\n", encoding="utf-8")
    return path


def proposed(*paths: Path) -> Proposal:
    return propose(look_at_files(paths, MACHINE))


def mapping(proposal: Proposal) -> dict[str, str]:
    return {guess.theirs: guess.ours for guess in proposal.mapped}


# What names and values are taken for


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"buyer": "user_id", "sku": "item_id", "created_at": "timestamp"},
         {"buyer": "user_id", "sku": "item_id", "created_at": "timestamp"}),
        ({"Customer ID": "user_id", "StockCode": "item_id"}, {"Customer ID": "user_id", "StockCode": "item_id"}),
        ({"visitorId": "user_id", "clientIp": "ip", "deviceFingerprint": "device_id"},
         {"visitorId": "user_id", "clientIp": "ip", "deviceFingerprint": "device_id"}),
        ({"用户ID": "user_id", "商品": "item_id", "下单时间": "timestamp", "店铺": "seller_id"},
         {"用户ID": "user_id", "商品": "item_id", "下单时间": "timestamp", "店铺": "seller_id"}),
        ({"KundenNr": "user_id", "Artikel": "item_id", "Betrag": "amount", "Datum": "timestamp"},
         {"KundenNr": "user_id", "Artikel": "item_id", "Betrag": "amount", "Datum": "timestamp"}),
        ({"uid": "user_id", "asin": "item_id", "stars": "rating", "review_text": "text", "merchant": "seller_id"},
         {"uid": "user_id", "asin": "item_id", "stars": "rating", "review_text": "text", "merchant": "seller_id"}),
        ({"account": "user_id", "zone_x": "ip", "zone_y": "timestamp"}, {"account": "user_id", "zone_x": "ip", "zone_y": "timestamp"}),
        ({"household_id": "user_id", "sku": "item_id", "Product Type": "category", "sales_value": "amount", "basket_id": "order_id"},
         {"household_id": "user_id", "sku": "item_id", "Product Type": "category", "sales_value": "amount", "basket_id": "order_id"}),
        ({"buyer": "user_id", "sku": "item_id", "Customer Type": "user_id", "device type": "device_id", "Warengruppe": "category"},
         {"buyer": "user_id", "sku": "item_id", "Warengruppe": "category"}),
        ({"shop_user_id": "user_id", "bought_product_id": "item_id"}, {"shop_user_id": "user_id", "bought_product_id": "item_id"}),
    ],
)  # fmt: skip
def test_columns_are_known_by_name_and_values(tmp_path: Path, header: dict[str, str], expected: dict[str, str]) -> None:
    assert mapping(proposed(write(tmp_path / "log.csv", {theirs: VALUES[ours] for theirs, ours in header.items()}))) == expected


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("device", ["ios", "android"] * 100, "kinds of devices"),
        ("card", ["visa", "paypal"] * 100, "ways of paying"),
        ("Loyalty Member", ["yes", "no"] * 100, "kinds of people"),
        ("ip_address", [f"host{n}" for n in range(200)], "0% of its values are IP addresses"),
        ("event_time", ["soon"] * 200, "0% of its values are times"),
        ("signup_time", VALUES["timestamp"], "time of something else"),
        ("event_name", [f"page{n}" for n in range(200)], "too many for actions"),
        ("amount", ["much", "little"] * 100, ""),
        ("log_id", [f"e{n % 100}" for n in range(200)], "dropped as duplicates"),
        ("stars", [str(n) for n in range(200)], "200 different values"),
    ],
)
def test_values_that_speak_against_a_name_leave_the_column_unmapped(tmp_path: Path, name: str, values: list[str], why: str) -> None:
    log = write(tmp_path / "log.csv", {"user_id": VALUES["user_id"], "item_id": VALUES["item_id"], name: values})
    proposal = proposed(log)
    assert mapping(proposal) == {}
    (unsure,) = [guess for guess in proposal.unsure if guess.theirs == name]
    assert why in unsure.reason
    text = proposal_as_toml(proposal, ["log.csv"])
    assert any(line.startswith("#") and name in line and unsure.reason in line for line in text.splitlines())


def test_of_two_the_better_named_is_taken_and_the_other_said(tmp_path: Path) -> None:
    users, times = VALUES["user_id"], VALUES["timestamp"]
    log = write(
        tmp_path / "log.csv",
        {"customer_id": VALUES[""], "customer_unique_id": users, "sku": VALUES["item_id"], "date": times, "purchase_time": times},
    )
    proposal = proposed(log)
    assert mapping(proposal) == {"customer_unique_id": "user_id", "sku": "item_id", "purchase_time": "timestamp"}
    assert {guess.theirs: guess.reason.split("; ")[-1] for guess in proposal.unsure} == {
        "customer_id": "customer_unique_id is it",
        "date": "purchase_time is it",
    }
    own = proposed(write(tmp_path / "own.csv", {"buyer": VALUES[""], "user_id": users, "item_id": VALUES["item_id"]}))
    assert mapping(own) == {}
    assert own.own == ("user_id", "item_id")


def test_files_of_several_kinds(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    write(tmp_path / "logs" / "clicks.csv", {"uid": VALUES["user_id"], "sku": VALUES["item_id"], "ts": VALUES["timestamp"]})
    write(tmp_path / "logs" / "goods.csv", {"sku": VALUES["item_id"], "cat": VALUES["category"]})
    write(tmp_path / "logs" / "orders.csv", {"buyer": VALUES["user_id"], "sku": VALUES["item_id"], "order_date": VALUES["timestamp"]})
    write(tmp_path / "logs" / "rates.csv", {"currency": VALUES[""], "rate": VALUES["amount"]})
    proposal = proposed(tmp_path / "logs")
    assert [(Path(file.path).name, file.role) for file in proposal.files] == [
        ("clicks.csv", "events"), ("goods.csv", "catalogue"), ("orders.csv", "events"), ("rates.csv", "left out"),
    ]  # fmt: skip
    assert {"uid", "buyer", "sku", "ts", "order_date", "cat"} <= set(mapping(proposal))
    (tmp_path / "mine.toml").write_text(proposal_as_toml(proposal, ["logs"]), encoding="utf-8")
    found = check_logs(proposal.usable, load_settings(tmp_path / "mine.toml").log, MACHINE)
    assert found.rejected == 0
    assert found.events == found.columns["timestamp"] == found.columns["category"]
    assert len(found.files) == 3


NAMES = {
    "user_id": [
        "Kundennummer",
        "Kunden-Nr.",
        "id_client",
        "Numéro client",
        "id_cliente",
        "id_usuario",
        "id_utente",
        "klantnummer",
        "id_klienta",
        "пользователь",
        "会員番号",
        "买家昵称",
        "用户.编号",
        "Customer No",
    ],
    "item_id": [
        "Artikel-Nr.",
        "id_produit",
        "Código de artículo",
        "id_prodotto",
        "id_produktu",
        "товар",
        "商品コード",
        "商品标题",
        "Product Code",
    ],
    "device_id": ["Geräte-ID", "Gerätekennung", "id_appareil", "Dispositivo", "urzadzenie", "устройство", "端末ID", "设备指纹"],
    "ip": ["IP-Adresse", "adresse_ip", "Dirección IP", "indirizzo_ip", "ip адрес"],
    "timestamp": [
        "Bestellzeitpunkt",
        "date_commande",
        "Fecha y hora",
        "data_ordine",
        "data_zamowienia",
        "дата",
        "注文日時",
        "订单创建时间",
        "Order Date/Time",
    ],
    "amount": [
        "Gesamtbetrag",
        "Preis (EUR)",
        "montant_total",
        "importe",
        "importo",
        "kwota",
        "сумма",
        "金額",
        "买家实际支付金额",
        "Order Total",
    ],
}


@pytest.mark.parametrize(("ours", "name"), [(ours, name) for ours, names in NAMES.items() for name in names])
def test_names_in_many_languages(tmp_path: Path, ours: str, name: str) -> None:
    columns = {"user_id": VALUES["user_id"], "item_id": VALUES["item_id"], "x7": VALUES[""]}
    columns.pop(ours, None)
    assert mapping(proposed(write(tmp_path / "log.csv", {name: VALUES[ours], **columns}))) == {name: ours}


@pytest.mark.parametrize("name", ["Kundengruppe", "order_status", "customer_city", "freight_value", "session_id", "Zahlungsart", "source"])
def test_names_of_other_things_stay_unmapped(tmp_path: Path, name: str) -> None:
    columns = {"user_id": VALUES["user_id"], "item_id": VALUES["item_id"], name: VALUES[""]}
    assert mapping(proposed(write(tmp_path / "log.csv", columns))) == {}


def test_times_that_are_half_readable_are_said_with_what_it_costs(tmp_path: Path) -> None:
    times = [one if place % 2 else f"今天 {one[11:16]}" for place, one in enumerate(VALUES["timestamp"])]
    proposal = proposed(write(tmp_path / "log.csv", {"user_id": VALUES["user_id"], "item_id": VALUES["item_id"], "时间": times}))
    (unsure,) = proposal.unsure
    assert "50% of its values are times; rows with others, such as '今天" in unsure.reason
    german = [f"{1 + place % 28}. März 2025" for place in range(200)]
    columns = {"user_id": VALUES["user_id"], "item_id": VALUES["item_id"], "Datum": german}
    assert mapping(proposed(write(tmp_path / "german.csv", columns))) == {"Datum": "timestamp"}


def test_an_empty_file_is_refused(graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text("")
    refused = graphdet_command("init", "log.csv")
    assert refused.code == 2
    assert "empty" in refused.err
    assert not (tmp_path / "graphdet.toml").exists()


def test_actions_are_translated(tmp_path: Path) -> None:
    words = ["PV", "add_to_cart", "addToWishlist", "purchase", "下单", "view", "promo_page", "Refund", "sign-in", "detail view"]
    log = {"user_id": VALUES["user_id"], "item_id": VALUES["item_id"], "event_type": [words[n % len(words)] for n in range(200)]}
    proposal = proposed(write(tmp_path / "log.csv", log))
    assert mapping(proposal) == {"event_type": "action"}
    assert proposal.actions == {
        "pv": "view", "add_to_cart": "cart", "addtowishlist": "favourite", "purchase": "order", "下单": "order", "sign-in": "login",
        "detail view": "view",
    }  # fmt: skip
    assert proposal.kept == ("promo_page",)
    assert set(proposal.actions.values()) <= set(ACTIONS)


def test_a_file_without_a_header(tmp_path: Path) -> None:
    columns = [VALUES["user_id"], VALUES["item_id"], [("pv", "buy")[n % 2] for n in range(200)], VALUES["ip"], VALUES["timestamp"]]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(map(",".join, zip(*columns, strict=True))) + "\n")
    assert proposed(path).names == ("user_id", "item_id", "action", "ip", "timestamp")
    assert proposed(write(tmp_path / "named.csv", {"user_id": VALUES["user_id"], "item_id": VALUES["item_id"]})).names == ()


def test_the_users_other_id_is_no_item(tmp_path: Path) -> None:
    """As in lists of customers who have a number in the shop and one in the sample."""
    columns = [VALUES["user_id"], [f"x{name}" for name in VALUES["user_id"]], VALUES["timestamp"], VALUES["item_id"]]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(map(",".join, zip(*columns, strict=True))) + "\n")
    assert proposed(path).names == ("user_id", "column2", "timestamp", "item_id")


@pytest.mark.parametrize(
    ("named", "lacking", "candidates"),
    [({"buyer": "user_id"}, "item_id", ["wovon"]), ({"sku": "item_id"}, "user_id", ["wovon"]), ({}, "user_id", ["wovon", "wer"])],
)
def test_what_no_name_tells_is_proposed_by_its_values_and_not_mapped(
    tmp_path: Path, graphdet_command: Command, monkeypatch: pytest.MonkeyPatch, named: dict[str, str], lacking: str, candidates: list[str]
) -> None:
    """Neither times, sums, kinds and row numbers, nor what never comes twice; a column without a name is called so."""
    monkeypatch.chdir(tmp_path)
    columns = {"": [str(n) for n in range(200)], **{theirs: VALUES[ours] for theirs, ours in named.items()}}
    columns |= {"kind": VALUES["action"], "worth": [f"{n % 40}.25" for n in range(200)], "wann": VALUES["timestamp"]}
    columns |= {name: VALUES[ours] for name, ours in (("wovon", "category"), ("wer", "user_id")) if name in candidates}
    columns["wovon"] = [f"r{n % 33}" for n in range(200)]
    write(tmp_path / "log.csv", columns)
    proposal = proposed(tmp_path / "log.csv")
    assert {guess.theirs: guess.ours for guess in proposal.unsure} == dict.fromkeys(candidates, lacking)
    assert proposal.lacking == ((lacking,) if named else ("user_id", "item_id"))
    shown = graphdet_command("init", "log.csv")
    assert shown.code == 0
    assert "As it is nothing can be run" in shown.out
    assert "(no name)" in shown.out
    refused = graphdet_command("check", "log.csv")
    assert refused.code == 2
    if "sku" not in named:  # what it has besides would be a catalogue
        assert f'such as "their name" = "{lacking}"' in refused.err
    settings = (tmp_path / "graphdet.toml").read_text().replace(f'# "wovon" = "{lacking}"', f'"wovon" = "{lacking}"')
    (tmp_path / "graphdet.toml").write_text(settings)
    if named:
        assert graphdet_command("check", "log.csv").code == 0


def test_beside_columns_of_ids_one_of_quantities_is_no_candidate(tmp_path: Path) -> None:
    columns = {"sku": VALUES["item_id"], "campaign_id": [f"c{n % 20}" for n in range(200)], "pieces": [str(n % 30) for n in range(200)]}
    assert [guess.theirs for guess in proposed(write(tmp_path / "log.csv", columns)).unsure] == ["campaign_id"]
    del columns["campaign_id"]
    assert [guess.theirs for guess in proposed(write(tmp_path / "log.csv", columns)).unsure] == ["pieces"]


# Layouts


def of_layout(layout: Layout) -> dict[str, list[str]]:
    """A log of that layout: its header, with values that fit."""
    ours = {theirs.lower(): own for theirs, own in layout.columns.items()}
    named = {theirs.lower(): theirs for theirs in layout.columns}
    columns = {theirs: VALUES[own] for theirs, own in layout.columns.items() if " " not in theirs and theirs not in ("Invoice", "Price")}
    for name in layout.header or layout.names:
        own = ours.get(name, name if name in EVENT_COLUMN else "")
        columns[named.get(name, name)] = VALUES[own]
        if own == "action" and layout.actions:
            columns[named.get(name, name)] = [list(layout.actions)[n % len(layout.actions)] for n in range(200)]
    return columns


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_well_known_layout_is_known_and_read(tmp_path: Path, layout: Layout) -> None:
    columns = of_layout(layout)
    log = write(tmp_path / "log.csv", columns)
    if not layout.header:
        log.write_text("".join(log.read_text().splitlines(keepends=True)[1:]))
    proposal = proposed(log)
    assert proposal.layout is layout
    (tmp_path / "mine.toml").write_text(proposal_as_toml(proposal, ["log.csv"]), encoding="utf-8")
    chosen = load_settings(tmp_path / "mine.toml").log
    if layout.header and layout.name != "olist-orders":  # whose orders name no items
        found = check_logs([log], chosen, MACHINE)
        assert found.events == 200 - found.duplicates
        assert found.rejected == 0
        assert set(found.columns) >= set(layout.columns.values()) & set(VALUES) - {"text", "label", "event_id", "order_id"}
        assert set(found.actions) <= set(ACTIONS)
    assert layout.constants == chosen.constants
    assert layout.timezone in (chosen.timezone, "")


def test_layouts_are_told_apart() -> None:
    names = Counter(layout.name for layout in LAYOUTS)
    assert max(names.values()) == 1
    for layout in LAYOUTS:
        assert [other.name for other in LAYOUTS if layout.header and other.fits(layout.header)] == [layout.name] * bool(layout.header)
        assert set(layout.actions.values()) <= set(ACTIONS)
        assert set(layout.columns.values()) <= set(EVENT_COLUMN)


# The file


NAMES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters='\n\r\x00"'), min_size=1, max_size=12)


@given(
    st.lists(
        st.one_of(NAMES, st.sampled_from(["user", "uid", "sku", "item", "date", "ip", "amount", "device"])),
        min_size=1,
        max_size=8,
        unique=True,
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_header_the_file_loads_and_maps_no_two_columns_to_one(tmp_path: Path, header: list[str]) -> None:
    kinds = list(VALUES.values())
    log = write(tmp_path / "log.csv", {name: kinds[place % len(kinds)][:20] for place, name in enumerate(header)})
    proposal = proposed(log)
    path = tmp_path / "mine.toml"
    path.write_text(proposal_as_toml(proposal, ["log.csv"]), encoding="utf-8")
    chosen = load_settings(path).log
    assert max(Counter(chosen.columns.values()).values(), default=1) == 1
    assert set(chosen.columns) <= {column.name for look in look_at_files([log], MACHINE) for column in look.columns}


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    names = ['"] evil = 1\n[machine', "a\x1b[31m", "\u202euser", "ip = \\"]
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(json.dumps({"user_id": f"u{n}", "sku": f"i{n}", **dict.fromkeys(names, f"1.2.3.{n}")}) for n in range(99)))
    text = proposal_as_toml(proposed(log), ["log\nx.jsonl"])
    assert set(tomllib.loads(text)) == {"log"}
    assert all(character.isprintable() or character == "\n" for character in text.split("[log.columns]")[0])
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    load_settings(path)


# The command


def test_init_then_check_and_run(graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = {"buyer": VALUES["user_id"], "sku": VALUES["item_id"], "when": VALUES["timestamp"], "device": ["ios"] * 200}
    write(tmp_path / "log.csv", log)
    outcome = graphdet_command("init", "log.csv")
    assert outcome.code == 0
    assert "graphdet check log.csv " in outcome.out
    (check,), (run,) = (
        [line for line in outcome.out.splitlines() if meant in line] for meant in ("what becomes of the log", "finds rings")
    )
    assert check.index("what becomes") == run.index("finds rings")
    assert "Not sure" in outcome.out
    assert load_settings(Path("graphdet.toml")).log.columns == {"buyer": "user_id", "sku": "item_id", "when": "timestamp"}
    assert json.loads(graphdet_command("check", "log.csv", "--json").out)["events"] == 200
    assert "exists already" in one_line(graphdet_command("init", "log.csv"), 2)
    document = json.loads(graphdet_command("init", "log.csv", "--json", "--out", "other.toml").out)
    assert [guess["ours"] for guess in document["mapped"]] == ["user_id", "item_id", "timestamp"]
    assert graphdet_command("init", "log.csv", "-q", "--out", "third.toml") == (0, "", "")


def test_what_init_refuses(graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no log files were named" in one_line(graphdet_command("init"), 2)
    assert "did you mean 'rees46'" in one_line(graphdet_command("init", "x.csv", "--layout", "rees64"), 2)
    assert {layout.name for layout in LAYOUTS} == {
        line.split()[0] for line in graphdet_command("init", "--layout", "list").out.splitlines()
    }
    (tmp_path / "log.csv").write_text("user_id,item_id\na,b\n")
    assert "cannot be written" in graphdet_command("init", "log.csv", "--out", "nowhere/x.toml").err


def answer(folder: Path, answers: list[str], *words: str) -> tuple[int, str]:
    """The program on a terminal of its own, with answers typed as it asks."""
    own, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": "100"}
    process = subprocess.Popen([*PROGRAM, *words], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown, end = "", time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        if select.select([own], [], [], 0.1)[0]:
            try:
                shown += os.read(own, 4096).decode(errors="replace")
            except OSError:
                break
            if answers and shown.rstrip().endswith(":"):
                os.write(own, f"{answers.pop(0)}\n".encode())
                shown += " "
    code = process.wait(timeout=30)
    os.close(own)
    return code, shown


def test_a_terminal_is_asked(tmp_path: Path) -> None:
    write(tmp_path / "log.csv", {"wer": VALUES["user_id"], "sku": VALUES["item_id"], "device": ["ios"] * 200})
    write(tmp_path / "two.csv", {"who": VALUES["user_id"], "what": [f"p{n}" for n in range(200)]})
    code, shown = answer(tmp_path, ["n", "who", "what", "y"], "init", "two.csv", "--out", "two.toml")
    assert code == 0, shown
    assert load_settings(tmp_path / "two.toml").log.columns == {"who": "user_id", "what": "item_id"}
    code, shown = answer(tmp_path, ["y", "n", "wer", "y"], "init", "log.csv")
    assert code == 0, shown
    assert "Is device the device_id?" in shown
    assert "Is wer the user_id?" in shown
    assert "Which column names the user?" in shown
    assert load_settings(tmp_path / "graphdet.toml").log.columns == {"sku": "item_id", "device": "device_id", "wer": "user_id"}
    code, shown = answer(tmp_path, ["n", "n", "wer", "n"], "init", "log.csv", "--out", "second.toml")
    assert code != 0
    assert not (tmp_path / "second.toml").exists()
    code, _ = answer(tmp_path, [], "init", "log.csv", "--out", "third.toml", "--yes")
    assert code == 0
    assert LogSettings().columns == {}


def test_a_web_servers_log_is_known_by_its_lines(graphdet_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no columns to map: `check` names the setting, and `init` writes it."""
    monkeypatch.chdir(tmp_path)
    line = '192.0.2.{visitor} - - [1{visitor}/May/2025:10:05:0{visitor} +0000] "GET /{page} HTTP/1.1" 200 2326'
    lines = [line.format(visitor=visitor, page=page) for visitor in range(1, 4) for page in ("a", "b")]
    (tmp_path / "access.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    refused = graphdet_command("check", "access.log")
    assert refused.code == 2
    assert 'preset = "combined"' in refused.err
    assert graphdet_command("init", "access.log", "--yes").code == 0
    found = json.loads(graphdet_command("check", "access.log", "--json").out)
    assert (found["read"], found["accepted"], found["nodes"]["user"], found["nodes"]["item"]) == (6, 6, 3, 2)
