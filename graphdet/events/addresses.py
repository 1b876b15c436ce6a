"""IP addresses as logs have them → one writing each: canonical addresses, or opaque ids where the log masks or hashes them.

Of an `X-Forwarded-For` list the first public address counts, since proxies add theirs behind it; ports, brackets and zones go.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_UP_TO_255 = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
PLAIN_IPV4 = rf"^({_UP_TO_255}\.){{3}}{_UP_TO_255}$"  # its one canonical writing: without leading zeros
NOBODYS_IP = r"^(127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1?|localhost)$"  # loopback and unspecified: whoever writes them does not know the address
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+):\d{1,5}")
_MASKED = re.compile(r"(?:\d{1,3}|[xX*]{1,3})(?:\.(?:\d{1,3}|[xX*]{1,3})){3}|[0-9a-fA-F:.]+/\d{1,3}|[0-9a-fA-F:]*:[xX*:]+[0-9a-fA-FxX*:]*")
_HASHED = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_+/=-]{8,}")
_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\.)+[A-Za-z][A-Za-z0-9-]+\.?")
# homes, offices, carriers' own, links, loopback
_INTERNAL_4 = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "0.0.0.0/8")
_INTERNAL_6 = ("fc00::/7", "fe80::/10", "::/127")
_INTERNAL = tuple(ipaddress.ip_network(network) for network in (*_INTERNAL_4, *_INTERNAL_6))


def canonical_ips(text: pa.LargeStringArray, missing: frozenset[str]) -> tuple[pa.LargeStringArray, npt.NDArray[np.bool_]]:
    """Canonical addresses, '' for placeholders, and which are no addresses. Almost all are plain IPv4 and stay as they are."""
    odd = np.flatnonzero(~np.asarray(pc.match_substring_regex(text, PLAIN_IPV4)))
    bad = np.zeros(len(text), np.bool_)
    if not len(odd):
        return text, bad
    canonical = [canonical_ip(address, missing) for address in text.take(pa.array(odd)).to_pylist()]
    bad[odd] = [address is None for address in canonical]
    mask = np.zeros(len(text), np.bool_)
    mask[odd] = True
    return pc.replace_with_mask(text, pa.array(mask), pa.array([address or "" for address in canonical], pa.large_string())), bad


def canonical_ip(written: str, missing: frozenset[str]) -> str | None:
    """The shortest writing of RFC 5952; '' for a placeholder; None where it is neither an address nor an id that stands for one."""
    found = [_one(part.strip().strip("\"'"), missing) for part in re.split(r"[,;]\s*|\s+", written) if part.strip()]
    known = [address for address in found if address]
    if not known:
        return "" if all(address == "" for address in found) else None
    if len(known) == 1:
        return known[0]
    return next((address for address in known if _is_public(address)), known[0])


def _one(address: str, missing: frozenset[str]) -> str | None:
    address = address.removeprefix("for=").strip('"')
    if not address or address.lower() in missing:
        return ""
    port = _WITH_PORT.fullmatch(address)
    if port:
        address = port[1] or port[2]
    packed = _packed(address)
    if packed is not None:
        if packed[:12] == bytes(10) + b"\xff\xff":
            return socket.inet_ntop(socket.AF_INET, packed[12:])
        return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
    if _MASKED.fullmatch(address) and not re.fullmatch(r"[\d.]+", address):
        return address.lower()
    if re.fullmatch(NOBODYS_IP, address.lower()):
        return ""
    return address if _HASHED.fullmatch(address) else address.lower() if _HOST.fullmatch(address) else None


def _packed(address: str) -> bytes | None:
    try:
        if ":" in address:  # as in every address of version 6, and in none of version 4
            return socket.inet_pton(socket.AF_INET6, address.split("%", 1)[0])
        return socket.inet_pton(socket.AF_INET, address)
    except (OSError, ValueError, UnicodeEncodeError):
        return None


def network_of(written: str) -> str | None:
    """A network such as 10.1.0.0/16, or 2001:db8::/32, in its canonical writing; None where it is none."""
    try:
        return str(ipaddress.ip_network(written.strip(), strict=False)) if "/" in written else None
    except ValueError:
        return None


def in_networks(names: pa.LargeStringArray | pa.StringArray, networks: Iterable[str]) -> npt.NDArray[np.bool_]:
    """(n,) bool: which canonical addresses lie in one of the networks; ids that stand for addresses lie in none."""
    known = [ipaddress.ip_network(network) for network in networks]
    ends = [(one.network_address.packed, one.broadcast_address.packed) for one in known]

    def lies_within(name: str) -> bool:
        packed = _packed(name)
        return packed is not None and any(len(packed) == len(first) and first <= packed <= last for first, last in ends)

    return np.fromiter((lies_within(name) for name in names.to_pylist()), np.bool_, len(names))


def _is_public(address: str) -> bool:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return True  # an opaque id: whoever masks addresses masks those of visitors
    return not any(known in network for network in _INTERNAL if network.version == known.version)
