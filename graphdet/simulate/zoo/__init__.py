"""A zoo of shops: `make_shop` makes the log of a shop of one kind, clean or with rings, and the truth about it."""

from graphdet.simulate.zoo.making import ShopLog, make_shop, write_shop
from graphdet.simulate.zoo.shops import SHOPS, Shop

__all__ = ["SHOPS", "Shop", "ShopLog", "make_shop", "write_shop"]
