// Events → how many people did something at each node in each stretch of time.
#include "arrays.hpp"

namespace graphdet {
namespace {

struct Deed {
    std::int32_t user, bucket;
    std::uint8_t kinds;
};

// Series of counts: those of series s lie from offset[s] to offset[s + 1] − 1.
struct People {
    Vector<std::int64_t> node, offset{0};
    Vector<std::int32_t> bucket, count;
    Vector<double> all; // of each bucket, of all nodes, those without a series among them
};

// Events of each node in their own order: a counting sort. What has no node or no time is left out.
Uncleared<Deed> sort_by_node(const std::int32_t* code, const std::int32_t* user, const std::int32_t* bucket, const std::uint8_t* kinds,
                                      std::size_t events, Vector<std::int64_t>& offset) {
    for (std::size_t event = 0; event < events; ++event)
        if (code[event] >= 0 && bucket[event] >= 0) ++offset[std::size_t(code[event]) + 1];
    for (std::size_t node = 1; node < offset.size(); ++node) offset[node] += offset[node - 1];
    Uncleared<Deed> sorted(std::size_t(offset.back()));
    Vector<std::int64_t> next(offset.begin(), offset.end() - 1);
    for (std::size_t event = 0; event < events; ++event)
        if (code[event] >= 0 && bucket[event] >= 0)
            sorted[std::size_t(next[std::size_t(code[event])]++)] = {user[event], bucket[event], kinds[event]};
    return sorted;
}

// Users of each node in each bucket, each once, by events of one kind; nodes with fewer than `least` in all have no series.
//
// Buckets come in order, so a user is new to one whose last was another: one memory a user, O(events + users).
People count_kind(const Vector<std::int64_t>& offset, const Deed* events, std::uint8_t kind, std::int32_t width, std::size_t buckets,
             std::size_t users, std::int64_t least) {
    constexpr std::int64_t ahead = 16; // users lie anywhere in memory: asked for some events ahead, they are there when they are wanted
    People found;
    found.all.assign(buckets, 0.0);
    Vector<std::int32_t> last(users, 0);
    std::int32_t turn = 0; // one for each bucket of each node
    const std::int64_t end = offset.back();
    for (std::size_t node = 0; node + 1 < offset.size(); ++node) {
        std::int64_t total = 0;
        std::int32_t latest = -1;
        for (std::int64_t at = offset[node]; at < offset[node + 1]; ++at) {
            if (at + ahead < end) __builtin_prefetch(&last[std::size_t(events[at + ahead].user)], 1);
            const Deed& event = events[at];
            if (!(event.kinds & kind)) continue;
            if (const std::int32_t bucket = event.bucket / width; bucket != latest) {
                latest = bucket;
                ++turn;
                found.bucket.push_back(bucket);
                found.count.push_back(0);
            }
            std::int32_t& before = last[std::size_t(event.user)];
            if (before == turn) continue;
            before = turn;
            ++found.count.back();
            ++total;
        }
        const std::size_t first = std::size_t(found.offset.back());
        for (std::size_t cell = first; cell < found.bucket.size(); ++cell) found.all[std::size_t(found.bucket[cell])] += found.count[cell];
        if (total < least || total == 0) {
            found.bucket.resize(first);
            found.count.resize(first);
            continue;
        }
        found.node.push_back(std::int64_t(node));
        found.offset.push_back(std::int64_t(found.bucket.size()));
    }
    found.bucket.shrink_to_fit();
    found.count.shrink_to_fit();
    return found;
}

}  // namespace

void add_people(nb::module_& module) {
    // How many people were at each node in each bucket.
    //
    //   code, user  (events,) int32; code < nodes, negative where the event has no such node; user < users
    //   bucket      (events,) int32 < buckets, not falling from event to event but for negative ones, which have no time
    //   kinds       (events,) uint8, a bit for each kind of event that it is of
    //   asked       (n,) uint8, bits of the kinds to count; width (n,) int32, how many buckets are one
    //   → n times: node (series,) int64, offset (series + 1,) int64, bucket and count (cells,) int32, all (buckets of that width,) float64
    module.def("count_people", [](In<std::int32_t> code, In<std::int32_t> user, In<std::int32_t> bucket, In<std::uint8_t> kinds, std::int64_t nodes,
                                  std::int64_t users, std::int64_t buckets, std::int64_t least, In<std::uint8_t> asked, In<std::int32_t> width) {
        require(user.size() == code.size() && bucket.size() == code.size() && kinds.size() == code.size(), "columns must be as long as each other");
        require(asked.size() == width.size(), "each kind that is asked for has a width");
        require(nodes >= 0 && users >= 0 && buckets >= 0, "there must be no fewer than no nodes, users and buckets");
        require(std::all_of(width.data(), width.data() + width.size(), [](std::int32_t one) { return one > 0; }), "widths must be positive");
        Vector<People> found;
        {
            nb::gil_scoped_release release;
            require_codes(code, nodes, "code", INT32_MIN);
            require_codes(user, users, "user");
            require_codes(bucket, buckets, "buckets", INT32_MIN);
            Vector<std::int64_t> offset(std::size_t(nodes) + 1, 0);
            const auto sorted = sort_by_node(code.data(), user.data(), bucket.data(), kinds.data(), code.size(), offset);
            for (std::size_t node = 0; node < std::size_t(nodes); ++node)
                for (std::int64_t at = offset[node] + 1; at < offset[node + 1]; ++at)
                    require(sorted[std::size_t(at)].bucket >= sorted[std::size_t(at - 1)].bucket, "buckets must not fall");
            for (std::size_t one = 0; one < asked.size(); ++one) {
                const std::size_t wide = (std::size_t(buckets) + std::size_t(width(one)) - 1) / std::size_t(width(one));
                found.push_back(count_kind(offset, sorted.get(), asked(one), width(one), wide, std::size_t(users), least));
            }
        }
        nb::list counts;
        for (People& one : found)
            counts.append(nb::make_tuple(hand_over(std::move(one.node)), hand_over(std::move(one.offset)), hand_over(std::move(one.bucket)),
                                         hand_over(std::move(one.count)), hand_over(std::move(one.all))));
        return counts;
    }, nb::arg("code").noconvert(), nb::arg("user").noconvert(), nb::arg("bucket").noconvert(), nb::arg("kinds").noconvert(), nb::arg("nodes"),
       nb::arg("users"), nb::arg("buckets"), nb::arg("least"), nb::arg("asked").noconvert(), nb::arg("width").noconvert());
}

}  // namespace graphdet
