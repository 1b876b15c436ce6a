// What a user's pairs say about them.
#include <cmath>

#include "arrays.hpp"

namespace graphdet {
namespace {

// Pair evidence as the kernels read it; see graphdet/evidence/pairs.py.
//
//   pair          (2 · pairs,) int32: the two users of pair p stand at 2p and 2p + 1
//   evidence      (pairs,) float32, log10
//   offset        (pairs + 1,) int64: meetings of pair p are offset[p] … offset[p + 1] − 1
//   key_evidence  (meetings,) float32, log10
//   apart         (meetings,) int32 seconds between the two visits
//   view          (meetings,) int32 of the key that they met at, < views
struct Pairs {
    const std::int32_t* pair;
    const float* evidence;
    const std::int64_t* offset;
    const float* key_evidence;
    const std::int32_t* apart;
    const std::int32_t* view;
    std::size_t pairs;
};

// Where the columns of one user's row begin: the best pairs, the sum of all, pairs at each level, most keys of one pair, the best meeting of
// each view, hours apart weighted by evidence.
struct Columns {
    std::size_t top, levels, views;
    std::size_t summed() const { return top; }
    std::size_t counted() const { return top + 1; }
    std::size_t together() const { return top + 1 + levels; }
    std::size_t met() const { return together() + 1; }
    std::size_t hours() const { return met() + views; }
    std::size_t width() const { return hours() + 1; }
};

void add_pair(const Pairs& pairs, std::size_t row, double hours, const double* level, const Columns& columns, double* own) {
    double value = pairs.evidence[row];
    own[columns.summed()] += value;
    own[columns.together()] = std::max(own[columns.together()], double(pairs.offset[row + 1] - pairs.offset[row]));
    for (std::size_t place = 0; place < columns.levels; ++place)
        if (value >= level[place]) own[columns.counted() + place] += 1;
    double left = value;
    for (std::size_t place = 0; place < columns.top; ++place)
        if (left > own[place]) std::swap(left, own[place]);
    own[columns.hours()] += hours;
    for (std::int64_t meeting = pairs.offset[row]; meeting < pairs.offset[row + 1]; ++meeting) {
        double& best = own[columns.met() + std::size_t(pairs.view[meeting])];
        best = std::max(best, double(pairs.key_evidence[meeting]));
    }
}

// One row a user, since memory is read by the row; log10 hours apart are a mean by evidence. O(meetings).
//
//   level  (levels,) float64 of evidence at which pairs are counted
//   → (users · width,) float64
Vector<double> sum_up(const Pairs& pairs, std::size_t users, const double* level, const Columns& columns) {
    Vector<double> found(users * columns.width(), 0.0), weight(users, 0.0);
    for (std::size_t row = 0; row < pairs.pairs; ++row) {
        double says = 0, hours = 0;
        for (std::int64_t meeting = pairs.offset[row]; meeting < pairs.offset[row + 1]; ++meeting) {
            says += pairs.key_evidence[meeting];
            hours += pairs.key_evidence[meeting] * std::log10(1.0 + pairs.apart[meeting] / 3600.0);
        }
        for (std::size_t side = 0; side < 2; ++side) {
            std::size_t who = std::size_t(pairs.pair[2 * row + side]);
            add_pair(pairs, row, hours, level, columns, &found[who * columns.width()]);
            weight[who] += says;
        }
    }
    for (std::size_t who = 0; who < users; ++who)
        if (weight[who] > 0) found[who * columns.width() + columns.hours()] /= weight[who];
    return found;
}

// At how many keys each user met somebody.
//
//   begin, rows  a user's pairs are rows[begin[u]] / 2 … (`group_rows` of `pair`)
//   key          (meetings,) int32, < keys
//   → (users,) int64
//
// One memory a key, of the user it was last met by: O(meetings + keys).
Vector<std::int64_t> count_met(const std::int64_t* begin, std::size_t users, const std::int64_t* rows, const std::int64_t* offset,
                                    const std::int32_t* key, std::size_t keys) {
    Vector<std::int64_t> found(users, 0), last(keys, -1);
    for (std::size_t who = 0; who < users; ++who)
        for (std::int64_t place = begin[who]; place < begin[who + 1]; ++place) {
            std::int64_t row = rows[place] / 2;
            for (std::int64_t meeting = offset[row]; meeting < offset[row + 1]; ++meeting)
                if (last[std::size_t(key[meeting])] != std::int64_t(who)) {
                    last[std::size_t(key[meeting])] = std::int64_t(who);
                    ++found[who];
                }
        }
    return found;
}

}  // namespace

void add_company(nb::module_& module) {
    module.def("company", [](In<std::int32_t> pair, In<float> evidence, In<std::int64_t> offset, In<float> key_evidence,
                             In<std::int32_t> apart, In<std::int32_t> view, std::int64_t users, std::int64_t views, In<double> level,
                             std::int64_t top) {
        require(pair.size() == 2 * evidence.size() && offset.size() == evidence.size() + 1, "each pair has two users and its meetings");
        require(apart.size() == key_evidence.size() && view.size() == key_evidence.size(), "each meeting has a view and a time");
        require_codes(pair, users, "users of pairs");
        require_codes(view, views, "views");
        require_offsets(offset, key_evidence.size(), "offset");
        require(top >= 0 && users >= 0 && views >= 0, "counts must not be negative");
        Vector<double> found;
        {
            nb::gil_scoped_release release;
            Pairs pairs{pair.data(), evidence.data(), offset.data(), key_evidence.data(), apart.data(), view.data(), evidence.size()};
            found = sum_up(pairs, std::size_t(users), level.data(), Columns{std::size_t(top), level.size(), std::size_t(views)});
        }
        return hand_over(std::move(found));
    }, nb::arg("pair").noconvert(), nb::arg("evidence").noconvert(), nb::arg("offset").noconvert(), nb::arg("key_evidence").noconvert(),
       nb::arg("apart").noconvert(), nb::arg("view").noconvert(), nb::arg("users"), nb::arg("views"), nb::arg("level").noconvert(),
       nb::arg("top"));
    module.def("met_keys", [](In<std::int64_t> begin, In<std::int64_t> rows, In<std::int64_t> offset, In<std::int32_t> key, std::int64_t keys) {
        require_offsets(begin, rows.size(), "begin");
        require_codes(rows, 2 * (std::int64_t(offset.size()) - 1), "rows");
        require_offsets(offset, key.size(), "offset");
        require_codes(key, keys, "keys");
        Vector<std::int64_t> found;
        {
            nb::gil_scoped_release release;
            found = count_met(begin.data(), begin.size() - 1, rows.data(), offset.data(), key.data(), std::size_t(keys));
        }
        return hand_over(std::move(found));
    }, nb::arg("begin").noconvert(), nb::arg("rows").noconvert(), nb::arg("offset").noconvert(), nb::arg("key").noconvert(), nb::arg("keys"));
}

}  // namespace graphdet
