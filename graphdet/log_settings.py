"""How other people's logs are read: the settings of `[log]`, each declared once with type, default, bounds and one sentence."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from graphdet.errors import nearest
from graphdet.schema import NODE_TYPES
from graphdet.schema.missing_words import MISSING_WORDS

ENDLESS = 1e300
FARTHEST = 1_000_000_000  # no setting needs more, and whatever is computed of settings can hold it


class Section(BaseModel):
    """One frozen group of settings; wrong types, unknown names, numbers that are none and numbers beyond all sense are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _in_reach(cls, value: Any, info: ValidationInfo) -> Any:
        """Settings that name no highest value of their own have this one."""
        own = cls.model_fields[str(info.field_name)].metadata
        if not any(hasattr(bound, "le") or hasattr(bound, "lt") for bound in own):
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, (int, float)) and abs(one) > FARTHEST:
                    bound = f"at most {FARTHEST:,}" if one > 0 else f"at least -{FARTHEST:,}"
                    found = (
                        f"{one:.3g}" if isinstance(one, float) or abs(one) < ENDLESS else f"more than {ENDLESS:g}"
                    )  # Python writes no longer whole number so
                    raise ValueError(f"must be {bound} (found {found})")
        return value


class LogSettings(Section):
    """How other people's logs are read."""

    columns: dict[str, str] = Field({}, description="their column name = ours; a column named here wins over one that has our name already")
    actions: dict[str, str] = Field({}, description="their action word = ours, compared in lower case")
    constants: dict[str, str] = Field({}, description='our column = one value for every row that has none, such as action = "order"')
    names: tuple[str, ...] = Field((), description="the columns of files that have no header, in their order")
    preset: Literal["", "combined"] = Field(
        "",
        description="combined: the logs of Apache and nginx, a request a line; who is logged in, or else an address, is a user, a path an item",
    )
    encoding: str = Field("", description='of text files, such as "gb18030"; "" = UTF-8, or what the bytes look like')
    join: dict[str, str] = Field(
        {},
        description='a table of a file = the column that it is joined by, such as "customers.csv" = "customer_id", or "ours = theirs"; beside the settings file',
    )
    skip: tuple[str, ...] = Field(
        (), description="files that are no logs, such as a table of rates, left out where a folder holds them; beside the settings file"
    )
    unroll: tuple[str, ...] = Field((), description="lists in JSON and Parquet, by dotted name, of which each value is to be a row")
    timezone: str = Field("UTC", description='zone of times that carry none, as an IANA name or an offset such as "+08:00"')
    day_first: bool | None = Field(
        None, description="true: 03/04/2024 is 3 April; false: it is 4 March; left out: the column's own values tell, or reading stops"
    )
    timestamp_format: str | tuple[str, ...] = Field(
        "",
        description='the only writing of times, or several, as strptime has it ("%d.%m.%y %H:%M"), or a word: seconds … nanoseconds, excel, excel1904, julian, ticks, filetime, webkit',
    )
    decimal: Literal["", ".", ","] = Field("", description='the decimal mark of amounts and ratings; "" = the column\'s own values tell')
    currency: str = Field("", description='that money is counted in, such as "EUR"; "" = that of most amounts')
    rates: dict[str, float] = Field(
        {},
        description="currency = what one of it is worth in the one that money is counted in, such as USD = 0.92; amounts in others count as missing",
    )
    missing: tuple[str, ...] = Field(
        MISSING_WORDS,
        description="words that stand for none known, in every column, compared in lower case; 0 stands for all ids of zeros, 127.0.0.1 for all of loopback",
    )
    genuine: tuple[str, ...] = Field((), description="names that look like placeholders and are none")
    ignore: str = Field(
        "",
        description="a file of keys to leave out (the office's address, test phones), one a line, or as column = key; beside the settings file",
    )
    ignore_keys: dict[str, tuple[str, ...]] = Field(
        {}, description='the same as our column = keys, such as ip = ["203.0.113.7"]; a casebook\'s discounts come in here'
    )
    fold: tuple[Literal["case", "spaces", "float", "encoding"], ...] = Field(
        (), description="differences between ids that are none: case, spaces, 123 and 123.0 (float), an encoding applied twice"
    )
    texts: bool = Field(
        True, description="read review texts: groups of near-duplicates are where users meet; false = as if the log had none"
    )
    images: bool = Field(
        True,
        description="read pictures, from files in the log's folder or from bytes: like ones are where users meet; false = as if the log had none; some 6 ms each",
    )
    image_texts: bool = Field(
        False,
        description="read what is written in pictures, too: those that show the same phone or chat number, or words, are one; needs graphdet[ocr], half a second or more each",
    )
    image_folder: str = Field(
        "", description='the folder that names of pictures start from; "" = that of their log; beside the settings file'
    )
    since: str = Field("", description='leave out events before this date or time, such as "2025-03-01" or "2025-03-01 18:30"')
    until: str = Field("", description="leave out events after this date, or from this time on")
    sample: float = Field(1.0, gt=0, le=1, description="share of users to keep, with all they did; for a first look, since it thins rings")
    raw_characters: int = Field(2000, ge=20, le=1_000_000, description="characters of a rejected row that are kept")
    max_id_characters: int = Field(100_000, ge=16, description="an id longer than this is rejected")
    unpacked_gb: float = Field(
        100.0, gt=0, le=1e9, description="a compressed file that unpacks to more is refused: a few bytes may stand for a full disk"
    )

    @field_validator("ignore_keys")
    @classmethod
    def _columns_of_ids(cls, keys: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        known = [node_type.column for node_type in NODE_TYPES]
        for column in keys:
            if column not in known:
                raise ValueError(f"'{column}' is no column of ids{nearest(column, known)} There are {', '.join(known)}")
        return keys

    @field_validator("rates")
    @classmethod
    def _worth_something(cls, rates: dict[str, float]) -> dict[str, float]:
        for name, rate in rates.items():
            if not 1e-9 <= rate <= 1e9:
                raise ValueError(f"{name} = {rate:g} is no rate; say what one {name} is worth, such as {name} = 0.92")
        return rates

    @field_validator("since", "until")
    @classmethod
    def _a_time(cls, text: str) -> str:
        try:
            if text:
                datetime.fromisoformat(text)
        except ValueError:
            raise ValueError('no date or time; write one such as "2025-03-01" or "2025-03-01 18:30"') from None
        return text
