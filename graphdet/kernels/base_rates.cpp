// Visits → what is usual of each: counts of the user's and the key's other visits, and the rates made of them.
#include <cmath>

#include "arrays.hpp"
#include "blocks.hpp"

namespace graphdet {
namespace {

constexpr std::int64_t block_weight = 1 << 15; // visits of a block, so that what a thread works on stays in its core's own memory

// A visit as its user's other visits see it.
struct Turn {
    std::int64_t when; // group · 2^32 + seconds
    std::int32_t user, visit;
};

// Visits of one user, by group and time → of each how many of them are near, and how many of the group are not.
void count_near(const Turn* begin, const Turn* end, const std::int64_t* reach, std::int32_t* near, std::int32_t* elsewhen) {
    for (const Turn* first = begin; first < end;) {
        const std::int64_t group = first->when >> 32;
        const Turn* last = first;
        while (last < end && last->when >> 32 == group) ++last;
        const Turn *low = first, *high = first;
        for (const Turn* turn = first; turn < last; ++turn) {
            while (turn->when - low->when > reach[group]) ++low;
            while (high < last && high->when - turn->when <= reach[group]) ++high;
            near[turn->visit] = std::int32_t(high - low);
            elsewhen[turn->visit] = std::int32_t((last - first) - (high - low));
        }
        first = last;
    }
}

void sort_turns(Turn* begin, Turn* end) {
    if (end - begin > 24) {
        std::sort(begin, end, [](const Turn& one, const Turn& other) { return one.when < other.when; });
        return;
    }
    for (Turn* turn = begin; turn < end; ++turn) { // few: each goes down to its place
        const Turn own = *turn;
        Turn* place = turn;
        for (; place > begin && (place - 1)->when > own.when; --place) *place = *(place - 1);
        *place = own;
    }
}

struct Keys {
    const std::int64_t* offset; // (keys + 1,): visits of key k are offset[k] … offset[k + 1] − 1
    std::size_t keys;
    const std::int32_t *user, *time; // (visits,); time in seconds, rising within each key
    std::size_t visits;
    const std::int32_t* group; // (keys,)
};

struct UserCounts {
    Vector<std::int64_t> own;
    Vector<std::int32_t> near, elsewhen;
};

// All visits of each user, and of each visit the user's visits to its key's group that are near in time, and those that are not.
//
//   visits  as above; user < users, group < groups
//   reach   (groups,) int64 seconds that are near
//   → own (users,) int64; near, with the visit itself, and elsewhen (visits,) int32
//
// Visits are dealt out to blocks of users first, one record each, and every block is sorted and counted by itself, where it is near a
// core and on any thread: O(visits · log visits of a user).
UserCounts count_by_user(const Keys& all, std::size_t users, const std::int64_t* reach, std::size_t threads) {
    UserCounts found{Vector<std::int64_t>(users, 0), Vector<std::int32_t>(all.visits), Vector<std::int32_t>(all.visits)};
    for (std::size_t visit = 0; visit < all.visits; ++visit) ++found.own[std::size_t(all.user[visit])];
    unsigned shift = 0;
    while ((users >> shift) > std::max(all.visits / block_weight, std::size_t{1})) ++shift;
    const std::size_t blocks = users ? ((users - 1) >> shift) + 1 : 0;
    Vector<std::size_t> begin(blocks + 1, 0);
    for (std::size_t user = 0; user < users; ++user) begin[(user >> shift) + 1] += std::size_t(found.own[user]);
    for (std::size_t block = 0; block < blocks; ++block) begin[block + 1] += begin[block];

    const auto dealt = Uncleared<Turn>(all.visits);
    Vector<std::size_t> next(begin.begin(), begin.end());
    for (std::size_t key = 0; key < all.keys; ++key) {
        const std::int64_t group = std::int64_t{all.group[key]} << 32;
        for (std::int64_t visit = all.offset[key]; visit < all.offset[key + 1]; ++visit)
            dealt[next[std::size_t(all.user[visit]) >> shift]++] = {group | all.time[visit], all.user[visit], std::int32_t(visit)};
    }
    Vector<Vector<Turn>> scratch(std::max(threads, std::size_t{1}));
    share_out(blocks, threads, [&](std::size_t block, std::size_t thread) {
        Vector<Turn>& turns = scratch[thread];
        turns.resize(std::max(turns.size(), begin[block + 1] - begin[block]));
        const std::size_t first = block << shift, last = std::min(users, (block + 1) << shift);
        Vector<std::size_t> place(last - first + 1, 0);
        for (std::size_t user = first; user < last; ++user) place[user - first + 1] = place[user - first] + std::size_t(found.own[user]);
        for (std::size_t turn = begin[block]; turn < begin[block + 1]; ++turn) turns[place[std::size_t(dealt[turn].user) - first]++] = dealt[turn];
        for (std::size_t user = first; user < last; ++user) {
            Turn* end = turns.data() + place[user - first];
            sort_turns(end - found.own[user], end);
            count_near(end - found.own[user], end, reach, found.near.data(), found.elsewhen.data());
        }
    });
    return found;
}

// Of each visit of some keys the visits of its user to its key that are more than `away` seconds from it.
//
//   offset      (keys + 1,) int64 into user and time, as above
//   user, time  (visits,) int32; user < users
//   → (offset[keys] − offset[0],) int32; a place for each visit from offset[0] on
//
// Each visit knows the one before of the same user at the same key, and counts down that chain: O(visits · visits of one user to one key).
Vector<std::int32_t> count_returns(const Keys& all, std::size_t users, std::int64_t away, std::size_t threads) {
    const std::int64_t origin = all.offset[0];
    Vector<std::int32_t> returns(std::size_t(all.offset[all.keys] - origin), 0);
    const Vector<std::size_t> first = even_blocks(all.offset, all.keys, block_weight);
    struct Memory {
        Vector<std::int64_t> latest; // of each user
        Vector<std::int64_t> before; // of each visit to the key at hand
    };
    Vector<Memory> memories(std::max(threads, std::size_t{1}));
    share_out(first.size() - 1, threads, [&](std::size_t block, std::size_t thread) {
        auto& [latest, before] = memories[thread];
        latest.resize(users, -1);
        for (std::size_t key = first[block]; key < first[block + 1]; ++key) {
            const std::int64_t begin = all.offset[key], end = all.offset[key + 1];
            if (end == begin || std::int64_t{all.time[end - 1]} - all.time[begin] <= away) continue; // too short for anybody to come back
            before.resize(std::size_t(end - begin));
            for (std::int64_t visit = begin; visit < end; ++visit) {
                std::int64_t& own = latest[std::size_t(all.user[visit])];
                std::int64_t other = before[std::size_t(visit - begin)] = own;
                own = visit;
                for (; other >= begin; other = before[std::size_t(other - begin)])
                    if (std::int64_t{all.time[visit]} - all.time[other] > away) {
                        ++returns[std::size_t(visit - origin)];
                        ++returns[std::size_t(other - origin)];
                    }
            }
            for (std::int64_t visit = begin; visit < end; ++visit) latest[std::size_t(all.user[visit])] = -1;
        }
    });
    return returns;
}

struct Counts {
    const std::int64_t* own;                      // (users,)
    const std::int32_t *near, *key_elsewhen;      // (visits,)
    const double* history_share;                  // (keys,)
    std::int64_t all_visits;                      // of the log, of which `visits` may be a part
    const std::int64_t *group_visits, *group_keys; // (groups,)
};

struct Rates {
    Vector<float> log_share, log_intent, expected;
};

// Rates of some visits from counts of the whole log.
//
//   visits, counts  as above; history_share is the part of the log that is other times, of each key's view
//   → log10 of the user's share of all visits; log10 of the chance that they come by the key while they are after its group; and how many
//     visits to the group at other times the user would have made in the way of everybody: (visits,) float32 each
//
// Logarithms are dear, and few numbers come again and again: those of `near` are kept, and a key's share changes little from visit to visit.
Rates rate(const Keys& all, const Counts& counts, std::size_t users, std::size_t threads) {
    Rates found{Vector<float>(all.visits), Vector<float>(all.visits), Vector<float>(all.visits)};
    Vector<float> share(users, 0.0f);
    for (std::size_t user = 0; user < users; ++user)
        if (counts.own[user]) share[user] = float(std::log10(double(counts.own[user]) / double(std::max(counts.all_visits, std::int64_t{1}))));
    Vector<double> log_near(1024);
    for (std::size_t near = 0; near < log_near.size(); ++near) log_near[near] = std::log10(double(near));
    const Vector<std::size_t> first = even_blocks(all.offset, all.keys, block_weight);
    share_out(first.size() - 1, threads, [&](std::size_t block, std::size_t) {
        for (std::size_t key = first[block]; key < first[block + 1]; ++key) {
            const std::int64_t in_group = counts.group_visits[all.group[key]];
            const double history = double(in_group) * counts.history_share[key] + 0.5 * double(counts.group_keys[all.group[key]]);
            std::int32_t elsewhen = -1;
            float log_key_share = 0;
            for (std::int64_t at = all.offset[key]; at < all.offset[key + 1]; ++at) {
                const std::size_t visit = std::size_t(at), user = std::size_t(all.user[at]), near = std::size_t(counts.near[at]);
                if (counts.key_elsewhen[at] != elsewhen) {
                    elsewhen = counts.key_elsewhen[at];
                    log_key_share = float(std::log10((double(elsewhen) + 0.5) / history));
                }
                found.log_share[visit] = share[user];
                const double intent = double(log_key_share) + (near < log_near.size() ? log_near[near] : std::log10(double(near)));
                found.log_intent[visit] = float(std::min(intent, 0.0));
                found.expected[visit] = float(double((counts.own[user] - std::int64_t(near)) * in_group) / double(counts.all_visits));
            }
        }
    });
    return found;
}

// Visits of some keys as Python gives them, checked.
Keys keys_of(const In<std::int64_t>& offset, const In<std::int32_t>& user, const In<std::int32_t>& time, std::int64_t users) {
    require_offsets(offset, user.size(), "offset");
    require(time.size() == user.size(), "user and time must be as long as each other");
    require(user.size() < INT32_MAX, "there must be fewer than 2^31 visits");
    require_codes(user, users, "user");
    return {offset.data(), offset.size() - 1, user.data(), time.data(), user.size(), nullptr};
}

void require_whole(const In<std::int64_t>& offset, std::size_t visits) {
    require(offset(0) == 0 && offset(offset.size() - 1) == std::int64_t(visits), "each visit must have a key");
}

}  // namespace

void add_base_rates(nb::module_& module) {
    module.def("count_by_user", [](In<std::int64_t> offset, In<std::int32_t> user, In<std::int32_t> time, In<std::int32_t> group,
                                   In<std::int64_t> reach, std::int64_t users, std::size_t threads) {
        Keys visits = keys_of(offset, user, time, users);
        require_whole(offset, user.size());
        require(group.size() == visits.keys, "each key must have a group");
        require_codes(group, std::int64_t(reach.size()), "group");
        require_codes(time, std::int64_t{INT32_MAX} + 1, "time");
        require(std::all_of(reach.data(), reach.data() + reach.size(), [](std::int64_t own) { return own >= 0; }), "reach must not be negative");
        visits.group = group.data();
        UserCounts found;
        {
            nb::gil_scoped_release release;
            found = count_by_user(visits, std::size_t(users), reach.data(), threads);
        }
        return nb::make_tuple(hand_over(std::move(found.own)), hand_over(std::move(found.near)), hand_over(std::move(found.elsewhen)));
    }, nb::arg("offset").noconvert(), nb::arg("user").noconvert(), nb::arg("time").noconvert(), nb::arg("group").noconvert(),
       nb::arg("reach").noconvert(), nb::arg("users"), nb::arg("threads"));
    module.def("count_returns", [](In<std::int64_t> offset, In<std::int32_t> user, In<std::int32_t> time, std::int64_t away, std::int64_t users,
                                   std::size_t threads) {
        const Keys visits = keys_of(offset, user, time, users);
        Vector<std::int32_t> returns;
        {
            nb::gil_scoped_release release;
            returns = count_returns(visits, std::size_t(users), away, threads);
        }
        return hand_over(std::move(returns));
    }, nb::arg("offset").noconvert(), nb::arg("user").noconvert(), nb::arg("time").noconvert(), nb::arg("away"), nb::arg("users"), nb::arg("threads"));
    module.def("rate_visits", [](In<std::int64_t> offset, In<std::int32_t> user, In<std::int32_t> group, In<std::int64_t> own, In<std::int32_t> near,
                                 In<std::int32_t> key_elsewhen, In<double> history_share, std::int64_t all_visits, In<std::int64_t> group_visits,
                                 In<std::int64_t> group_keys, std::size_t threads) {
        Keys visits = keys_of(offset, user, user, std::int64_t(own.size()));
        require_whole(offset, user.size());
        require(group.size() == visits.keys && history_share.size() == visits.keys, "each key must have a group and a share");
        require(near.size() == user.size() && key_elsewhen.size() == user.size(), "each visit must have its counts");
        require(group_keys.size() == group_visits.size(), "each group must have its counts");
        require_codes(group, std::int64_t(group_visits.size()), "group");
        require_codes(near, std::int64_t{INT32_MAX} + 1, "near");
        require_codes(own, std::int64_t{INT32_MAX} + 1, "own");
        require_codes(group_visits, std::int64_t{INT32_MAX} + 1, "group_visits");
        require_codes(group_keys, std::int64_t{INT32_MAX} + 1, "group_keys");
        visits.group = group.data();
        Rates found;
        {
            nb::gil_scoped_release release;
            found = rate(visits, {own.data(), near.data(), key_elsewhen.data(), history_share.data(), all_visits, group_visits.data(), group_keys.data()},
                         own.size(), threads);
        }
        return nb::make_tuple(hand_over(std::move(found.log_share)), hand_over(std::move(found.log_intent)), hand_over(std::move(found.expected)));
    }, nb::arg("offset").noconvert(), nb::arg("user").noconvert(), nb::arg("group").noconvert(), nb::arg("own").noconvert(), nb::arg("near").noconvert(),
       nb::arg("key_elsewhen").noconvert(), nb::arg("history_share").noconvert(), nb::arg("all_visits"), nb::arg("group_visits").noconvert(),
       nb::arg("group_keys").noconvert(), nb::arg("threads"));
}

}  // namespace graphdet
