"""`Picture` and `Own` → `Plan`: the steps from what is there to what should be, each with the step that takes it back.

Runs stand side by side: what earlier runs told stays, and what the latest no longer has says since when it was not seen. A clean-up takes
away what only earlier runs told, but for rings with their members, and for all that a verdict rests on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphdet.store.drawing import NOT_SEEN, NodeState, Picture, RelationKey, Values
from graphdet.store.kinds import NODE_KINDS, OWNS, PEOPLE_AND_THINGS, RELATION_KINDS, RUN, WHOLE, NodeKind, RelationKind
from graphdet.store.own import Own
from graphdet.store.standing_evidence import Stays

Row = dict[str, Any]  # of one element: what the kind's statements name
Foreign = Callable[[NodeKind, list[str]], dict[str, frozenset[str]]]


@dataclass(frozen=True)
class Step:
    """Rows of one operation on one kind, and the rows that undo it: `rows[i]` is undone by `back[i]`."""

    kind: str
    operation: str  # create, amend, restore or remove
    rows: list[Row]
    undo: str
    back: list[Row]


@dataclass
class Counts:
    """Elements of one label or type."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0


@dataclass
class Plan:
    """Steps in the order in which they must be done, and what they come to."""

    steps: list[Step] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)  # label or ':TYPE' → counts
    clashes: int = 0  # nodes of others that have a property of a name of ours, which stays theirs
    shared: int = 0  # own relationships that would go, but carry others' properties, and so stay
    cases: int = 0  # verdicts that it minds

    @property
    def rows(self) -> int:
        return sum(len(step.rows) for step in self.steps)

    @property
    def removed(self) -> int:
        return sum(counts.removed for counts in self.counts.values())


def plan_push(picture: Picture, own: Own, run_id: str, number: int, now: int, foreign: Foreign, *, clean_up: bool = False) -> Plan:
    """What must be done so that the database holds the picture, and the history that was there.

    Args:
        clean_up: take away what only earlier runs told.
        number, now: of this push, for the run's own node; not used where that run is the latest there already.
        foreign: of keys to be created, tells which nodes others made.
    """
    stays = Stays(own, picture, clean_up)
    picture = _with_history(picture, own, run_id, number, now, stays)
    plan = Plan(cases=own.cases)
    removals = [_plan_nodes(plan, kind, picture.nodes[kind.name], own, foreign) for kind in NODE_KINDS.values()]
    for relation in RELATION_KINDS.values():
        _plan_relations(plan, relation, picture.relations[relation.name], own, stays)
    # Relationships go before the nodes that they hang on.
    plan.steps.sort(key=lambda step: (step.kind in RELATION_KINDS, step.operation == "remove"))
    plan.steps += removals
    plan.steps = [step for step in plan.steps if step.rows]
    return plan


def _with_history(picture: Picture, own: Own, run_id: str, number: int, now: int, stays: Stays) -> Picture:
    """The picture with what earlier runs told and stays: as they told it, but for scores, which are the latest run's where it has one."""
    relations = {
        name: {**{key: values for key, values in own.relations[name].items() if stays.relation(name, key)}, **states}
        for name, states in picture.relations.items()
    }
    held = _ends(relations) if stays.clean_up else None
    nodes = dict(picture.nodes)
    for name in PEOPLE_AND_THINGS:
        there, wanted = own.nodes[name], picture.nodes[name]
        kept = {key: _as_it_stays(picture, name, key, there[key]) for key in there if key not in wanted and _is_held(held, name, key)}
        nodes[name] = {**kept, **wanted}
    gone = {ring_id: state for ring_id, state in own.nodes["ring"].items() if ring_id not in picture.nodes["ring"]}
    nodes["ring"] = {**{ring_id: (bands, _not_seen(values)) for ring_id, (bands, values) in gone.items()}, **picture.nodes["ring"]}
    earlier = {name: (bands, values._replace(latest=False)) for name, (bands, values) in own.nodes["run"].items()}
    nodes["run"] = {**earlier, run_id: _numbered(picture.nodes["run"][run_id], own, run_id, number, now)}
    return Picture(nodes, relations, picture.describe, picture.dimensions, picture.notes)


