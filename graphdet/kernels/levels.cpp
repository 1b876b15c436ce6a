// Series of counts → sums that tell each one's level and dispersion, and cells that are far above it.
//
// All kernels here read cells (a bucket of a series in which something was counted):
//
//   offset         (series + 1,) int64: cells of series s are offset[s] … offset[s + 1] − 1
//   bucket, count  (cells,) int32, buckets rising within each series
//   weight         (cells,) float64, how much a cell tells of its series' level
#include "arrays.hpp"

namespace graphdet {
namespace {

struct Cells {
    std::span<const std::int64_t> offset;
    std::span<const std::int32_t> bucket, count;
    std::size_t series() const { return offset.size() - 1; }
    std::size_t begin(std::size_t one) const { return std::size_t(offset[one]); }
    std::size_t end(std::size_t one) const { return std::size_t(offset[one + 1]); }
};

Cells cells_of(const In<std::int64_t>& offset, const In<std::int32_t>& bucket, const In<std::int32_t>& count) {
    require_offsets(offset, bucket.size(), "offset");
    require(count.size() == bucket.size(), "each cell has a bucket and a count");
    return {view(offset), view(bucket), view(count)};
}

// Of each series what its cells do not tell, Σ (1 − weight) · exposure, and what they do, Σ weight · count. O(cells).
std::pair<Vector<double>, Vector<double>> sum_cells(const Cells& cells, std::span<const double> weight, std::span<const double> exposure) {
    Vector<double> spared(cells.series(), 0.0), kept(cells.series(), 0.0);
    for (std::size_t one = 0; one < cells.series(); ++one)
        for (std::size_t cell = cells.begin(one); cell < cells.end(one); ++cell) {
            spared[one] += (1 - weight[cell]) * exposure[std::size_t(cells.bucket[cell])];
            kept[one] += weight[cell] * cells.count[cell];
        }
    return {std::move(spared), std::move(kept)};
}

struct Moments {
    Vector<double> more, squares, exposure;
};

// Moments of each series' counts in blocks of `window` buckets about their means, exposure · level, over the blocks that it has cells in:
// Σ trust · ((count − mean)² − count), Σ trust · mean² and Σ exposure². A block is trusted as the least of its cells. O(cells).
Moments sum_blocks(const Cells& cells, std::span<const double> weight, std::span<const double> exposure, std::span<const double> level,
                   std::int32_t window) {
    Moments found{Vector<double>(cells.series(), 0.0), Vector<double>(cells.series(), 0.0), Vector<double>(cells.series(), 0.0)};
    for (std::size_t one = 0; one < cells.series(); ++one)
        for (std::size_t cell = cells.begin(one); cell < cells.end(one);) {
            const std::int32_t block = cells.bucket[cell] / window;
            std::int64_t whole = 0;
            double trust = weight[cell];
            for (; cell < cells.end(one) && cells.bucket[cell] / window == block; ++cell) {
                whole += cells.count[cell];
                trust = std::min(trust, weight[cell]);
            }
            const double count = double(whole), here = exposure[std::size_t(block)], mean = here * level[one], apart = count - mean;
            found.more[one] += trust * (apart * apart - count);
            found.squares[one] += trust * (mean * mean);
            found.exposure[one] += here * here;
        }
    return found;
}

struct Far {
    Vector<std::int64_t> cell, series;
    Vector<double> mean;
};

// Cells of `least` or more that lie more than two deviations above their mean, exposure · level. O(cells).
Far find_far(const Cells& cells, std::span<const double> exposure, std::span<const double> level, std::span<const double> dispersion,
             std::int64_t least) {
    Far found;
    for (std::size_t one = 0; one < cells.series(); ++one)
        for (std::size_t cell = cells.begin(one); cell < cells.end(one); ++cell) {
            if (cells.count[cell] < least) continue;
            const double count = cells.count[cell], mean = exposure[std::size_t(cells.bucket[cell])] * level[one], apart = count - mean;
            if (!(count > mean && apart * apart > 4 * (mean + dispersion[one] * (mean * mean)))) continue;
            found.cell.push_back(std::int64_t(cell));
            found.series.push_back(std::int64_t(one));
            found.mean.push_back(mean);
        }
    return found;
}

}  // namespace

void add_levels(nb::module_& module) {
    //   exposure  (buckets,) float64
    //   → spared, kept (series,) float64 each
    module.def("sum_cells", [](In<std::int64_t> offset, In<std::int32_t> bucket, In<std::int32_t> count, In<double> weight, In<double> exposure) {
        const Cells cells = cells_of(offset, bucket, count);
        require(weight.size() == bucket.size(), "each cell has a weight");
        require_codes(bucket, std::int64_t(exposure.size()), "buckets");
        std::pair<Vector<double>, Vector<double>> found;
        {
            nb::gil_scoped_release release;
            found = sum_cells(cells, view(weight), view(exposure));
        }
        return std::make_pair(hand_over(std::move(found.first)), hand_over(std::move(found.second)));
    }, nb::arg("offset").noconvert(), nb::arg("bucket").noconvert(), nb::arg("count").noconvert(), nb::arg("weight").noconvert(),
       nb::arg("exposure").noconvert());
    //   exposure  (blocks,) float64 of blocks of `window` buckets; level (series,) float64 for each unit of it
    //   → more, squares, exposure squared (series,) float64 each
    module.def("sum_blocks", [](In<std::int64_t> offset, In<std::int32_t> bucket, In<std::int32_t> count, In<double> weight, In<double> exposure,
                                In<double> level, std::int32_t window) {
        const Cells cells = cells_of(offset, bucket, count);
        require(weight.size() == bucket.size() && level.size() == cells.series(), "each cell has a weight, and each series a level");
        require(window > 0, "a window must be positive");
        require_codes(bucket, std::int64_t(exposure.size()) * window, "buckets");
        Moments found;
        {
            nb::gil_scoped_release release;
            found = sum_blocks(cells, view(weight), view(exposure), view(level), window);
        }
        return nb::make_tuple(hand_over(std::move(found.more)), hand_over(std::move(found.squares)), hand_over(std::move(found.exposure)));
    }, nb::arg("offset").noconvert(), nb::arg("bucket").noconvert(), nb::arg("count").noconvert(), nb::arg("weight").noconvert(),
       nb::arg("exposure").noconvert(), nb::arg("level").noconvert(), nb::arg("window"));
    //   exposure  (buckets,) float64; level, dispersion (series,) float64: variance = mean + dispersion · mean²
    //   → cell, series int64 and mean float64 of each cell that is far above its mean, in their order
    module.def("find_far", [](In<std::int64_t> offset, In<std::int32_t> bucket, In<std::int32_t> count, In<double> exposure, In<double> level,
                              In<double> dispersion, std::int64_t least) {
        const Cells cells = cells_of(offset, bucket, count);
        require(level.size() == cells.series() && dispersion.size() == cells.series(), "each series has a level and a dispersion");
        require_codes(bucket, std::int64_t(exposure.size()), "buckets");
        Far found;
        {
            nb::gil_scoped_release release;
            found = find_far(cells, view(exposure), view(level), view(dispersion), least);
        }
        return nb::make_tuple(hand_over(std::move(found.cell)), hand_over(std::move(found.series)), hand_over(std::move(found.mean)));
    }, nb::arg("offset").noconvert(), nb::arg("bucket").noconvert(), nb::arg("count").noconvert(), nb::arg("exposure").noconvert(),
       nb::arg("level").noconvert(), nb::arg("dispersion").noconvert(), nb::arg("least"));
}

}  // namespace graphdet
