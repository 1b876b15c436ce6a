"""A table of networks and where they are → the places of addresses: what a shop has bought or made, read offline.

CSV with a header: `network` (or `prefix`), `latitude`, `longitude`; other columns are left alone, so tables can be taken as they are sold.
Of several networks that hold an address the narrowest says where it is.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from graphdet.arrays import Float64
from graphdet.errors import SettingsError

BITS = 64  # of an address that are told apart: all of version 4, and of version 6 the network's half
WRITTEN = ("network", "prefix")
Part = tuple[np.ndarray[tuple[int], np.dtype[np.uint64]], Float64]


@dataclass(frozen=True)
class NetworkPlaces:
    """Where networks are.

    Attributes:
        parts: (version, length of the prefix) → its networks, rising, and (n, 2) latitude and longitude of each, in degrees.
    """

    parts: dict[tuple[int, int], Part]

    def locate(self, addresses: Sequence[str | None]) -> Float64:
        """(n, 2) latitude and longitude of each address; NaN where no network holds it, or it is none."""
        packed = [_packed(address or "") for address in addresses]
        found = np.full((len(packed), 2), np.nan)
        for version in (4, 6):
            rows = np.flatnonzero([one is not None and one[0] == version for one in packed])
            number = np.array([packed[row][1] for row in rows], np.uint64)  # type: ignore[index]
            for (_, length), (networks, places) in sorted((key, part) for key, part in self.parts.items() if key[0] == version):
                wanted = number & _mask(length)
                at = np.minimum(np.searchsorted(networks, wanted), len(networks) - 1)
                held = networks[at] == wanted
                found[rows[held]] = places[at[held]]
        return found


def read_network_places(path: Path) -> NetworkPlaces:
    """The table of a CSV file.

    Raises:
        SettingsError: it cannot be read, lacks a column, or holds a network or a place that is none.
    """
    where = f"signals.takeovers.places = {str(path)!r}"
    try:
        with pa_csv.open_csv(path) as head:
            names = head.schema.names
        network = next((name for name in WRITTEN if name in names), WRITTEN[0])
        types = {network: pa.string(), "latitude": pa.float64(), "longitude": pa.float64()}
        chosen = pa_csv.ConvertOptions(include_columns=list(types), column_types=types)
        table = pa_csv.read_csv(path, convert_options=chosen).drop_null()
    except (OSError, KeyError, pa.ArrowException) as error:
        says = str(error).splitlines()[0][:200]
        raise SettingsError(f"{where}: no table of networks ({says}); give a CSV with network, latitude, longitude.") from None
    places = np.column_stack([table[name].to_numpy() for name in ("latitude", "longitude")])
    far = np.flatnonzero(~((np.abs(places[:, 0]) <= 90) & (np.abs(places[:, 1]) <= 180)))
    if len(far):
        latitude, longitude = places[far[0]]
        raise SettingsError(f"{where}: no place on earth is at {latitude:g}, {longitude:g} (network {far[0] + 1} of the table).")
    return _by_length(table[network].to_pylist(), places, where)


def _by_length(networks: list[str], places: Float64, where: str) -> NetworkPlaces:
    rows: dict[tuple[int, int], list[int]] = {}
    numbers: dict[tuple[int, int], list[int]] = {}
    for row, written in enumerate(networks):
        address, _, bits = written.partition("/")
        packed = _packed(address.strip())
        most = 32 if packed is not None and packed[0] == 4 else 128
        if packed is None or not (bits or str(most)).isdecimal() or int(bits or most) > most:
            raise SettingsError(f"{where}: {written[:60]!r} is no network (network {row + 1} of the table); write 203.0.113.0/24.")
        key = packed[0], int(bits or most)
        if key[1] <= BITS:  # narrower ones are one home's devices
            rows.setdefault(key, []).append(row)
            numbers.setdefault(key, []).append(packed[1])
    parts: dict[tuple[int, int], Part] = {}
    for key in sorted(rows):
        networks_of, first = np.unique(np.array(numbers[key], np.uint64) & _mask(key[1]), return_index=True)
        parts[key] = networks_of, places[rows[key]][first]
    return NetworkPlaces(parts)


def _packed(address: str) -> tuple[int, int] | None:
    """Version and the first 64 bits; of version 4 the address and zeros. None for what is no address."""
    try:
        if ":" in address:
            return 6, int.from_bytes(socket.inet_pton(socket.AF_INET6, address)[:8])
        return 4, int.from_bytes(socket.inet_pton(socket.AF_INET, address)) << 32
    except (OSError, ValueError):
        return None


def _mask(length: int) -> np.uint64:
    return np.uint64((1 << BITS) - (1 << (BITS - length)))
