// Events of one view → visits: sorted by key and time, a user's return within a window dropped.
#include "arrays.hpp"

namespace graphdet {
namespace {

struct Moment {
    std::int32_t user, seconds;
};

struct KeyVisits {
    Vector<std::int64_t> offset;
    Vector<std::int32_t> user, time;
};

// Events by key, in their own order within it: a counting sort. A user and a moment go as one, so that each event costs one far write.
Uncleared<Moment> sort_by_key(
    const std::int32_t* code, const std::int32_t* user, const std::int32_t* seconds, std::size_t events, Vector<std::int64_t>& offset) {
    for (std::size_t event = 0; event < events; ++event)
        if (code[event] >= 0) ++offset[std::size_t(code[event]) + 1];
    for (std::size_t key = 1; key < offset.size(); ++key) offset[key] += offset[key - 1];
    Uncleared<Moment> sorted(std::size_t(offset.back()));
    Vector<std::int64_t> next(offset.begin(), offset.end() - 1);
    for (std::size_t event = 0; event < events; ++event)
        if (code[event] >= 0) sorted[std::size_t(next[std::size_t(code[event])]++)] = {user[event], seconds[event]};
    return sorted;
}

// Visits to each key: what a user does there within `gap` seconds of their last visit is part of it.
//
//   code, user, seconds  (events,) int32, in order of time; code < keys, negative where the event has no such key; user < users
//   → offset (keys + 1,) int64, user and time (visits,) int32: visits of key k are offset[k] … offset[k + 1] − 1, in order of time
//
// A counting sort, then one pass with a memory of each user's last visit: O(events + keys + users).
KeyVisits collect(const std::int32_t* code, const std::int32_t* user, const std::int32_t* seconds, std::size_t events, std::size_t keys,
                  std::size_t users, std::int64_t gap) {
    struct Last {
        std::int32_t key, time;
    };
    constexpr std::int64_t ahead = 16; // users lie anywhere in memory: asked for some visits ahead, they are there when they are wanted
    Vector<std::int64_t> offset(keys + 1, 0);
    const Uncleared<Moment> sorted = sort_by_key(code, user, seconds, events, offset);
    Vector<Last> last(users, {-1, 0});
    KeyVisits found{Vector<std::int64_t>(keys + 1, 0), {}, {}};
    const std::int64_t all = offset.back();
    found.user.resize(std::size_t(all));
    found.time.resize(std::size_t(all));
    std::size_t kept = 0;
    for (std::size_t key = 0; key < keys; ++key) {
        for (std::int64_t read = offset[key]; read < offset[key + 1]; ++read) {
            if (read + ahead < all) __builtin_prefetch(&last[std::size_t(sorted[std::size_t(read + ahead)].user)], 1);
            const Moment now = sorted[std::size_t(read)];
            Last& before = last[std::size_t(now.user)];
            if (before.key == std::int32_t(key) && std::int64_t{now.seconds} - before.time <= gap) continue;
            before = {std::int32_t(key), now.seconds};
            found.user[kept] = now.user;
            found.time[kept++] = now.seconds;
        }
        found.offset[key + 1] = std::int64_t(kept);
    }
    found.user.resize(kept);
    found.time.resize(kept);
    found.user.shrink_to_fit();
    found.time.shrink_to_fit();
    return found;
}

}  // namespace

void add_visits(nb::module_& module) {
    module.def("collect_visits", [](In<std::int32_t> code, In<std::int32_t> user, In<std::int32_t> seconds, std::int64_t keys, std::int64_t users,
                                    std::int64_t gap) {
        require(user.size() == code.size() && seconds.size() == code.size(), "code, user and seconds must be as long as each other");
        require(keys >= 0 && keys <= INT32_MAX && users >= 0, "there must be no fewer than no keys and users, and no more keys than codes");
        KeyVisits found;
        {
            nb::gil_scoped_release release;
            require_codes(code, keys, "code", INT32_MIN);
            require_codes(user, users, "user");
            found = collect(code.data(), user.data(), seconds.data(), code.size(), std::size_t(keys), std::size_t(users), gap);
        }
        return nb::make_tuple(hand_over(std::move(found.offset)), hand_over(std::move(found.user)), hand_over(std::move(found.time)));
    }, nb::arg("code").noconvert(), nb::arg("user").noconvert(), nb::arg("seconds").noconvert(), nb::arg("keys"), nb::arg("users"), nb::arg("gap"));
}

}  // namespace graphdet
