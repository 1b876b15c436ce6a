// A core of users → the ring that its own profile describes, round by round.
#include "growth.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace graphdet {
Ring Growth::grow(Vector<std::int32_t> core, bool generous) {
    std::sort(core.begin(), core.end());
    Ring ring;
    ring.kept = {core, Vector<double>(core.size()), 0};
    Kept& kept = ring.kept;
    const double users = limits_.people;
    std::int32_t generous_rounds = generous ? limits_.generous_rounds : 0;
    for (std::int32_t round = generous_rounds + limits_.rounds; round > 0 && kept.members.size() >= 2; --round) {
        const std::size_t size = kept.members.size();
        if (double(size) > std::max(limits_.members_most, double(core.size()))) {
            kept.members.clear();
            kept.contribution.clear();
            ring.targets.clear();
            ring.swallowed = true;
            break;
        }
        ring.targets = profile_.find_targets(kept.members, generous_rounds > 0);
        ring.walked += walked(kept.members, ring.targets);
        Kept next = profile_.find_members(kept.members, ring.targets, limits_.join + std::log10(users / double(size)));
        const bool same = next.members == kept.members;
        kept = std::move(next);
        if (same && generous_rounds <= 0) break;
        generous_rounds = same ? 0 : generous_rounds - 1;
    }
    ring.strength = strength_of(ring);
    std::sort(ring.targets.begin(), ring.targets.end(), [](const Target& one, const Target& other) { return one.key < other.key; });
    return ring;
}

Ring Growth::describe(Vector<std::int32_t> members) {
    Ring ring;
    ring.targets = profile_.find_targets(members, false);
    ring.kept.contribution = profile_.rate_members(members, ring.targets);
    return ring;
}

// Visits that one round looks at: the members' own, and everybody's to the targets in their time.
std::int64_t Growth::walked(const Vector<std::int32_t>& members, const Vector<Target>& targets) const {
    std::int64_t visits = 0;
    for (const Target& target : targets) visits += std::int64_t{target.visitors} + target.outsiders;
    for (std::int32_t who : members) visits += log_.user_offset[who + 1] - log_.user_offset[who];
    return visits;
}

double Growth::strength_of(const Ring& ring) const {
    const double members = double(ring.kept.members.size()), users = limits_.people;
    double strength = ring.kept.entry_evidence - members * std::log10(users * std::numbers::e / std::max(members, 1.0));
    Vector<double> by_view(limits_.most.size());
    for (const Target& target : ring.targets) by_view[log_.view_of[target.key]] += target.gain;
    for (std::size_t view = 0; view < by_view.size(); ++view) strength += std::min(by_view[view], limits_.most[view] * members);
    return strength;
}

Incidence incidence(const Log& log, std::span<const std::int32_t> members, std::span<const std::int32_t> targets,
                    std::span<const std::int32_t> start, std::span<const std::int32_t> end) {
    Incidence found;
    Vector<std::size_t> last_seen(members.size(), targets.size());
    for (std::size_t target = 0; target < targets.size(); ++target) {
        const std::int32_t *times = log.time.data(), *stop = times + log.offset[targets[target] + 1];
        const std::int32_t* low = std::lower_bound(times + log.offset[targets[target]], stop, start[target]);
        for (; low != stop && *low <= end[target]; ++low) {
            const std::int32_t who = log.user[low - times];
            const std::size_t place = std::lower_bound(members.begin(), members.end(), who) - members.begin();
            if (place == members.size() || members[place] != who || last_seen[place] == target) continue;
            last_seen[place] = target;
            found.who.push_back(std::int64_t(place));
            found.what.push_back(std::int64_t(target));
        }
    }
    return found;
}

