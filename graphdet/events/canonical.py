"""Raw names of one column → canonical names, sorted, with what becomes of each raw one: a code, nothing, or a reason to reject it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.events.coding import plain_ipv4, plain_names, sorted_names, text_buffers
from graphdet.events.timestamps import SPACES
from graphdet.schema import IP_COLUMNS, NODE_TYPE, SHARED_TYPES

MISSING = -1
BAD = -2  # the row is rejected

NO_IP = ("-", "unknown", "null", "none", "nan", "n/a", "na", "\\n")


@dataclass(frozen=True)
class Names:
    """Canonical names sorted by their UTF-8 bytes; for each raw name its code, `MISSING` or `BAD`; and names that are nobody's."""

    names: pa.StringArray
    codes: npt.NDArray[np.int32]
    placeholders: tuple[str, ...]


NOBODYS_IP = r"^(127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1?)$"  # loopback and unspecified: whoever writes them does not know the address
NOBODYS_THING = r"^[0:-]{8,}$"  # a number that was never filled in
_SHARED = tuple(NODE_TYPE[name].column for name in SHARED_TYPES)
_LOWER = ("action", "label")  # words, whose case says nothing


def canonical_names(column: str, raw: pa.LargeStringArray, words: Mapping[str, str], longest: int) -> Names:
    """Trimmed names: empty is missing, and so is what is nobody's device or address; longer than `longest` is bad; actions and labels in
    lower case, actions mapped by `words`, IPs canonical."""
    text = raw
    bad = np.zeros(len(raw), np.bool_)
    missing = np.zeros(len(raw), np.bool_)
    plain = plain_names(*text_buffers(raw), longest)
    if not plain:
        text = pc.utf8_trim(raw, characters=SPACES)
        bad = np.array(pc.greater(pc.utf8_length(text), longest))
    if column in IP_COLUMNS:
        text, wrong = _canonical_ips(text)
        bad |= wrong
    if column in _LOWER:
        text = pc.utf8_lower(text)
        if words and column == "action":
            text = pa.array([words.get(word, word) for word in text.to_pylist()], pa.large_string())
    if not plain or column in (*IP_COLUMNS, *_LOWER):
        missing = np.asarray(pc.equal(text, ""))
    placeholders: tuple[str, ...] = ()
    if column in _SHARED:
        nobodys = np.asarray(pc.match_substring_regex(text, NOBODYS_IP if column in IP_COLUMNS else NOBODYS_THING)) & ~bad
        placeholders = tuple(sorted(set(text.filter(pa.array(nobodys)).to_pylist())))
        missing |= nobodys
    kept = np.flatnonzero(~(bad | missing))
    if len(kept) < len(raw):
        text = text.take(pa.array(kept))
    order, repeats = sorted_names(text)
    codes = np.full(len(raw), MISSING, np.int32)
    codes[bad] = BAD
    codes[kept[order]] = np.cumsum(~repeats) - 1
    return Names(text.take(pa.array(order[~repeats])).cast(pa.string()), codes, placeholders)


def _canonical_ips(text: pa.LargeStringArray) -> tuple[pa.LargeStringArray, npt.NDArray[np.bool_]]:
    """Canonical addresses, '' for placeholders, and which are no addresses. Almost all are plain IPv4 and stay as they are."""
    odd = np.flatnonzero(~plain_ipv4(*text_buffers(text)))
    bad = np.zeros(len(text), np.bool_)
    if not len(odd):
        return text, bad
    canonical = [_canonical_ip(address) for address in text.take(pa.array(odd)).to_pylist()]
    bad[odd] = [address is None for address in canonical]
    mask = np.zeros(len(text), np.bool_)
    mask[odd] = True
    return pc.replace_with_mask(text, pa.array(mask), pa.array([address or "" for address in canonical], pa.large_string())), bad


def _canonical_ip(address: str) -> str | None:
    """The shortest writing of RFC 5952; IPv4 where an IPv6 address maps one; '' for a placeholder; None where it is no address."""
    if not address or address.lower() in NO_IP:
        return ""
    try:
        packed = socket.inet_pton(socket.AF_INET6, address.split("%", 1)[0])
    except (OSError, ValueError, UnicodeEncodeError):
        return None
    if packed[:12] == bytes(10) + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)
