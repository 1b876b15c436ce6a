"""One time as people and their programs write it → microseconds of its wall clock, and how far its zone is ahead of UTC.

Month names (`date_words.py` makes them English), Chinese dates, AM and PM, dates in numbers by the order that the column's values told, web
logs' "10/Oct/2000:13:55:36 -0700", e-mail dates, JavaScript's, Java's, .NET's and C's. What is not wholly understood is no time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache

from graphdet.events.date_words import in_english, in_plain_signs
from graphdet.events.forms import Order

Wall = tuple[int, int | None]  # microseconds since 1970 by the clock on the wall, and microseconds that its zone is ahead; None = not said
Numeric = tuple[str, int]  # the separator of a date in numbers, and the digits of its year

_EPOCH = date(1970, 1, 1).toordinal()
_DAY, _HOUR, _MINUTE, _SECOND = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000
_PIVOT = 69  # of two digits: 69 is 1969 and 68 is 2068, as strptime has it

_NAMES = "january|february|march|april|may|june|july|august|september|october|november|december"
_MONTHS = {name[:3]: number for number, name in enumerate(_NAMES.split("|"), start=1)}
_MONTH = rf"({_NAMES}|sept|{'|'.join(_MONTHS)})\.?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
_HALF = r"[ap]\.?\s?m\.?"
_ZONE = r"z|(?:utc|gmt)?\s?[+-]\d{1,2}(?::?\d{2})?|utc|gmt"
_GAP = r"(?:\s*,\s*|\s+at\s+|\s*t|\s+-\s+|\s+)"  # between a date and a clock
_REST = rf"(?:{_GAP}(.+))?"
_LONG_REST = rf"(?:(?:{_GAP}|:)(.+))?"  # after four digits of a year a colon may follow, as in web logs

_NUMERIC = re.compile(rf"(\d{{1,2}})\s?([/.-])\s?(\d{{1,2}})\s?\2\s?(?:(\d{{4}}){_LONG_REST}|(\d{{2}}){_REST})")
_YEAR_FIRST = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_LONG_REST}")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})[t ]?(\d{2}):?(\d{2})(?::?(\d{2}(?:[.,]\d+)?))?\s*(z|[+-]\d{2}:?\d{2})?")
# (pattern, which groups are year, month, day, clock)
_NAMED = tuple(
    (re.compile(pattern), groups)
    for pattern, groups in (
        (rf"(\d{{1,2}})(?:st|nd|rd|th)?[\s/.-]*(?:of )?{_MONTH}[\s/.,-]*(\d{{4}}){_LONG_REST}", (3, 2, 1, 4)),
        (rf"(\d{{1,2}})[\s/.-]*{_MONTH}[\s/.,-]*'?(\d{{2}})(?:(?:{_GAP}|:(?=\d{{2}}:\d{{2}}:))(.+))?", (3, 2, 1, 4)),
        (rf"{_MONTH}[\s/.-]*(\d{{1,2}})(?:st|nd|rd|th)?[\s/.,-]+(\d{{4}}){_LONG_REST}", (3, 1, 2, 4)),
        (rf"{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?,\s*'?(\d{{2}}){_REST}", (3, 1, 2, 4)),
        (rf"{_MONTH}\s+(\d{{1,2}})\s+({_CLOCK}(?:\s?{_HALF})?(?:\s+(?:{_ZONE}))?)\s+(\d{{4}})", (4, 1, 2, 3)),
        (rf"(\d{{4}})[\s/-]{_MONTH}[\s/-](\d{{1,2}}){_LONG_REST}", (1, 2, 3, 4)),
    )
)
_TIME = re.compile(rf"(\d{{1,2}})(?::(\d{{2}})(?::(\d{{2}})(?:[.,](\d+))?)?)?\s?({_HALF})?\s*({_ZONE})?")
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})?$")
_WEEKDAY = re.compile(r"^(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?[.,]?\s+")
_WRAPPED = re.compile(r"^=?[\"'<\[]+(.*?)[\"'>\]]*$")
_ZONE_TWICE = re.compile(r"(z|[+-]\d{2}(?::?\d{2})?)\[[^\[\]]+\]$")  # as Java writes it: +01:00[Europe/Paris]
_OTHER_MARKS = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2})[-_t ](\d{2})[-.](\d{2})[-.](\d{2})([.,]\d+)?(\s?(?:z|[+-]\d{2}:?\d{2}))?")
_CLOCK_WITH_DOTS = re.compile(rf"(\d{{1,2}})\.(\d{{2}})(?:\.(\d{{2}}(?:[.,]\d+)?))?(\s?{_HALF})?")
_SPACED_DOTS = re.compile(r"^(\d{4})\. (\d{1,2})\. (\d{1,2})\.?(?=\s|$)")
_DOT_NET = re.compile(r"\\?/date\((-?\d{1,15})(?:[+-]\d{4})?\)\\?/")
_CLOCK_FIRST = re.compile(rf"({_CLOCK}(?:\s?{_HALF})?)[\s,]+(\S.*\d)")
_NAME_OF_ZONE = re.compile(r"\s*\([^)]*\)$")

_CHINESE_WEEKDAY = re.compile(r"[(（]?(?:星期|周|週|礼拜)[一二三四五六日天][)）]?")
_CHINESE = re.compile(r"(\d{4}|\d{2})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号號]?\s*(.*)")
_CHINESE_CLOCK = re.compile(
    r"(上午|凌晨|清晨|早晨|早上|中午|下午|傍晚|晚上)?\s*(\d{1,2})\s*[:：时時点點]\s*(?:(\d{1,2})\s*(?:[:：分]\s*(?:(\d{1,2}(?:\.\d+)?)\s*秒?)?)?)?"
)
_MORNING, _EVENING = ("上午", "凌晨", "清晨", "早晨", "早上"), ("下午", "傍晚", "晚上")


def read_time(text: str, order_of: Callable[[Numeric], Order | None]) -> Wall | None:
    """One trimmed text; None where it is no time, or none whose order of day and month is told.

    Args:
        order_of: the order of day, month and year in dates of a separator and so many digits of the year.
    """
    day, _, clock = text.partition(" ")
    numbers = _numbers(day)
    wall = _of_numbers(numbers, clock, order_of) if numbers else None
    if wall is not None:
        return wall
    text = plain_time(text)
    found = _NUMERIC.fullmatch(text)
    return _of_numbers(_numbers_of(found), found[5] or found[7] or "", order_of) if found else _other_writings(text)


def _of_numbers(numbers: tuple[str, str, str, str], clock: str, order_of: Callable[[Numeric], Order | None]) -> Wall | None:
    """A date in numbers by the order that is told for its separator and its year."""
    first, separator, second, year = numbers
    order = order_of((separator, len(year)))
    if order == "day first":
        return _moment(year, int(second), first, clock)
    if order == "month first":
        return _moment(year, int(first), second, clock)
    return _moment(first, int(second), year, clock) if order and len(first) == len(year) == 2 else None


def numeric_of(text: str) -> Numeric | None:
    """The separator and the digits of the year, of a text that is a date in numbers whose year stands last or is short."""
    found = _NUMERIC.fullmatch(plain_time(text))
    return (found[2], len(found[4] or found[6])) if found else None


@lru_cache(maxsize=10_000)
def plain_time(text: str) -> str:
    """In lower case, without the names of weekday and zone, date before clock, Chinese dates in numbers."""
    text = _WRAPPED.sub(r"\1", _ZONE_TWICE.sub(r"\1", text.lower().strip()))
    text = _SPACED_DOTS.sub(r"\1-\2-\3", text)
    if not text.isascii():
        text = _in_numbers(in_plain_signs(text))
    text = in_english(_WEEKDAY.sub("", _NAME_OF_ZONE.sub("", text), count=1))
    marked = _OTHER_MARKS.fullmatch(text)
    if marked:
        return f"{marked[1]} {marked[2]}:{marked[3]}:{marked[4]}{marked[5] or ''}{marked[6] or ''}"
    found = _CLOCK_FIRST.fullmatch(text)
    return f"{found[2]} {found[1]}" if found else text


@lru_cache(maxsize=100_000)
def _numbers(day: str) -> tuple[str, str, str, str] | None:
    found = _NUMERIC.fullmatch(day) if day[:1].isdecimal() and day[-1:].isdecimal() else None
    return _numbers_of(found) if found and not (found[5] or found[7]) else None


def _numbers_of(found: re.Match[str]) -> tuple[str, str, str, str]:
    return found[1], found[2], found[3], found[4] or found[6]


def _other_writings(text: str) -> Wall | None:
    found = _YEAR_FIRST.fullmatch(text)
    if found:
        return _moment(found[1], int(found[2]), found[3], found[4])
    found = _COMPACT.fullmatch(text)
    if found:
        year, month, day, hour, minute, second, zone = found.groups()
        return _moment(year, int(month), day, f"{hour}:{minute}" + (f":{second}" if second else "") + (zone or ""))
    for pattern, (year_at, month_at, day_at, clock_at) in _NAMED:
        found = pattern.fullmatch(text)
        if found:
            return _moment(found[year_at], _MONTHS[found[month_at][:3]], found[day_at], found[clock_at])
    found = _DOT_NET.fullmatch(text)
    return (int(found[1]) * 1000, 0) if found else None


def _moment(year: str, month: int, day: str, clock: str | None) -> Wall | None:
    days = _days(year, month, int(day))
    if days is None:
        return None
    time = _time_of_day(clock.strip().lower()) if clock and clock.strip() else (0, None)
    return None if time is None else (days * _DAY + time[0], time[1])


@lru_cache(maxsize=100_000)
def _days(year: str, month: int, day: int) -> int | None:
    full = int(year) + (0 if len(year) == 4 else 1900 if int(year) >= _PIVOT else 2000)
    try:
        return date(full, month, day).toordinal() - _EPOCH
    except ValueError:
        return None


@lru_cache(maxsize=200_000)
def _time_of_day(clock: str) -> Wall | None:
    dotted = _CLOCK_WITH_DOTS.fullmatch(clock)
    if dotted:
        clock = f"{dotted[1]}:{dotted[2]}" + (f":{dotted[3]}" if dotted[3] else "") + (dotted[4] or "")
    found = _TIME.fullmatch(clock)
    if not found or (found[2] is None and not found[5]):
        return None
    hour, minute, second = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    if found[5] and hour <= 12:  # beyond that a clock of 24 hours says so twice
        if hour == 0:
            return None
        hour = hour % 12 + (12 if found[5][0] == "p" else 0)
    elif found[5] and found[5][0] == "a":
        return None
    midnight = hour == 24 and not (minute or second or found[4] or found[5])  # the end of the day, which is the beginning of the next
    leap = second == 60 and minute == 59  # which clocks without leap seconds show as the next second
    if (hour > 23 and not midnight) or minute > 59 or (second > 59 and not leap):
        return None
    fraction = int(((found[4] or "") + "000000")[:6])
    ahead = _ahead(found[6]) if found[6] else None
    if found[6] and ahead is None:
        return None
    return hour * _HOUR + minute * _MINUTE + second * _SECOND + fraction, ahead


def _ahead(zone: str) -> int | None:
    found = _OFFSET.search(zone)
    if not found:
        return 0
    hours, minutes = int(found[2]), int(found[3] or 0)
    if hours > 15 or minutes > 59:
        return None
    return (hours * _HOUR + minutes * _MINUTE) * (-1 if found[1] == "-" else 1)


def _in_numbers(text: str) -> str:
    """A Chinese date and clock in numbers; other text as it is."""
    text = _CHINESE_WEEKDAY.sub(" ", text).strip()
    found = _CHINESE.fullmatch(text)
    day, clock = ("-".join((found[1] if len(found[1]) == 4 else f"20{found[1]}", found[2], found[3])), found[4]) if found else ("", "")
    if not found:
        day, _, clock = text.partition(" ")
        day, clock = (day, clock) if clock else ("", "")
        if not day:
            return text
    if not clock.strip():
        return day
    told = _CHINESE_CLOCK.fullmatch(clock.strip())
    if not told:
        return f"{day} {clock.strip()}"
    half, hour, minute, second = told[1], int(told[2]), told[3] or "00", told[4]
    if half == "中午":
        half = "上午" if hour == 11 else "下午" if hour in (12, 1, 2, 13, 14) else "?"
    if half == "晚上" and hour == 12:  # midnight or noon of which day is not said
        half = "?"
    said = " am" if half in _MORNING else " pm" if half in _EVENING else " ?" if half == "?" else ""
    if said == " am" and hour == 0:
        said = ""
    return f"{day} {hour}:{minute:0>2}" + (f":{second.zfill(2)}" if second else "") + said
