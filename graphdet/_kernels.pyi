"""The compiled kernels (graphdet/kernels/*.cpp). Arrays have one dimension, the exact type and no gaps; none is copied."""

from graphdet.arrays import Bool, Float32, Float64, Int8, Int16, Int32, Int64, UInt8, UInt64

# accounts.cpp
def list_accounts(offset: Int64, user: Int32, time: Int32, users: int) -> tuple[Int64, Int32, Int32, Int32, Int32]: ...

# base_rates.cpp
def count_by_user(
    offset: Int64, user: Int32, time: Int32, group: Int32, reach: Int64, users: int, threads: int
) -> tuple[Int64, Int32, Int32]: ...
def count_returns(offset: Int64, user: Int32, time: Int32, away: int, users: int, threads: int) -> Int32: ...
def rate_visits(
    offset: Int64,
    user: Int32,
    group: Int32,
    own: Int64,
    near: Int32,
    key_elsewhen: Int32,
    history_share: Float64,
    all_visits: int,
    group_visits: Int64,
    group_keys: Int64,
    threads: int,
) -> tuple[Float32, Float32, Float32]: ...

# batches.cpp
# member_offset, members, contribution; target_offset, key, start, end, visitors, outsiders, gain; strength
Rings = tuple[Int64, Int32, Float64, Int64, Int32, Int32, Int32, Int32, Int32, Float64, Float64]

def grow_each(growths: list[Growth], offset: Int64, users: Int32, least_members: int) -> tuple[Rings, Int64, Int64]: ...
def parts_each(
    growths: list[Growth],
    member_offset: Int64,
    members: Int32,
    target_offset: Int64,
    targets: Int32,
    start: Int32,
    end: Int32,
    strength: Float64,
    least_members: int,
    overlap: float,
) -> tuple[Rings, Int64, Int64, Int64]: ...
def unions_each(
    growths: list[Growth],
    member_offset: Int64,
    members: Int32,
    target_offset: Int64,
    targets: Int32,
    start: Int32,
    end: Int32,
    strength: Float64,
    one: Int32,
    other: Int32,
    least_members: int,
    overlap: float,
) -> tuple[Rings, Int64, Int64]: ...
def told_by_both(
    growth: Growth,
    member_offset: Int64,
    members: Int32,
    target_offset: Int64,
    targets: Int32,
    start: Int32,
    end: Int32,
    strength: Float64,
) -> tuple[float, float]: ...
def first_branch(distance: Float64, things: int) -> Int8: ...

# closeness.cpp
def find_closest(
    offset: Int64,
    users: Int64,
    first: Int32,
    last: Int32,
    visits: Int32,
    low: Int64,
    high: Int64,
    total: Int64,
    grain: int,
    least: int,
    starts: int,
    most_share: float,
    together: float,
) -> tuple[Float64, Int64, Int64, Int64, Float64]: ...
def log_chance(users: int, inside: int, share: float) -> float: ...

# coding.cpp
class Dictionary:
    def encode(self, bounds: Int64, content: UInt8, valid: UInt8, shift: int) -> Int32: ...
    def take(self) -> tuple[Int64, UInt8]: ...
    def names(self) -> tuple[Int64, UInt8]: ...

def places_among(sorted_bounds: Int64, sorted_content: UInt8, bounds: Int64, content: UInt8) -> tuple[Int32, UInt8]: ...
def repeated_keys(first: UInt64, second: UInt64) -> UInt8: ...

# company.cpp
def company(
    pair: Int32,
    evidence: Float32,
    offset: Int64,
    key_evidence: Float32,
    apart: Int32,
    view: Int32,
    users: int,
    views: int,
    level: Float64,
    top: int,
) -> Float64: ...
def met_keys(begin: Int64, rows: Int64, offset: Int64, key: Int32, keys: int) -> Int64: ...

# cores.cpp
def connected_users(
    pairs: Int32, evidence: Float32, levels: Float64, users: int, least: int, most: float
) -> tuple[Int64, Int32, Int64]: ...
def users_of_shared_targets(
    pairs: Int32, evidence: Float32, offset: Int64, key: Int32, suffices: Bool, steps: int, least: float, threads: int
) -> tuple[Int64, Int32, Int32, Int32, Float64]: ...

# crowding.cpp
def fullest(offset: Int64, time: Int32, window: int) -> tuple[Int64, Int64]: ...
def count_around(offset: Int64, time: Int32, reach: Int64) -> Int32: ...

# edges.cpp
def fold_edges(
    user: Int32, target: Int32, rows: Int64, users: int, targets: int, times: Int64, amounts: Float64
) -> tuple[Int64, Int32, Int64, Int64, Int64, Float64]: ...

# flat_objects.cpp
def flat_names(text: UInt8) -> tuple[list[bytes], list[bytes], Int64]: ...

# grouping.cpp
def group_rows(code: Int32, size: int) -> tuple[Int64, Int64]: ...
def first_of_user(offset: Int64, user: Int32, users: int) -> UInt8: ...

# growth.cpp
Targets = tuple[Int32, Int32, Int32, Int32, Int32, Float64]  # key, start, end, visitors, outsiders, gain

class Log:
    def __init__(
        self,
        user_offset: Int64,
        by_user: Int64,
        key_of: Int32,
        offset: Int64,
        user: Int32,
        time: Int32,
        log_base_rate: Float32,
        log_intent: Float32,
        near: Int32,
        usual: Float32,
        draw: Int32,
        group_of: Int32,
        view_of: Int8,
        item_view: int,
    ) -> None: ...

class Limits:
    def __init__(
        self,
        reach: Int64,
        slack: Int64,
        most: Float64,
        generous_rounds: int,
        rounds: int,
        join: float,
        least_targets: int,
        members_most: float,
        people: float,
    ) -> None: ...