def _ends(relations: dict[str, dict[RelationKey, Values]]) -> dict[str, set[str]]:
    """Kind of node → keys of those that relationships hang on."""
    found: dict[str, set[str]] = {}
    for name, states in relations.items():
        found.setdefault(RELATION_KINDS[name].start.name, set()).update(start for start, _, _ in states)
        found.setdefault(RELATION_KINDS[name].end.name, set()).update(end for _, end, _ in states)
    return found


def _is_held(held: dict[str, set[str]] | None, kind: str, key: str) -> bool:
    return held is None or key in held.get(kind, ())


def _as_it_stays(picture: Picture, kind: str, key: str, state: NodeState) -> NodeState:
    """A node that the run does not draw: with the run's score where it has one. Embeddings of two runs cannot be compared: old ones go."""
    bands, values = picture.describe(kind, state[1].fullId or key)
    if values.score is None:
        return state[0], state[1]._replace(embedding=None)
    return bands, values._replace(degree=state[1].degree if values.degree is None else values.degree)


def _not_seen(values: Values) -> Values:
    return values._replace(status=NOT_SEEN, notSeenSince=values.graphdetRun, closedBy=None)


def _numbered(state: NodeState, own: Own, run_id: str, number: int, now: int) -> NodeState:
    """The run's node with the number of its push, that which it has where it is the latest there, and the time of its first push."""
    numbers = {name: values.pushNumber or 0 for name, (_, values) in own.nodes["run"].items()}
    if run_id in numbers:
        earlier = own.nodes["run"][run_id][1]
        number, now = (earlier.pushNumber if numbers[run_id] == max(numbers.values()) else number), earlier.pushedAt
    return state[0], state[1]._replace(pushNumber=number, pushedAt=now)


def _plan_nodes(plan: Plan, kind: NodeKind, wanted: dict[str, NodeState], own: Own, foreign: Foreign) -> Step:
    """Adds the kind's creations and changes to the plan; returns its removals, which come last."""
    there, theirs = own.nodes[kind.name], own.foreign[kind.name]
    new = [key for key in wanted if key not in there]
    others = foreign(kind, new)
    counts = plan.counts.setdefault(kind.label, Counts())
    plain = [key for key in new if key not in others]
    created: list[Row] = [{"key": key, "labels": list(wanted[key][0]), "values": wanted[key][1]._asdict()} for key in plain]
    plan.steps.append(Step(kind.name, "create", created, "remove", [{"key": key} for key in plain]))
    rows: list[Row] = []
    back: list[Row] = []
    for key, names in others.items():
        labels, values = _beside(kind, wanted[key], names)
        rows.append({"key": key, "values": _named(values), "labels": list(labels), "unlabel": []})
        back.append({"key": key})
        plan.clashes += bool(names)
    plan.steps.append(Step(kind.name, "amend", rows, "remove", back))
    counts.added += len(new)
    rows, back = [], []
    for key, state in wanted.items():
        current = there.get(key)
        if current is None or current == state:
            counts.unchanged += current is not None
            continue
        if key in theirs:
            state = _beside(kind, state, theirs[key])
            plan.clashes += bool(theirs[key])
        labels, values = state[0], _keep_first(kind, state[1], current[1])
        if (labels, values) == current:
            counts.unchanged += 1
            continue
        come = [one for one in labels if one not in current[0]]
        go = [one for one in current[0] if one not in labels]
        rows.append({"key": key, "values": _changed(current[1], values), "labels": come, "unlabel": go})
        back.append({"key": key, "values": _changed(values, current[1]), "labels": go, "unlabel": come})
    counts.changed += len(rows)
    plan.steps.append(Step(kind.name, "amend", rows, "amend", back))
    gone = [key for key in there if key not in wanted]
    counts.removed += len(gone)
    restored: list[Row] = [{"key": key, "values": _named(there[key][1]), "labels": list(there[key][0])} for key in gone]
    return Step(kind.name, "remove", [{"key": key} for key in gone], "restore", restored)


