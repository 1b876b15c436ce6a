"""Amounts in several currencies: never added up as if they were alike; converted where rates are stated, missing and told of otherwise."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from graphdet.events import EventTable, read_events
from graphdet.events.number_writings import currency_code, currency_in
from graphdet.progress import Progress
from graphdet.run.folder import Run
from graphdet.schema.wording import LANGUAGES
from graphdet.settings import LogSettings, Settings
from graphdet.week.kept_log import load_kept
from graphdet.week.working_day import work_day
from graphdet.words.run_notes import note_in_words

CODES = {
    "€ {}": "EUR",
    "{} EUR": "EUR",
    "{}€": "EUR",
    "£{}": "GBP",
    "gbp {}": "GBP",
    "{} 元": "CNY",
    "RMB {}": "CNY",
    "R$ {}": "BRL",
    "{}": "",
}


def read(path: Path, rows: list[str], header: str = "user_id,item_id,amount", **log: object) -> EventTable:
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return read_events([path], LogSettings(**log))  # type: ignore[arg-type]


def money(table: EventTable) -> dict[str, float]:
    users, amount = table.ids["user"].to_pylist(), table.amount
    assert amount is not None
    return {users[user]: value for user, value in zip(table.codes["user"].tolist(), amount.tolist(), strict=True) if not np.isnan(value)}


def told(table: EventTable) -> list[str]:
    return [note for note in table.report.notes if note.startswith("amount: money")]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("mapped", [False, True], ids=["in the amounts", "in a column"])
def test_only_what_is_in_the_currency_or_has_a_rate_counts(tmp_path: Path, seed: int, mapped: bool) -> None:
    draw = random.Random(seed)  # noqa: S311
    rows, expected, counts = [], {}, {"EUR": 0, "GBP": 0, "CNY": 0, "BRL": 0}
    rates = {"GBP": 1.25, "": 1.0}
    drawn = [(f"u{place}", draw.choice(list(CODES)), draw.randint(1, 900)) for place in range(80)]
    for _, form, _ in drawn:
        if CODES[form]:
            counts[CODES[form]] += 1
    own = min(counts, key=lambda code: (-counts[code], code))
    for user, form, value in drawn:
        code = CODES[form]
        rows.append(f"{user},i,{value},{draw.choice((code, code.lower(), f' {code} '))}" if mapped else f"{user},i,{form.format(value)}")
        rate = 1.0 if code == own else rates.get(code)
        if rate is not None:
            expected[user] = value * rate
    header = "user_id,item_id,amount" + (",currency" if mapped else "")
    table = read(tmp_path / "log.csv", rows, header, rates={"gbp": 1.25})
    assert money(table) == pytest.approx(expected)
    (note,) = told(table)
    assert f"counted in {own} ({counts[own]:,})" in note
    assert all(note_in_words(note, language) != note for language in LANGUAGES)
    for code, count in counts.items():
        assert code == own or f"{code} ({count:,})" in note or f"{code} × 1.25 ({count:,})" in note


def test_one_currency_needs_no_note_and_signs_of_many_countries_are_no_code(tmp_path: Path) -> None:
    table = read(tmp_path / "log.csv", ["a,i,€ 5", "b,i,6 EUR", "c,i,7"])
    assert money(table) == {"a": 5, "b": 6, "c": 7}
    assert not told(table)
    assert not table.written
    assert currency_code(currency_in("$ 3")) == "$"
    assert currency_code(currency_in("US$3")) == "USD"
    assert currency_in("3.50") == ""
    assert currency_code("￥") == currency_code("¥") != currency_code("元")


def test_the_settings_choose_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    rows = ["a,i,5,EUR", "b,i,6,EUR", "c,i,7,USD"]
    table = read(tmp_path / "log.csv", rows, "user_id,item_id,amount,currency", currency="usd")
    assert money(table) == {"c": 7}
    (note,) = told(table)
    assert note.startswith("amount: money is counted in USD (1); left out of it: EUR (2). [log.rates]")
    with pytest.raises(ValidationError, match="what one USD is worth"):
        LogSettings(rates={"USD": 0.0})


def test_rows_that_differ_in_currency_alone_are_two(tmp_path: Path) -> None:
    table = read(tmp_path / "log.csv", ["a,i,5,EUR", "a,i,5,USD", "a,i,5,USD"], "user_id,item_id,amount,currency")
    assert len(table) == 2
    assert table.report.duplicates == 1


def test_a_day_of_other_money_does_not_change_what_the_window_counts_in(tmp_path: Path) -> None:
    def one_day(name: str, code: str, count: int) -> Path:
        rows = [f"u{place},i{place % 3},2025-03-{name}T{place % 24:02}:00:00Z,order,10,{code}" for place in range(count)]
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(["user_id,item_id,timestamp,action,amount,currency", *rows]), encoding="utf-8")
        return path

    home = tmp_path / "home"
    settings = Settings.model_validate({"gnn": {"least_rings": 0}, "rings": {"permutations": 4}})
    for path in (one_day("01", "EUR", 40), one_day("02", "USD", 15)):
        with work_day(home, [path], settings, timedelta(days=10), 5, Progress()) as day:
            made = day.run
    kept = load_kept(home).rows
    assert sorted(set(kept["currency"].to_pylist())) == ["EUR", "USD"]
    assert set(kept["amount"].to_pylist()) == {10.0}
    assert made is not None
    notes = Run.load(made).meta["notes"]
    assert any("counted in EUR (40); left out of it: USD (15)" in note for note in notes)
