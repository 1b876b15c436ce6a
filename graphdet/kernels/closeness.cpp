// How unlikely it is that so many users of some keys keep to so little time.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "arrays.hpp"

namespace graphdet {
namespace {

constexpr double day = 86400; // seconds

// What is known of groups of users: one row for each user that may count, the rows of group g at offset[g] … offset[g + 1] − 1.
struct Stays {
    std::span<const std::int64_t> offset;  // (groups + 1,)
    std::span<const std::int64_t> users;   // (groups,) users of the group's keys in all
    std::span<const std::int32_t> first;   // (rows,) seconds, the user's first visit to these keys
    std::span<const std::int32_t> last;    // (rows,) and their last
    std::span<const std::int32_t> visits;  // (rows,) how many
    std::span<const std::int64_t> low;     // (rows,) visits of the log before `first`
    std::span<const std::int64_t> high;    // (rows,) and up to `last`
    std::span<const std::int64_t> total;   // (groups,) visits that `low` and `high` count in all
};

// What a window is measured by.
struct Bounds {
    std::int64_t grain;   // seconds that the log's clock cannot tell apart
    std::int64_t least;   // users that a window must have
    std::int64_t starts;  // windows begin at one of so many users' first visits, spread evenly
    double most_share;    // a window with more of the log in it does not count
    double together;      // of people of one home the next comes when the first did so often, at most
};

// Of each group the least likely window: (groups,) log10 of its chance, from when to when, users in it, and its share as counted.
struct Closest {
    Vector<double> chance, share;
    Vector<std::int64_t> start, end, inside;
};

// Rows first … end − 1 by a column, equal ones in their order.
Vector<std::int64_t> order_by(const std::int32_t* column, std::int64_t first, std::int64_t end) {
    Vector<std::int64_t> order(std::size_t(end - first));
    std::iota(order.begin(), order.end(), first);
    std::stable_sort(order.begin(), order.end(), [column](std::int64_t one, std::int64_t other) { return column[one] < column[other]; });
    return order;
}

// Windows that begin with one row of a group and end with each later one, those who left sooner taken first: the users inside, how many
// visits of others the window has, and thereby its chance; the least likely one goes to `found`.
void try_windows(const Stays& stays, const Bounds& bounds, std::size_t group, std::int64_t begin, std::int64_t others,
                 const Vector<std::int64_t>& by_last, Closest& found) {
    const double users = double(stays.users[group]), all_users = 2 * std::log10(users);
    std::int64_t count = 0, own = 0;
    double choices = 0;
    for (std::int64_t row : by_last) {
        if (stays.first[row] < stays.first[begin]) continue;
        ++count;
        own += stays.visits[row];
        if (count > 1) choices += std::log10((users - double(count) + 1) / double(count - 1));
        const double part = double(std::max(stays.high[row] - stays.low[begin] - own + 1, std::int64_t{1})) / double(others);
        if (part > bounds.most_share || count < bounds.least) continue;
        const double seconds = double(std::max(std::int64_t{stays.last[row]} - stays.first[begin], bounds.grain));
        const double honest = std::max(part, std::min(seconds / day, bounds.together));
        const double chance = all_users + choices + double(count - 1) * std::log10(honest);
        if (chance < found.chance[group]) {
            found.chance[group] = chance;
            found.share[group] = honest;
            found.start[group] = stays.first[begin];
            found.end[group] = stays.last[row];
            found.inside[group] = count;
        }
    }
}

Closest find_closest(const Stays& stays, const Bounds& bounds) {
    const std::size_t groups = stays.users.size();
    Closest found{Vector<double>(groups, 0), Vector<double>(groups, 1), Vector<std::int64_t>(groups),
                  Vector<std::int64_t>(groups), Vector<std::int64_t>(groups)};
    for (std::size_t group = 0; group < groups; ++group) {
        const std::int64_t first = stays.offset[group], end = stays.offset[group + 1];
        const Vector<std::int64_t> by_last = order_by(stays.last.data(), first, end);
        const Vector<std::int64_t> starts = order_by(stays.first.data(), first, end);
        std::int64_t others = stays.total[group] + 1;
        for (std::int64_t row = first; row < end; ++row) others -= stays.visits[row];
        const std::int64_t step = std::max((end - first) / bounds.starts, std::int64_t{1});
        for (std::int64_t place = 0; place < end - first; place += step) {
            try_windows(stays, bounds, group, starts[std::size_t(place)], others, by_last, found);
        }
    }
    return found;
}

// log10 of the chance that so many of the users keep to one window that has this share of everything: n · n · C(n − 1, m − 1) · s^(m − 1).
double log_chance(std::int64_t users, std::int64_t inside, double share) {
    double choices = 0;
    for (std::int64_t place = 1; place < inside; ++place) choices += std::log10(double(users - place) / double(place));
    return std::min(2 * std::log10(double(users)) + choices + double(inside - 1) * std::log10(share), 0.0);
}

void check(const Stays& stays, const Bounds& bounds) {
    const std::size_t groups = stays.users.size(), rows = stays.first.size();
    require(stays.offset.size() == groups + 1 && stays.total.size() == groups, "offset, users and total must be those of the same groups");
    require(stays.last.size() == rows && stays.visits.size() == rows && stays.low.size() == rows && stays.high.size() == rows,
            "first, last, visits, low and high must have one row each for the same users");
    require_offsets(stays.offset, rows, "offset");
    require_codes(stays.low, INT64_MAX / 4, "low");
    require_codes(stays.high, INT64_MAX / 4, "high");
    require_codes(stays.total, INT64_MAX / 4, "total");
    require(bounds.starts > 0, "starts must be at least 1");
}

}  // namespace

void add_closeness(nb::module_& module) {
    module.def("find_closest", [](In<std::int64_t> offset, In<std::int64_t> users, In<std::int32_t> first, In<std::int32_t> last,
                                  In<std::int32_t> visits, In<std::int64_t> low, In<std::int64_t> high, In<std::int64_t> total,
                                  std::int64_t grain, std::int64_t least, std::int64_t starts, double most_share, double together) {
        const Stays stays{view(offset), view(users), view(first), view(last), view(visits), view(low), view(high), view(total)};
        const Bounds bounds{grain, least, starts, most_share, together};
        check(stays, bounds);
        Closest found;
        {
            nb::gil_scoped_release release;
            found = find_closest(stays, bounds);
        }
        return nb::make_tuple(hand_over(std::move(found.chance)), hand_over(std::move(found.start)), hand_over(std::move(found.end)),
                              hand_over(std::move(found.inside)), hand_over(std::move(found.share)));
    }, nb::arg("offset").noconvert(), nb::arg("users").noconvert(), nb::arg("first").noconvert(), nb::arg("last").noconvert(),
       nb::arg("visits").noconvert(), nb::arg("low").noconvert(), nb::arg("high").noconvert(), nb::arg("total").noconvert(),
       nb::arg("grain"), nb::arg("least"), nb::arg("starts"), nb::arg("most_share"), nb::arg("together"));
    module.def("log_chance", &log_chance, nb::arg("users"), nb::arg("inside"), nb::arg("share"));
}

}  // namespace graphdet
