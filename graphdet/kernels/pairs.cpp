// Meetings of two users → what all of them say together; and how many pairs of visits there are at each key.
#include <cmath>
#include <limits>
#include <tuple>

#include <nanobind/stl/vector.h>

#include "walk.hpp"

namespace graphdet {
namespace {

// Pairs of visits at each key that are at most `window` seconds apart, for all later visits to a key are known to two moving fingers.
//
//   offset  (keys + 1,) int64: visits of key k are offset[k] … offset[k + 1] − 1
//   time    (visits,) int32 seconds, rising within each key
//   → (keys,) float64
Vector<double> count_pairs(std::span<const std::int64_t> offset, std::span<const std::int32_t> time, std::int64_t window) {
    Vector<double> pairs(offset.size() - 1);
    for (std::size_t key = 0; key < pairs.size(); ++key) {
        std::int64_t start = offset[key];
        for (std::int64_t visit = offset[key]; visit < offset[key + 1]; ++visit) {
            while (std::int64_t{time[visit]} - time[start] > window) ++start;
            pairs[key] += double(visit - start);
        }
    }
    return pairs;
}

// All meetings of two users at one key in one: the strongest speaks. Equally strong ones are common, as evidence is clipped; the least of
// what they say must not depend on their order.
struct Said {
    std::int32_t key, apart;  // seconds between the closest two visits
    float evidence, again;    // if it is the one of its group that counts in full, and if it is not
    float chance;             // log10 of the two users' base rates
    std::int32_t draws[2];    // of the smaller user's visit, and of the larger's
};

// n pairs of users with evidence, and the m meetings that it is the sum of; see `PairEvidence`.
struct Pairs {
    Vector<std::int32_t> one, other, meetings;  // (n,)
    Vector<float> evidence;                     // (n,)
    Vector<std::int32_t> key, apart;            // (m,)
    Vector<float> key_evidence, chance;         // (m,)
};

// What sums are made by: what is known of views, and of pairs.
struct Rules {
    std::span<const double> most_of_view;  // (views,) evidence above which a view says no more
    double intent_prior;
    double weak;  // evidence under which a pair is left out
};

Said said_by(const Meeting* begin, const Meeting* end, const Places& places, const Rules& rules) {
    constexpr std::int32_t none = std::numeric_limits<std::int32_t>::max();
    constexpr float nothing = std::numeric_limits<float>::infinity();
    Said said{places.key_at[begin->rank], none, begin->evidence, nothing, nothing, {none, none}};
    for (const Meeting* meeting = begin; meeting != end; ++meeting) said.evidence = std::max(said.evidence, meeting->evidence);
    for (const Meeting* meeting = begin; meeting != end; ++meeting) {
        const std::size_t one = meeting->one, other = meeting->other;
        said.apart = std::min(said.apart, places.time[other] - places.time[one]);
        if (meeting->evidence < said.evidence) continue;
        const double intent = rules.intent_prior - places.log_intent[one] - places.log_intent[other];
        said.again = std::min(said.again, float(std::min(std::max(intent, 0.0), double(meeting->evidence))));
        said.chance = std::min(said.chance, places.log_base_rate[one] + places.log_base_rate[other]);
        const bool in_turn = places.user[one] == meeting->low;
        said.draws[0] = std::min(said.draws[0], places.draw[in_turn ? one : other]);
        said.draws[1] = std::min(said.draws[1], places.draw[in_turn ? other : one]);
    }
    return said;
}

// Keys that the same draw of one of the two brings are one choice together: each key's evidence is weighed by its share of a choice.
// Returns how many choices there are.
double weigh_choices(Vector<Said>& keys, Vector<std::int32_t>& several,
                     Vector<std::pair<std::int32_t, std::size_t>>& drawn) {
    several.assign(keys.size(), 1);
    for (int side = 0; side < 2; ++side) {
        drawn.clear();
        for (std::size_t place = 0; place < keys.size(); ++place) {
            if (keys[place].draws[side] >= 0) drawn.emplace_back(keys[place].draws[side], place);
        }
        std::sort(drawn.begin(), drawn.end());
        for (std::size_t begin = 0, end = 0; begin < drawn.size(); begin = end) {
            while (end < drawn.size() && drawn[end].first == drawn[begin].first) ++end;
            for (std::size_t place = begin; place < end; ++place) {
                several[drawn[place].second] = std::max(several[drawn[place].second], std::int32_t(end - begin));
            }
        }
    }
    double choices = 0;
    for (std::size_t place = 0; place < keys.size(); ++place) {
        const float weight = float(1.0 / several[place]);
        choices += 1.0 / several[place];
        keys[place].evidence *= weight;
        keys[place].again *= weight;
    }
    return choices;
}

// Who is after a group of things meets others there again and again: all but the most telling meeting of a group, the first of equal
// ones, count as that. `keys` come by group.
void keep_one_of_each_group(Vector<Said>& keys, const Held<std::int32_t>& group) {
    for (std::size_t begin = 0, end = 0; begin < keys.size(); begin = end) {
        std::size_t full = begin;
        for (; end < keys.size() && group[keys[end].key] == group[keys[begin].key]; ++end) {
            if (keys[end].evidence - keys[end].again > keys[full].evidence - keys[full].again) full = end;
        }
        for (std::size_t place = begin; place < end; ++place) {
            if (place != full) keys[place].evidence = keys[place].again;
        }
    }
}

// The sum over keys, weak views capped.
double sum_of(const Vector<Said>& keys, const Places& places, const Rules& rules, Vector<double>& by_view) {
    by_view.assign(rules.most_of_view.size(), 0);
    for (const Said& said : keys) by_view[places.view_of[said.key]] += said.evidence;
    double total = 0;
    for (std::size_t view = 0; view < by_view.size(); ++view) total += std::min(by_view[view], rules.most_of_view[view]);
    return total;
}

bool same_pair(const Meeting& one, const Meeting& other) { return one.low == other.low && one.high == other.high; }

// The meetings of one bucket of users, gathered from all parts, by pair and key. Those of each user are dealt out first, so that what is
// sorted is short, and by one number.
Vector<Meeting> gather_bucket(const Vector<const Meetings*>& parts, std::size_t bucket, std::int32_t users) {
    const std::int64_t first_user = first_of_bucket(bucket, users), end_user = first_of_bucket(bucket + 1, users);
    Vector<std::size_t> start(std::size_t(end_user - first_user) + 1, 0);
    const auto each = [&](auto&& take) {
        for (const Meetings* part : parts) {
            for (std::size_t place = part->start[bucket]; place < part->start[bucket + 1]; ++place) take(part->found[place]);
        }
    };
    each([&](const Meeting& meeting) { ++start[std::size_t(meeting.low - first_user) + 1]; });
    for (std::size_t user = 1; user < start.size(); ++user) start[user] += start[user - 1];
    Vector<Meeting> dealt(start.back()), met(start.back());
    Vector<std::size_t> next(start.begin(), start.end() - 1);
    each([&](const Meeting& meeting) { dealt[next[std::size_t(meeting.low - first_user)]++] = meeting; });
    Vector<std::pair<std::uint64_t, std::size_t>> order;
    for (std::size_t user = 0; user + 1 < start.size(); ++user) {
        order.clear();
        for (std::size_t place = start[user]; place < start[user + 1]; ++place) {
            order.emplace_back(std::uint64_t(dealt[place].high) << 32 | std::uint32_t(dealt[place].rank), place);
        }
        std::sort(order.begin(), order.end());
        for (std::size_t place = 0; place < order.size(); ++place) met[start[user] + place] = dealt[order[place].second];
    }
    return met;
}

// The meetings of one bucket of users → its pairs that met by two choices or more, sorted.
Pairs sum_bucket(const Vector<const Meetings*>& parts, std::size_t bucket, const Places& places, const Rules& rules) {
    const Vector<Meeting> met = gather_bucket(parts, bucket, places.users);
    Pairs pairs;
    Vector<Said> keys;
    Vector<std::int32_t> several;
    Vector<std::pair<std::int32_t, std::size_t>> drawn;
    Vector<double> by_view;
    for (std::size_t begin = 0, end = 0; begin < met.size(); begin = end) {
        while (end < met.size() && same_pair(met[end], met[begin])) ++end;
        if (met[end - 1].rank == met[begin].rank) continue;  // one key: the filter lets some pass that never met again
        keys.clear();
        for (std::size_t first = begin, last = begin; first < end; first = last) {
            while (last < end && met[last].rank == met[first].rank) ++last;
            keys.push_back(said_by(&met[first], &met[last - 1] + 1, places, rules));
        }
        if (weigh_choices(keys, several, drawn) < 2 - rounding) continue;
        keep_one_of_each_group(keys, places.group);
        const double total = sum_of(keys, places, rules, by_view);
        if (!(total >= rules.weak)) continue;
        pairs.one.push_back(met[begin].low);
        pairs.other.push_back(met[begin].high);
        pairs.meetings.push_back(std::int32_t(keys.size()));
        pairs.evidence.push_back(float(total));
        for (const Said& said : keys) {
            pairs.key.push_back(said.key);
            pairs.apart.push_back(said.apart);
            pairs.key_evidence.push_back(said.evidence);
            pairs.chance.push_back(said.chance);
        }
    }
    return pairs;
}

void check(const Vector<const Meetings*>& parts, const Places& places, const Rules& rules, std::size_t bucket) {
    for (const Meetings* part : parts) {
        require(part && part->keys == places.keys() && part->visits == places.user.size(), "parts must be meetings of this walk");
    }
    require(bucket < buckets, "there are no more than 256 buckets");
    require(rules.most_of_view.size() == places.cap.size(), "most_of_view must be that of the walk's views");
}

}  // namespace

void add_pairs(nb::module_& module) {
    module.attr("BUCKETS") = int(buckets);
    module.def("count_pairs", [](In<std::int64_t> offset, In<std::int32_t> time, std::int64_t window) {
        require_offsets(offset, time.size(), "offset");
        require(window >= 0, "window must not be negative");
        Vector<double> pairs;
        {
            nb::gil_scoped_release release;
            pairs = count_pairs(view(offset), view(time), window);
        }
        return hand_over(std::move(pairs));
    }, nb::arg("offset").noconvert(), nb::arg("time").noconvert(), nb::arg("window"));
    module.def("sum_pairs", [](const Places& walk, Vector<const Meetings*> parts, std::size_t bucket, In<double> most_of_view,
                               double intent_prior, double weak) {
        const Rules rules{view(most_of_view), intent_prior, weak};
        check(parts, walk, rules, bucket);
        Pairs pairs;
        {
            nb::gil_scoped_release release;
            pairs = sum_bucket(parts, bucket, walk, rules);
        }
        return nb::make_tuple(hand_over(std::move(pairs.one)), hand_over(std::move(pairs.other)), hand_over(std::move(pairs.meetings)),
                              hand_over(std::move(pairs.evidence)), hand_over(std::move(pairs.key)), hand_over(std::move(pairs.apart)),
                              hand_over(std::move(pairs.key_evidence)), hand_over(std::move(pairs.chance)));
    }, nb::arg("walk"), nb::arg("parts"), nb::arg("bucket"), nb::arg("most_of_view").noconvert(), nb::arg("intent_prior"), nb::arg("weak"));
}

}  // namespace graphdet
