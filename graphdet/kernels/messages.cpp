// What those are like whom a user meets: sums over partners of partners, and over who was at a key before and after.
#include <cmath>
#include <limits>

#include "arrays.hpp"
#include "blocks.hpp"

namespace graphdet {
namespace {

// A user's partners: those of user u are to[start[u]] … to[start[u + 1] − 1].
//
//   start  (users + 1,) int64
//   to     (edges,) int32
//   pair   (edges,) int32 of the pair that each edge stands for, < pairs
//   root   (edges,) float32 of the pair's evidence
struct Partners {
    const std::int64_t* start;
    std::size_t users;
    const std::int32_t* to;
    const std::int32_t* pair;
    const float* root;
};

// For the pairs that are seen from users first … last − 1. A pair is seen from its end with more partners (the first, of equals); the other
// end's partners are walked, so that threads that have users of their own write pairs of their own. `mark` (users,) is zero before and after.
void sum_block(const Partners& all, std::size_t first, std::size_t last, float* mark, float* common) {
    for (std::size_t one = first; one < last; ++one) {
        for (std::int64_t edge = all.start[one]; edge < all.start[one + 1]; ++edge) mark[all.to[edge]] = all.root[edge];
        for (std::int64_t edge = all.start[one]; edge < all.start[one + 1]; ++edge) {
            std::size_t other = std::size_t(all.to[edge]);
            std::int64_t more = (all.start[one + 1] - all.start[one]) - (all.start[other + 1] - all.start[other]);
            if (more < 0 || (more == 0 && one >= other)) continue;
            double total = 1.0;
            for (std::int64_t step = all.start[other]; step < all.start[other + 1]; ++step) total += mark[all.to[step]] * all.root[step];
            common[all.pair[edge]] = float(total);
        }
        for (std::int64_t edge = all.start[one]; edge < all.start[one + 1]; ++edge) mark[all.to[edge]] = 0.0F;
    }
}

// For each pair 1 + Σ over common partners of the root of the product of the evidence to both: (pairs,) float32.
Vector<float> sum_common(const Partners& all, std::size_t pairs, std::size_t threads) {
    constexpr std::int64_t BLOCKS = 16;
    Vector<float> common(pairs, 1.0F);
    Vector<std::size_t> first = even_blocks(all.start, all.users, std::max(all.start[all.users] / BLOCKS, std::int64_t{1}));
    Vector<Vector<float>> marks(threads, Vector<float>(all.users, 0.0F));
    share_out(first.size() - 1, threads, [&](std::size_t block, std::size_t thread) {
        sum_block(all, first[block], first[block + 1], marks[thread].data(), common.data());
    });
    return common;
}

// Of each user the sum and the highest, over own visits, of the weighted mean of the features of who was there.
struct Met {
    Vector<float> total, highest;  // (users · (width + 1),); the last column is log1p of how many others were there, by their weights
    Vector<std::int64_t> count;    // (users,) visits
};

// A key's visits, and the memory of its two walks; see graphdet/learning/messages.py.
class Walk {
public:
    Walk(std::size_t longest, std::size_t width)
        : width_(width), before_(longest * (width + 1)), running_(width + 1), fell_(longest), heard_(longest * width) {}

    // Reads the features of who was there once, and leaves what was before each visit.
    void up(const std::int32_t* user, const std::int32_t* time, std::size_t visits, double fade, const float* values) {
        std::fill(running_.begin(), running_.end(), 0.0);
        for (std::size_t place = 0; place < visits; ++place) {
            const float* own = values + std::size_t(user[place]) * width_;
            std::copy(own, own + width_, &heard_[place * width_]);
            if (place) {
                fell_[place] = std::exp(double(std::int64_t{time[place - 1]} - time[place]) / fade);
                pass(place - 1, fell_[place]);
            }
            std::copy(running_.begin(), running_.end(), &before_[place * (width_ + 1)]);
        }
    }

