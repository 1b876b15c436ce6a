// A grown ring → the two rings inside it: halves by average linkage of its targets, each grown by itself.
#include "splitting.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <numeric>

namespace graphdet {
namespace {

Outline outline_of(const Ring& ring) {
    Outline outline{ring.kept.members, {}, {}, {}, ring.strength};
    for (const Target& target : ring.targets) {
        outline.targets.push_back(target.key);
        outline.start.push_back(target.start);
        outline.end.push_back(target.end);
    }
    return outline;
}

Incidence met_in(const Log& log, const Outline& ring) { return incidence(log, ring.members, ring.targets, ring.start, ring.end); }

// Who was at which target, as one number each, rising.
Vector<std::uint64_t> meetings(const Log& log, const Outline& ring) {
    const Incidence met = met_in(log, ring);
    Vector<std::uint64_t> found;
    for (std::size_t place = 0; place < met.who.size(); ++place) {
        found.push_back(std::uint64_t(ring.targets[met.what[place]]) << 32 | std::uint32_t(ring.members[met.who[place]]));
    }
    std::sort(found.begin(), found.end());
    return found;
}

// An order of rings of one strength, as good as any: that of their members' bytes.
bool bytes_before(const Vector<std::int32_t>& one, const Vector<std::int32_t>& other) {
    const std::size_t common = std::min(one.size(), other.size()) * sizeof(std::int32_t);
    const int order = common ? std::memcmp(one.data(), other.data(), common) : 0;
    return order != 0 ? order < 0 : one.size() < other.size();
}

// Distances of n things, by pair: their place in the upper triangle, row by row.
class Triangle {
public:
    Triangle(Vector<double> distance, std::size_t n) : distance_(std::move(distance)), n_(n) {}
    double& operator()(std::size_t one, std::size_t other) {
        if (one > other) std::swap(one, other);
        return distance_[n_ * one - one * (one + 1) / 2 + other - one - 1];
    }

private:
    Vector<double> distance_;
    std::size_t n_;
};

struct Merge {
    std::size_t one, other;  // things, each of one of the two clusters
    double distance;
};

// Merges of average linkage, the closest first, by chains of nearest neighbours: O(n²).
//
// Source: average linkage, Sokal & Michener 1958; nearest-neighbour chains, Benzécri 1982, Murtagh 1983.
Vector<Merge> link(Triangle distance, std::size_t n) {
    Vector<std::size_t> size(n, 1), chain;
    Vector<Merge> merges;
    while (merges.size() + 1 < n) {
        if (chain.empty()) chain.push_back(std::size_t(std::find_if(size.begin(), size.end(), [](std::size_t own) { return own > 0; }) - size.begin()));
        std::size_t last = 0, near = 0;
        double least = 0;
        for (;; chain.push_back(near)) {
            last = chain.back();
            const bool back = chain.size() > 1;  // of equally near ones the one that the chain came from, or it would not end
            near = back ? chain[chain.size() - 2] : n;
            least = back ? distance(last, near) : std::numeric_limits<double>::infinity();
            for (std::size_t other = 0; other < n; ++other) {
                if (size[other] == 0 || other == last || !(distance(last, other) < least)) continue;
                least = distance(last, other);
                near = other;
            }
            if (back && near == chain[chain.size() - 2]) break;
        }
        chain.resize(chain.size() - 2);
        const std::size_t gone = std::min(last, near), kept = std::max(last, near);
        merges.push_back({gone, kept, least});
        const double of_gone = double(size[gone]), of_kept = double(size[kept]);
        size[kept] += size[gone];
        size[gone] = 0;
        for (std::size_t other = 0; other < n; ++other) {
            if (size[other] == 0 || other == kept) continue;
            distance(other, kept) = (of_gone * distance(other, gone) + of_kept * distance(other, kept)) / (of_gone + of_kept);
        }
    }
    std::stable_sort(merges.begin(), merges.end(), [](const Merge& one, const Merge& other) { return one.distance < other.distance; });
    return merges;
}

// Distances of targets: one less the correlation of who was there, rounded so that equal ones are equal.
Vector<double> distances(const Incidence& met, std::size_t members, std::size_t targets) {
    const std::size_t words = (members + 63) / 64;
    Vector<std::uint64_t> there(targets * words);
    Vector<double> visitors(targets), norm(targets);
    for (std::size_t place = 0; place < met.who.size(); ++place) {
        there[std::size_t(met.what[place]) * words + std::size_t(met.who[place]) / 64] |= std::uint64_t{1} << (met.who[place] % 64);
        ++visitors[std::size_t(met.what[place])];
    }
    const double all = double(members);
    for (std::size_t target = 0; target < targets; ++target) {
        norm[target] = std::sqrt(std::max(visitors[target] - visitors[target] * visitors[target] / all, 0.0));
    }
    Vector<double> distance;
    for (std::size_t one = 0; one < targets; ++one) {
        for (std::size_t other = one + 1; other < targets; ++other) {
            std::int64_t both = 0;
            for (std::size_t word = 0; word < words; ++word) both += std::popcount(there[one * words + word] & there[other * words + word]);
            const double together = double(both) - visitors[one] * visitors[other] / all;
            distance.push_back(std::nearbyint((1 - together / std::max(norm[one] * norm[other], 1e-12)) * 1e9) / 1e9);
        }
    }
    return distance;
}

// Members in two by the half of the targets that they visited more of; none where there is no such half.
Vector<Vector<std::int32_t>> halves(const Log& log, const Outline& ring) {
    const std::size_t targets = ring.targets.size();
    if (targets < 2) return {};
    const Incidence met = met_in(log, ring);
    const Vector<bool> first = first_branch(distances(met, ring.members.size(), targets), targets);
    const std::int64_t in_first = std::count(first.begin(), first.end(), true), in_other = std::int64_t(targets) - in_first;
    Vector<std::int64_t> leaning(ring.members.size());  // above 0 = to the first half
    for (std::size_t place = 0; place < met.who.size(); ++place) leaning[met.who[place]] += first[met.what[place]] ? in_other : -in_first;
    Vector<Vector<std::int32_t>> found(2);
    for (std::size_t member = 0; member < ring.members.size(); ++member) found[leaning[member] > 0 ? 0 : 1].push_back(ring.members[member]);
    if (found[0].empty() || found[1].empty()) return {};
    return found;
}

}  // namespace

Vector<bool> first_branch(Vector<double> distance, std::size_t n) {
    const Vector<Merge> merges = link(Triangle(std::move(distance), n), n);
    Vector<std::size_t> above(2 * n - 1);  // of things, and of clusters in the order in which they came about
    std::iota(above.begin(), above.end(), std::size_t{0});
    const auto root = [&](std::size_t node) {
        while (above[node] != node) node = above[node] = above[above[node]];
        return node;
    };
    for (std::size_t merge = 0; merge + 2 < n; ++merge) {
        above[root(merges[merge].one)] = n + merge;
        above[root(merges[merge].other)] = n + merge;
    }
    const std::size_t older = std::min(root(merges.back().one), root(merges.back().other));
    Vector<bool> under(n);
    for (std::size_t thing = 0; thing < n; ++thing) under[thing] = root(thing) == older;
    return under;
}

Told told_by_both(const Log& log, const Outline& one, const Outline& other) {
    const bool in_turn = one.strength != other.strength ? one.strength < other.strength : !bytes_before(other.members, one.members);
    const Outline &weak = in_turn ? one : other, &strong = in_turn ? other : one;
    const Vector<std::uint64_t> told = meetings(log, strong), again = meetings(log, weak);
    Vector<std::uint64_t> both;
    std::set_intersection(told.begin(), told.end(), again.begin(), again.end(), std::back_inserter(both));
    const double shared = double(both.size()) / double(std::max(again.size(), std::size_t{1}));
    return {strong.strength + weak.strength * (1 - shared), shared};
}

Parts parts_of(Growth& growth, const Outline& ring, std::size_t least_members, double overlap) {
    Parts parts;
    for (Vector<std::int32_t>& half : halves(growth.log(), ring)) {
        Ring grown = growth.grow(std::move(half), false);
        parts.walked += grown.walked;
        parts.swallowed += grown.swallowed;
        if (grown.kept.members.size() >= least_members) parts.rings.push_back(std::move(grown));
    }
    if (parts.rings.size() == 2) {
        const Told told = told_by_both(growth.log(), outline_of(parts.rings[0]), outline_of(parts.rings[1]));
        // Where most of what one tells the other tells, too, there are no two rings.
        if (told.shared <= overlap && told.strength > ring.strength) return parts;
    }
    parts.rings.clear();
    return parts;
}

Union union_of(Growth& growth, const Outline& one, const Outline& other, std::size_t least_members, double overlap) {
    Vector<std::int32_t> core;
    std::set_union(one.members.begin(), one.members.end(), other.members.begin(), other.members.end(), std::back_inserter(core));
    Union united{growth.grow(std::move(core), true)};
    united.walked = united.ring.walked;
    united.swallowed = united.ring.swallowed;
    bool stands = united.ring.strength > told_by_both(growth.log(), one, other).strength;
    if (stands) {
        const Parts parts = parts_of(growth, outline_of(united.ring), least_members, overlap);
        united.walked += parts.walked;
        united.swallowed += parts.swallowed;
        stands = parts.rings.empty();
    }
    if (!stands) united.ring = Ring{};
    return united;
}

}  // namespace graphdet
