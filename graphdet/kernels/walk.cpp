// Walks over stretches of keys: how many meetings there are, whose they are, and those of users who meet again.
#include "walk.hpp"

#include <array>

#include "repeats.hpp"

namespace graphdet {
namespace {

// Of each bar (rising, at most a few) how many meetings at keys first … end − 1 have at least so much evidence.
Vector<std::int64_t> count(const Places& places, std::int64_t first, std::int64_t end, std::span<const double> bars) {
    Vector<std::int64_t> passed(bars.size() + 1);  // meetings that pass so many bars
    walk(places, first, end, [&](std::int64_t, std::int64_t, std::int64_t, float evidence) {
        std::size_t bar = 0;
        while (bar < bars.size() && evidence >= bars[bar]) ++bar;
        ++passed[bar];
    });
    for (std::size_t bar = bars.size(); bar > 0; --bar) passed[bar - 1] += passed[bar];
    passed.erase(passed.begin());
    return passed;
}

// Users of a few meetings, to be looked up in the filter together: while the later ones are found, memory brings the words of the first.
template <typename Look>
class Ahead {
public:
    Ahead(const RepeatFilter& repeats, Look look) : repeats_(repeats), look_(look) {}

    void add(const Meeting& meeting) {
        waiting_[count_] = meeting;
        hashes_[count_] = hash_pair(meeting.low, meeting.high);
        repeats_.prefetch(hashes_[count_]);
        if (++count_ == waiting_.size()) flush();
    }

    void flush() {
        for (std::size_t place = 0; place < count_; ++place) look_(waiting_[place], hashes_[place]);
        count_ = 0;
    }

private:
    const RepeatFilter& repeats_;
    Look look_;
    std::array<Meeting, 64> waiting_;
    std::array<std::uint64_t, 64> hashes_;
    std::size_t count_ = 0;
};

// Calls look(meeting, hash of its two users) for all meetings at keys first … end − 1.
template <typename Look>
void look_up(const Places& places, std::int64_t first, std::int64_t end, const RepeatFilter& repeats, Look look) {
    Ahead<Look> ahead(repeats, look);
    walk(places, first, end, [&](std::int64_t key, std::int64_t one, std::int64_t other, float evidence) {
        const auto [low, high] = std::minmax(places.user[one], places.user[other]);
        ahead.add({low, high, places.rank[key], std::int32_t(one), std::int32_t(other), evidence});
    });
    ahead.flush();
}

// The meetings at keys first … end − 1 of users whom the filter has seen again, by bucket.
Meetings meetings_of_repeated(const Places& places, std::int64_t first, std::int64_t end, const RepeatFilter& repeats) {
    Vector<Meeting> as_found;
    Vector<std::size_t> start(buckets + 1);
    look_up(places, first, end, repeats, [&](const Meeting& meeting, std::uint64_t hash) {
        if (!repeats.repeated(hash)) return;
        as_found.push_back(meeting);
        ++start[bucket_of(meeting.low, places.users) + 1];
    });
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) start[bucket + 1] += start[bucket];
    Meetings meetings{Vector<Meeting>(as_found.size()), start, places.keys(), places.user.size()};
    for (const Meeting& meeting : as_found) meetings.found[start[bucket_of(meeting.low, places.users)]++] = meeting;
    return meetings;
}

void check(const Places& places, std::size_t rows, std::size_t columns) {
    const std::size_t visits = places.user.size(), keys = places.keys(), views = places.cap.size();
    require_offsets(places.offset, visits, "offset");
    require(places.offset.size() == keys + 1 && places.group.size() == keys && places.key_at.size() == keys &&
            places.rank.size() == keys && rows == keys, "offset, view_of, group, key_at, rank and constant must be those of the same keys");
    require(places.time.size() == visits && places.draw.size() == visits && places.log_base_rate.size() == visits &&
            places.log_intent.size() == visits, "user, time, draw, log_base_rate and log_intent must be those of the same visits");
    require(visits < std::size_t(std::numeric_limits<std::int32_t>::max()), "there must be fewer than 2^31 visits");
    require(places.windows.size() == views * columns, "windows must have a row for each view, and as many columns as constant");
    require_codes(places.view_of, std::int64_t(views), "view_of");
    require_codes(places.rank, std::int64_t(keys), "ranks");
    require_codes(places.key_at, std::int64_t(keys), "key_at");
    require_codes(places.user, places.users, "user codes");
    require(places.asked.size() == 0 || places.asked.size() == std::size_t(places.users), "users must be asked for one by one, or none");
}

void check_keys(const Places& places, std::int64_t first, std::int64_t end) {
    require(first >= 0 && first <= end && std::size_t(end) <= places.keys(), "first … end must lie within the keys");
}

}  // namespace