    // From the last visit to the first; adds what was before and what came after to the users of the visits.
    void down(const std::int32_t* user, std::size_t visits, double prior, Met& met) {
        std::fill(running_.begin(), running_.end(), 0.0);
        for (std::size_t place = visits; place-- > 0;) {
            if (place + 1 < visits) pass(place + 1, fell_[place + 1]);
            const double* before = &before_[place * (width_ + 1)];
            std::size_t who = std::size_t(user[place]);
            float* total = &met.total[who * (width_ + 1)];
            float* highest = &met.highest[who * (width_ + 1)];
            double others = running_[width_] + before[width_];
            double share = 1 / (others + prior);
            for (std::size_t column = 0; column < width_; ++column) {
                float message = float((running_[column] + before[column]) * share);
                total[column] += message;
                highest[column] = std::max(highest[column], message);
            }
            float much = float(std::log1p(others));
            total[width_] += much;
            highest[width_] = std::max(highest[width_], much);
            ++met.count[who];
        }
    }

private:
    // On to the next visit: the one at `place` joins, and all fade.
    void pass(std::size_t place, double fell) {
        const float* heard = &heard_[place * width_];
        for (std::size_t column = 0; column < width_; ++column) running_[column] = (running_[column] + heard[column]) * fell;
        running_[width_] = (running_[width_] + 1) * fell;
    }

    std::size_t width_;
    Vector<double> before_, running_, fell_;
    Vector<float> heard_;
};

Met meet(const std::int64_t* offset, std::size_t keys, const std::int32_t* user, const std::int32_t* time, double fade, double prior,
         const float* values, std::size_t users, std::size_t width) {
    Met met{Vector<float>(users * (width + 1), 0.0F),
            Vector<float>(users * (width + 1), -std::numeric_limits<float>::infinity()), Vector<std::int64_t>(users, 0)};
    std::int64_t longest = 0;
    for (std::size_t key = 0; key < keys; ++key) longest = std::max(longest, offset[key + 1] - offset[key]);
    Walk walk(std::size_t(longest), width);
    for (std::size_t key = 0; key < keys; ++key) {
        std::size_t visits = std::size_t(offset[key + 1] - offset[key]);
        walk.up(user + offset[key], time + offset[key], visits, fade, values);
        walk.down(user + offset[key], visits, prior, met);
    }
    return met;
}

}  // namespace

void add_messages(nb::module_& module) {
    module.def("sum_common", [](In<std::int64_t> start, In<std::int32_t> to, In<std::int32_t> pair, In<float> root, std::int64_t pairs,
                                std::int64_t threads) {
        std::int64_t users = std::int64_t(start.size()) - 1;
        require_offsets(start, to.size(), "start");
        require(pair.size() == to.size() && root.size() == to.size(), "each edge has a pair and its evidence");
        require(pairs >= 0 && threads >= 1, "pairs must not be negative, threads at least one");
        require_codes(to, users, "partners");
        require_codes(pair, pairs, "pairs");
        Vector<float> common;
        {
            nb::gil_scoped_release release;
            Partners all{start.data(), std::size_t(users), to.data(), pair.data(), root.data()};
            common = sum_common(all, std::size_t(pairs), std::size_t(threads));
        }
        return hand_over(std::move(common));
    }, nb::arg("start").noconvert(), nb::arg("to").noconvert(), nb::arg("pair").noconvert(), nb::arg("root").noconvert(), nb::arg("pairs"),
       nb::arg("threads"));
    module.def("meet", [](In<std::int64_t> offset, In<std::int32_t> user, In<std::int32_t> time, double fade, double prior, In<float> values,
                          std::int64_t users) {
        require(users > 0 && values.size() % std::size_t(users) == 0, "values must be one row a user");
        require(time.size() == user.size(), "each visit has a user and a time");
        require_offsets(offset, user.size(), "offset");
        require_codes(user, users, "users");
        Met met;
        {
            nb::gil_scoped_release release;
            met = meet(offset.data(), offset.size() - 1, user.data(), time.data(), fade, prior, values.data(), std::size_t(users),
                       values.size() / std::size_t(users));
        }
        return std::make_tuple(hand_over(std::move(met.total)), hand_over(std::move(met.highest)), hand_over(std::move(met.count)));
    }, nb::arg("offset").noconvert(), nb::arg("user").noconvert(), nb::arg("time").noconvert(), nb::arg("fade"), nb::arg("prior"),
       nb::arg("values").noconvert(), nb::arg("users"));
}

}  // namespace graphdet
