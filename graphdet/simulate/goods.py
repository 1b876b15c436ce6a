"""Settings → what is on sale: categories, sellers, items with price, quality, launch, promotions and complements.

Items of a category lie together, the most popular first, so that a Zipf draw is a closed formula and not a search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphdet.simulate.knobs import MarketSettings
from graphdet.simulate.streams import Floats, Ints, Longs, stream

_SHIFT = 2.0  # Mandelbrot's: flattens the very top, as shops with search and recommendation show


@dataclass(frozen=True)
class Catalogue:
    """Everything on sale.

    Attributes:
        first, size, exponent: (categories,) first item, number of items and Zipf exponent of each category.
        popularity: (categories,) share of traffic, sums to 1.
        department: (categories,) a group of related categories.
        category, seller, price, quality: (items,) of each item; quality is its mean rating.
        launch: (items,) seconds; −inf for what was there before the log.
        stand_in: (items,) an older item of the category, shown while this one is not yet on sale.
        complement: (items,) what is often looked at next.
        promoted: (categories, days) item.
        seller_first, seller_items: items grouped by seller: seller s has `seller_items[seller_first[s]:seller_first[s + 1]]`.
    """

    first: Ints
    size: Ints
    exponent: Floats
    popularity: Floats
    department: Ints
    category: Ints
    seller: Ints
    price: npt.NDArray[np.float32]
    quality: npt.NDArray[np.float32]
    launch: npt.NDArray[np.float32]
    stand_in: Ints
    complement: Ints
    promoted: Ints
    seller_first: Longs
    seller_items: Ints

    @property
    def items(self) -> int:
        return len(self.category)

    @property
    def sellers(self) -> int:
        return len(self.seller_first) - 1

    def items_of(self, seller: int) -> Ints:
        """The seller's items, the most popular of its category first."""
        return self.seller_items[self.seller_first[seller] : self.seller_first[seller + 1]]

    def draw(self, category: Ints, rng: np.random.Generator) -> Ints:
        """An item of each category, by popularity."""
        return self.draw_at(category, rng.random(len(category)))

    def draw_at(self, category: Ints, chance: Floats) -> Ints:
        """The item of each category at a place in [0, 1) of its cumulated popularity."""
        size, power = self.size[category], 1.0 - self.exponent[category]
        low = _SHIFT**power
        rank = (low + ((size + _SHIFT) ** power - low) * chance) ** (1.0 / power) - _SHIFT
        return self.first[category] + np.minimum(rank.astype(np.int32), size - 1)

    def draw_of_seller(self, seller: Ints, rng: np.random.Generator) -> Ints:
        """An item of each seller, its more popular ones more often."""
        count = self.seller_first[seller + 1] - self.seller_first[seller]
        return self.seller_items[self.seller_first[seller] + (rng.random(len(seller)) ** 2 * count).astype(np.int64)]


