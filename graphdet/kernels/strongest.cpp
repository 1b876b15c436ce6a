// Rows of a sparse table → the heaviest entries of each.
#include "arrays.hpp"

namespace graphdet {
namespace {

// The heaviest entries of each row, heaviest first, of equals the earlier first; an entry of a row in its own column is none.
//
//   begin           (rows + 1,) int64: entries of row r are begin[r] … begin[r + 1] − 1
//   column, weight  (entries,) int32 and float32, no weight NaN
//   first           the column that is the first row's own; each next row's is the next
//   → (chosen,) int64 entries, row by row, and (rows,) int64 how many of each
//
// Halves of a row are set apart before the rest is sorted: O(entries + rows · most log most).
std::pair<Vector<std::int64_t>, Vector<std::int64_t>> strongest(std::span<const std::int64_t> begin, const std::int32_t* column,
                                                                          const float* weight, std::int64_t first, std::size_t most) {
    Vector<std::int64_t> chosen, count(begin.size() - 1), row;
    const auto before = [&](std::int64_t one, std::int64_t other) {
        return weight[one] != weight[other] ? weight[one] > weight[other] : one < other;
    };
    for (std::size_t place = 0; place < count.size(); ++place) {
        row.clear();
        for (std::int64_t entry = begin[place]; entry < begin[place + 1]; ++entry)
            if (column[entry] != first + std::int64_t(place)) row.push_back(entry);
        const std::size_t kept = std::min(most, row.size());
        if (kept < row.size()) std::nth_element(row.begin(), row.begin() + std::ptrdiff_t(kept), row.end(), before);
        std::sort(row.begin(), row.begin() + std::ptrdiff_t(kept), before);
        chosen.insert(chosen.end(), row.begin(), row.begin() + std::ptrdiff_t(kept));
        count[place] = std::int64_t(kept);
    }
    return {std::move(chosen), std::move(count)};
}

}  // namespace

void add_strongest(nb::module_& module) {
    module.def("strongest", [](In<std::int64_t> begin, In<std::int32_t> column, In<float> weight, std::int64_t first, std::int64_t most) {
        require(column.size() == weight.size(), "each entry has a column and a weight");
        require(most >= 0, "most must not be negative");
        require_offsets(begin, column.size(), "begin");
        std::pair<Vector<std::int64_t>, Vector<std::int64_t>> found;
        {
            nb::gil_scoped_release release;
            found = strongest(view(begin), column.data(), weight.data(), first, std::size_t(most));
        }
        return std::make_pair(hand_over(std::move(found.first)), hand_over(std::move(found.second)));
    }, nb::arg("begin").noconvert(), nb::arg("column").noconvert(), nb::arg("weight").noconvert(), nb::arg("first"), nb::arg("most"));
}

}  // namespace graphdet
