"""Facts → the reasons that apply, by fixed rules: codes of the catalogue with the numbers that fill their sentences."""

from __future__ import annotations

from typing import Any

from graphdet.run.log_clock import LogClock
from graphdet.schema import DEVICE, IP, NODE_TYPE, SHARED_TYPES
from graphdet.schema.wording import Language
from graphdet.words.reasons import CATALOGUE

Facts = dict[str, Any]
Reason = tuple[str, dict[str, Any]]

NAT_USERS = 40  # users of an IP address from which on it looks like a shared network
MINUTES_TOLD = 120  # from which on a time is told in hours
MANY = 5  # as often as chance has it, from which on a fact is told
RARER = 2.0  # as common among members as among everybody else in the same time, from which on what they did is told
SHORT = 0.25  # of the log's time, up to which members who come to an item came close together
SCRIPT_CHANCE = 0.001  # of so many members' coming to their deeds one way, up to which it is told
LEAST_SELLER = 3.0  # orders beyond the ordinary from which on a shop gains


def find_reasons(facts: Facts, members: list[Facts], clock: LogClock) -> list[Reason]:
    """The reasons for and the cautions, most telling theme first.

    Args:
        facts: from `measure_facts`.
        members: the dossier's members, with `weak`.
        clock: by which an hour of the day is told.
    """
    found: list[Reason] = []
    for tell in (_lockstep, _chance, _devices):
        found += tell(facts)
    found += _timing(facts, clock)
    for tell in (_accounts, _money, _wording):
        found += tell(facts)
    return found + _cautions(facts, members)


def _lockstep(facts: Facts) -> list[Reason]:
    lock, size = facts["lockstep"], facts["what"]["members"]
    if lock is None:
        return []
    found: list[Reason] = []
    if lock["members"] >= MANY * lock["expected"]:
        kind = "lockstep_untimed" if facts["what"]["first"] is None else "lockstep_orders"
        found.append((kind, {**_of(lock, "members", "least", "items", "expected"), "of": size}))
    if lock["hours"] is not None and lock["hours"] <= min(24, SHORT * lock["log_hours"]):
        days = lock["hours"] / 24  # a whole number where times are bare dates
        found.append(("tight_days", {"days": days + 1}) if days.is_integer() else ("tight_windows", _of(lock, "hours")))
    if lock["hits"] >= MANY * lock["expected_hits"]:
        found.append(("dense", {"hits": lock["hits"], "possible": size * lock["items"], "expected": lock["expected_hits"]}))
    return found


def _chance(facts: Facts) -> list[Reason]:
    farm = facts["farm"]
    if farm is not None:
        told = _of(farm, "inside", "accounts", "things", "digits", "groups")
        if farm["minutes"] is None:
            return [("farm_number", told)]
        minutes = farm["minutes"]
        span = {"minutes": minutes} if minutes < MINUTES_TOLD else {"hours": minutes / 60}
        return [("farm_minutes" if minutes < MINUTES_TOLD else "farm_hours", {**told, **span, "share": farm["share"]})]
    return [("shuffled_logs", _of(facts["chance"], "as_strong", "null_rings", "permutations", "false_rings"))]