def make_catalogue(settings: MarketSettings, seed: int) -> Catalogue:
    """The catalogue of one market."""
    knobs = settings.catalogue
    rng = stream(seed, "catalogue")
    wanted = max(200, round(settings.users * knobs.items_per_user))
    categories = max(12, round(wanted / knobs.items_per_category))
    popularity: Floats = np.arange(1, categories + 1, dtype=np.float64) ** -knobs.category_zipf * np.exp(rng.normal(0, 0.3, categories))
    rng.shuffle(popularity)
    popularity /= popularity.sum()
    breadth = popularity**0.6
    size = np.maximum(4, np.round(wanted * breadth / breadth.sum())).astype(np.int32)
    first = np.concatenate([[0], np.cumsum(size)[:-1]]).astype(np.int32)
    exponent = knobs.zipf + knobs.zipf_spread * rng.uniform(-1, 1, categories)
    exponent = np.where(np.abs(exponent - 1) < 1e-3, 1.001, exponent)
    department = rng.integers(0, max(4, categories // 25), categories, dtype=np.int32)
    category = np.repeat(np.arange(categories, dtype=np.int32), size)
    items = len(category)

    seller = _sellers(category, size, department, max(categories, round(items / knobs.items_per_seller)), rng)
    price = np.exp(rng.normal(3.8, 1.0, categories)[category] + rng.normal(0, 0.5, items))
    quality = np.clip(rng.normal(4.45, 0.35, items), 2.0, 4.95)
    launch = np.full(items, -np.inf, dtype=np.float32)
    new = rng.random(items) < knobs.new_share
    new[first] = False
    launch[new] = rng.uniform(0, settings.days * 86_400.0, int(new.sum()))
    stand_in = first[category] + (rng.random(items) ** 2 * size[category]).astype(np.int32)
    stand_in = np.where(new[stand_in], first[category], stand_in).astype(np.int32)

    order = np.argsort(seller, kind="stable").astype(np.int32)
    seller_first = np.concatenate([[0], np.cumsum(np.bincount(seller))]).astype(np.int64)
    complement = _complements(category, seller, department, popularity, first, size, order, seller_first, rng)
    promoted = _promoted(settings.days, first, size, launch, rng)
    return Catalogue(
        first=first,
        size=size,
        exponent=exponent,
        popularity=popularity,
        department=department,
        category=category,
        seller=seller,
        price=np.round(price, 2).astype(np.float32),
        quality=quality.astype(np.float32),
        launch=launch,
        stand_in=stand_in,
        complement=complement,
        promoted=promoted,
        seller_first=seller_first,
        seller_items=order,
    )


def _sellers(category: Ints, size: Ints, department: Ints, sellers: int, rng: np.random.Generator) -> Ints:
    """A seller for each item: shops keep to one to three categories of a department, and some are much larger."""
    categories = len(size)
    main = np.concatenate([np.arange(categories), rng.choice(categories, sellers - categories, p=size / size.sum())])
    by_department = np.argsort(department, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(department))])
    owners, places = [np.arange(sellers)], [main]
    for share in (0.5, 0.2):
        more = np.flatnonzero(rng.random(sellers) < share)
        group = department[main[more]]
        places.append(by_department[start[group] + (rng.random(len(more)) * (start[group + 1] - start[group])).astype(int)])
        owners.append(more)
    owner, place = np.concatenate(owners), np.concatenate(places)
    shuffled = rng.permutation(len(owner))
    owner, place = owner[shuffled], place[shuffled]
    grouped = np.argsort(place, kind="stable")
    begin = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=categories))])
    count = (begin[1:] - begin[:-1])[category]
    seller = owner[grouped][begin[category] + (rng.random(len(category)) ** 1.7 * count).astype(int)]
    dense: Ints = np.unique(seller, return_inverse=True)[1].astype(np.int32)
    return dense


def _complements(
    category: Ints,
    seller: Ints,
    department: Ints,
    popularity: Floats,
    first: Ints,
    size: Ints,
    seller_items: Ints,
    seller_first: Longs,
    rng: np.random.Generator,
) -> Ints:
    """What is looked at next: mostly from the same shop, else a popular item of a related category."""
    items = len(category)
    count = (seller_first[1:] - seller_first[:-1])[seller]
    same_shop = seller_items[seller_first[seller] + (rng.random(items) * count).astype(int)]
    by_department = np.argsort(department, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(department))])
    group = department[category]
    related = by_department[start[group] + (rng.random(items) * (start[group + 1] - start[group])).astype(int)]
    other = first[related] + (rng.random(items) ** 2.5 * size[related]).astype(np.int32)
    complement: Ints = np.where(rng.random(items) < 0.65, same_shop, other).astype(np.int32)
    return complement


def _promoted(days: int, first: Ints, size: Ints, launch: npt.NDArray[np.float32], rng: np.random.Generator) -> Ints:
    """An item of each category for each day; a promotion lasts one to five days."""
    categories = len(first)
    item = first[:, None] + (rng.random((categories, days)) ** 1.5 * size[:, None]).astype(np.int32)
    keep = rng.random((categories, days)) < 0.6
    for day in range(1, days):
        item[:, day] = np.where(keep[:, day], item[:, day - 1], item[:, day])
    on_sale = launch[item] <= np.arange(days)[None, :] * 86_400.0
    return np.where(on_sale, item, first[:, None]).astype(np.int32)