def _plan_relations(plan: Plan, kind: RelationKind, wanted: dict[RelationKey, Values], own: Own, stays: Stays) -> None:
    there, shared = own.relations[kind.name], own.shared[kind.name]
    counts = plan.counts.setdefault(f":{kind.type}", Counts())
    new = {key: values for key, values in wanted.items() if key not in there}
    rows: list[Row] = []
    back: list[Row] = []
    outdone: list[tuple[RelationKey, Values]] = []
    for key, current in there.items():
        values = wanted.get(key)
        if values is None:
            continue
        if values != current:
            values = _keep_first(kind, values, current)
        twin = any(one.graphdetRun == values.graphdetRun for one in own.kept.get(kind.name, {}).get(key, ()))
        if values == current or (twin and stays.was_decided_on(kind.name, key, current, values)):
            counts.unchanged += 1
        elif twin:  # the run told it before, which still stands: two of one run could not be told apart
            outdone.append((key, current))
        elif stays.was_decided_on(kind.name, key, current, values):
            new[key] = values  # beside what the verdict rests on
            counts.unchanged += 1
        else:
            rows.append(_row(key, current, _changed(current, values)))
            back.append(_row(key, values, _changed(values, current)))
    created = [_row(key, values, values._asdict()) for key, values in new.items()]
    plan.steps.append(Step(kind.name, "create", created, "remove", [_row(key, values) for key, values in new.items()]))
    counts.added += len(new)
    counts.changed += len(rows)
    plan.steps.append(Step(kind.name, "amend", rows, "amend", back))
    kept = own.kept.get(kind.name, {})
    counts.unchanged += sum(len(states) for key, states in kept.items() if stays.relation(kind.name, key))
    absent = [(key, values) for key, values in there.items() if key not in wanted]
    absent += [(key, values) for key, states in kept.items() if not stays.relation(kind.name, key) for values in states]
    gone = [(key, values) for key, values in absent if key not in shared]
    plan.shared += len(absent) - len(gone)
    counts.removed += len(gone)
    gone += [(key, values) for key, values in outdone if key not in shared]  # changed back to what the run told before: no clean-up
    counts.changed += len(outdone)
    restored = [_row(key, values, values._asdict()) for key, values in gone]
    plan.steps.append(Step(kind.name, "remove", [_row(key, values) for key, values in gone], "create", restored))


def _row(key: RelationKey, told: Values, values: dict[str, Any] | None = None) -> Row:
    """A row of the relationship that has these values now, with those that it is to get."""
    start, end, qualifier = key
    row = {"start": start, "end": end, "qualifier": qualifier, "run": told.graphdetRun}
    return row if values is None else {**row, "values": values}


def _beside(kind: NodeKind, state: NodeState, theirs: frozenset[str]) -> NodeState:
    """The state on a node that others made: without what is theirs, and with the list of what is ours."""
    labels = tuple(label for label in state[0] if f":{label}" not in theirs)
    ours = {name: value for name, value in _named(state[1]).items() if name not in theirs}
    told = ",".join([*(name for name in ours if name not in (OWNS, RUN)), *(f":{label}" for label in labels)])
    assert told != WHOLE
    return labels, kind.values(**{**dict.fromkeys(kind.values._fields), **ours, OWNS: told})


def _named(values: Values) -> dict[str, Any]:
    return {name: value for name, value in values._asdict().items() if value is not None}


def _keep_first(kind: NodeKind | RelationKind, values: Values, current: Values) -> Values:
    """The values with the earlier of both first moments."""
    if not kind.is_dated or current.firstSeen is None or (values.firstSeen is not None and values.firstSeen <= current.firstSeen):
        return values
    return values._replace(firstSeen=current.firstSeen)


def _changed(old: Values, new: Values) -> dict[str, Any]:
    """Name → value of the new, where they differ."""
    return {name: after for name, before, after in zip(new._fields, old, new, strict=True) if before != after}
