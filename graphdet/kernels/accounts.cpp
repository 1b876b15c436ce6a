// Visits → the users of each key, once each.
#include "arrays.hpp"

namespace graphdet {
namespace {

struct KeyUsers {
    Vector<std::int64_t> offset;
    Vector<std::int32_t> user, visits, first, last;
};

// Users of each key in order of their first visit: how often they came, and from when to when.
//
//   offset      (keys + 1,) int64: visits of key k are offset[k] … offset[k + 1] − 1
//   user, time  (visits,) int32; user < users; time in seconds, rising within each key
//   → offset (keys + 1,) int64 into the columns user, visits, first and last, int32
//
// A user's latest row is theirs at this key if it stands behind where the key's rows begin: O(visits + users).
KeyUsers list_accounts(const std::int64_t* offset, std::size_t keys, const std::int32_t* user, const std::int32_t* time, std::size_t users) {
    KeyUsers found{Vector<std::int64_t>(keys + 1, 0), {}, {}, {}, {}};
    Vector<std::int64_t> latest(users, -1);
    for (std::size_t key = 0; key < keys; ++key) {
        for (std::int64_t visit = offset[key]; visit < offset[key + 1]; ++visit) {
            std::int64_t& row = latest[std::size_t(user[visit])];
            if (row < found.offset[key]) {
                row = std::int64_t(found.user.size());
                found.user.push_back(user[visit]);
                found.visits.push_back(0);
                found.first.push_back(time[visit]);
                found.last.push_back(time[visit]);
            }
            ++found.visits[std::size_t(row)];
            found.last[std::size_t(row)] = time[visit];
        }
        found.offset[key + 1] = std::int64_t(found.user.size());
    }
    return found;
}

}  // namespace

void add_accounts(nb::module_& module) {
    module.def("list_accounts", [](In<std::int64_t> offset, In<std::int32_t> user, In<std::int32_t> time, std::int64_t users) {
        require(time.size() == user.size(), "user and time must be as long as each other");
        require_offsets(offset, user.size(), "offset");
        require_codes(user, users, "user");
        KeyUsers found;
        {
            nb::gil_scoped_release release;
            found = list_accounts(offset.data(), offset.size() - 1, user.data(), time.data(), std::size_t(users));
        }
        return nb::make_tuple(hand_over(std::move(found.offset)), hand_over(std::move(found.user)), hand_over(std::move(found.visits)),
                              hand_over(std::move(found.first)), hand_over(std::move(found.last)));
    }, nb::arg("offset").noconvert(), nb::arg("user").noconvert(), nb::arg("time").noconvert(), nb::arg("users"));
}

}  // namespace graphdet
