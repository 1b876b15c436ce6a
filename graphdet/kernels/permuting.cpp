// Users of visits → the same users, exchanged at random.
#include <array>

#include "arrays.hpp"

namespace graphdet {
namespace {

// A stream of 64-bit words that look like chance (splitmix64, Steele et al. 2014).
class Chance {
public:
    explicit Chance(std::uint64_t seed) : state_(seed) {}

    // 0 … range − 1, range < 2^32. The high half of a word times the range: unbiased to within 2^-32 · range, and free of division.
    std::uint32_t below(std::uint64_t range) {
        state_ += 0x9E3779B97F4A7C15;
        std::uint64_t mixed = (state_ ^ (state_ >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        mixed ^= mixed >> 31;
        return std::uint32_t(((mixed >> 32) * range) >> 32);
    }

private:
    std::uint64_t state_;
};

// Fisher and Yates, from the last place down. The places to swap with are drawn some ahead of the swaps, and asked for, since each lies
// anywhere in memory.
void shuffle(std::int32_t* user, std::size_t count, Chance& chance) {
    constexpr std::size_t ahead = 32;
    std::array<std::uint32_t, ahead> others;
    for (std::size_t left = count; left > 1;) {
        const std::size_t size = std::min(ahead, left - 1);
        for (std::size_t draw = 0; draw < size; ++draw) {
            others[draw] = chance.below(left - draw);
            __builtin_prefetch(&user[others[draw]], 1);
        }
        for (std::size_t draw = 0; draw < size; ++draw) std::swap(user[left - draw - 1], user[others[draw]]);
        left -= size;
    }
}

// Exchanges users within each stratum, between draws: what is one draw goes over as a whole, and has the stratum of its first visit.
//
//   offset   (keys + 1,) int64: visits of key k are offset[k] … offset[k + 1] − 1; all of them have a key
//   user     (visits,) int32
//   draw     (visits,) int32, visits of one number are one draw; negative where a visit is one by itself
//   stratum  (keys,) int32, < strata
//   → (visits,) int32, the users of the visits
//
// Users are gathered stratum by stratum, one for each draw, shuffled there, and put back: O(visits + strata).
Vector<std::int32_t> exchange(const std::int64_t* offset, std::size_t keys, const std::int32_t* user, std::size_t visits,
                                   const std::int32_t* draw, const std::int32_t* stratum, std::size_t strata, std::uint64_t seed) {
    Vector<std::int64_t> first(visits ? std::size_t(std::max(*std::max_element(draw, draw + visits), -1) + 1) : 0, -1);
    for (std::size_t visit = 0; visit < visits; ++visit)
        if (draw[visit] >= 0 && first[std::size_t(draw[visit])] < 0) first[std::size_t(draw[visit])] = std::int64_t(visit);
    const auto each = [&](auto&& take) { // the first visits of all draws, and their strata
        for (std::size_t key = 0; key < keys; ++key)
            for (std::int64_t visit = offset[key]; visit < offset[key + 1]; ++visit)
                if (draw[visit] < 0 || first[std::size_t(draw[visit])] == visit) take(visit, std::size_t(stratum[key]));
    };
    Vector<std::size_t> start(strata + 1, 0);
    each([&](std::int64_t, std::size_t own) { ++start[own + 1]; });
    for (std::size_t own = 0; own < strata; ++own) start[own + 1] += start[own];

    Vector<std::int32_t> gathered(start[strata]);
    Vector<std::size_t> next(start.begin(), start.end() - 1);
    each([&](std::int64_t visit, std::size_t own) { gathered[next[own]++] = user[visit]; });
    Chance chance(seed);
    for (std::size_t own = 0; own < strata; ++own) shuffle(gathered.data() + start[own], start[own + 1] - start[own], chance);

    Vector<std::int32_t> exchanged(visits);
    next.assign(start.begin(), start.end() - 1);
    each([&](std::int64_t visit, std::size_t own) { exchanged[std::size_t(visit)] = gathered[next[own]++]; });
    for (std::size_t visit = 0; visit < visits; ++visit)
        if (draw[visit] >= 0) exchanged[visit] = exchanged[std::size_t(first[std::size_t(draw[visit])])];
    return exchanged;
}

}  // namespace

void add_permuting(nb::module_& module) {
    module.def("exchange", [](In<std::int64_t> offset, In<std::int32_t> user, In<std::int32_t> draw, In<std::int32_t> stratum, std::int64_t strata,
                              std::uint64_t seed) {
        require_offsets(offset, user.size(), "offset");
        require(offset(0) == 0 && offset(offset.size() - 1) == std::int64_t(user.size()), "each visit must have a key");
        require(draw.size() == user.size() && stratum.size() + 1 == offset.size(), "each visit must have a draw, and each key a stratum");
        require(user.size() < UINT32_MAX, "there must be fewer than 2^32 visits");
        require_codes(draw, INT32_MAX, "draw", INT32_MIN);
        require_codes(stratum, strata, "stratum");
        Vector<std::int32_t> exchanged;
        {
            nb::gil_scoped_release release;
            exchanged = exchange(offset.data(), stratum.size(), user.data(), user.size(), draw.data(), stratum.data(), std::size_t(strata), seed);
        }
        return hand_over(std::move(exchanged));
    }, nb::arg("offset").noconvert(), nb::arg("user").noconvert(), nb::arg("draw").noconvert(), nb::arg("stratum").noconvert(), nb::arg("strata"),
       nb::arg("seed"));
}

}  // namespace graphdet
