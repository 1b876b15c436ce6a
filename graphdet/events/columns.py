"""A file's header and the settings → which of its columns is which of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphdet.errors import MissingColumn, SettingsError, nearest
from graphdet.schema import EVENT_COLUMN, NODE_TYPE
from graphdet.settings import LogSettings

KEY_COLUMNS = tuple(NODE_TYPE[name].column for name in ("item", "device", "ip"))
# names seen in public logs; only ever suggested, since a wrong guess would be a wrong finding
_FOREIGN = {
    "user_id": ("user", "uid", "userid", "account", "account_id", "customer", "customer_id", "buyer", "buyer_id", "member_id", "visitorid"),
    "item_id": ("item", "itemid", "iid", "product", "product_id", "sku", "goods_id", "asin", "listing_id", "business_id"),
    "device_id": ("device", "deviceid", "fingerprint", "imei", "device_fingerprint"),
    "ip": ("ip_address", "ipaddress", "client_ip", "remote_addr", "ip_addr"),
    "timestamp": ("time", "date", "datetime", "ts", "created_at", "event_time", "unixreviewtime"),
    "action": ("event", "event_type", "behavior", "behaviour", "type", "behavior_type"),
}


@dataclass(frozen=True)
class Mapping:
    """Which column of a file (by position) holds which of our columns."""

    header: tuple[str, ...]
    positions: dict[str, int]
    catalogue: bool

    @property
    def unused(self) -> tuple[str, ...]:
        used = set(self.positions.values())
        return tuple(name for position, name in enumerate(self.header) if position not in used)

    def theirs(self, column: str) -> str:
        """Our column's name in the file; ours where the file has none."""
        return self.header[self.positions[column]] if column in self.positions else column


def check_columns(settings: LogSettings) -> None:
    """Raises:
    SettingsError: a column is mapped or set constant that no event has.
    """
    for section, names in (("log.columns", settings.columns.values()), ("log.constants", settings.constants.keys())):
        for name in names:
            if name not in EVENT_COLUMN:
                raise SettingsError(
                    f"[{section}]: events have no column '{name}'{nearest(name, EVENT_COLUMN)} Columns: {', '.join(EVENT_COLUMN)}."
                )


def map_columns(path: str, header: Sequence[str], settings: LogSettings) -> Mapping:
    """Columns by name, whatever their case and surrounding space; the first of two that name the same wins.

    A file with `item_id` but without `user_id` is an item catalogue.

    Raises:
        MissingColumn: the file can be neither events nor a catalogue.
    """
    names = [_plain(name) for name in header]
    wanted = {_plain(theirs): ours for theirs, ours in settings.columns.items()}
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in wanted:
            positions.setdefault(wanted[name], position)
    for position, name in enumerate(names):
        if name in EVENT_COLUMN and name not in wanted:
            positions.setdefault(name, position)
    has = set(positions) | set(settings.constants)
    if ("user_id" not in has and "item_id" not in has) or ("user_id" in has and not has & set(KEY_COLUMNS)):
        raise _missing(path, header, names, "user_id" if "user_id" not in has else "item_id, device_id or ip", has)
    return Mapping(tuple(header), positions, catalogue="user_id" not in has)


def _plain(name: str) -> str:
    return name.strip().strip("\ufeff").lower()


def _missing(path: str, header: Sequence[str], names: list[str], what: str, has: set[str]) -> MissingColumn:
    lines = [
        f'{header[names.index(foreign)]!r} = "{ours}"'.replace("'", '"')
        for ours, known in _FOREIGN.items()
        if ours not in has
        for foreign in known
        if foreign in names
    ]
    suggestion = "; for instance " + ", ".join(lines) if lines else ', such as "their name" = "user_id"'
    shown = ", ".join(name.strip()[:40] for name in header[:30]) + (", …" if len(header) > 30 else "")
    return MissingColumn(f"{path}: no column {what} (found: {shown}). Map it under [log.columns] in a settings file{suggestion}.")
