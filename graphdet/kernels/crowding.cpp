// How many came to each key at once.
#include "arrays.hpp"

namespace graphdet {
namespace {

// For each key the stretch of its visits with most of them within `window` seconds, the first of equal ones.
//
//   offset  (keys + 1,) int64: visits of key k are offset[k] … offset[k + 1] − 1
//   time    (visits,) int32 seconds, rising within each key
//   → begin, end (keys,) int64
//
// Two fingers move along each key's visits, so that all is seen twice: O(visits).
std::pair<Vector<std::int64_t>, Vector<std::int64_t>> find_fullest(
    const std::int64_t* offset, std::size_t keys, const std::int32_t* time, std::int64_t window) {
    Vector<std::int64_t> begin(offset, offset + keys), end(offset, offset + keys);
    for (std::size_t key = 0; key < keys; ++key) {
        std::int64_t start = offset[key];
        for (std::int64_t visit = offset[key]; visit < offset[key + 1]; ++visit) {
            while (std::int64_t{time[visit]} - time[start] > window) ++start;
            if (visit - start + 1 > end[key] - begin[key]) {
                begin[key] = start;
                end[key] = visit + 1;
            }
        }
    }
    return {std::move(begin), std::move(end)};
}

// Of each visit the visits to its key that are no more than so many seconds from it, itself among them.
//
//   offset  (keys + 1,) int64: visits of key k are offset[k] … offset[k + 1] − 1
//   time    (visits,) int32 seconds, rising within each key
//   reach   (keys,) int64 seconds
//   → (offset[keys] − offset[0],) int32; a place for each visit from offset[0] on
//
// Two fingers, as above: O(visits).
Vector<std::int32_t> count_around(const std::int64_t* offset, std::size_t keys, const std::int32_t* time, const std::int64_t* reach) {
    Vector<std::int32_t> around(std::size_t(offset[keys] - offset[0]));
    for (std::size_t key = 0; key < keys; ++key) {
        std::int64_t low = offset[key], high = low;
        for (std::int64_t visit = offset[key]; visit < offset[key + 1]; ++visit) {
            while (std::int64_t{time[visit]} - time[low] > reach[key]) ++low;
            while (high < offset[key + 1] && std::int64_t{time[high]} - time[visit] <= reach[key]) ++high;
            around[std::size_t(visit - offset[0])] = std::int32_t(high - low);
        }
    }
    return around;
}

}  // namespace

void add_crowding(nb::module_& module) {
    module.def("fullest", [](In<std::int64_t> offset, In<std::int32_t> time, std::int64_t window) {
        require_offsets(offset, time.size(), "offset");
        require(window >= 0, "window must not be negative");
        std::pair<Vector<std::int64_t>, Vector<std::int64_t>> found;
        {
            nb::gil_scoped_release release;
            found = find_fullest(offset.data(), offset.size() - 1, time.data(), window);
        }
        return std::make_pair(hand_over(std::move(found.first)), hand_over(std::move(found.second)));
    }, nb::arg("offset").noconvert(), nb::arg("time").noconvert(), nb::arg("window"));
    module.def("count_around", [](In<std::int64_t> offset, In<std::int32_t> time, In<std::int64_t> reach) {
        require_offsets(offset, time.size(), "offset");
        require(reach.size() + 1 == offset.size(), "each key must have a reach");
        require(std::all_of(reach.data(), reach.data() + reach.size(), [](std::int64_t own) { return own >= 0; }), "reach must not be negative");
        Vector<std::int32_t> around;
        {
            nb::gil_scoped_release release;
            around = count_around(offset.data(), reach.size(), time.data(), reach.data());
        }
        return hand_over(std::move(around));
    }, nb::arg("offset").noconvert(), nb::arg("time").noconvert(), nb::arg("reach").noconvert());
}

}  // namespace graphdet
