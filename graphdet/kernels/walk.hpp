// A stretch of keys → the meetings there: pairs of visits close in time whose evidence is worth counting.
#pragma once

#include <algorithm>
#include <limits>

#include "arrays.hpp"

namespace graphdet {

// k keys and their v visits, sorted by (key, time), of views with up to w windows, and what counts as a meeting there. A log's, or those
// of any stretch of its keys: what is found at a key does not depend on the others.
struct Places {
    Held<std::int64_t> offset;   // (k + 1,) from 0: visits of key i are offset[i] … offset[i + 1] − 1
    Held<std::int32_t> user;     // (v,)
    Held<std::int32_t> time;     // (v,) seconds
    Held<std::int32_t> draw;     // (v,) visits of one number are one choice of one user; −1 = one by itself
    Held<float> log_base_rate;   // (v,)
    Held<float> log_intent;      // (v,)
    Held<std::int32_t> view_of;  // (k,)
    Held<std::int32_t> group;    // (k,)
    Held<std::int32_t> key_at;   // (k,) keys by group
    Held<std::int32_t> rank;     // (k,) place of each key in that order
    Held<float> constant;        // (k, w) evidence of a meeting before the two users' shares are taken off
    Held<std::int32_t> windows;  // (views, w) seconds, shortest first; −1 = no such window
    Held<std::int32_t> cap;      // (views,) later visits that one is compared with
    Held<bool> asked;            // (users,) users of whom one at the least is to be in a meeting; empty = any two
    double least;                // evidence under which a meeting is not counted
    double most;                 // evidence above which it says no more
    std::int32_t users;          // codes are below

    std::size_t keys() const { return view_of.size(); }
    std::size_t width() const { return cap.size() ? windows.size() / cap.size() : 0; }
};

// A meeting of two users who meet again, as it is sorted and summed: 24 bytes.
struct Meeting {
    std::int32_t low, high;   // the two users, the smaller first
    std::int32_t rank;        // of the key
    std::int32_t one, other;  // the two visits, the earlier first
    float evidence;           // if it is the one of its group that counts in full
};

// Meetings by the smaller user are in so many buckets, each a range of users: what is in one is summed without a look at the others.
constexpr std::size_t buckets = 256;

inline std::size_t bucket_of(std::int32_t user, std::int32_t users) {
    return std::size_t(std::int64_t{user} * std::int64_t{buckets} / users);
}

// The first user of a bucket, or beyond the last one's.
inline std::int64_t first_of_bucket(std::size_t bucket, std::int32_t users) {
    return (std::int64_t(bucket) * users + std::int64_t{buckets} - 1) / std::int64_t{buckets};
}

// The meetings of some keys, by bucket: those of bucket b are found[start[b]] … found[start[b + 1] − 1].
struct Meetings {
    Vector<Meeting> found;
    Vector<std::size_t> start;
    std::size_t keys, visits;  // of the walk that they come from
};

// Calls meet(key, one, other, evidence) for all meetings at keys first … end − 1 with evidence of at least `least`, in order of key, then
// of the visits; one and other are visits of two users, the earlier first.
template <typename Meet>
void walk(const Places& places, std::int64_t first, std::int64_t end, Meet&& meet) {
    constexpr double nothing = -std::numeric_limits<double>::infinity();
    const std::size_t width = places.width();
    const std::int32_t *user = places.user.data(), *time = places.time.data();
    const float* log_base_rate = places.log_base_rate.data();
    for (std::int64_t key = first; key < end; ++key) {
        const std::int64_t start = places.offset[key], stop = places.offset[key + 1];
        const auto is_asked = [&](std::int64_t visit) { return !places.asked.size() || places.asked[std::size_t(user[visit])]; };
        bool any_asked = false;
        for (std::int64_t visit = start; visit < stop && !any_asked; ++visit) any_asked = is_asked(visit);
        if (!any_asked) continue;
        const std::int32_t* windows = places.windows.data() + std::size_t(places.view_of[key]) * width;
        const float* constant = places.constant.data() + std::size_t(key) * width;
        // The longest window in which anybody meets here, and the most that a meeting can say before shares are taken off.
        std::int64_t reach = -1;
        double best = nothing, rarest = 0;
        for (std::size_t column = 0; column < width; ++column) {
            if (windows[column] < 0 || !(constant[column] > nothing)) continue;
            reach = windows[column];
            best = std::max(best, double(constant[column]));
        }
        for (std::int64_t visit = start; visit < stop; ++visit) rarest = std::min(rarest, double(log_base_rate[visit]));
        if (reach < 0 || best - 2 * rarest < places.least) continue;
        for (std::int64_t one = start; one < stop; ++one) {
            if (best - log_base_rate[one] - rarest < places.least) continue;
            const bool suffices = is_asked(one);
            const std::int64_t last = one + std::min(stop - one - 1, std::int64_t{places.cap[places.view_of[key]]});
            for (std::int64_t other = one + 1; other <= last; ++other) {
                const std::int64_t apart = std::int64_t{time[other]} - time[one];
                if (apart > reach) break;
                if (user[one] == user[other] || !(suffices || is_asked(other))) continue;
                double said = nothing;
                for (std::size_t column = 0; column < width; ++column) {
                    if (apart <= windows[column]) said = std::max(said, double(constant[column]));
                }
                const double evidence = said - (log_base_rate[one] + log_base_rate[other]);
                if (!(evidence < places.least)) meet(key, one, other, float(std::min(evidence, places.most)));
            }
        }
    }
}

}  // namespace graphdet
