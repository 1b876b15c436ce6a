"""A market's reviews → which picture each shows: its writer's own, the shop's, or one that a crew hands round, as it is or changed.

Drawn by order and salt, as texts are, so that a market with pictures is in all else the market without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from graphdet.simulate.market import Market
from graphdet.simulate.photographs import CHANGES, changed, draw_at_home, draw_for_shop
from graphdet.simulate.sessions import ACTION
from graphdet.simulate.streams import Floats, Longs, mix

FOLDER = "pictures"
_SHOP = 0.2  # honest reviewers who show the shop's own picture
_OWN = 0.25  # writers who follow a script and yet show a picture of their own
_SHEET = 3  # pictures that a crew hands round
_SHOWN = 0.8  # of a script's reviews that show a picture, whatever share of honest ones do


@dataclass(frozen=True)
class Shown:
    """The pictures of n reviews, in the order of the log.

    Attributes:
        row: of the log.
        source: which picture it is: 0 = the writer's own, 1 = the shop's, above = the number of one that is handed round.
        thing: what it shows; of one that is handed round, what that shows.
        change: position in `CHANGES`.
    """

    row: Longs
    source: Longs
    thing: Longs
    change: Longs

    def names(self) -> list[str]:
        """Paths from the log's folder."""
        return [f"{FOLDER}/{row:08d}.jpg" for row in self.row.tolist()]

    def images(self, rows: int) -> pa.Array:
        """(rows,) the path of each event's picture, or null."""
        place = np.full(rows, -1, np.int64)
        place[self.row] = np.arange(len(self.row))
        return pa.array(self.names(), pa.string()).take(pa.array(place, mask=place < 0))


def pictures_of(market: Market) -> Shown:
    """Which reviews show which picture; none where the settings ask for none."""
    columns, salt, share = market.columns, market.salt, market.settings.pictures.share
    told = np.flatnonzero(columns.action == ACTION["review"])
    order, script = columns.order[told].astype(np.int64), columns.script[told].astype(np.int64)
    follows = script > 0
    kept = _chance(order, salt + 50) < np.where(follows & (share > 0), max(share, _SHOWN), share)
    told, order, script, follows = told[kept], order[kept], script[kept], follows[kept]
    crew = follows & (_chance(order, salt + 51) >= _OWN)
    shop = ~follows & (_chance(order, salt + 52) < _SHOP)
    number = script * _SHEET + (mix(order, salt + 53) % np.uint64(_SHEET)).astype(np.int64)
    source = np.where(crew, number, np.where(shop, 1, 0))
    change = (mix(order, salt + 54) % np.uint64(len(CHANGES))).astype(np.int64)
    as_it_is = shop & (_chance(order, salt + 55) < 0.5)
    thing = np.where(crew, -1 - number, columns.item[told].astype(np.int64))
    return Shown(told, source, thing, np.where(as_it_is | (source == 0), 0, change))


def truth_of(market: Market, shown: Shown) -> pa.Table:
    """Whose pictures are one: `source` is the same of copies of one picture."""
    own = [f"own {row}" for row in shown.row.tolist()]
    told = zip(own, shown.source.tolist(), shown.thing.tolist(), strict=True)
    users = market.ids["user"].take(pa.array(market.columns.user[shown.row]))
    names = [alone if source == 0 else f"shop {thing}" if source == 1 else f"crew {source}" for alone, source, thing in told]
    return pa.table(
        {"image": shown.names(), "user_id": users, "source": names, "change": [CHANGES[one] for one in shown.change.tolist()]},
        pa.schema([(name, pa.string()) for name in ("image", "user_id", "source", "change")]),
    )


def draw(market: Market, shown: Shown) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of each picture."""
    rows = zip(shown.names(), shown.row.tolist(), shown.source.tolist(), shown.thing.tolist(), shown.change.tolist(), strict=True)
    for name, row, source, thing, change in rows:
        about, moment = abs(thing) * 2 + (thing < 0), row if source == 0 else source
        picture = draw_for_shop(about) if source == 1 else draw_at_home(about, moment)
        yield name, changed(picture, CHANGES[change], row)


def write_pictures(market: Market, shown: Shown, folder: Path) -> None:
    """All of them into a market's folder."""
    (folder / FOLDER).mkdir()
    for name, data in draw(market, shown):
        (folder / name).write_bytes(data)


def _chance(what: Longs, salt: int) -> Floats:
    """A number from 0 to 1 for each, always the same."""
    return (mix(what, salt) >> np.uint64(11)).astype(np.float64) / 2.0**53
