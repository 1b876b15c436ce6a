"""Members' events → the devices, delivery addresses and networks that members share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from graphdet.arrays import Bool, Int64, distinct_counts, distinct_values
from graphdet.judging.log_index import LogIndex
from graphdet.judging.member_events import MemberEvents
from graphdet.schema import ADDRESS, DEVICE, IP, NODE_TYPE

MANY = 3  # members on one device that make it a shared one; two may be a couple
OTHERS = 0.5  # visits of others for each member's, up to which a thing is the members' own


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


def measure_sharing(own: MemberEvents, farm: bool) -> Sharing:
    """O(members' events); of a `farm`, what it has to itself is its own, wherever and whenever; other rings are their targets."""
    log, size = own.log, len(own.grown.members)
    things = [position for position, view in enumerate(log.visits.visits.views) if NODE_TYPE[view.name].own]
    exclusive = (own.grown.visitors >= MANY) & (own.grown.outsiders <= OTHERS * own.grown.visitors) & farm
    networks = _users_of(own, IP, ~own.inside)
    network, network_members, network_chance = _likeliest_place(networks, size, log)
    _, address_members = _commonest(_users_of(own, ADDRESS, np.ones(len(own.event), np.bool_)))
    return Sharing(
        own_things=int(np.isin(log.visits.view[own.grown.targets], things).sum()),
        own_kinds=_own_kinds(own, exclusive),
        device_share=len(np.union1d(_together(_users_of(own, DEVICE, own.inside)), _members_at(own, DEVICE, exclusive))) / size,
        address_share=address_members / size,
        place_share=network_members / size,
        place_users=int(log.users_of_ip[network]) if network >= 0 else 0,
        place_chance=network_chance,
    )


def _likeliest_place(networks: Int64, size: int, log: LogIndex) -> tuple[int, int, float]:
    """The network that members have in common, by how many, and the chance of it; (−1, 0, 1) where there is none.

    A carrier's address with a thousand users has some of any group; a campus's with a hundred does not. If each of a member's n networks
    is drawn by its users, they are on this one with chance 1 − (1 − w)ⁿ, w being its share in the users of all networks; and as many
    were tried as they have.
    """
    if not len(networks):
        return -1, 0, 1.0
    codes, count = distinct_counts(networks[:, 0])
    each = np.bincount(networks[:, 1], minlength=size)
    weights, place = np.unique(log.users_of_ip[codes] / log.users_of_ips, return_inverse=True)
    on_it = np.array([np.mean(1.0 - (1.0 - weight) ** each) for weight in weights.tolist()])[place]
    chance = np.minimum(len(codes) * scipy.special.bdtrc(count - 1, size, on_it), 1.0)
    best = int(np.lexsort((codes, -count, np.where(count >= MANY, chance, 2.0)))[0])
    return int(codes[best]), int(count[best]), float(chance[best])


def _members_at(own: MemberEvents, node_type: str, chosen: Bool) -> Int64:
    """Members who were at one of the chosen targets of a node type."""
    views = [view.name for view in own.log.visits.visits.views]
    if node_type not in views:
        return np.zeros(0, np.int64)
    return distinct_values(own.who[np.append(chosen, False)[own.target[views.index(node_type)]]])


def _own_kinds(own: MemberEvents, exclusive: Bool) -> int:
    """Kinds of shared things of which most members use some that hardly anybody else does; 1 at most where none belongs to a person."""
    kinds = [
        NODE_TYPE[view.name]
        for view in own.log.visits.visits.views
        if NODE_TYPE[view.name].shared and 2 * len(_members_at(own, view.name, exclusive)) > len(own.grown.members)
    ]
    return len(kinds) if any(kind.own for kind in kinds) else min(len(kinds), 1)


def _users_of(own: MemberEvents, node_type: str, chosen: Bool) -> Int64:
    """(p, 2) distinct pairs of a node and a member who used it in the chosen events, in order of nodes."""
    codes = own.log.events.codes
    if node_type not in codes or not chosen.any():
        return np.zeros((0, 2), np.int64)
    code, who = codes[node_type][own.event[chosen]].astype(np.int64), own.who[chosen]
    pair = distinct_values(code[code >= 0] << 32 | who[code >= 0])
    return np.stack([pair >> 32, pair & 0xFFFFFFFF], axis=1)


def _commonest(pairs: Int64) -> tuple[int, int]:
    """The node that most members used, and by how many; (−1, 0) where there is none."""
    if not len(pairs):
        return -1, 0
    codes, count = distinct_counts(pairs[:, 0])
    return int(codes[count.argmax()]), int(count.max())


def _together(pairs: Int64) -> Int64:
    """Members who use a node that many of them use."""
    if not len(pairs):
        return np.zeros(0, np.int64)
    _, count = distinct_counts(pairs[:, 0])  # pairs are in order of nodes
    return distinct_values(pairs[np.repeat(count >= MANY, count), 1])
