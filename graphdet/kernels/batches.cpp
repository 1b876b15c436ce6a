// Many cores, rings or pairs of rings at once → grown rings, the parts of rings, or their unions, by all threads; as columns, one ring after the other.
//
//   growths        one for each thread, all of one log and of the same limits
//   member_offset  (n + 1,) int64: members of ring, or core, i are at member_offset[i] … member_offset[i + 1] − 1; so do target_offset
//
// Each thread takes the next that none has; what one gives does not hang on the others, so that the result is the same for any number.
#include <cmath>
#include <functional>

#include <nanobind/stl/vector.h>

#include "blocks.hpp"
#include "splitting.hpp"

namespace graphdet {
namespace {

template <typename Value>
nb::object member_column(const Vector<Ring>& rings, Vector<Value> Kept::*field) {
    Vector<Value> values;
    for (const Ring& ring : rings) values.insert(values.end(), (ring.kept.*field).begin(), (ring.kept.*field).end());
    return hand_over(std::move(values));
}

template <typename Value>
nb::object target_column(const Vector<Ring>& rings, Value Target::*field) {
    Vector<Value> values;
    for (const Ring& ring : rings) {
        for (const Target& target : ring.targets) values.push_back(target.*field);
    }
    return hand_over(std::move(values));
}

// member_offset, members, contribution; target_offset, key, start, end, visitors, outsiders, gain; strength
nb::tuple columns(const Vector<Ring>& rings) {
    Vector<std::int64_t> member_offset{0}, target_offset{0};
    Vector<double> strength;
    for (const Ring& ring : rings) {
        member_offset.push_back(member_offset.back() + std::int64_t(ring.kept.members.size()));
        target_offset.push_back(target_offset.back() + std::int64_t(ring.targets.size()));
        strength.push_back(ring.strength);
    }
    return nb::make_tuple(hand_over(std::move(member_offset)), member_column(rings, &Kept::members), member_column(rings, &Kept::contribution),
                          hand_over(std::move(target_offset)), target_column(rings, &Target::key), target_column(rings, &Target::start),
                          target_column(rings, &Target::end), target_column(rings, &Target::visitors), target_column(rings, &Target::outsiders),
                          target_column(rings, &Target::gain), hand_over(std::move(strength)));
}

const Log& log_of(const Vector<Growth*>& growths) {
    require(!growths.empty() && std::all_of(growths.begin(), growths.end(), [](const Growth* own) { return own; }), "there must be growths");
    return growths[0]->log();
}

bool rises(const Vector<std::int32_t>& codes) {
    return std::adjacent_find(codes.begin(), codes.end(), std::greater_equal<>()) == codes.end();
}

Vector<Outline> outlines(const Log& log, const In<std::int64_t>& member_offset, const In<std::int32_t>& members,
                              const In<std::int64_t>& target_offset, const In<std::int32_t>& targets, const In<std::int32_t>& start,
                              const In<std::int32_t>& end, const In<double>& strength) {
    const std::size_t rings = strength.size();
    require_offsets(member_offset, members.size(), "member_offset");
    require_offsets(target_offset, targets.size(), "target_offset");
    require(member_offset.size() == rings + 1 && target_offset.size() == rings + 1, "offsets and strength must be those of the same rings");
    require(start.size() == targets.size() && end.size() == targets.size(), "targets, start and end must be those of the same targets");
    require_codes(members, std::int64_t(log.users()), "members");
    require_codes(targets, std::int64_t(log.group_of.size()), "targets");
    Vector<Outline> found;
    for (std::size_t ring = 0; ring < rings; ++ring) {
        const auto cut = [&](const In<std::int32_t>& column, const In<std::int64_t>& offset) {
            return Vector<std::int32_t>(column.data() + offset(ring), column.data() + offset(ring + 1));
        };
        found.push_back({cut(members, member_offset), cut(targets, target_offset), cut(start, target_offset), cut(end, target_offset), strength(ring)});
        require(!found.back().members.empty() && rises(found.back().members) && rises(found.back().targets), "members and targets must rise");
    }
    return found;
}

// The rings around cores: rings of fewer than `least_members` come back empty, with what it took to know.
nb::tuple grow_each(Vector<Growth*> growths, In<std::int64_t> offset, In<std::int32_t> users, std::size_t least_members) {
    require_offsets(offset, users.size(), "offset");
    require_codes(users, std::int64_t(log_of(growths).users()), "users");
    Vector<Ring> rings(offset.size() - 1);
    Vector<std::int64_t> walked(rings.size()), swallowed(rings.size());
    {
        nb::gil_scoped_release release;
        const std::int64_t* cut = offset.data();
        share_out(rings.size(), growths.size(), [&](std::size_t core, std::size_t thread) {
            Ring ring = growths[thread]->grow({users.data() + cut[core], users.data() + cut[core + 1]}, true);
            walked[core] = ring.walked;
            swallowed[core] = ring.swallowed;
            if (ring.kept.members.size() >= least_members) rings[core] = std::move(ring);
        });
    }
    return nb::make_tuple(columns(rings), hand_over(std::move(walked)), hand_over(std::move(swallowed)));
}

// Of each ring the parts of `parts_of`: how many there are, and what it took to know.
nb::tuple parts_each(Vector<Growth*> growths, const Vector<Outline>& rings, std::size_t least_members, double overlap) {
    Vector<Parts> parts(rings.size());
    Vector<Ring> all;
    Vector<std::int64_t> count, walked, swallowed;
    {
        nb::gil_scoped_release release;
        share_out(rings.size(), growths.size(), [&](std::size_t ring, std::size_t thread) {
            parts[ring] = parts_of(*growths[thread], rings[ring], least_members, overlap);
        });
    }
    for (Parts& own : parts) {
        count.push_back(std::int64_t(own.rings.size()));
        walked.push_back(own.walked);
        swallowed.push_back(own.swallowed);
        std::move(own.rings.begin(), own.rings.end(), std::back_inserter(all));
    }
    return nb::make_tuple(columns(all), hand_over(std::move(count)), hand_over(std::move(walked)), hand_over(std::move(swallowed)));
}

// Of each pair of rings, by their places, the union of `union_of`, or an empty ring; and what it took to know.
nb::tuple unions_each(Vector<Growth*> growths, const Vector<Outline>& rings, const In<std::int32_t>& one, const In<std::int32_t>& other,
                      std::size_t least_members, double overlap) {
    require(one.size() == other.size(), "one and other must be those of the same pairs");
    require_codes(one, std::int64_t(rings.size()), "one");
    require_codes(other, std::int64_t(rings.size()), "other");
    Vector<Union> unions(one.size());
    Vector<Ring> all(one.size());
    Vector<std::int64_t> walked, swallowed;
    {
        nb::gil_scoped_release release;
        const std::int32_t *first = one.data(), *second = other.data();
        share_out(unions.size(), growths.size(), [&](std::size_t pair, std::size_t thread) {
            unions[pair] = union_of(*growths[thread], rings[std::size_t(first[pair])], rings[std::size_t(second[pair])], least_members, overlap);
        });
    }
    for (std::size_t pair = 0; pair < unions.size(); ++pair) {
        walked.push_back(unions[pair].walked);
        swallowed.push_back(unions[pair].swallowed);
        all[pair] = std::move(unions[pair].ring);
    }
    return nb::make_tuple(columns(all), hand_over(std::move(walked)), hand_over(std::move(swallowed)));
}

}  // namespace

void add_batches(nb::module_& module) {
    module.def("grow_each", &grow_each, nb::arg("growths"), nb::arg("offset").noconvert(), nb::arg("users").noconvert(), nb::arg("least_members"));
    module.def("parts_each", [](Vector<Growth*> growths, In<std::int64_t> member_offset, In<std::int32_t> members,
                                In<std::int64_t> target_offset, In<std::int32_t> targets, In<std::int32_t> start, In<std::int32_t> end,
                                In<double> strength, std::size_t least_members, double overlap) {
        const auto rings = outlines(log_of(growths), member_offset, members, target_offset, targets, start, end, strength);
        return parts_each(std::move(growths), rings, least_members, overlap);
    }, nb::arg("growths"), nb::arg("member_offset").noconvert(), nb::arg("members").noconvert(), nb::arg("target_offset").noconvert(),
       nb::arg("targets").noconvert(), nb::arg("start").noconvert(), nb::arg("end").noconvert(), nb::arg("strength").noconvert(),
       nb::arg("least_members"), nb::arg("overlap"));
    module.def("unions_each", [](Vector<Growth*> growths, In<std::int64_t> member_offset, In<std::int32_t> members,
                                 In<std::int64_t> target_offset, In<std::int32_t> targets, In<std::int32_t> start, In<std::int32_t> end,
                                 In<double> strength, In<std::int32_t> one, In<std::int32_t> other, std::size_t least_members, double overlap) {
        const auto rings = outlines(log_of(growths), member_offset, members, target_offset, targets, start, end, strength);
        return unions_each(std::move(growths), rings, one, other, least_members, overlap);
    }, nb::arg("growths"), nb::arg("member_offset").noconvert(), nb::arg("members").noconvert(), nb::arg("target_offset").noconvert(),
       nb::arg("targets").noconvert(), nb::arg("start").noconvert(), nb::arg("end").noconvert(), nb::arg("strength").noconvert(),
       nb::arg("one").noconvert(), nb::arg("other").noconvert(), nb::arg("least_members"), nb::arg("overlap"));
    module.def("told_by_both", [](const Growth& growth, In<std::int64_t> member_offset, In<std::int32_t> members, In<std::int64_t> target_offset,
                                  In<std::int32_t> targets, In<std::int32_t> start, In<std::int32_t> end, In<double> strength) {
        const auto rings = outlines(growth.log(), member_offset, members, target_offset, targets, start, end, strength);
        require(rings.size() == 2, "there must be two rings");
        nb::gil_scoped_release release;
        const Told told = told_by_both(growth.log(), rings[0], rings[1]);
        return std::pair(told.strength, told.shared);
    }, nb::arg("growth"), nb::arg("member_offset").noconvert(), nb::arg("members").noconvert(), nb::arg("target_offset").noconvert(),
       nb::arg("targets").noconvert(), nb::arg("start").noconvert(), nb::arg("end").noconvert(), nb::arg("strength").noconvert());
    module.def("first_branch", [](In<double> distance, std::size_t things) {
        require(things >= 2 && distance.size() == things * (things - 1) / 2, "there must be a distance for each pair of two things or more");
        require(std::all_of(distance.data(), distance.data() + distance.size(), [](double own) { return std::isfinite(own); }),
                "distances must be numbers");
        const Vector<bool> under = first_branch({distance.data(), distance.data() + distance.size()}, things);
        return hand_over(Vector<std::int8_t>(under.begin(), under.end()));
    }, nb::arg("distance").noconvert(), nb::arg("things"));
}

}  // namespace graphdet
