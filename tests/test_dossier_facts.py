"""Every number of a dossier against a count of its own in the raw log, over all rings of four logs."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from dossier_oracle import Oracle, iso
from dossier_runs import QUICK, market_run, plain_log, taobao_run, without_standings
from dossier_slow import SlowLog
from slow_standing import slow_chance, slow_standing

from graphdet.dossier.building import Dossier, build_dossier, event_rows
from graphdet.dossier.sums import near_copies
from graphdet.events import read_events
from graphdet.replay.recorded import Recorded
from graphdet.schema import NODE_TYPE
from graphdet.settings import GnnSettings, parse_settings
from graphdet.signals import with_meeting_places

# Reasons that the small markets do not give.
SELDOM = {"refund_cycle", "review_copies", "shared_address", "seller_cartel", "night_shift", "new_accounts"}


@dataclass(frozen=True)
class Case:
    """A run's dossiers as plain data, its raw log, and the slow way to what compiled code found."""

    recorded: Recorded
    log: pd.DataFrame
    dossiers: list[Dossier]
    slow: SlowLog

    def of_grown(self) -> list[Dossier]:
        """Those of rings that were grown; what farms are told by, test_farms.py counts again."""
        return [dossier for dossier in self.dossiers if dossier.facts["farm"] is None]


