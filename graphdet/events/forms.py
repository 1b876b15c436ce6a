"""What a file's own values tell of how it is written: encoding, delimiter, order of day and month, decimal mark. Told once, read by all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Order = Literal["day first", "month first", "year first"]
Decimal = Literal[".", ",", "each its own"]


@dataclass(frozen=True)
class TimeForm:
    """How the times of one column are written, as all its values tell.

    Attributes:
        orders: (separator, digits of the year) → the order of day, month and year, for dates in numbers whose year stands last or is short.
        patterns: the only writings that are times, in strptime's words; () = all that can be told.
        example: one of the values that needed telling.
    """

    orders: tuple[tuple[str, int, Order], ...] = ()
    patterns: tuple[str, ...] = ()
    example: str = ""


@dataclass(frozen=True)
class NumberForm:
    """How the numbers of one column are written.

    Attributes:
        decimal: the mark before cents; "each its own" where values of both kinds stand in the column, each clear by itself.
        unreadable: an example of what is no number, or ''.
    """

    decimal: Decimal = "."
    unreadable: str = ""


@dataclass(frozen=True)
class FileForm:
    """How a file is written, as far as that had to be told.

    Attributes:
        encoding: of a text file, as Python names it; '' where the file is none.
        delimiter: between fields; '' where the format has none.
        skipped: lines before the header.
        header: whether the file names its columns.
        times, numbers: our column → its form, of those that needed telling.
    """

    encoding: str = ""
    delimiter: str = ""
    skipped: int = 0
    header: bool = True
    times: Mapping[str, TimeForm] = field(default_factory=dict)
    numbers: Mapping[str, NumberForm] = field(default_factory=dict)
