// Series of counts → how unlikely each stretch of one is against its own level and what everybody's exposure lets expect.
#include <array>
#include <cmath>

#include "arrays.hpp"

namespace graphdet {
namespace {

// log of the gamma function of what is positive; std::lgamma notes a sign where all threads do
double log_gamma(double value) {
    int sign = 0;
    return ::lgamma_r(value, &sign);
}


constexpr double NEIGHBOURS = 2.0;  // counts that the level of all of a series is worth beside that of a stretch's own neighbourhood
constexpr double NO_DISPERSION = 1e-7;

// −ln of the chance that a negative binomial of this mean and of variance mean + dispersion · mean² is `count` or more; count > mean.
//
// Terms fall from `count` on, each by less than the ratio of the two before, so the sum is as good as whole when they no longer add.
double surprise(double mean, double dispersion, std::int64_t count) {
    const double size = 1.0 / std::max(dispersion, NO_DISPERSION), k = double(count), odds = mean / (size + mean);
    const double first = log_gamma(k + size) - log_gamma(size) - log_gamma(k + 1) + size * std::log1p(-odds) + k * std::log(odds);
    double sum = 1.0, term = 1.0;
    for (double at = k; term > 1e-12 * sum && at < k + 1e6; ++at) {
        term *= (at + size) / (at + 1) * odds;
        sum += term;
    }
    return std::max(-(first + std::log(sum)), 0.0);
}

// What is expected of a stretch: shape / rate is its level for each unit of exposure, and shape tells how well that is known.
struct Level {
    double shape, rate;
    double height() const { return shape / rate; }
};

struct Series {
    std::span<const std::int64_t> offset;
    std::span<const std::int32_t> bucket, count, born, windows, reach;
    std::span<const double> weight, passed, dispersion;
};

struct Stretch {
    double surprise = 0, expected = 0, dispersion = 0;
    std::int32_t length = 0;
};

struct Found {
    Vector<std::int64_t> cell;
    Vector<double> surprise, expected, dispersion;
    Vector<std::int32_t> length;
};

// One series: for each of its cells the stretch from there on, of the windows', that is the most unlikely.
//
// A level is the highest of three, so that neither a step up nor a slow fall is a burst: that of the whole life without the stretch, and
// those of the buckets just before and just after it.
class Scan {
public:
    Scan(const Series& series, double prior_level, double prior_weight, std::int64_t least)
        : all_(series), buckets_(std::int64_t(series.passed.size()) - 1), prior_{prior_weight, prior_weight / prior_level}, least_(least) {}

    void of(std::size_t one, Found& found) {
        first_ = all_.offset[one];
        last_ = all_.offset[one + 1];
        born_ = all_.born[one];
        sum_.assign(1, 0);
        kept_.assign(1, 0.0);
        spared_.assign(1, 0.0);
        best_.assign(std::size_t(last_ - first_), Stretch{});
        for (std::int64_t cell = first_; cell < last_; ++cell) {
            const double own = all_.weight[std::size_t(cell)];
            sum_.push_back(sum_.back() + all_.count[std::size_t(cell)]);
            kept_.push_back(kept_.back() + own * all_.count[std::size_t(cell)]);
            spared_.push_back(spared_.back() + (1 - own) * exposure(bucket(cell), bucket(cell) + 1));
        }
        for (std::size_t window = 0; window < all_.windows.size(); ++window) {
            std::int64_t end = first_;
            for (std::int64_t cell = first_; cell < last_; ++cell) {
                const std::int64_t until = bucket(cell) + all_.windows[window];
                if (until > buckets_) break;
                while (end < last_ && bucket(end) < until) ++end;
                weigh(cell, end, until, window, all_.dispersion[window * all_.born.size() + one]);
            }
        }
        for (std::int64_t cell = first_; cell < last_; ++cell) {
            const Stretch& best = best_[std::size_t(cell - first_)];
            if (best.surprise <= 0) continue;
            found.cell.push_back(cell);
            found.surprise.push_back(best.surprise);
            found.expected.push_back(best.expected);
            found.dispersion.push_back(best.dispersion);
            found.length.push_back(best.length);
        }
    }

private:
    std::int64_t bucket(std::int64_t cell) const { return all_.bucket[std::size_t(cell)]; }
    double exposure(std::int64_t from, std::int64_t until) const { return all_.passed[std::size_t(until)] - all_.passed[std::size_t(from)]; }
    std::int64_t cell_at(std::int64_t wanted) const {
        const auto begin = all_.bucket.begin();
        return std::lower_bound(begin + first_, begin + last_, wanted) - begin;
    }

    Level beside(std::int64_t from, std::int64_t until, double height) const {
        if (from >= until) return {0, 1};
        const double seen = double(sum_[std::size_t(cell_at(until) - first_)] - sum_[std::size_t(cell_at(from) - first_)]);
        return {NEIGHBOURS + seen, NEIGHBOURS / height + exposure(from, until)};
    }