def _devices(facts: Facts) -> list[Reason]:
    shared, size = facts["shared"], facts["what"]["members"]
    found: list[Reason] = []
    devices = [key for key in shared["keys"] if key["type"] == DEVICE and key["members"] >= 3]
    if shared["on_devices"] >= 3 and devices:
        usual = _share(shared["others_on_devices"], shared["others"])
        told = {"members": shared["on_devices"], "of": size, "devices": shared["devices_of_three"], "usual": usual}
        # One device of three in a large ring is a household's.
        farm = shared["devices_of_three"] >= 2 or 2 * shared["on_devices"] >= size
        found += [("device_farm", told)] if farm and rarer(shared["on_devices"] / size, usual) else []
    rotation = facts["rotation"]
    if rotation is not None:
        each, usual = rotation["pairs"] / rotation["devices"], _share(rotation["others_pairs"], rotation["others_devices"])
        told = {**_of(rotation, "devices", "ips", "events"), "each": each, "usual": usual}
        found += [("ip_rotation", told)] if rarer(each, usual) else []
    rare = [key for key in shared["keys"] if key["type"] == IP and key["members"] >= 3 and not nat_like(key)]
    found += [("shared_ip", _of(key, "members", "id", "users", "expected")) for key in rare if key["members"] >= MANY * key["expected"]][:2]
    for kind in (kind for kind in SHARED_TYPES if kind != IP and NODE_TYPE[kind].role in CATALOGUE):
        keys = [key for key in shared["keys"] if key["type"] == kind and key["members"] >= MANY * key["expected"]]
        busiest = max(keys, key=lambda key: int(key["members"]), default=None)
        if busiest is not None and busiest["members"] >= 3:
            named = _of(busiest, "members", "id", "users") if NODE_TYPE[kind].quoted else _of(busiest, "members")
            found.append((NODE_TYPE[kind].role, {"keys": shared["counts"][kind], **named}))
    return found


def _timing(facts: Facts, clock: LogClock) -> list[Reason]:
    timing = facts["timing"]
    if timing is None:
        return []
    found: list[Reason] = []
    script = facts["script"]
    if tells_script(script):
        found.append(("task_sheet", _of(script, "members", "of", "steps", "expected")))
    if timing["same_minute"] >= 3 and timing["same_minute"] >= 3 * timing["same_minute_expected"]:
        found.append(("same_minute", {"close": timing["same_minute"], "expected": timing["same_minute_expected"]}))
    burst = timing["burst"]
    if burst is not None and burst["ratio"] >= MANY:
        found.append(
            ("item_burst", {"id": burst["item"], "day": burst["day"], "hours": 24 * burst["days"], **_of(burst, "events", "usual")})
        )
    if timing["quiet_share"] >= 0.15 and rarer(timing["quiet_share"], timing["quiet_usual"]):
        hour = clock.hour(facts["what"]["first"], timing["quiet_from"])
        found.append(("night_shift", {"share": timing["quiet_share"], "hour": hour, "usual": timing["quiet_usual"]}))
    if timing["gaps"] >= 10 and timing["gap_share"] >= 0.25:
        found.append(("periodic_gaps", {"share": timing["gap_share"], "gaps": timing["gaps"], "minutes": timing["gap_minutes"]}))
    return found


def tells_script(script: Facts | None) -> bool:
    """Whether members came to their deeds by one way far more than as active users would."""
    return script is not None and script["members"] >= max(3, MANY * script["expected"]) and script["chance"] <= SCRIPT_CHANCE


def _accounts(facts: Facts) -> list[Reason]:
    taste, ages, size = facts["taste"], facts["ages"], facts["what"]["members"]
    found: list[Reason] = []
    novel, usual = _share(taste["novel"], taste["novel_of"]), _share(taste["others_novel"], taste["others_novel_of"])
    if novel is not None and usual is not None and novel >= 0.5 and rarer(novel, usual):
        told = {"novel": novel, "of": size, "usual": usual}
        if ages is not None and ages["aged"] >= 0.5 * size and novel >= 0.7:
            found.append(("hijacked_accounts", {"aged": ages["aged"], **told}))
        else:
            found.append(("novel_taste", {**_of(taste, "novel"), "of": taste["novel_of"], "usual": usual}))
    usual = _share(taste["others_events"], taste["others_item_events"])
    if taste["dedication"] >= 0.3 and rarer(taste["dedication"], usual):
        found.append(("dedication", {"share": taste["dedication"], "items": facts["what"]["items"], "usual": usual}))
    usual = _share(ages["others_new"], ages["others"]) if ages is not None else None
    if ages is not None and ages["new"] >= 3 and rarer(ages["new"] / size, usual):
        found.append(("new_accounts", {"new": ages["new"], "of": size, "usual": usual}))
    return found


