// Rows by code, and which of them are a user's first of their group.
#include "arrays.hpp"

namespace graphdet {
namespace {

// A stable counting sort. Rows whose code is negative are left out.
//
//   code    (rows,) int32, < size
//   → offset (size + 1,) int64, order: rows of code c are order[offset[c]] … order[offset[c + 1] − 1], rising
//
// Two passes: O(rows + size). The cast is spelled out, since clang takes `order(std::size_t(…))` for the declaration of a function.
std::pair<Vector<std::int64_t>, Vector<std::int64_t>> group_rows(const std::int32_t* code, std::size_t rows, std::size_t size) {
    Vector<std::int64_t> offset(size + 1, 0);
    for (std::size_t row = 0; row < rows; ++row)
        if (code[row] >= 0) ++offset[std::size_t(code[row]) + 1];
    for (std::size_t place = 0; place < size; ++place) offset[place + 1] += offset[place];
    Vector<std::int64_t> next(offset.begin(), offset.end() - 1), order(static_cast<std::size_t>(offset[size]));
    for (std::size_t row = 0; row < rows; ++row)
        if (code[row] >= 0) order[std::size_t(next[std::size_t(code[row])]++)] = std::int64_t(row);
    return {std::move(offset), std::move(order)};
}

// Which rows are the first of their user within their group.
//
//   offset  (groups + 1,) int64: rows of group g are offset[g] … offset[g + 1] − 1
//   user    (rows,) int32, < users
//   → (offset[groups] − offset[0],) uint8, 1 for a first; a place for each row from offset[0] on
//
// One memory a user, of the group they were last seen in: O(rows + users).
Vector<std::uint8_t> mark_first(const std::int64_t* offset, std::size_t groups, const std::int32_t* user, std::size_t users) {
    Vector<std::uint8_t> first(std::size_t(offset[groups] - offset[0]), 0);
    Vector<std::int64_t> last(users, -1);
    for (std::size_t group = 0; group < groups; ++group)
        for (std::int64_t row = offset[group]; row < offset[group + 1]; ++row)
            if (last[std::size_t(user[row])] != std::int64_t(group)) {
                last[std::size_t(user[row])] = std::int64_t(group);
                first[std::size_t(row - offset[0])] = 1;
            }
    return first;
}

}  // namespace

void add_grouping(nb::module_& module) {
    module.def("group_rows", [](In<std::int32_t> code, std::int64_t size) {
        require(size >= 0, "size must not be negative");
        require_codes(code, size, "codes", INT32_MIN);
        std::pair<Vector<std::int64_t>, Vector<std::int64_t>> found;
        {
            nb::gil_scoped_release release;
            found = group_rows(code.data(), code.size(), std::size_t(size));
        }
        return std::make_pair(hand_over(std::move(found.first)), hand_over(std::move(found.second)));
    }, nb::arg("code").noconvert(), nb::arg("size"));
    module.def("first_of_user", [](In<std::int64_t> offset, In<std::int32_t> user, std::int64_t users) {
        require_offsets(offset, user.size(), "offset");
        require_codes(user, users, "users");
        Vector<std::uint8_t> first;
        {
            nb::gil_scoped_release release;
            first = mark_first(offset.data(), offset.size() - 1, user.data(), std::size_t(users));
        }
        return hand_over(std::move(first));
    }, nb::arg("offset").noconvert(), nb::arg("user").noconvert(), nb::arg("users"));
}

}  // namespace graphdet
