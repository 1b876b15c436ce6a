"""Rows of plain values → a CSV file or a workbook, in which no text from a log becomes a formula, a link or a number."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphdet.printable import for_spreadsheet, printable

LONGEST_CELL = 32_000  # characters; a workbook's cell holds 32,767

Rows = Sequence[Mapping[str, Any]]  # all with the same columns


def write_csv(path: Path, rows: Rows, headings: Sequence[str] = ()) -> None:
    """One table, with the mark by which spreadsheets know UTF-8; `headings` stand where there are no rows to tell them."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        heading = list(rows[0]) if rows else list(headings)
        if heading:
            writer.writerow(heading)
            writer.writerows([for_spreadsheet(value) for value in row.values()] for row in rows)


def write_workbook(path: Path, tables: Mapping[str, Rows], headings: Sequence[str] = ()) -> None:
    """A sheet for each table; `headings` stand in one without rows."""
    import xlsxwriter

    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
        "in_memory": True,
    }
    made = io.BytesIO()  # its writer has errors of its own for a full disk, and temporary files
    with xlsxwriter.Workbook(made, options) as book:
        bold = book.add_format({"bold": True})
        for name, rows in tables.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for column, heading in enumerate(rows[0] if rows else headings):
                sheet.write_string(0, column, heading, bold)
            for number, row in enumerate(rows, 1):
                for column, value in enumerate(row.values()):
                    if isinstance(value, (int, float)) and not isinstance(value, bool):
                        sheet.write_number(number, column, value)
                    elif value is not None:
                        text = value if isinstance(value, str) else str(value)
                        sheet.write_string(number, column, printable(text)[:LONGEST_CELL])
            sheet.autofit(400)
    path.write_bytes(made.getvalue())
