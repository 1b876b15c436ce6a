"""A ring's strength, its targets' gains and its members' contributions once more, in plain loops over the whole log's visits; and the null.

The definitions are those of `graphdet/kernels/profile.cpp`; its code is not used. Base rates are those of `measure_base_rates`, which
tests/test_evidence.py holds against a look at every other visit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cached_property
from math import e, log10

import numpy as np

from graphdet.events import EventTable
from graphdet.evidence.pairs import affordable_evidence, expected_meetings, measure_pairs
from graphdet.rings.search import search_rings
from graphdet.settings import Settings
from graphdet.visits.base_rates import measure_base_rates
from graphdet.visits.index import index_visits
from graphdet.visits.permuting import permute
from graphdet.visits.visits import DAY, collect_visits

# types at which members may be apart as long as the longer window
LONG = ("item", "device", "payment", "address", "phone", "text_group", "image_group")


class SlowLog:
    """A whole log's visits, and what the same search finds in it and in its permuted logs."""

    def __init__(self, events: EventTable, settings: Settings) -> None:
        self.events, self.settings = events, settings
        self.visits = visits = collect_visits(events, settings.evidence, settings.view)
        self.base_rates = measure_base_rates(visits, settings.evidence)
        self.end = int(visits.time.max())
        self.key = np.repeat(np.arange(visits.keys), np.diff(visits.offset))
        self.view = np.repeat([n for n, view in enumerate(visits.views)], [view.keys for view in visits.views])
        self.by_user: dict[int, list[int]] = defaultdict(list)
        for visit, user in enumerate(visits.user.tolist()):
            self.by_user[user].append(visit)

    def name_of(self, key: int) -> tuple[str, str]:
        view = self.visits.views[int(self.view[key])]
        return view.name, self.events.ids[view.name][key - view.first_key].as_py()

    @cached_property
    def found(self) -> list[float]:
        """Strengths of all rings in the log, of any significance."""
        visits, settings = self.visits, self.settings
        expected = expected_meetings(visits)
        affordable = affordable_evidence(visits, self.base_rates, expected, settings.evidence, 1)
        pairs = measure_pairs(visits, self.base_rates, expected, affordable, 1)
        return [ring.strength for ring in search_rings(pairs, index_visits(visits), self.base_rates, settings.rings).rings]

    @cached_property
    def null(self) -> tuple[list[float], int]:
        """Strengths of the rings of all permuted logs, and how many cores were tried there."""
        visits, settings = self.visits, self.settings
        expected = expected_meetings(visits)
        affordable = affordable_evidence(visits, self.base_rates, expected, settings.evidence, 1)
        weak = settings.rings.model_copy(update={"least_strength": 0.0})
        strengths, cores = [], 0
        for number in range(settings.rings.permutations):
            shuffled = permute(visits, settings.seed + number)
            base_rates = measure_base_rates(shuffled, affordable, self.base_rates.homogeneity)
            pairs = measure_pairs(shuffled, base_rates, expected, affordable, 1)
            search = search_rings(pairs, index_visits(shuffled), base_rates, weak)
            strengths += [ring.strength for ring in search.rings]
            cores += search.cores
        return strengths, cores

    def p_value(self, strength: float) -> float:
        null, cores = self.null
        return (1 + sum(value >= strength for value in null)) / (1 + cores)

    def false_rings(self, strength: float) -> float:
        null = self.null[0]
        seen, total = 4 + len(null), 12.0 + sum(null)  # as if four null rings of strength 3 had been seen before
        tail = (len(null) + 1) * (total / (total + strength)) ** seen
        return max(sum(value >= strength for value in null), tail) / self.settings.rings.permutations

    def q_value(self, strength: float) -> float:
        found = self.found
        bounds = [self.false_rings(one) / sum(other >= one for other in found) for one in found if one <= strength + 1e-9]
        return max(min(1.0, *bounds, 1.0), 1e-6)

    def grown(self, members: set[str]) -> SlowRing:
        return SlowRing(self, members)