def _money(facts: Facts) -> list[Reason]:
    what = facts["what"]
    sellers = [seller for seller in facts["sellers"] if seller["inflated"] >= LEAST_SELLER]
    found: list[Reason] = []
    ordered = _share(what["others_ordered"], what["others_dealings"])
    if rarer(what["ordered_share"], ordered):
        for seller in sellers[:2]:
            told = {"amount": _money_told(seller["inflated_amount"]), "share": what["ordered_share"], "usual": ordered}
            found.append(("inflated_orders", {**_of(seller, "id", "orders", "expected", "inflated"), **told}))
        if len(sellers) > 1 and sellers[0]["share"] <= 0.8:
            found.append(("seller_cartel", {"sellers": len(sellers), "share": sellers[0]["share"]}))
    returned = _share(what["others_returned"], what["others_dealings"])
    if what["returned_share"] >= 0.25 and rarer(what["returned_share"], returned):
        found.append(("refund_cycle", {"share": what["returned_share"], "amount": _money_told(what["return_amount"]), "usual": returned}))
    coupons = _share(what["others_coupons"], what["others_dealings"])
    if what["coupon_share"] >= 0.35 and rarer(what["coupon_share"], coupons):
        found.append(("coupon_crew", {"share": what["coupon_share"], "usual": coupons}))
    coattail = facts["coattail"]
    if coattail is not None and coattail["members"] >= 0.3 * what["members"]:
        found.append(("coattail_clicks", {**_of(coattail, "members", "users", "own"), "of": what["members"]}))
    return found


def _money_told(amount: float | None) -> str:
    return "–" if amount is None else f"{amount:,.2f}"


def _share(part: float | None, of: float | None) -> float | None:
    """A share of what others did; None where there is nobody to compare with."""
    return None if part is None or not of else part / of


def rarer(share: float, usual: float | None) -> bool:
    """Whether what members did is so much rarer among everybody else that it says something of them; not where it cannot be compared."""
    return usual is not None and share >= RARER * usual


def _wording(facts: Facts) -> list[Reason]:
    found: list[Reason] = []
    ratings, texts = facts["ratings"], facts["texts"]
    what = facts["what"]
    rated = _share(what["others_rated"], what["others_dealings"])
    if ratings is not None and ratings["ratings"] >= max(5, RARER * (ratings["others"] or 0)) and rarer(what["rated_share"], rated):
        told = {"share": what["rated_share"], "usual": rated}
        found.append(("rating_burst", {**_of(ratings, "ratings", "mean", "others"), **told}))
    if texts is not None and texts["copies"] >= 3:
        found.append(("review_copies", _of(texts, "copies", "texts")))
    return found


def _cautions(facts: Facts, members: list[Facts]) -> list[Reason]:
    found: list[Reason] = []
    if facts["fragile"]:
        found.append(("fragile", {"events": facts["fragile"]}))
    if facts["what"]["strays"]:
        found.append(("strays", {"strays": facts["what"]["strays"], "of": facts["what"]["events"]}))
    nat = [key for key in facts["shared"]["keys"] if key["type"] == IP and nat_like(key)]
    found += [("nat_like", _of(key, "id", "users", "members", "expected")) for key in nat[:1]]
    crowded = sum(key["crowded"] for key in facts["shared"]["keys"])
    if crowded:
        found.append(("crowded_discounted", {"keys": crowded}))
    if facts["joined"]:
        found.append(("network_members", {"joined": facts["joined"], "of": facts["what"]["members"]}))
    weak = sum(bool(member["weak"]) for member in members)
    if weak:
        found.append(("weak_members", {"weak": weak, "of": len(members)}))
    return found


def nat_like(key: Facts) -> bool:
    """Whether so many use it that it looks like a campus, a carrier or a café, and not as if it were the members' own."""
    return bool(key["crowded"] or key["users"] >= NAT_USERS) and 2 * key["members"] <= key["users"]


def words(reason: Reason, language: Language) -> str:
    """A reason's sentence."""
    code, numbers = reason
    return CATALOGUE[code].words(language, numbers)


def _of(facts: Facts, *names: str) -> Facts:
    return {name: facts[name] for name in names}