namespace {

// A log that several grow on is looked through once.
void check(const Log& log) {
    const std::size_t visits = log.visits(), keys = log.group_of.size();
    require(log.user_offset.size() > 0, "user_offset must not be empty");
    require_offsets(log.user_offset, visits, "user_offset");
    require_offsets(log.offset, visits, "offset");
    require(log.offset.size() == keys + 1 && log.view_of.size() == keys, "offset, group_of and view_of must be those of the same keys");
    require(log.by_user.size() == visits && log.key_of.size() == visits && log.time.size() == visits &&
            log.log_base_rate.size() == visits && log.log_intent.size() == visits && log.near.size() == visits && log.usual.size() == visits && log.draw.size() == visits,
            "by_user, key_of, user, time, log_base_rate, log_intent, near, usual and draw must be those of the same visits");
    require_codes(log.by_user, std::int64_t(visits), "by_user");
    require_codes(log.key_of, std::int64_t(keys), "key_of");
    require_codes(log.user, std::int64_t(log.users()), "user");
    require_codes(log.draw, std::int64_t{1} << 31, "draw", -1);
}

void check(const Log& log, const Limits& limits) {
    const std::size_t views = limits.most.size();
    require(limits.reach.size() == views && limits.slack.size() == views, "reach, slack and most must be those of the same views");
    require_codes(log.view_of, std::int64_t(views), "view_of");
}

Vector<std::int32_t> users_of(const Growth& growth, const In<std::int32_t>& users) {
    require_codes(users, std::int64_t(growth.log().users()), "users");
    return {users.data(), users.data() + users.size()};
}

template <typename Value, typename Field>
nb::object column(const Vector<Target>& targets, Field Target::*field) {
    Vector<Value> values;
    for (const Target& target : targets) values.push_back(target.*field);
    return hand_over(std::move(values));
}

// key, start, end, visitors, outsiders, gain
nb::tuple columns(const Vector<Target>& targets) {
    return nb::make_tuple(column<std::int32_t>(targets, &Target::key), column<std::int32_t>(targets, &Target::start),
                          column<std::int32_t>(targets, &Target::end), column<std::int32_t>(targets, &Target::visitors),
                          column<std::int32_t>(targets, &Target::outsiders), column<double>(targets, &Target::gain));
}

void add_limits(nb::module_& module) {
    nb::class_<Limits>(module, "Limits").def("__init__", [](Limits* self, In<std::int64_t> reach, In<std::int64_t> slack, In<double> most,
                                                          std::int32_t generous_rounds, std::int32_t rounds, double join,
                                                          std::int32_t least_targets, double members_most, double people) {
        new (self) Limits{Held<std::int64_t>(reach), Held<std::int64_t>(slack), Held<double>(most), generous_rounds, rounds, join,
                          least_targets, members_most, people};
    }, nb::arg("reach").noconvert(), nb::arg("slack").noconvert(), nb::arg("most").noconvert(), nb::arg("generous_rounds"),
       nb::arg("rounds"), nb::arg("join"), nb::arg("least_targets"), nb::arg("members_most"), nb::arg("people"));
}

void add_log(nb::module_& module) {
    nb::class_<Log>(module, "Log").def("__init__", [](Log* self, In<std::int64_t> user_offset, In<std::int64_t> by_user,
                                                    In<std::int32_t> key_of, In<std::int64_t> offset, In<std::int32_t> user,
                                                    In<std::int32_t> time, In<float> log_base_rate, In<float> log_intent,
                                                    In<std::int32_t> near, In<float> usual, In<std::int32_t> draw,
                                                    In<std::int32_t> group_of, In<std::int8_t> view_of, std::int32_t item_view) {
        Log log{Held<std::int64_t>(user_offset), Held<std::int64_t>(by_user), Held<std::int32_t>(key_of),
                Held<std::int64_t>(offset), Held<std::int32_t>(user), Held<std::int32_t>(time), Held<float>(log_base_rate),
                Held<float>(log_intent), Held<std::int32_t>(near), Held<float>(usual), Held<std::int32_t>(draw),
                Held<std::int32_t>(group_of), Held<std::int8_t>(view_of), item_view};
        check(log);
        new (self) Log(std::move(log));
    }, nb::arg("user_offset").noconvert(), nb::arg("by_user").noconvert(), nb::arg("key_of").noconvert(), nb::arg("offset").noconvert(),
       nb::arg("user").noconvert(), nb::arg("time").noconvert(), nb::arg("log_base_rate").noconvert(), nb::arg("log_intent").noconvert(),
       nb::arg("near").noconvert(), nb::arg("usual").noconvert(), nb::arg("draw").noconvert(), nb::arg("group_of").noconvert(),
       nb::arg("view_of").noconvert(), nb::arg("item_view"));
}

}  // namespace

void add_growth(nb::module_& module) {
    add_log(module);
    add_limits(module);
    nb::class_<Growth>(module, "Growth")
        .def("__init__", [](Growth* self, const Log& log, const Limits& limits) {
            check(log, limits);
            new (self) Growth(log, limits);
        }, nb::arg("log"), nb::arg("limits"))
        .def("grow", [](Growth& growth, In<std::int32_t> core, bool generous) {
            Vector<std::int32_t> users = users_of(growth, core);
            Ring ring;
            {
                nb::gil_scoped_release release;
                ring = growth.grow(std::move(users), generous);
            }
            return nb::make_tuple(hand_over(std::move(ring.kept.members)), hand_over(std::move(ring.kept.contribution)),
                                  columns(ring.targets), ring.strength, ring.walked, ring.swallowed);
        }, nb::arg("core").noconvert(), nb::arg("generous"))
        .def("describe", [](Growth& growth, In<std::int32_t> members) {
            Vector<std::int32_t> users = users_of(growth, members);
            Ring ring;
            {
                nb::gil_scoped_release release;
                ring = growth.describe(std::move(users));
            }
            return nb::make_tuple(hand_over(std::move(ring.kept.contribution)), columns(ring.targets));
        }, nb::arg("members").noconvert())
        .def("incidence", [](const Growth& growth, In<std::int32_t> members, In<std::int32_t> targets, In<std::int32_t> start,
                             In<std::int32_t> end) {
            require_codes(targets, std::int64_t(growth.log().group_of.size()), "targets");
            require(start.size() == targets.size() && end.size() == targets.size(),
                    "targets, start and end must be those of the same targets");
            Incidence found;
            {
                nb::gil_scoped_release release;
                found = incidence(growth.log(), view(members), view(targets), view(start), view(end));
            }
            return nb::make_tuple(hand_over(std::move(found.who)), hand_over(std::move(found.what)));
        }, nb::arg("members").noconvert(), nb::arg("targets").noconvert(), nb::arg("start").noconvert(), nb::arg("end").noconvert());
}

}  // namespace graphdet
