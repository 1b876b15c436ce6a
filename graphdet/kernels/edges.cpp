// Events → edges: all events of one user at one node are one edge.
#include <cmath>
#include <limits>

#include "arrays.hpp"

namespace graphdet {
namespace {

constexpr std::int64_t NO_TIME = std::numeric_limits<std::int64_t>::min();  // sorts before every time

// What graphdet/graph.py calls `Edges`; `first`, `last` and `amount` are empty where the log has no times or amounts.
struct Edges {
    Vector<std::int64_t> start, count, first, last;
    Vector<std::int32_t> to;
    Vector<double> amount;
};

// Where the rows of each code begin, once they are sorted by code.
Vector<std::int64_t> places_of(const std::int32_t* code, const std::int64_t* rows, std::size_t count, std::size_t size) {
    Vector<std::int64_t> place(size + 1, 0);
    for (std::size_t at = 0; at < count; ++at) ++place[std::size_t(code[rows[at]]) + 1];
    for (std::size_t at = 0; at < size; ++at) place[at + 1] += place[at];
    return place;
}

// Rows by user and in them by target, each in order of time, and where each user's end.
struct Sorted {
    Vector<std::int32_t> row, target;
    Vector<std::int64_t> end;
};

// Two counting sorts carry codes along, since looking them up again costs most.
Sorted sort_rows(const std::int32_t* user, const std::int32_t* target, const std::int64_t* rows, std::size_t count, std::size_t users,
                 std::size_t targets) {
    Vector<std::int64_t> place = places_of(target, rows, count, targets);
    Vector<std::int32_t> by_target(count);
    for (std::size_t at = 0; at < count; ++at) by_target[std::size_t(place[std::size_t(target[rows[at]])]++)] = std::int32_t(rows[at]);
    Sorted sorted{Vector<std::int32_t>(count), Vector<std::int32_t>(count), places_of(user, rows, count, users)};
    std::int64_t begin = 0;
    for (std::size_t code = 0; code < targets; ++code) {
        for (std::int64_t at = begin; at < place[code]; ++at) {
            std::size_t to_place = std::size_t(sorted.end[std::size_t(user[by_target[std::size_t(at)]])]++);
            sorted.row[to_place] = by_target[std::size_t(at)];
            sorted.target[to_place] = std::int32_t(code);
        }
        begin = place[code];
    }
    return sorted;
}

// The sum of what is known of the amounts; NaN where nothing is.
double sum_known(const double* amounts, const std::int32_t* row, const std::int32_t* stop) {
    double sum = std::numeric_limits<double>::quiet_NaN();
    for (; row < stop; ++row) {
        double one = amounts[*row];
        if (!std::isnan(one)) sum = std::isnan(sum) ? one : sum + one;
    }
    return sum;
}

// The given rows (rising, so in order of time) of a log, folded. O(rows + users + targets).
//
//   user, target  (events,) int32
//   times         (events,) int64 microseconds, or empty
//   amounts       (events,) float64, or empty
Edges fold(const Sorted& sorted, std::size_t users, const In<std::int64_t>& times, const In<double>& amounts) {
    Edges edges;
    edges.start.assign(users + 1, 0);
    std::size_t begin = 0;
    for (std::size_t code = 0; code < users; ++code) {
        std::size_t end = std::size_t(sorted.end[code]);
        while (begin < end) {
            std::size_t stop = begin + 1;
            while (stop < end && sorted.target[stop] == sorted.target[begin]) ++stop;
            edges.to.push_back(sorted.target[begin]);
            edges.count.push_back(std::int64_t(stop - begin));
            if (times.size()) {
                std::size_t known = begin;
                while (known < stop - 1 && times(std::size_t(sorted.row[known])) == NO_TIME) ++known;
                edges.first.push_back(times(std::size_t(sorted.row[known])));
                edges.last.push_back(times(std::size_t(sorted.row[stop - 1])));
            }
            if (amounts.size()) edges.amount.push_back(sum_known(amounts.data(), &sorted.row[begin], &sorted.row[begin] + (stop - begin)));
            begin = stop;
        }
        edges.start[code + 1] = std::int64_t(edges.to.size());
    }
    return edges;
}

}  // namespace

void add_edges(nb::module_& module) {
    module.def("fold_edges", [](In<std::int32_t> user, In<std::int32_t> target, In<std::int64_t> rows, std::int64_t users, std::int64_t targets,
                                In<std::int64_t> times, In<double> amounts) {
        require(users >= 0 && targets >= 0, "users and targets must not be negative");
        require(user.size() == target.size() && user.size() <= std::size_t(INT32_MAX), "each event has a user and a target");
        require(times.size() == 0 || times.size() == user.size(), "each event has a time, or none has");
        require(amounts.size() == 0 || amounts.size() == user.size(), "each event has an amount, or none has");
        require_codes(rows, std::int64_t(user.size()), "rows");
        for (std::size_t at = 0; at < rows.size(); ++at) {
            std::size_t row = std::size_t(rows(at));
            require(user(row) >= 0 && user(row) < users && target(row) >= 0 && target(row) < targets, "rows must have a user and a target");
        }
        Edges edges;
        {
            nb::gil_scoped_release release;
            edges = fold(sort_rows(user.data(), target.data(), rows.data(), rows.size(), std::size_t(users), std::size_t(targets)),
                         std::size_t(users), times, amounts);
        }
        return std::make_tuple(hand_over(std::move(edges.start)), hand_over(std::move(edges.to)), hand_over(std::move(edges.count)),
                               hand_over(std::move(edges.first)), hand_over(std::move(edges.last)), hand_over(std::move(edges.amount)));
    }, nb::arg("user").noconvert(), nb::arg("target").noconvert(), nb::arg("rows").noconvert(), nb::arg("users"), nb::arg("targets"),
       nb::arg("times").noconvert(), nb::arg("amounts").noconvert());
}

}  // namespace graphdet