class Growth:
    def __init__(self, log: Log, limits: Limits) -> None: ...
    def grow(self, core: Int32, generous: bool) -> tuple[Int32, Float64, Targets, float, int, bool]: ...
    def describe(self, members: Int32) -> tuple[Float64, Targets]: ...
    def incidence(self, members: Int32, targets: Int32, start: Int32, end: Int32) -> tuple[Int64, Int64]: ...

# inverted.cpp
class InvertedIndex:
    def __init__(self) -> None: ...
    def add(self, number: int, things: Int32) -> None: ...
    def common(self, things: Int32) -> tuple[Int32, Int32]: ...
    def holding(self, things: Int32, share: float) -> Int32: ...
    def within(self, things: Int32, share: float) -> Int32: ...
    def overlapping(self, things: Int32, share: float) -> Int32: ...

# levels.cpp
def sum_cells(offset: Int64, bucket: Int32, count: Int32, weight: Float64, exposure: Float64) -> tuple[Float64, Float64]: ...
def sum_blocks(
    offset: Int64, bucket: Int32, count: Int32, weight: Float64, exposure: Float64, level: Float64, window: int
) -> tuple[Float64, Float64, Float64]: ...
def find_far(
    offset: Int64, bucket: Int32, count: Int32, exposure: Float64, level: Float64, dispersion: Float64, least: int
) -> tuple[Int64, Int64, Float64]: ...

# messages.cpp
def sum_common(start: Int64, to: Int32, pair: Int32, root: Float32, pairs: int, threads: int) -> Float32: ...
def meet(
    offset: Int64, user: Int32, time: Int32, fade: float, prior: float, values: Float32, users: int
) -> tuple[Float32, Float32, Int64]: ...

# ordering.cpp
def sort_runs(order: Int32, repeats: Bool, positions: Int32, values: UInt64) -> None: ...
def eight_bytes(bounds: Int64, content: UInt8, at: int, rows: Int32) -> UInt64: ...
def append_codes(key: UInt64, codes: Int32, rows: Int32, bits: int) -> None: ...
def since_first(time: Int64, none: int, rows: Int32) -> UInt64: ...
def first_values(key: Int32, value: Int32, keys: int) -> tuple[Int32, UInt8]: ...

# pairs.cpp
BUCKETS: int

def count_pairs(offset: Int64, time: Int32, window: int) -> Float64: ...
def sum_pairs(
    walk: Walk, parts: list[Meetings], bucket: int, most_of_view: Float64, intent_prior: float, weak: float
) -> tuple[Int32, Int32, Int32, Float32, Int32, Int32, Float32, Float32]: ...

# people.cpp
def count_people(
    code: Int32,
    user: Int32,
    bucket: Int32,
    kinds: UInt8,
    nodes: int,
    users: int,
    buckets: int,
    least: int,
    asked: UInt8,
    width: Int32,
) -> list[tuple[Int64, Int64, Int32, Int32, Float64]]: ...

# permuting.cpp
def exchange(offset: Int64, user: Int32, draw: Int32, stratum: Int32, strata: int, seed: int) -> Int32: ...

# spans.cpp
def distinct_within(number: Int32, numbers: int, low: Int64, high: Int64, born: Int64, latest: Int64) -> Int64: ...
def only_within(number: Int32, numbers: int, low: Int64, high: Int64) -> Int64: ...
def number_pairs(offset: Int64, order: Int64, code: Int32, codes: int) -> tuple[Int32, int]: ...

# spilling.cpp
def spill_beyond(folder: str, bytes: int) -> None: ...  # noqa: A002
def most_spilled() -> int: ...

# strongest.cpp
def strongest(begin: Int64, column: Int32, weight: Float32, first: int, most: int) -> tuple[Int64, Int64]: ...

# surges.cpp
def surges(
    offset: Int64,
    bucket: Int32,
    count: Int32,
    weight: Float64,
    passed: Float64,
    born: Int32,
    dispersion: Float64,
    prior_level: float,
    prior_weight: float,
    windows: Int32,
    reach: Int32,
    least: int,
) -> tuple[Int64, Float64, Float64, Float64, Int32]: ...

# trees.cpp
def sum_leaves(
    root: Int32, feature: Int32, threshold: Float64, left: Int32, right: Int32, value: Float64, values: Float32, columns: int
) -> Float64: ...

# visits.cpp
def collect_visits(code: Int32, user: Int32, seconds: Int32, keys: int, users: int, gap: int) -> tuple[Int64, Int32, Int32]: ...

# walk.cpp
class RepeatFilter:
    def __init__(self, pairs: float) -> None: ...

class Meetings:
    def __len__(self) -> int: ...

class Walk:
    def __init__(
        self,
        offset: Int64,
        user: Int32,
        time: Int32,
        draw: Int32,
        log_base_rate: Float32,
        log_intent: Float32,
        view_of: Int32,
        group: Int32,
        key_at: Int32,
        rank: Int32,
        constant: Float32,
        windows: Int32,
        cap: Int32,
        asked: Bool,
        least: float,
        most: float,
        users: int,
    ) -> None: ...
    def count(self, first: int, end: int, bars: Float64) -> Int64: ...
    def mark(self, first: int, end: int, repeats: RepeatFilter) -> None: ...
    def meetings(self, first: int, end: int, repeats: RepeatFilter) -> Meetings: ...

# windows.cpp
def count_within(
    code: Int32,
    start: Int64,
    end: Int64,
    timed: bool,
    codes: Int32,
    rows: Int64,
    user: Int32,
    time: Int64,
    action: Int16,
    order: int,
    pay: int,
    users: int,
) -> Int64: ...
