"""Text that goes to a terminal, into JSON or into a spreadsheet does no harm there, and JSON reads back as it was."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphdet.printable import FORMULA, as_json, for_spreadsheet, printable

HARM = ("\x1b[31m", "\x00", "\u202e", "\u2066", "\x9b31m", "\x7f", "\u200b", "\ufeff")
ANY = st.text(st.characters(blacklist_categories=["Cs"]), max_size=40) | st.text("=+-@|%;,\t \"'\n＝＋－＠a1", max_size=20)


@pytest.mark.parametrize("harm", HARM)
def test_nothing_controls_a_terminal(harm: str) -> None:
    for shown in (printable(f"a{harm}b"), as_json({f"a{harm}b": harm}).replace("\n", ""), for_spreadsheet(f"a{harm}b")):
        assert shown.isprintable(), shown


@given(
    st.recursive(ANY | st.integers() | st.none() | st.booleans(), lambda inner: st.lists(inner) | st.dictionaries(ANY, inner), max_leaves=9)
)
@example(["\x9b", "😀", "\U000e0001", "\ud800"])
def test_json_reads_back_and_is_printable(document: object) -> None:
    text = as_json(document)
    assert text.replace("\n", "").isprintable()
    assert json.loads(text) == document


@given(ANY)
@example("=1+1")
@example("＝1+1")
@example("a;=1+1")
@example(" \u3000-2+3")
@example("|calc")
@example("x,\t@SUM(A1)")
@example("\x00=1")
def test_no_cell_is_a_formula_however_a_program_parts_cells(text: str) -> None:
    told = for_spreadsheet(text)
    assert told.isprintable()
    file = io.StringIO()
    csv.writer(file).writerow(["u1", told])
    for delimiter in ",;\t|":
        for cell in next(csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=delimiter)):
            begin = unicodedata.normalize("NFKC", cell.strip().lstrip('"').strip())[:1]
            assert not begin or begin not in FORMULA.replace("|", "") or cell == "u1", (told, cell)


def test_numbers_stay_numbers() -> None:
    assert for_spreadsheet(-2.5) == -2.5
    assert for_spreadsheet(None) is None
    assert for_spreadsheet("u-17") == "u-17"
    assert for_spreadsheet(["a", "=1"]) == '[ "a", "\'=1"]'