@pytest.fixture(scope="module", params=["market 1", "market 2", "market 3", "narrow", "hard", "taobao"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder: Path = tmp_path_factory.mktemp("case") / "log"
    if request.param == "taobao":
        logged = taobao_run(folder)
    elif request.param == "hard":  # rings of every kind, and innocent groups that are explained
        alone = QUICK.model_copy(update={"gnn": GnnSettings(least_rings=0)})  # a network would rank the rings anew
        logged = market_run(folder, 5, events=100_000, kind="hard", settings=alone)
    elif request.param == "narrow":  # few visitors make a crowd
        narrow = QUICK.model_copy(update={"view": parse_settings({"view": {"ip": {"cap": 3}, "device": {"cap": 3}}}, "test").view})
        logged = market_run(folder, 2, settings=narrow, sheets=1.0)
    else:
        logged = market_run(folder, int(request.param[-1]))
    recorded = Recorded(logged.run)
    dossiers = [build_dossier(recorded, logged.run.ring(ring)) for ring in logged.run.rings["ring_id"].to_pylist()]
    if request.param == "narrow":
        assert any(key["crowded"] for dossier in dossiers for key in dossier.facts["shared"]["keys"])
        assert any(code == "task_sheet" for dossier in dossiers for code, _ in dossier.reasons)
    if request.param == "hard":
        assert {code for dossier in dossiers for code, _ in dossier.reasons} >= SELDOM
        assert {dossier.ring["explanation"] for dossier in dossiers} > {"", "group_buy", "fan_club", "shared_network"}
    assert any(dossier.ring["tier"] == "alert" for dossier in dossiers)
    events = with_meeting_places(read_events([folder / "events.parquet"], logged.settings.log))
    return Case(recorded, plain_log(logged), dossiers, SlowLog(events, logged.settings))


def expected_numbers(case: Case, dossier: Dossier) -> dict[str, Any]:
    """A dossier's JSON, as far as it is numbers, from the raw log; lists of named things as dicts by their names."""
    measured = json.loads(case.recorded.measured[dossier.ring["ring_id"]])
    members = {member["id"] for member in dossier.members}
    oracle = Oracle(case.log, members, measured["windows"])
    slow, grown = case.slow, case.slow.grown(members)
    kinds = [kind for kind, _ in grown.targets]
    habits, tastes = oracle.habits(slow.end), oracle.tastes(slow.end)
    null = slow.null[0]
    on_devices, of_three = oracle.on_devices()
    burst, timing, lock = oracle.bursts(), oracle.timing(), oracle.lockstep()
    visits = sum(slow.name_of(int(key))[0] == "item" for key in slow.key)
    standing = {item: peak / (usual + 1) for item, (peak, usual) in burst.items()}
    item = max(standing, key=lambda name: standing[name])
    width = -(-(slow.end // 86_400 + 1) // 400)
    facts = {
        "what": oracle.what(),
        "lockstep": None if lock is None else lock | {"log_hours": slow.end / 3600},
        "chance": {
            "permutations": slow.settings.rings.permutations,
            "null_rings": len(null),
            "as_strong": sum(value >= grown.strength for value in null),
            "strongest": max(null, default=None),
            "strength": grown.strength,
            "false_rings": slow.false_rings(grown.strength),
        },
        "shared": {
            "counts": oracle.shared_counts(),
            "on_devices": on_devices,
            "devices_of_three": of_three,
            "others": oracle.users - len(members),
            "others_on_devices": oracle.others_on_devices(),
            "keys": {f"{kind} {name}": told for (kind, name), told in oracle.shared().items()},
        },
        "rotation": oracle.rotation(),
        "timing": timing
        | {"burst": {"item": item, "events": burst[item][0], "usual": burst[item][1], "days": width, "ratio": standing[item]}},
        "script": oracle.script(),
        "taste": oracle.taste(),
        "ages": oracle.ages(),
        "ratings": oracle.ratings(),
        "texts": oracle.texts(),
        "sellers": oracle.sellers(),
        "targets": {name: told | {"gain": grown.targets["item", name]["gain"]} for name, told in oracle.targets().items()},
        "coattail": oracle.coattail(),
        "scalars": habits
        | tastes
        | oracle.company(slow.end)
        | oracle.sittings()
        | {
            "new_beyond": oracle.newcomers(),
            "of_all": oracle.of_all(),
            "attention": len(oracle.inside) / len(members) * visits / case.log["item_id"].notna().sum(),
            "own_things": kinds.count("device") + kinds.count("payment"),
            "own_kinds": 0,
        },
        "joined": sum(told < slow.settings.rings.join for told in grown.contribution.values()),
        "fragile": len(dossier.events["fragile"]),
        "crowd": None,
    }
    inside, all_events = oracle.inside.groupby("user_id").size(), oracle.own.groupby("user_id").size()
    touched, devices = oracle.inside.groupby("user_id")["item_id"].nunique(), oracle.shared_devices()
    told = {
        name: {
            "contribution": grown.contribution[name],
            "touched": touched.get(name, 0),
            "items": sum(kind == "item" for kind in kinds),
            "events": inside.get(name, 0),
            "all_events": all_events[name],
            "shared_devices": devices[name],
        }
        for name in members
    }
    strengths = [(other.ring["tier"], other.ring["strength"]) for other in case.dossiers]
    tiers = ("explained", "review", "alert")
    order = sorted(strengths, key=lambda one: (-tiers.index(one[0]), -one[1]))
    ring = {
        "rank": 1 + order.index((dossier.ring["tier"], dossier.ring["strength"])),
        "score": score_of(dossier.ring["tier"], grown.strength),
        "p_value": min(slow.p_value(grown.strength), slow.q_value(grown.strength)),
        "q_value": slow.q_value(grown.strength),
        "size": len(members),
        "targets": kinds.count("item"),
        "devices": kinds.count("device"),
        "ips": kinds.count("ip"),
        "strength": grown.strength,
        "events": len(oracle.inside),
        "amount": facts["what"]["amount"],
        "at_stake": facts["what"]["at_stake"],
        **{name: facts["scalars"][name] for name in ("density", "dedication", "taste")},
        **slow_chance(slow_standing(dossier.ring["tier"], [one.claim.name for one in dossier.objections if one.holds])),
    }
    raw = case.log.set_index("event_id")
    rows = {
        kind: {
            row["event_id"]: {name: raw.loc[row["event_id"], name] for name in ("amount", "rating") if name in raw}
            for row in event_rows(case.recorded, at)
            if row["event_id"] is not None
        }
        for kind, at in dossier.events.items()
    }
    return {"ring": ring, "facts": facts, "members": told, "events": rows}


def score_of(tier: str, strength: float) -> float:
    return (("explained", "review", "alert").index(tier) + strength / (strength + 100)) / 3 if tier != "gone" else 0.0


def by_name(value: Any) -> Any:
    """Lists of named things as dicts by name, so that a place in the JSON has one name."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        names = [
            " ".join(str(one[key]) for key in ("type", "code", "without", "event_id", "id") if one.get(key) is not None) for one in value
        ]
        assert len(set(names)) == len(names)
        return {name: by_name(one) for name, one in zip(names, value, strict=True)}
    if isinstance(value, dict):
        return {key: by_name(one) for key, one in value.items()}
    return value


def numbers_in(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """Every number with the way to it."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from numbers_in(one, (*place, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from numbers_in(one, (*place, str(number)))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield place, value


def at(value: Any, place: tuple[str, ...]) -> Any:
    for key in place:
        assert isinstance(value, dict), f"{' > '.join(place)}: nothing in the tests counts this number again"
        assert key in value, f"{' > '.join(place)}: nothing in the tests counts this number again"
        value = value[key]
    return value


def test_every_number_of_every_dossier_is_counted_again(case: Case) -> None:
    """Whatever number the JSON shows, wherever: a number that nothing counts again fails this test."""
    seen = set()
    for dossier in case.of_grown():
        told = dossier.as_dict(case.recorded)
        expected = expected_numbers(case, dossier)
        apart = ("reasons", "against", "innocent", "objections", "counterfactuals", "uses", "bursts")  # each below in its own way
        themes = by_name({name: told[name] for name in told if name not in apart})
        for place, number in numbers_in(themes):
            assert number == pytest.approx(float(at(expected, place)), rel=1e-6, abs=1e-9), f"{dossier.ring['ring_id']} {place}"
            seen.add(place[:2])
        for place, number in numbers_in(expected):  # what is expected and is not told would be a hole in the dossier
            if number == number:
                assert at(themes, place) is not None, f"{dossier.ring['ring_id']} {place}"
        assert len(told["facts"]["shared"]["keys"]) == len(expected["facts"]["shared"]["keys"])
        for entry in told["reasons"]:  # `against` has some of them again, in words alone
            numbers = reason_numbers(entry["code"], entry["numbers"], expected["facts"], expected["ring"], told, case)
            same_numbers(entry["numbers"], numbers, f"{dossier.ring['ring_id']} {entry['code']}")
        for entry in told["uses"]:
            same_numbers(
                entry["numbers"], use_numbers(entry["code"], expected["facts"], told, case), f"{dossier.ring['ring_id']} {entry['code']}"
            )
        bursts_are_there(told, expected, case)
        numbers = claim_numbers(expected["facts"], expected["ring"], case)
        for entry in (*told["innocent"], *told["objections"]):
            same_numbers(entry["numbers"], numbers, f"{dossier.ring['ring_id']} {entry['code']}")
            conditions = [one for way in (*entry["ways"], entry["unless"]) for one in way]
            same_numbers({one["fact"]: one["value"] for one in conditions}, numbers, f"{dossier.ring['ring_id']} {entry['code']}")
            for one in conditions:
                # What the log does not tell is no number on the page; it was weighed as what was counted, and none that is a number.
                value = numbers[one["fact"]] if one["value"] is None else one["value"]
                assert one["passed"] == (value is not None and COMPARE[one["direction"]](float(value), one["bar"]))
    assert {("facts", theme) for theme in ("what", "chance", "shared", "taste", "scalars")} <= seen


def use_numbers(code: str, facts: dict[str, Any], told: dict[str, Any], case: Case) -> dict[str, Any]:
    """The numbers that a use rests on, from the facts that were counted again, or from the raw log."""
    what = facts["what"]
    members = {member["id"] for member in told["members"]}
    windows = json.loads(case.recorded.measured[told["ring"]["ring_id"]])["windows"]
    oracle = Oracle(case.log, members, windows)
    if code == "brushing":
        gains = [seller["inflated"] for seller in facts["sellers"].values() if seller["inflated"] >= 3]
        return {"inflated": sum(gains), "shops": len(gains)}
    if code in ("fake_reviews", "malicious_reviews"):
        texts = facts["texts"]
        return {name: facts["ratings"][name] for name in ("ratings", "mean")} | {"copies": texts["copies"] if texts else 0}
    if code == "account_takeover":
        there = oracle.own.dropna(subset=["device_id"])
        before = there[there["timestamp"] < oracle.start].groupby("user_id")["device_id"].agg(set)
        inside = oracle.meant.dropna(subset=["device_id"]).groupby("user_id")["device_id"].agg(set)
        moved = sum(user in inside.index and not devices & inside[user] for user, devices in before.items())
        return {"aged": len(before), "moved": moved}
    if code == "payment_fraud":
        paid = oracle.own[oracle.own["timestamp"].between(oracle.start, oracle.end)].dropna(subset=["payment_id"])
        cards = paid.groupby("user_id")["payment_id"].nunique()
        hours = [
            times.between(moment, moment + pd.Timedelta(hours=1)).sum()
            for _, times in paid.groupby("device_id")["timestamp"]
            for moment in times
        ]
        return {
            "payments": len(paid),
            "cards": paid["payment_id"].nunique(),
            "on_device": paid.groupby("device_id")["payment_id"].nunique().max(),
            "many": (cards >= 3).sum(),
            "payers": len(cards),
            "in_hour": max(hours, default=0),
        }
    if code == "click_farming":
        numbers = reason_numbers("coattail_clicks", {}, facts, told["ring"], told, case)
        return {name: numbers[name] for name in ("members", "own")}
    share, others = {"refund_abuse": ("returned_share", "others_returned"), "coupon_abuse": ("coupon_share", "others_coupons")}[code]
    return {"share": what[share], "usual": what[others] / max(what["others_dealings"], 1)}


def bursts_are_there(told: dict[str, Any], expected: dict[str, Any], case: Case) -> None:
    """Each burst at a target in the ring's time, with its users counted again; what is expected counts test_series.py again."""
    run = case.recorded.run
    first, last = (pd.Timestamp(run.ring(told["ring"]["ring_id"]).row[name]) for name in ("first_seen", "last_seen"))
    every = (
        run.tables["bursts"].to_pandas() if run.has("bursts") else pd.DataFrame(columns=["node_type", "node_id", "first_seen", "last_seen"])
    )
    windows = json.loads(case.recorded.measured[told["ring"]["ring_id"]])["windows"]
    items = {window["id"] for window in windows if window["type"] == "item"}
    here = every[
        (every["node_type"] == "item") & every["node_id"].isin(items) & (every["first_seen"] <= last) & (every["last_seen"] >= first)
    ]
    assert len(told["bursts"]) == len(here)
    for burst in told["bursts"]:
        begin, end = pd.Timestamp(burst["first_seen"]), pd.Timestamp(burst["last_seen"])
        rows = case.log[(case.log["item_id"] == burst["node_id"]) & (case.log["timestamp"] >= begin) & (case.log["timestamp"] < end)]
        if burst["measure"] == "orders":
            rows = rows[rows["action"] == ("order" if (case.log["action"] == "order").any() else "pay")]
        elif burst["measure"] == "reviews":
            rated = not (case.log["action"] == "review").any()
            rows = rows[rows["rating"].notna()] if rated else rows[rows["action"] == "review"]
        elif burst["measure"] == "refunds":
            rows = rows[rows["action"].isin(["refund", "cancel"])]
        width = pd.Timedelta(hours=1 if burst["grain"] == "hour" else 24)
        assert burst["count"] == len(rows.assign(bucket=(rows["timestamp"] - begin) // width)[["user_id", "bucket"]].drop_duplicates())
        assert burst["excess"] == pytest.approx(max(burst["count"] - burst["expected"], 0), abs=0.01)
        assert burst["excess_low"] <= burst["excess"] <= burst["excess_high"]


def same_numbers(told: dict[str, Any], expected: dict[str, Any], where: str) -> None:
    for name, number in told.items():
        assert name in expected, f"{where}: nothing in the tests counts {name} again"
        if isinstance(number, str):
            assert number == expected[name], f"{where} {name}"
        elif number is not None:
            assert number == pytest.approx(float(expected[name]), rel=1e-6, abs=1e-9), f"{where} {name}"


def claim_numbers(facts: dict[str, Any], ring: dict[str, Any], case: Case) -> dict[str, Any]:
    """Every fact that a claim may hang on, from what was counted again."""
    scalars, users = facts["scalars"], case.log["user_id"].nunique()
    tastes = [scalars[name] for name in ("taste", "seller_taste") if scalars[name] is not None]
    members = round(scalars["place_share"] * ring["size"])
    return scalars | {
        "size": facts["what"]["members"],
        "user_share": facts["what"]["members"] / users,
        "targets": ring["targets"],
        "strength": ring["strength"],
        "home_share": max(scalars["address_share"], scalars["place_share"]),
        "desk_share": min(scalars["device_share"], scalars["place_share"]),
        "place_members": members,
        "best_taste": max(tastes, default=None),
        "timed": 1,
        "to_themselves": 0.0,
    }


COMPARE = {"at least": operator.ge, "more than": operator.gt, "at most": operator.le, "less than": operator.lt}


def money(amount: float | None) -> str:
    return "–" if amount is None else f"{amount:,.2f}"


def reason_numbers(
    code: str, told: dict[str, Any], facts: dict[str, Any], ring: dict[str, Any], dossier: dict[str, Any], case: Case
) -> dict[str, Any]:
    """The numbers of one sentence, from the facts that were counted again."""
    what, lock, timing, taste, ages = (facts[theme] for theme in ("what", "lockstep", "timing", "taste", "ages"))
    size, shared, keys = what["members"], facts["shared"], facts["shared"]["keys"]
    of, usual = {"of": size}, usual_shares(facts)
    if code in ("shared_ip", "nat_like"):
        return keys[f"ip {told['id']}"] | {"id": told["id"]}
    if code == "inflated_orders":
        seller = facts["sellers"][told["id"]]
        shares = {"share": what["ordered_share"], "usual": usual["ordered"]}
        return seller | {"id": told["id"], "amount": money(seller["inflated_amount"]), **shares}
    if code in ("shared_payment", "shared_address", "shared_phone", "shared_coupon", "shared_courier", "shared_text", "shared_image"):
        kind = next(one for one, told in NODE_TYPE.items() if told.role == code)
        most = max(key["members"] for name, key in keys.items() if name.startswith(kind))
        named = {"id": told["id"], "users": keys[f"{kind} {told['id']}"]["users"]} if NODE_TYPE[kind].quoted else {}
        return {"keys": shared["counts"][kind], "members": most, **named}
    if code == "item_burst":
        burst = timing["burst"]
        start = case.log["timestamp"].min()
        width = pd.Timedelta(days=burst["days"])
        on = case.log[case.log["item_id"] == burst["item"]]
        which = (on["timestamp"] - start) // width
        count, by_members = which.value_counts(), which[on["user_id"].isin({member["id"] for member in dossier["members"]})]
        days = [one for one in by_members[by_members.map(count) == burst["events"]] if iso(start + (one + 1) * width) > what["first"]]
        day = start + min(days) * width
        return burst | {
            "id": burst["item"],
            "hours": 24 * burst["days"],
            "day": str(day.tz_convert(case.recorded.settings.log.timezone).date()),
        }
    zone = case.recorded.settings.log.timezone
    day = pd.Timestamp(what["first"]) if what["first"] else pd.Timestamp(0, tz="UTC")
    quiet = f"{day.replace(hour=timing['quiet_from'] if timing else 0, minute=0).tz_convert(zone):%H:%M} {zone}"
    made: dict[str, dict[str, Any]] = {
        "lockstep_orders": (lock or {}) | of,
        "lockstep_untimed": (lock or {}) | of,
        "tight_windows": lock or {},
        "tight_days": {"days": (lock or {"hours": 0})["hours"] / 24 + 1},
        "shuffled_logs": facts["chance"],
        "device_farm": {"members": shared["on_devices"], "devices": shared["devices_of_three"], "usual": usual["on_devices"], **of},
        "same_minute": {"close": timing["same_minute"], "expected": timing["same_minute_expected"]},
        "night_shift": {"share": timing["quiet_share"], "hour": quiet, "usual": timing["quiet_usual"]},
        "task_sheet": facts["script"] or {},
        "periodic_gaps": {"share": timing["gap_share"], "gaps": timing["gaps"], "minutes": timing["gap_minutes"]},
        "novel_taste": {"novel": taste["novel"], "of": taste["novel_of"], "usual": usual["novel"]},
        "hijacked_accounts": {"aged": ages["aged"], "novel": taste["novel"] / max(taste["novel_of"], 1), "usual": usual["novel"], **of},
        "dedication": {"share": taste["dedication"], "items": what["items"], "usual": usual["dedication"]},
        "new_accounts": {"new": ages["new"], "usual": usual["new"], **of},
        "refund_cycle": {"share": what["returned_share"], "amount": money(what["return_amount"]), "usual": usual["returned"]},
        "coupon_crew": {"share": what["coupon_share"], "usual": usual["coupons"]},
        "coattail_clicks": (facts["coattail"] or {}) | of,
        "review_copies": facts["texts"] or {},
        "fragile": {"events": facts["fragile"]},
        "network_members": {"joined": facts["joined"], **of},
        "strays": {"strays": what["strays"], "of": what["events"]},
        "crowded_discounted": {"keys": sum(key["crowded"] for key in dossier["facts"]["shared"]["keys"])},
        "weak_members": {"weak": sum(member["standing"] == "hold" for member in dossier["members"]), **of},
    }
    if facts["rotation"]:
        rotation = facts["rotation"]
        each = rotation["pairs"] / rotation["devices"]
        made["ip_rotation"] = rotation | {"each": each, "usual": rotation["others_pairs"] / max(rotation["others_devices"], 1)}
    if lock:
        made["dense"] = {"hits": lock["hits"], "possible": size * lock["items"], "expected": lock["expected_hits"]}
    gain = [seller["orders"] for seller in facts["sellers"].values() if seller["inflated"] >= 3]
    made["seller_cartel"] = {"sellers": len(gain), "share": max(gain, default=0) / max(what["orders"], 1)}
    if facts["ratings"]:
        made["rating_burst"] = facts["ratings"] | {"share": what["rated_share"], "usual": usual["rated"]}
    assert code in made, f"{code}: nothing in the tests counts its numbers again"
    return made[code]


def usual_shares(facts: dict[str, Any]) -> dict[str, float]:
    """What stands beside members' shares: everybody else's in the ring's time."""
    what, taste, ages, shared = facts["what"], facts["taste"], facts["ages"], facts["shared"]
    found = {name: what[f"others_{name}"] / max(what["others_dealings"], 1) for name in ("ordered", "rated", "returned", "coupons")}
    return found | {
        "novel": taste["others_novel"] / max(taste["others_novel_of"], 1),
        "dedication": taste["others_events"] / max(taste["others_item_events"], 1),
        "new": ages["others_new"] / max(ages["others"], 1),
        "on_devices": (shared["others_on_devices"] or 0) / max(shared["others"], 1),
    }


def test_who_is_to_be_held_is_weak_or_a_stray(case: Case) -> None:
    """Who touched two items, where there are more; adds less than half of the median member's evidence; or came at
    other times only."""
    for dossier in case.of_grown():
        measured = json.loads(case.recorded.measured[dossier.ring["ring_id"]])
        oracle = Oracle(case.log, {member["id"] for member in dossier.members}, measured["windows"])
        median = np.median([member["contribution"] for member in dossier.members])
        items = dossier.facts["what"]["items"]
        few = 2 if items > 2 else -1
        for member in dossier.members:
            assert member["touched"] > 0  # who did nothing there is no member
            stray = member["id"] not in set(oracle.came["user_id"])
            reasons = {"few_items": member["touched"] <= few, "little_evidence": member["contribution"] < 0.5 * median, "stray": stray}
            assert set(member["weak"]) == {name for name, holds in reasons.items() if holds}, member
            assert member["standing"] == ("hold" if any(reasons.values()) else "act"), member


def test_a_run_of_an_older_graphdet_holds_the_same_members(case: Case) -> None:
    older = Recorded(without_standings(case.recorded.run))
    for dossier in case.dossiers[:8]:
        assert build_dossier(older, older.run.ring(dossier.ring["ring_id"])).members == dossier.members


@pytest.mark.parametrize("seed", range(4))
def test_near_copies_are_those_of_the_slow_way(seed: int) -> None:
    """On texts that are more or less alike; made logs hold only plain copies and texts of their own."""
    generator = np.random.default_rng(seed)
    bases = ["".join(generator.choice(list("abcdefgh好评快 "), 40)) for _ in range(4)]
    texts = []
    for _ in range(60):
        letters = list(bases[generator.integers(4)])
        for place in generator.integers(0, len(letters), generator.integers(0, 6)):
            letters[place] = "xyz!质"[generator.integers(5)]
        texts.append("".join(letters))
    rows = {"user_id": [f"u{n}" for n in range(60)], "item_id": "i", "text": texts}
    log = pd.DataFrame(rows).assign(timestamp=pd.Timestamp("2025-01-01", tz="UTC"))
    window = {"type": "item", "id": "i", "start": 0, "end": 2_000_000_000_000_000}
    told = Oracle(log, set(rows["user_id"]), [window]).texts()
    groups = near_copies(texts)
    assert told == {"texts": 60, "copies": sum(len(group) for group in groups)}
    assert 0 < told["copies"] < 60


def test_what_is_crowded_held_more_than_its_share_at_once(case: Case) -> None:
    for dossier in case.dossiers:
        for key in dossier.facts["shared"]["keys"]:
            view = next(view for view in case.slow.visits.views if view.name == key["type"])
            code = view.first_key + case.slow.events.ids[view.name].index(key["id"]).as_py()
            times = case.slow.visits.time[case.slow.visits.offset[code] : case.slow.visits.offset[code + 1]]
            most = max(int(((times >= begin) & (times <= begin + view.windows[0])).sum()) for begin in times.tolist())
            assert key["crowded"] == (most > view.settings.cap), key


def test_members_and_times_are_told_as_the_log_has_them(case: Case) -> None:
    first = case.log.groupby("user_id")["timestamp"].min()
    for dossier in case.of_grown():
        for member in dossier.members:
            assert member["seen_since"] == first[member["id"]].floor("s").strftime("%Y-%m-%dT%H:%M:%SZ")
        what = Oracle(
            case.log, {member["id"] for member in dossier.members}, json.loads(case.recorded.measured[dossier.ring["ring_id"]])["windows"]
        ).what()
        assert (dossier.facts["what"]["first"], dossier.facts["what"]["last"]) == (what["first"], what["last"])


def test_events_carry_every_column_of_the_log(case: Case) -> None:
    recorded, log, dossiers = case.recorded, case.log, case.dossiers
    kept = recorded.events.to_pandas()
    targets = {window["id"] for measured in recorded.measured.values() for window in json.loads(measured)["windows"]}
    at_targets = kept[kept["item_id"].isin(targets)]
    assert kept["event_id"].notna().sum() == len(at_targets)
    assert at_targets["event_id"].is_unique
    both = at_targets.merge(log, on="event_id", suffixes=("", "_raw"))
    assert len(both) == len(at_targets)
    members = {member["id"] for dossier in dossiers for member in dossier.members}
    assert len(kept) == log["user_id"].isin(members).sum()
    for column in ("user_id", "item_id", "device_id", "ip", "action", "text", "order_id", "user_agent"):
        if column in log:
            left, right = both[column].astype(object).where(both[column].notna(), ""), both[f"{column}_raw"]
            assert (left == right.astype(object).where(right.notna(), "")).all(), column