class SlowRing:
    """One ring, from its members alone: targets with `gain`, `outsiders` and `visitors` by (type, id); contributions by user; strength."""

    def __init__(self, log: SlowLog, members: set[str]) -> None:
        self.log = log
        ids = log.events.ids["user"].to_pylist()
        self.members = [code for code, name in enumerate(ids) if name in members]
        runs = self._runs()
        self.of_draw = self._count_draws(visit for run in runs.values() for visit in run)
        self.targets: dict[tuple[str, str], dict[str, float]] = {}
        self.slots = slots = []
        for key, run in runs.items():
            told = self._target(key, run, runs)
            if told["gain"] > 0:
                self.targets[log.name_of(key)] = told
                slots.append((int(log.visits.group[key]), key, told))
        slots.sort(key=lambda slot: slot[:2])
        self.of_draw = self._count_draws(
            visit
            for _, key, told in slots
            for visit in range(int(log.visits.offset[key]), int(log.visits.offset[key + 1]))
            if told["low"] <= log.visits.time[visit] <= told["high"]
        )
        self.contribution = {}
        entry_evidence = 0.0
        for user in self.members:
            told_user, gaps, _ = self._contribution(user, slots)
            self.contribution[ids[user]] = told_user
            entry_evidence += gaps
        size, users = len(self.members), log.visits.users
        self.strength = entry_evidence - size * log10(users * e / size)
        for view in log.visits.views:
            gain = sum(told["gain"] for (kind, _), told in self.targets.items() if kind == view.name)
            self.strength += min(gain, log.settings.view[view.name].share_most * size)

    def rate(self, user: int) -> tuple[float, float]:
        """What anybody would add as a member, or as who is none, and the choices of items that they share with the ring."""
        contribution, _, choices = self._contribution(user, self.slots)
        return contribution, choices

    def _count_draws(self, visits: Iterable[int]) -> Counter[int]:
        return Counter(int(self.log.visits.draw[visit]) for visit in visits)

    def _share(self, visit: int) -> float:
        """Of one choice: targets that one draw brought are one choice together."""
        draw = int(self.log.visits.draw[visit])
        return 1 / self.of_draw[draw] if draw >= 0 else 1.0

    def _runs(self) -> dict[int, list[int]]:
        """Of each key with two members the visits of theirs without a gap beyond its reach that has most of them."""
        log = self.log
        at = defaultdict(list)
        for user in self.members:
            for visit in log.by_user[user]:
                at[int(log.key[visit])].append(visit)
        found = {}
        for key in sorted(at):
            view = log.visits.views[int(log.view[key])]
            reach = view.windows[-1] if view.name in LONG else view.windows[0]
            runs: list[list[int]] = [[]]
            for visit in sorted(at[key]):
                if runs[-1] and log.visits.time[visit] - log.visits.time[runs[-1][-1]] > reach:
                    runs.append([])
                runs[-1].append(visit)
            best = max(runs, key=lambda run: len({log.visits.user[visit] for visit in run}))
            if len({log.visits.user[visit] for visit in best}) >= 2:
                found[key] = best
        return found

    def _target(self, key: int, run: list[int], runs: dict[int, list[int]]) -> dict[str, float]:
        visits, view = self.log.visits, self.log.visits.views[int(self.log.view[key])]
        size = len(self.members)
        first: dict[int, int] = {}
        for visit in run:
            first.setdefault(int(visits.user[visit]), visit)
        came = len(first)
        reach = view.windows[-1] if view.name in LONG else view.windows[0]
        low, high = int(visits.time[run[0]]), int(visits.time[run[-1]])
        slack = min(max((high - low) // (came - 1), min(view.windows[0], round(3600 * self.log.settings.rings.slack))), reach)
        low, high = max(low - slack, 0), min(high + slack, 2**31 - 2)
        at = range(int(visits.offset[key]), int(visits.offset[key + 1]))
        outsiders = sum(low <= visits.time[visit] <= high for visit in at) - len(run)
        days = (high - low) / DAY
        worth = 0.0
        for user, visit in first.items():
            also = sum(
                visits.group[other] == visits.group[key] and any(visits.user[there] == user for there in run_there)
                for other, run_there in runs.items()
                if other != key
            )
            worth += self._share(visit) * (log10(came / size) - self._chance(outsiders, also, days, visit))
        gain = worth * (came - 1) / came - log10(len(runs) + 1)
        if came < size:
            gain += (size - came) * log10(1 - came / size)
        return {"gain": gain, "outsiders": outsiders, "visitors": came, "low": low, "high": high}

    def _chance(self, outsiders: float, also: int, days: float, visit: int) -> float:
        log = self.log
        looks = max(float(log.base_rates.near[visit]) + float(log.base_rates.usual[visit]) * days - also, 1.0)
        intent = float(log.base_rates.log_intent[visit]) + log10(looks / float(log.base_rates.near[visit]))
        return min(max(log10(max(outsiders, 0.5)) + float(log.base_rates.log_base_rate[visit]), intent), 0.0)

    def _contribution(self, user: int, slots: list[tuple[int, int, dict[str, float]]]) -> tuple[float, float, float]:
        """A user's contribution, what their second visits to groups say beyond the base rate, and choices of items."""
        log, visits, size = self.log, self.log.visits, len(self.members)
        of_others = user not in self.members  # users do not vouch for themselves
        by_view: Counter[str] = Counter()
        hits: Counter[int] = Counter()
        best: Counter[int] = Counter()
        gaps = choices = 0.0
        for group, key, told in slots:
            there = [v for v in log.by_user[user] if log.key[v] == key and told["low"] <= visits.time[v] <= told["high"]]
            if not there:
                continue
            strangers = log10(max(told["outsiders"], 0.5))
            chance = self._chance(told["outsiders"], hits[group], (told["high"] - told["low"]) / DAY, there[0])
            share = self._share(there[0])
            gap = max(share * (chance - min(strangers + float(log.base_rates.log_base_rate[there[0]]), 0.0)) - best[group], 0.0)
            best[group] += gap  # type: ignore[assignment]
            gaps += gap
            hits[group] += 1
            view = visits.views[int(log.view[key])].name
            choices += share if view == "item" else 0.0
            q = (told["visitors"] + 0.1) / (size + 1) if of_others else (told["visitors"] - 0.9) / size
            by_view[view] += share * (log10(q) - chance) + gap  # type: ignore[assignment]
        return sum(min(value, log.settings.view[name].share_most) for name, value in by_view.items()), gaps, choices
