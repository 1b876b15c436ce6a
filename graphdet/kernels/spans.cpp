// How much a log has within spans of its rows, for all spans in one sweep.
#include <numeric>

#include "arrays.hpp"

namespace graphdet {
namespace {

// Things at places, counted up to a place: a binary indexed tree (Fenwick 1994), O(log places) a step.
class Tally {
public:
    explicit Tally(std::size_t places) : sums_(places + 1, 0) {}
    void add(std::size_t place, std::int64_t much) {
        for (++place; place < sums_.size(); place += place & (~place + 1)) sums_[place] += much;
    }
    // Of the places 0 … place.
    std::int64_t up_to(std::size_t place) const {
        std::int64_t sum = 0;
        for (++place; place > 0; place -= place & (~place + 1)) sum += sums_[place];
        return sum;
    }

private:
    Vector<std::int64_t> sums_;
};

// Spans from the last to begin to the first, and where they end, each end once.
struct Spans {
    const std::int64_t *low, *high;
    Vector<std::size_t> order;
    Vector<std::int64_t> ends;

    Spans(std::span<const std::int64_t> low_of, std::span<const std::int64_t> high_of, std::span<const std::int64_t> latest = {})
        : low(low_of.data()), high(high_of.data()), order(low_of.size()), ends(high_of.begin(), high_of.end()) {
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::sort(order.begin(), order.end(), [&](std::size_t one, std::size_t other) {
            return low[one] != low[other] || latest.empty() ? low[one] > low[other] : latest[one] > latest[other];
        });
        std::sort(ends.begin(), ends.end());
        ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    }
    // Place of the first end that lies beyond a row; ends.size() where none does.
    std::size_t beyond(std::int64_t row) const {
        return std::size_t(std::upper_bound(ends.begin(), ends.end(), row) - ends.begin());
    }
    std::size_t end_of(std::size_t span) const {
        return std::size_t(std::lower_bound(ends.begin(), ends.end(), high[span]) - ends.begin());
    }
};

// Different numbers among the rows of each span, of those that are old enough.
//
//   number     (rows,) int32, < numbers; a negative one is none
//   low, high  (spans,) int64: the rows low … high − 1
//   born       (numbers,) int64, and latest (spans,) int64, rising with low: numbers born later than that do not count; both empty: all do
//   → (spans,) int64
//
// From the last row to the first, each number stands at the earliest of its rows so far; those that stand before a span's end are in it.
// Ends alone are places, so a number moves only when it passes one: O(rows + moves · log spans).
Vector<std::int64_t> distinct_within(const std::int32_t* number, std::size_t numbers, const Spans& spans,
                                          std::span<const std::int64_t> born, const std::int64_t* latest) {
    constexpr std::int32_t nowhere = -1, left_out = -2;
    Vector<std::int64_t> found(spans.order.size(), 0);
    Vector<std::int32_t> place(numbers, nowhere);
    Vector<std::int32_t> youngest(born.size());
    std::iota(youngest.begin(), youngest.end(), 0);
    std::sort(youngest.begin(), youngest.end(), [&](std::int32_t one, std::int32_t other) { return born[one] > born[other]; });
    auto next = youngest.begin();
    Tally tally(spans.ends.size());
    std::int64_t row = spans.ends.empty() ? 0 : spans.ends.back();
    std::size_t end = spans.ends.size();
    for (std::size_t span : spans.order) {
        while (row > spans.low[span]) {
            --row;
            while (end > 0 && spans.ends[end - 1] > row) --end;
            if (number[row] < 0) continue;
            std::int32_t& own = place[std::size_t(number[row])];
            if (own == std::int32_t(end) || own == left_out) continue;
            if (own != nowhere) tally.add(std::size_t(own), -1);
            own = std::int32_t(end);
            tally.add(end, 1);
        }
        for (; next != youngest.end() && born[*next] > latest[span]; ++next) {
            if (place[*next] != nowhere) tally.add(std::size_t(place[*next]), -1);
            place[*next] = left_out;
        }
        found[span] = tally.up_to(spans.end_of(span));
    }
    return found;
}

// Those numbers of each span whose first and last row of all lie in it: they are nowhere else.
//
//   the same as for distinct_within, of (rows,) numbers; the sweep is by first rows
Vector<std::int64_t> only_within(const std::int32_t* number, std::size_t rows, std::size_t numbers, const Spans& spans) {
    Vector<std::int64_t> found(spans.order.size(), 0), last(numbers, -1), first(numbers, -1);
    for (std::size_t row = 0; row < rows; ++row)
        if (number[row] >= 0) {
            const std::size_t own = std::size_t(number[row]);
            if (first[own] < 0) first[own] = std::int64_t(row);
            last[own] = std::int64_t(row);
        }
    Tally tally(spans.ends.size() + 1);
    std::int64_t row = std::int64_t(rows);
    for (std::size_t span : spans.order) {
        while (row > spans.low[span]) {
            --row;
            if (number[row] >= 0 && first[std::size_t(number[row])] == row) tally.add(spans.beyond(last[std::size_t(number[row])]), 1);
        }
        found[span] = tally.up_to(spans.end_of(span));
    }
    return found;
}

// A number for each pair of things that a row names, the same for the same pair, from 0 on in the order of groups.
//
//   offset, order  rows by the one thing, from group_rows
//   code           (rows,) int32, the other thing, < codes; a negative one is none
//   → (rows,) int32, −1 where a row lacks one of them, and how many pairs there are
//
// One memory a code, of the group it was last met in: O(rows + codes).
std::pair<Vector<std::int32_t>, std::int64_t> number_pairs(const std::int64_t* offset, std::size_t groups, const std::int64_t* order,
                                                                const std::int32_t* code, std::size_t rows, std::size_t codes) {
    Vector<std::int32_t> found(rows, -1), last(codes, -1), own(codes, 0);
    std::int32_t pairs = 0;
    for (std::size_t group = 0; group < groups; ++group)
        for (std::int64_t place = offset[group]; place < offset[group + 1]; ++place) {
            const std::size_t row = std::size_t(order[place]);
            if (code[row] < 0) continue;
            const std::size_t thing = std::size_t(code[row]);
            if (last[thing] != std::int32_t(group)) {
                last[thing] = std::int32_t(group);
                own[thing] = pairs++;
            }
            found[row] = own[thing];
        }
    return {std::move(found), pairs};
}

void require_spans(const In<std::int32_t>& number, std::int64_t numbers, const In<std::int64_t>& low, const In<std::int64_t>& high) {
    require_codes(number, numbers, "numbers", INT32_MIN);
    require(low.size() == high.size(), "each span has a first row and an end");
    require_codes(low, std::int64_t(number.size()) + 1, "first rows");
    require_codes(high, std::int64_t(number.size()) + 1, "ends");
}

}  // namespace

void add_spans(nb::module_& module) {
    module.def("distinct_within", [](In<std::int32_t> number, std::int64_t numbers, In<std::int64_t> low, In<std::int64_t> high,
                                     In<std::int64_t> born, In<std::int64_t> latest) {
        require_spans(number, numbers, low, high);
        require(born.size() == 0 ? latest.size() == 0 : std::int64_t(born.size()) == numbers && latest.size() == low.size(),
                "each number is born and each span has its latest birth, or none");
        Vector<std::int64_t> found;
        {
            nb::gil_scoped_release release;
            const Spans spans(view(low), view(high), view(latest));
            for (std::size_t next = 1; born.size() > 0 && next < spans.order.size(); ++next)
                require(latest(spans.order[next]) <= latest(spans.order[next - 1]), "latest births must rise with first rows");
            found = distinct_within(number.data(), std::size_t(numbers), spans, view(born), latest.data());
        }
        return hand_over(std::move(found));
    }, nb::arg("number").noconvert(), nb::arg("numbers"), nb::arg("low").noconvert(), nb::arg("high").noconvert(),
       nb::arg("born").noconvert(), nb::arg("latest").noconvert());
    module.def("only_within", [](In<std::int32_t> number, std::int64_t numbers, In<std::int64_t> low, In<std::int64_t> high) {
        require_spans(number, numbers, low, high);
        Vector<std::int64_t> found;
        {
            nb::gil_scoped_release release;
            found = only_within(number.data(), number.size(), std::size_t(numbers), Spans(view(low), view(high)));
        }
        return hand_over(std::move(found));
    }, nb::arg("number").noconvert(), nb::arg("numbers"), nb::arg("low").noconvert(), nb::arg("high").noconvert());
    module.def("number_pairs", [](In<std::int64_t> offset, In<std::int64_t> order, In<std::int32_t> code, std::int64_t codes) {
        require_offsets(offset, order.size(), "offset");
        require_codes(order, std::int64_t(code.size()), "rows");
        require_codes(code, codes, "codes", INT32_MIN);
        std::pair<Vector<std::int32_t>, std::int64_t> found;
        {
            nb::gil_scoped_release release;
            found = number_pairs(offset.data(), offset.size() - 1, order.data(), code.data(), code.size(), std::size_t(codes));
        }
        return std::make_pair(hand_over(std::move(found.first)), found.second);
    }, nb::arg("offset").noconvert(), nb::arg("order").noconvert(), nb::arg("code").noconvert(), nb::arg("codes"));
}

}  // namespace graphdet
