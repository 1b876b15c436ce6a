// What happened at a ring's targets while members came together.
#include "arrays.hpp"

namespace graphdet {
namespace {

// A log's events, and those at some keys by key and in it by time.
//
//   codes, rows  (places,) the key, rising, and the event of each place
//   user         (events,) int32
//   time         (events,) int64 microseconds
//   action       (events,) int16
struct Events {
    const std::int32_t* codes;
    const std::int64_t* rows;
    std::size_t places;
    const std::int32_t* user;
    const std::int64_t* time;
    const std::int16_t* action;
};

// The places of one key from `start` to `end`, or all of its places where the log has no times.
std::pair<std::size_t, std::size_t> places_within(const Events& events, std::int32_t code, std::int64_t start, std::int64_t end, bool timed) {
    auto [low, high] = std::equal_range(events.codes, events.codes + events.places, code);
    const std::int64_t* first = events.rows + (low - events.codes);
    const std::int64_t* last = events.rows + (high - events.codes);
    if (timed) {
        auto before = [&](std::int64_t row, std::int64_t moment) { return events.time[row] < moment; };
        auto after = [&](std::int64_t moment, std::int64_t row) { return moment < events.time[row]; };
        const std::int64_t* begin = std::lower_bound(first, last, start, before);
        last = std::upper_bound(begin, last, end, after);
        first = begin;
    }
    return {std::size_t(first - events.rows), std::size_t(last - events.rows)};
}

// Events, distinct users, orders and payments at each code between start and end.
//
//   code, start, end  (windows,) int32, int64, int64
//   → (windows · 4,) int64
//
// Two binary searches and one walk for each window.
Vector<std::int64_t> count_within(const In<std::int32_t>& code, const In<std::int64_t>& start, const In<std::int64_t>& end, bool timed,
                                       const Events& events, std::int64_t order, std::int64_t pay, std::size_t users) {
    Vector<std::int64_t> found(code.size() * 4, 0), last(users, -1);
    for (std::size_t window = 0; window < code.size(); ++window) {
        std::int64_t* own = &found[window * 4];
        auto [place, stop] = places_within(events, code(window), start(window), end(window), timed);
        for (; place < stop; ++place) {
            std::int64_t row = events.rows[place];
            std::size_t who = std::size_t(events.user[row]);
            ++own[0];
            if (last[who] != std::int64_t(window)) {
                last[who] = std::int64_t(window);
                ++own[1];
            }
            own[2] += events.action[row] == order;
            own[3] += events.action[row] == pay;
        }
    }
    return found;
}

}  // namespace

void add_windows(nb::module_& module) {
    module.def("count_within", [](In<std::int32_t> code, In<std::int64_t> start, In<std::int64_t> end, bool timed, In<std::int32_t> codes,
                                  In<std::int64_t> rows, In<std::int32_t> user, In<std::int64_t> time, In<std::int16_t> action,
                                  std::int64_t order, std::int64_t pay, std::int64_t users) {
        require(start.size() == code.size() && end.size() == code.size(), "each code has a start and an end");
        require(codes.size() == rows.size(), "each place has a code and a row");
        require(time.size() == user.size() && action.size() == user.size(), "each event has a user, a time and an action");
        require_codes(rows, std::int64_t(user.size()), "rows");
        require_codes(user, users, "users");
        Vector<std::int64_t> found;
        {
            nb::gil_scoped_release release;
            Events events{codes.data(), rows.data(), codes.size(), user.data(), time.data(), action.data()};
            found = count_within(code, start, end, timed, events, order, pay, std::size_t(users));
        }
        return hand_over(std::move(found));
    }, nb::arg("code").noconvert(), nb::arg("start").noconvert(), nb::arg("end").noconvert(), nb::arg("timed"), nb::arg("codes").noconvert(),
       nb::arg("rows").noconvert(), nb::arg("user").noconvert(), nb::arg("time").noconvert(), nb::arg("action").noconvert(), nb::arg("order"),
       nb::arg("pay"), nb::arg("users"));
}

}  // namespace graphdet
