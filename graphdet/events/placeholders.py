"""Names that are nobody's: words for none known, ids of zeros, loopback; and keys of a telling form that very many hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import distinct_values
from graphdet.errors import SettingsError
from graphdet.events.addresses import NOBODYS_IP, in_networks, network_of
from graphdet.events.likeness import ROUNDED
from graphdet.schema import IP_COLUMNS, NODE_TYPES
from graphdet.settings import LogSettings

Array = npt.NDArray[Any]
_ZEROS = r"^[{]?[0:.-]*0[0:.-]*[}]?$"
_FORMS = (
    r"(?i)^(?:test|tester|testing|guest|anonymous|anon|dummy|default|fake|sample|example|admin|cash|walk-?in|pos|in-?store|tbd|xxx+|deadbeef)"
    r"(?:[ _-]?(?:user|customer|device|phone|account|card|address|id|buyer|sale|order|\d{1,3}))?$"
    r"|(?i)^(?:no|not)[ _-]?(?:device|card|address|email|ip|user|given|provided|set|applicable|logged[ _-]?in)$"
    r"|^(?:1{4,}|2{4,}|3{4,}|4{4,}|5{4,}|6{4,}|7{4,}|8{4,}|9{4,})$|(?i)^(?:[f:-]{8,}|x{3,}|a{6,}|\*+|#+|\.+|_+)$"
    r"|^0?1234567?8?9?\d{0,6}$|^[0:-]{5,}[1-9]$|(?i)^02(?:[:-]?00){5}$|^9774d56d682e549c$"
    rf"|{ROUNDED}"
)
_NUMBER = r"^(?:0|[1-9]\d{0,8})(?:\.0)?$"
_NUMBERED, _NEARLY, _OFTEN = 10, 0.9, 99  # names at the least; of all names, and of the numbers up to the highest; a percentile of rows
_FEWEST, _SHARE = 10, 0.01  # users who hold a key of a telling form, at the least; and of all users who hold one


@dataclass(frozen=True)
class Placeholder:
    """A name that counts as missing: in which column, on how many rows, and their share of the rows that name something there."""

    column: str
    name: str
    rows: int
    share: float


def missing_set(settings: LogSettings) -> frozenset[str]:
    """The words for none known, in lower case."""
    return frozenset(word.strip().lower() for word in settings.missing) - {word.strip().lower() for word in settings.genuine}


def nobodys(column: str, names: pa.LargeStringArray, missing: frozenset[str]) -> npt.NDArray[np.bool_]:
    """(n,) bool: which names stand for none known."""
    found = np.asarray(pc.is_in(pc.utf8_lower(names), value_set=pa.array(sorted(missing), pa.large_string())))
    if "0" in missing and column not in IP_COLUMNS:
        found = found | _matching(names, ("0", "{", ":", "-", "."), _ZEROS)
    if "127.0.0.1" in missing and column in IP_COLUMNS:
        found = found | _matching(names, ("127.", "0.", "::", "localhost"), NOBODYS_IP)
    return found


def counted_from_nought(names: pa.LargeStringArray, codes: npt.NDArray[np.int32]) -> int:
    """The place of a 0 that is somebody, else −1: names are numbers from 0 on, next to each other, and 0 has no more rows than others have.

    A guest's 0 in a shop that numbers its customers from 1 on has more rows than one customer in a hundred.

    Args:
        codes: (rows,) places among the names; −1 for none.
    """
    place = next((found for zero in ("0", "0.0") if (found := pc.index(names, zero).as_py()) >= 0), -1)
    if place < 0:
        return -1
    numbers = np.asarray(pc.match_substring_regex(names, _NUMBER), np.bool_)
    values = np.unique(names.filter(pa.array(numbers)).cast(pa.float64()).to_numpy())
    if len(values) < max(_NUMBERED, _NEARLY * len(names), _NEARLY * (values[-1] + 1)):
        return -1
    rows = np.bincount(codes[codes >= 0], minlength=len(names))
    numbers[place] = False
    return place if rows[place] <= np.percentile(rows[numbers], _OFTEN) else -1


def _matching(names: pa.LargeStringArray, starts: tuple[str, ...], pattern: str) -> npt.NDArray[np.bool_]:
    """Which match, looking only at those that begin so."""
    found = np.zeros(len(names), np.bool_)
    for start in starts:
        places = np.flatnonzero(np.asarray(pc.starts_with(names, start)))
        if len(places):
            found[places] = np.asarray(pc.match_substring_regex(names.take(pa.array(places)), pattern))
    return found


def suspicious(named: Mapping[str, Array], names: Mapping[str, pa.StringArray], settings: LogSettings) -> list[Placeholder]:
    """Keys of a telling form that very many users hold; their codes in `named` are set to −1. A user of such a name is nobody's, too, where
    very many events are theirs."""
    found = []
    genuine = {word.strip().lower() for word in settings.genuine}
    for node_type in NODE_TYPES:
        column = node_type.column
        if column not in named or not (node_type.shared or node_type.name == "user"):
            continue
        least = max(_FEWEST, _SHARE * len(named[column])) if column == "user_id" else _FEWEST
        often = np.flatnonzero(np.bincount(np.maximum(named[column], -1) + 1, minlength=1)[1:] >= least)
        telling = often[np.asarray(pc.match_substring_regex(names[column].take(pa.array(often)), _FORMS), np.bool_)]
        for code in telling.tolist():
            name = names[column][code].as_py()
            rows = np.flatnonzero(named[column] == code)
            holders, known = _holders(named, column, rows)
            if name.lower() not in genuine and holders >= max(_FEWEST, _SHARE * known):
                valued = int(np.count_nonzero(named[column] >= 0))
                found.append(Placeholder(column, name, len(rows), len(rows) / valued))
                named[column][rows] = -1
    return found


def _holders(named: Mapping[str, Array], column: str, rows: Array) -> tuple[int, int]:
    """Users who hold a key, and all who hold one of its kind; of a user: their events, and all."""
    if column == "user_id":
        return len(rows), len(named[column])
    users = named["user_id"]
    return len(distinct_values(users[rows][users[rows] >= 0])), len(distinct_values(users[named[column] >= 0]))


def ignored_keys(settings: LogSettings) -> dict[str, frozenset[str]]:
    """Column (or '' for any) → keys that `ignore_keys` and the file of `ignore` name.

    Raises:
        SettingsError: it cannot be read.
    """
    found = {column: set(keys) for column, keys in settings.ignore_keys.items()}
    if not settings.ignore:
        return {column: frozenset(keys) for column, keys in found.items()}
    try:
        lines = Path(settings.ignore).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"log.ignore = {settings.ignore!r}: cannot be read ({error}); write one key a line, or 'ip = 203.0.113.7'."
        ) from None
    columns = {node_type.column for node_type in NODE_TYPES}
    for line in lines:
        key = line.split("#", 1)[0].strip() if line.lstrip().startswith("#") or " #" in line else line.strip()
        column, mark, value = key.partition("=")
        if mark and column.strip() in columns:
            found.setdefault(column.strip(), set()).add(value.strip())
        elif key:
            found.setdefault("", set()).add(key)
    return {column: frozenset(keys) for column, keys in found.items()}


def ignored(column: str, names: pa.LargeStringArray, keys: Mapping[str, frozenset[str]]) -> npt.NDArray[np.bool_]:
    """(n,) bool: which names of a column are to be left out as the settings say; of addresses also those in networks that are named."""
    wanted = keys.get(column, frozenset()) | keys.get("", frozenset())
    found = np.array(pc.is_in(names, value_set=pa.array(sorted(wanted), pa.large_string())))
    networks = [network for key in wanted if (network := network_of(key))] if column in IP_COLUMNS else []
    return found | in_networks(names, networks) if networks else found