void add_walk(nb::module_& module) {
    nb::class_<RepeatFilter>(module, "RepeatFilter").def(nb::init<double>(), nb::arg("pairs"));
    nb::class_<Meetings>(module, "Meetings").def("__len__", [](const Meetings& meetings) { return meetings.found.size(); });
    nb::class_<Places>(module, "Walk")
        .def("__init__", [](Places* self, In<std::int64_t> offset, In<std::int32_t> user, In<std::int32_t> time, In<std::int32_t> draw,
                            In<float> log_base_rate, In<float> log_intent, In<std::int32_t> view_of, In<std::int32_t> group,
                            In<std::int32_t> key_at, In<std::int32_t> rank,
                            InTable<float> constant, InTable<std::int32_t> windows, In<std::int32_t> cap, In<bool> asked, double least,
                            double most, std::int32_t users) {
            Places places{Held<std::int64_t>(offset), Held<std::int32_t>(user), Held<std::int32_t>(time), Held<std::int32_t>(draw),
                          Held<float>(log_base_rate), Held<float>(log_intent), Held<std::int32_t>(view_of), Held<std::int32_t>(group),
                          Held<std::int32_t>(key_at), Held<std::int32_t>(rank),
                          Held<float>(constant), Held<std::int32_t>(windows), Held<std::int32_t>(cap), Held<bool>(asked), least, most,
                          users};
            check(places, constant.shape(0), constant.shape(1));
            new (self) Places(std::move(places));
        }, nb::arg("offset").noconvert(), nb::arg("user").noconvert(), nb::arg("time").noconvert(), nb::arg("draw").noconvert(),
           nb::arg("log_base_rate").noconvert(), nb::arg("log_intent").noconvert(), nb::arg("view_of").noconvert(),
           nb::arg("group").noconvert(), nb::arg("key_at").noconvert(), nb::arg("rank").noconvert(), nb::arg("constant").noconvert(), nb::arg("windows").noconvert(), nb::arg("cap").noconvert(),
           nb::arg("asked").noconvert(), nb::arg("least"), nb::arg("most"), nb::arg("users"))
        .def("count", [](const Places& places, std::int64_t first, std::int64_t end, In<double> bars) {
            check_keys(places, first, end);
            require(std::is_sorted(bars.data(), bars.data() + bars.size()), "bars must rise");
            Vector<std::int64_t> counts;
            {
                nb::gil_scoped_release release;
                counts = count(places, first, end, view(bars));
            }
            return hand_over(std::move(counts));
        }, nb::arg("first"), nb::arg("end"), nb::arg("bars").noconvert())
        .def("mark", [](const Places& places, std::int64_t first, std::int64_t end, RepeatFilter& repeats) {
            check_keys(places, first, end);
            nb::gil_scoped_release release;
            look_up(places, first, end, repeats, [&](const Meeting&, std::uint64_t hash) { repeats.add(hash); });
        }, nb::arg("first"), nb::arg("end"), nb::arg("repeats"))
        .def("meetings", [](const Places& places, std::int64_t first, std::int64_t end, const RepeatFilter& repeats) {
            check_keys(places, first, end);
            nb::gil_scoped_release release;
            return meetings_of_repeated(places, first, end, repeats);
        }, nb::arg("first"), nb::arg("end"), nb::arg("repeats"));
}

}  // namespace graphdet
