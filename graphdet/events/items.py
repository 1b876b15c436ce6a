"""Item catalogues (item_id with category and seller, but no user_id) → what the events' items lack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.events.canonical import MISSING, Names

FACTS = ("category", "seller_id")


@dataclass(frozen=True)
class Catalogue:
    """Items by canonical name, and for each fact its names and each item's code."""

    items: pa.StringArray
    facts: dict[str, tuple[pa.StringArray, npt.NDArray[np.int32]]]


def read_catalogue(names: dict[str, Names], codes: dict[str, npt.NDArray[np.int32]]) -> Catalogue:
    """One fact per item: where rows differ, the smallest name, whatever the order of the rows."""
    items = names["item_id"].names
    facts = {}
    for fact in FACTS:
        if fact in codes:
            value = np.full(len(items), np.iinfo(np.int32).max, np.int32)
            rows = (codes["item_id"] >= 0) & (codes[fact] >= 0)
            np.minimum.at(value, codes["item_id"][rows], codes[fact][rows])
            value[value == np.iinfo(np.int32).max] = MISSING
            facts[fact] = (names[fact].names, value)
    return Catalogue(items, facts)


def join_catalogue(catalogue: Catalogue, names: dict[str, pa.StringArray], codes: dict[str, npt.NDArray[np.int32]]) -> None:
    """Fill, in place, each event's category and seller where it has none and its item's are known."""
    if "item_id" not in codes:
        return
    place = pc.index_in(names["item_id"], catalogue.items).fill_null(MISSING).to_numpy()
    item = codes["item_id"]
    for fact, (words, value) in catalogue.facts.items():
        known = names.get(fact, pa.array([], pa.string()))
        merged = pa.concat_arrays([known, words]).unique()
        merged = merged.take(pc.sort_indices(merged))
        of_item = np.append(value, np.int32(MISSING))[place]
        of_item = _recoded(of_item, words, merged)
        event = _recoded(codes[fact], known, merged) if fact in codes else np.full(len(item), MISSING, np.int32)
        lacking = (event == MISSING) & (item >= 0)
        event[lacking] = of_item[item[lacking]]
        names[fact], codes[fact] = merged, event


def _recoded(codes: npt.NDArray[np.int32], names: pa.StringArray, merged: pa.StringArray) -> npt.NDArray[np.int32]:
    """Codes among `names` → codes among `merged`; −1 stays."""
    places = np.append(pc.index_in(names, merged).to_numpy(), MISSING).astype(np.int32)
    found: npt.NDArray[np.int32] = places[codes]
    return found
