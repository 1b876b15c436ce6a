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
std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> find_fullest(
    const std::int64_t* offset, std::size_t keys, const std::int32_t* time, std::int64_t window) {
    std::vector<std::int64_t> begin(offset, offset + keys), end(offset, offset + keys);
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

}  // namespace

void add_crowding(nb::module_& module) {
    module.def("fullest", [](In<std::int64_t> offset, In<std::int32_t> time, std::int64_t window) {
        require_offsets(offset, time.size(), "offset");
        std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> found;
        {
            nb::gil_scoped_release release;
            found = find_fullest(offset.data(), offset.size() - 1, time.data(), window);
        }
        return std::make_pair(hand_over(std::move(found.first)), hand_over(std::move(found.second)));
    }, nb::arg("offset").noconvert(), nb::arg("time").noconvert(), nb::arg("window"));
}

}  // namespace graphdet