    void weigh(std::int64_t cell, std::int64_t end, std::int64_t until, std::size_t window, double dispersion) {
        const std::size_t from = std::size_t(cell - first_), to = std::size_t(end - first_);
        const std::int64_t count = sum_[to] - sum_[from];
        if (count < least_) return;
        const double here = exposure(bucket(cell), until), spared = spared_[to] - spared_[from];
        const double life = exposure(born_, buckets_) - spared_.back() - (here - spared);
        const double outside = kept_.back() - (kept_[to] - kept_[from]);
        Level level{prior_.shape + outside, prior_.rate + std::max(life, 0.0)};
        if (!stands_out(count, here, level, dispersion)) return;
        const std::int64_t reach = all_.reach[window], before = std::max<std::int64_t>(bucket(cell) - reach, born_);
        const double height = level.height();
        for (const Level& side : {beside(before, bucket(cell), height), beside(until, std::min(until + reach, buckets_), height)})
            if (side.height() > level.height()) level = side;
        if (!stands_out(count, here, level, dispersion)) return;
        const double mean = here * level.height(), wide = dispersion + (1 + dispersion) / level.shape;
        const double own = surprise(mean, wide, count);
        if (own > best_[from].surprise) best_[from] = {own, mean, wide, std::int32_t(until - bucket(cell))};
    }

    // Two deviations beyond what is expected: below, the chance need not be worked out.
    static bool stands_out(std::int64_t count, double here, const Level& level, double dispersion) {
        const double mean = here * level.height(), more = double(count) - mean;
        return mean > 0 && more > 0 && more * more > 4 * (mean + (dispersion + (1 + dispersion) / level.shape) * mean * mean);
    }

    const Series& all_;
    std::int64_t buckets_, first_ = 0, last_ = 0, born_ = 0;
    Level prior_;
    std::int64_t least_;
    Vector<std::int64_t> sum_;
    Vector<double> kept_, spared_;
    Vector<Stretch> best_; // of each cell
};

}  // namespace

void add_surges(nb::module_& module) {
    // For each cell (a bucket of a series in which something was counted) the stretch from it on that is the most unlikely,
    // if any is unlikely at all.
    //
    //   offset          (series + 1,) int64: cells of series s are offset[s] … offset[s + 1] − 1
    //   bucket, count   (cells,) int32, buckets rising within each series
    //   weight          (cells,) float64 in [0, 1], how much a cell tells of its series' level: less where it is an outbreak itself
    //   passed          (buckets + 1,) float64, exposure before each bucket, and all of it
    //   born            (series,) int32, the first bucket of each
    //   dispersion      (w · series,) float64 of the counts of each window in each series, window by window
    //   prior_level, prior_weight   of a series of which nothing is known, and how many counts that is worth
    //   windows, reach  (w,) int32: lengths of stretches, and how far beside each its neighbourhood goes
    //   → cell, rising, of those from which on something stands out; surprise (−ln chance), expected, dispersion of that, length of each
    module.def("surges", [](In<std::int64_t> offset, In<std::int32_t> bucket, In<std::int32_t> count, In<double> weight, In<double> passed,
                            In<std::int32_t> born, In<double> dispersion, double prior_level, double prior_weight,
                            In<std::int32_t> windows, In<std::int32_t> reach, std::int64_t least) {
        require_offsets(offset, bucket.size(), "offset");
        require(bucket.size() == count.size() && bucket.size() == weight.size(), "each cell has a bucket, a count and a weight");
        require(passed.size() > 0 && std::is_sorted(passed.data(), passed.data() + passed.size()), "exposure must rise");
        require_codes(bucket, std::int64_t(passed.size()) - 1, "buckets");
        require_codes(born, std::int64_t(passed.size()) - 1, "first buckets");
        require(born.size() + 1 == offset.size() && dispersion.size() == windows.size() * born.size(),
                "each series has a first bucket, and for each window a dispersion");
        require(windows.size() == reach.size(), "each window has a reach");
        require(prior_level > 0 && prior_weight > 0, "a prior must be positive");
        Found found;
        {
            nb::gil_scoped_release release;
            const Series series{view(offset), view(bucket), view(count), view(born), view(windows), view(reach), view(weight), view(passed), view(dispersion)};
            Scan scan(series, prior_level, prior_weight, least);
            for (std::size_t one = 0; one < born.size(); ++one) scan.of(one, found);
        }
        return std::make_tuple(hand_over(std::move(found.cell)), hand_over(std::move(found.surprise)), hand_over(std::move(found.expected)),
                               hand_over(std::move(found.dispersion)), hand_over(std::move(found.length)));
    }, nb::arg("offset").noconvert(), nb::arg("bucket").noconvert(), nb::arg("count").noconvert(), nb::arg("weight").noconvert(),
       nb::arg("passed").noconvert(), nb::arg("born").noconvert(), nb::arg("dispersion").noconvert(), nb::arg("prior_level"),
       nb::arg("prior_weight"), nb::arg("windows").noconvert(), nb::arg("reach").noconvert(), nb::arg("least"));
}

}  // namespace graphdet
