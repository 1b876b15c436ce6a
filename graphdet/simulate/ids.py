"""Codes → ids that say nothing: scrambled words, and IP addresses drawn without regard to who uses them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.simulate.knobs import MarketSettings
from graphdet.simulate.streams import Words, mix

_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
# First octets of public unicast space that hold no private or reserved block.
_OCTETS = np.array([octet for octet in range(1, 224) if octet not in (10, 100, 127, 169, 172, 192, 198, 203)], dtype=np.uint64)


def hexadecimal(words: Words, prefix: str = "", digits: int = 16) -> pa.StringArray:
    """`prefix` and the lowest `digits` hexadecimal digits of each word; no Python loop."""
    start = np.frombuffer(prefix.encode("ascii"), dtype=np.uint8)
    width = len(start) + digits
    letters = np.empty((len(words), width), dtype=np.uint8)
    letters[:, : len(start)] = start
    bytes_ = words.astype(">u8").view(np.uint8).reshape(len(words), 8)
    nibbles = np.empty((len(words), 16), dtype=np.uint8)
    nibbles[:, 0::2], nibbles[:, 1::2] = bytes_ >> 4, bytes_ & 15
    letters[:, len(start) :] = _HEX[nibbles[:, 16 - digits :]]
    return fixed_width(letters)


def fixed_width(letters: npt.NDArray[np.uint8]) -> pa.StringArray:
    """ASCII texts of one width, (n, width) → n strings."""
    n, width = letters.shape
    offsets = pa.py_buffer(np.arange(0, (n + 1) * width, width, dtype=np.int32) if n else np.zeros(1, dtype=np.int32))
    return pa.StringArray.from_buffers(n, offsets, pa.py_buffer(np.ascontiguousarray(letters)))


def make_ids(settings: MarketSettings, counts: Mapping[str, int], sellers: int, rng: np.random.Generator) -> dict[str, pa.StringArray]:
    """Ids of each node type, one per code."""
    salts = {name: int(rng.integers(0, 2**62)) for name in ("user", "item", "device", "seller", "payment", "address")}
    prefixes = {"user": "u", "item": "i", "device": "d", "seller": "s", "payment": "p", "address": "a"}
    sizes = {**counts, "seller": sellers}
    ids = {name: hexadecimal(mix(np.arange(sizes[name]), salt), prefixes[name]) for name, salt in salts.items()}
    ids["ip"] = make_addresses(counts["ip"], settings.network.ipv6_share, rng)
    return ids


def make_addresses(count: int, version_6: float, rng: np.random.Generator) -> pa.StringArray:
    """Distinct addresses in no order, a share of them of version 6."""
    wanted = int(count * 1.05) + 100
    space = len(_OCTETS) << 24
    numbers = rng.permutation(np.unique(rng.integers(0, space, wanted, dtype=np.uint64)))[:count]
    while len(numbers) < count:
        numbers = rng.permutation(np.unique(np.concatenate([numbers, rng.integers(0, space, wanted, dtype=np.uint64)])))[:count]
    octets: list[Words] = [
        _OCTETS[(numbers >> np.uint64(24)).astype(np.int64)],
        *((numbers >> np.uint64(shift)) & np.uint64(255) for shift in (16, 8, 0)),
    ]
    digits = pa.array([str(number) for number in range(256)])
    parts = [digits.take(pa.array(octet.astype(np.int64))) for octet in octets]
    four = pc.binary_join_element_wise(*parts, ".")
    # Groups from 1000 to ffff need no shortening, so the text is canonical as it stands.
    words = mix(np.repeat(numbers, 8) * np.uint64(8) + np.tile(np.arange(8, dtype=np.uint64), count), 6).reshape(count, 8)
    groups = (words % np.uint64(0xF000) + np.uint64(0x1000)).astype(np.uint16)
    groups[:, 0] = 0x2400 + groups[:, 0] % 0x400
    letters = np.full((count, 39), ord(":"), dtype=np.uint8)
    for group in range(8):
        for digit in range(4):
            letters[:, group * 5 + digit] = _HEX[(groups[:, group] >> (12 - 4 * digit)) & 15]
    return pc.if_else(pa.array(rng.random(count) < version_6), fixed_width(letters), four)
