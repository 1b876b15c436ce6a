// Pairs of users with evidence → groups of users to grow rings from: connected ones, and those of whom some met at the same two keys.
#include <functional>
#include <numeric>
#include <tuple>

#include "arrays.hpp"
#include "blocks.hpp"

namespace graphdet {
namespace {

// Groups of users, one after the other: those of group i are users[offset[i]] … users[offset[i + 1] − 1], rising.
struct Groups {
    Vector<std::int64_t> offset{0};
    Vector<std::int32_t> users;
};

// Users who belong together, by a forest in which the root of each tree is its smallest user.
class Forest {
public:
    explicit Forest(std::size_t users) : above_(users) { std::iota(above_.begin(), above_.end(), 0); }

    std::int32_t root(std::int32_t user) {
        while (above_[user] != user) user = above_[user] = above_[above_[user]];
        return user;
    }

    void join(std::int32_t one, std::int32_t other) {
        one = root(one);
        other = root(other);
        above_[std::max(one, other)] = std::min(one, other);
    }

private:
    Vector<std::int32_t> above_;
};

// Connected groups of `least` … `most` users at each level of evidence, the strictest level first; of one level by their smallest users.
//
//   pairs     (n, 2) int32 users, < users; evidence (n,) float32; levels falling
//   → groups, and (levels,) how many of them each level gave
//
// One forest for all levels, since what a strict one joins a loose one joins, too: O(levels · (n + users)).
std::pair<Groups, Vector<std::int64_t>> connected(const std::int32_t* pairs, std::span<const float> evidence, std::span<const double> levels,
                                                       std::size_t users, std::int64_t least, double most) {
    Groups groups;
    Vector<std::int64_t> of_level;
    Forest forest(users);
    Vector<std::int64_t> size(users), next(users);
    for (std::size_t level = 0; level < levels.size(); ++level) {
        for (std::size_t pair = 0; pair < evidence.size(); ++pair) {
            const bool joined = level > 0 && evidence[pair] >= float(levels[level - 1]);
            if (!joined && evidence[pair] >= float(levels[level])) forest.join(pairs[2 * pair], pairs[2 * pair + 1]);
        }
        std::fill(size.begin(), size.end(), 0);
        for (std::size_t user = 0; user < users; ++user) ++size[forest.root(std::int32_t(user))];
        const std::int64_t before = std::int64_t(groups.offset.size());
        for (std::size_t user = 0; user < users; ++user) {
            next[user] = groups.offset.back();
            if (size[user] >= std::max(least, std::int64_t{2}) && double(size[user]) <= most) groups.offset.push_back(groups.offset.back() + size[user]);
            else size[user] = 0;  // no root, or of no group
        }
        groups.users.resize(std::size_t(groups.offset.back()));
        for (std::size_t user = 0; user < users; ++user) {
            const std::int32_t root = forest.root(std::int32_t(user));
            if (size[root] > 0) groups.users[std::size_t(next[root]++)] = std::int32_t(user);
        }
        of_level.push_back(std::int64_t(groups.offset.size()) - before);
    }
    return {std::move(groups), std::move(of_level)};
}

// Pairs of users with the keys where they met: those of pair i are key[offset[i]] … key[offset[i + 1] − 1].
struct Met {
    const std::int32_t* pairs;     // (n, 2)
    std::span<const float> evidence;  // (n,)
    const std::int64_t* offset;    // (n + 1,)
    const std::int32_t* key;
    const bool* suffices;          // (keys,) which keys stand for two
};

// A pair of users who met at two keys, the smaller first.
struct Shared {
    std::int32_t one, other;  // keys
    std::int32_t pair;
};

struct SharedTargets {
    Groups groups;
    Vector<std::int32_t> one, other;  // (groups,) keys
    Vector<double> evidence;          // (groups,)
};

// Calls take(shared) for each two keys of a pair that are at most `steps` meetings apart, and each key that suffices.
template <typename Take>
void each_shared(const Met& met, std::size_t pair, std::int64_t steps, const Take& take) {
    for (std::int64_t first = met.offset[pair]; first < met.offset[pair + 1]; ++first) {
        const std::int32_t key = met.key[first];
        if (met.suffices[key]) take(Shared{key, key, std::int32_t(pair)});
        for (std::int64_t second = first + 1; second < std::min(met.offset[pair + 1], first + steps + 1); ++second) {
            take(Shared{std::min(key, met.key[second]), std::max(key, met.key[second]), std::int32_t(pair)});
        }
    }
}

// Of what pairs share, all at some keys: groups of three users or more with evidence of at least `least`.
void group_shared(Vector<Shared>& shared, const Met& met, double least, SharedTargets& found) {
    std::sort(shared.begin(), shared.end(), [](const Shared& one, const Shared& other) {
        return std::tie(one.one, one.other, one.pair) < std::tie(other.one, other.other, other.pair);
    });
    Vector<std::int32_t> users;
    for (std::size_t begin = 0, end = 0; begin < shared.size(); begin = end) {
        double evidence = 0;
        while (end < shared.size() && shared[end].one == shared[begin].one && shared[end].other == shared[begin].other) {
            evidence += double(met.evidence[shared[end++].pair]);
        }
        if (end - begin < 2 || !(evidence >= least)) continue;
        users.clear();
        for (std::size_t place = begin; place < end; ++place) {
            users.insert(users.end(), {met.pairs[2 * shared[place].pair], met.pairs[2 * shared[place].pair + 1]});
        }
        std::sort(users.begin(), users.end());
        users.erase(std::unique(users.begin(), users.end()), users.end());
        if (users.size() < 3) continue;
        found.groups.users.insert(found.groups.users.end(), users.begin(), users.end());
        found.groups.offset.push_back(std::int64_t(found.groups.users.size()));
        found.one.push_back(shared[begin].one);
        found.other.push_back(shared[begin].other);
        found.evidence.push_back(evidence);
    }
}

// Three or more users of whom some pairs met at both of two keys, or at one that suffices, with evidence of at least `least`; by the keys.
//
//   steps  meetings of a pair that each is put together with, the next ones
//
// What pairs share is dealt out by the smaller key to blocks of keys, and each is sorted by itself: O(s log s) of s such things.
SharedTargets share_targets(const Met& met, std::size_t keys, std::int64_t steps, double least, std::size_t threads) {
    Vector<std::int64_t> start(keys + 1, 0);
    for (std::size_t pair = 0; pair < met.evidence.size(); ++pair) {
        each_shared(met, pair, steps, [&](const Shared& shared) { ++start[std::size_t(shared.one) + 1]; });
    }
    std::partial_sum(start.begin(), start.end(), start.begin());
    constexpr std::int64_t block_weight = 1 << 15;
    const Vector<std::size_t> first = keys ? even_blocks(start.data(), keys, block_weight) : Vector<std::size_t>{0};
    Vector<std::uint32_t> block_of(keys);
    Vector<Vector<Shared>> blocks(first.size() - 1);
    for (std::size_t block = 0; block + 1 < first.size(); ++block) {
        std::fill(block_of.begin() + std::ptrdiff_t(first[block]), block_of.begin() + std::ptrdiff_t(first[block + 1]), std::uint32_t(block));
        blocks[block].reserve(std::size_t(start[first[block + 1]] - start[first[block]]));
    }
    for (std::size_t pair = 0; pair < met.evidence.size(); ++pair) {
        each_shared(met, pair, steps, [&](const Shared& shared) { blocks[block_of[shared.one]].push_back(shared); });
    }
    Vector<SharedTargets> found(blocks.size());
    share_out(blocks.size(), threads, [&](std::size_t block, std::size_t) { group_shared(blocks[block], met, least, found[block]); });
    SharedTargets all;
    for (SharedTargets& own : found) {
        const std::int64_t before = std::int64_t(all.groups.users.size());
        for (std::size_t group = 1; group < own.groups.offset.size(); ++group) all.groups.offset.push_back(before + own.groups.offset[group]);
        all.groups.users.insert(all.groups.users.end(), own.groups.users.begin(), own.groups.users.end());
        all.one.insert(all.one.end(), own.one.begin(), own.one.end());
        all.other.insert(all.other.end(), own.other.begin(), own.other.end());
        all.evidence.insert(all.evidence.end(), own.evidence.begin(), own.evidence.end());
    }
    return all;
}

}  // namespace

void add_cores(nb::module_& module) {
    module.def("connected_users", [](InTable<std::int32_t> pairs, In<float> evidence, In<double> levels, std::int64_t users, std::int64_t least,
                                     double most) {
        require(pairs.shape(1) == 2 && pairs.shape(0) == evidence.size(), "each pair must be two users with their evidence");
        require_codes(std::span(pairs.data(), pairs.size()), users, "users");
        require(std::is_sorted(levels.data(), levels.data() + levels.size(), std::greater<>()), "levels must fall");
        std::pair<Groups, Vector<std::int64_t>> found;
        {
            nb::gil_scoped_release release;
            found = connected(pairs.data(), view(evidence), view(levels), std::size_t(users), least, most);
        }
        return nb::make_tuple(hand_over(std::move(found.first.offset)), hand_over(std::move(found.first.users)), hand_over(std::move(found.second)));
    }, nb::arg("pairs").noconvert(), nb::arg("evidence").noconvert(), nb::arg("levels").noconvert(), nb::arg("users"), nb::arg("least"), nb::arg("most"));
    module.def("users_of_shared_targets", [](InTable<std::int32_t> pairs, In<float> evidence, In<std::int64_t> offset, In<std::int32_t> key,
                                             In<bool> suffices, std::int64_t steps, double least, std::size_t threads) {
        require(pairs.shape(1) == 2 && pairs.shape(0) == evidence.size(), "each pair must be two users with their evidence");
        require(evidence.size() < std::size_t{INT32_MAX}, "there must be fewer than 2^31 pairs");
        require_offsets(offset, key.size(), "offset");
        require(offset.size() == evidence.size() + 1, "each pair must have its meetings");
        require_codes(key, std::int64_t(suffices.size()), "key");
        SharedTargets found;
        {
            nb::gil_scoped_release release;
            found = share_targets({pairs.data(), view(evidence), offset.data(), key.data(), suffices.data()}, suffices.size(), steps, least, threads);
        }
        return nb::make_tuple(hand_over(std::move(found.groups.offset)), hand_over(std::move(found.groups.users)), hand_over(std::move(found.one)),
                              hand_over(std::move(found.other)), hand_over(std::move(found.evidence)));
    }, nb::arg("pairs").noconvert(), nb::arg("evidence").noconvert(), nb::arg("offset").noconvert(), nb::arg("key").noconvert(),
       nb::arg("suffices").noconvert(), nb::arg("steps"), nb::arg("least"), nb::arg("threads"));
}

}  // namespace graphdet
