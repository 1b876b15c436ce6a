"""Members' events → the devices, delivery addresses and networks that members share."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy

from graphdet.arrays import Bool, Float64, Int64, distinct_values, firsts
from graphdet.judging.member_events import MemberEvents
from graphdet.schema import ADDRESS, DEVICE, IP, NODE_TYPE

MANY = 3  # members on one device that make it a shared one; two may be a couple
OTHERS = 0.5  # visits of others for each member's, up to which a thing is the members' own
NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Sharing:
    """What members use together.

    Attributes:
        own_things: devices and payment instruments among the targets: the ring shares them more than chance has it.
        own_kinds: of a farm, kinds of things (devices, networks, …) that most members have to themselves; 1 at most where none of them
            belongs to a person, and 0 of other rings.
        device_share: share of members who acted on the item targets from a device that at least three of them used there, or, of a farm,
            use one that it has to itself.
        address_share: share of members who use the delivery address that most of them use.
        place_share: share of members who use, apart from the ring's events, the IP address that it is least likely that so many of them
            use: of those that `MANY` use, or else the one that most do.
        place_users: users of that address in the whole log.
        place_chance: chance that so many members would use any of their addresses by accident.
    """

    own_things: int
    own_kinds: int
    device_share: float
    address_share: float
    place_share: float
    place_users: int
    place_chance: float


def measure_sharing(own: MemberEvents, farm: bool) -> list[Sharing]:
    """Of each ring. O(members' events).

    Of a `farm` what it has to itself is its own, wherever and whenever; other rings are their targets.
    """
    log, size = own.log, np.diff(own.members)
    is_own = np.array([NODE_TYPE[view.name].own for view in log.visits.visits.views], np.bool_)
    exclusive = (own.visitors >= MANY) & (own.outsiders <= OTHERS * own.visitors) & farm
    network, network_members, network_chance = _likeliest_places(own)
    on_device = _together(own) | _members_at(own, DEVICE, exclusive)
    of_address, _, _, count = _used(own, ADDRESS, np.ones(len(own.event), np.bool_))
    address_members = np.zeros(len(own.rings), np.int64)
    np.maximum.at(address_members, of_address, count)
    return [
        Sharing(*sharing)
        for sharing in zip(
            own.by_ring(own.ring_of_target[is_own[log.visits.view[own.key]]]).tolist(),
            _own_kinds(own, exclusive),
            (own.by_ring(own.ring_of_member[on_device]) / size).tolist(),
            (address_members / size).tolist(),
            (network_members / size).tolist(),
            np.append(log.users_of_ip, 0)[network].tolist(),
            network_chance.tolist(),
            strict=True,
        )
    ]


def _likeliest_places(own: MemberEvents) -> tuple[Int64, Int64, Float64]:
    """For each ring the network that members have in common, by how many, and the chance of it; (−1, 0, 1) where there is none.

    A carrier's address with a thousand users has some of any group; a campus's with a hundred does not. If each of a member's n networks
    is drawn by its users, they are on this one with chance 1 − (1 − w)ⁿ, w being its share in the users of all networks; and as many
    were tried as they have.
    """
    found = np.full(len(own.rings), -1), np.zeros(len(own.rings), np.int64), np.ones(len(own.rings))
    ring, network, who, count = _used(own, IP, ~own.inside)
    if not len(ring):
        return found
    on_it = _chances_of_members(own, ring, own.log.users_of_ip[network], own.by_member(who))
    tried = own.by_ring(ring)[ring]
    chance = np.minimum(tried * scipy.special.bdtrc(count - 1, np.diff(own.members)[ring], on_it), 1.0)
    best = np.lexsort((network, -count, np.where(count >= MANY, chance, 2.0), ring))
    best = best[firsts(ring[best])]
    for column, values in zip(found, (network, count, chance), strict=True):
        column[ring[best]] = values[best]
    return found


def _chances_of_members(own: MemberEvents, ring: Int64, users: Int64, networks: Int64) -> Float64:
    """Of networks of rings, with so many users each, the mean of members' chances to be there; `networks` (m,) is how many a member has."""
    weights, weight = np.unique(users / own.log.users_of_ips, return_inverse=True)
    numbers, number = np.unique(networks, return_inverse=True)
    chance = 1.0 - (1.0 - weights)[:, None] ** numbers
    wanted = ring << 32 | weight
    asked = distinct_values(wanted)
    mean = np.empty(len(asked))
    for (begin, end), (first, last) in zip(pairwise(own.bounds(asked >> 32).tolist()), pairwise(own.members.tolist()), strict=True):
        of_members = chance[asked[begin:end] & 0xFFFFFFFF].take(number[first:last], axis=1)
        mean[begin:end] = of_members.mean(1)
    return mean[np.searchsorted(asked, wanted)]


def _members_at(own: MemberEvents, node_type: str, chosen: Bool) -> Bool:
    """(m,) members who were at one of the chosen targets of a node type."""
    found = np.zeros(len(own.member), np.bool_)
    for view, target in zip(own.log.visits.visits.views, own.target, strict=True):
        if view.name == node_type:
            found[own.who[np.append(chosen, False)[target]]] = True
    return found


def _own_kinds(own: MemberEvents, exclusive: Bool) -> list[int]:
    """For each ring kinds of shared things of which most members use some that hardly anybody else does; 1 at most where none belongs to a
    person."""
    kinds, personal = np.zeros(len(own.rings), np.int64), np.zeros(len(own.rings), np.bool_)
    for view in own.log.visits.visits.views:
        if NODE_TYPE[view.name].shared and exclusive.any():
            most = 2 * own.by_ring(own.ring_of_member[_members_at(own, view.name, exclusive)]) > np.diff(own.members)
            kinds += most
            personal |= most & NODE_TYPE[view.name].own
    return list(np.where(personal, kinds, np.minimum(kinds, 1)).tolist())


def _used(own: MemberEvents, node_type: str, chosen: Bool) -> tuple[Int64, Int64, Int64, Int64]:
    """Nodes that members used in the chosen events, ring by ring, in order of their codes.

    Returns:
        (n,) ring and node; (p,) who used them, node by node; (n,) by how many members each was used.
    """
    codes = own.log.events.codes
    if node_type not in codes:
        return NONE, NONE, NONE, NONE
    code, who = codes[node_type][own.event[chosen]], own.who[chosen]
    pair = distinct_values(who[code >= 0] << 32 | code[code >= 0])
    who, place = pair >> 32, own.ring_of_member[pair >> 32] << 32 | pair & 0xFFFFFFFF
    order = np.argsort(place, kind="stable")
    place = place[order]
    first = np.flatnonzero(firsts(place))
    return place[first] >> 32, place[first] & 0xFFFFFFFF, who[order], np.diff(np.append(first, len(place)))


def _together(own: MemberEvents) -> Bool:
    """(m,) members who use a device that many of them use at where they met."""
    found = np.zeros(len(own.member), np.bool_)
    _, _, who, count = _used(own, DEVICE, own.inside)
    found[who[np.repeat(count >= MANY, count)]] = True
    return found
