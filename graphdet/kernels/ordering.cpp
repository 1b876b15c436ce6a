// Rows → their order by several keys: runs of tied rows sorted by the next key, and the keys that are made for it.
#include <bit>
#include <cstring>
#include <numeric>

#include "arrays.hpp"

namespace graphdet {
namespace {

constexpr std::size_t short_run = 32; // rows that are sorted by moving each down to its place

// Memory that runs sort in, one after the other.
struct Aside {
    Vector<std::uint64_t> values;
    Vector<std::int32_t> rows;
};

// Sorts values, and rows along with them, in place and stably: the least significant digit first, digits that all share left out.
template <unsigned bits>
void radix_sort(std::uint64_t* values, std::int32_t* rows, std::size_t count, Aside& aside) {
    constexpr std::size_t digits = (63 + bits) / bits, range = std::size_t{1} << bits;
    const auto digit = [](std::uint64_t value, std::size_t place) { return std::size_t(value >> (place * bits)) & (range - 1); };
    Vector<std::uint32_t> places(digits * range, 0);
    for (std::size_t row = 0; row < count; ++row)
        for (std::size_t place = 0; place < digits; ++place) ++places[place * range + digit(values[row], place)];
    aside.values.resize(std::max(aside.values.size(), count));
    aside.rows.resize(std::max(aside.rows.size(), count));
    std::uint64_t *from = values, *to = aside.values.data();
    std::int32_t *from_rows = rows, *to_rows = aside.rows.data();
    for (std::size_t place = 0; place < digits; ++place) {
        std::uint32_t* next = places.data() + place * range;
        if (next[digit(values[0], place)] == count) continue;
        std::exclusive_scan(next, next + range, next, std::uint32_t{0});
        for (std::size_t row = 0; row < count; ++row) {
            const std::size_t at = next[digit(from[row], place)]++;
            to[at] = from[row];
            to_rows[at] = from_rows[row];
        }
        std::swap(from, to);
        std::swap(from_rows, to_rows);
    }
    if (from != values) {
        std::copy(from, from + count, values);
        std::copy(from_rows, from_rows + count, rows);
    }
}

void sort_run(std::uint64_t* values, std::int32_t* rows, std::size_t count, Aside& aside) {
    if (std::is_sorted(values, values + count)) return; // logs come in order more often than not
    if (count > 1 << 14) return radix_sort<11>(values, rows, count, aside);
    if (count > short_run) return radix_sort<8>(values, rows, count, aside);
    for (std::size_t next = 1; next < count; ++next) {
        const std::uint64_t value = values[next];
        const std::int32_t row = rows[next];
        std::size_t place = next;
        for (; place > 0 && values[place - 1] > value; --place) {
            values[place] = values[place - 1];
            rows[place] = rows[place - 1];
        }
        values[place] = value;
        rows[place] = row;
    }
}

// Sorts each run of tied rows by their values, and marks the rows that still repeat the one before.
//
//   order      (rows,) int32, the rows as far as they are sorted; changed in place
//   repeats    (rows,) bool, whether all keys so far equal those of the row before; changed in place
//   positions  (tied,) int32 in order, rising, of the rows that are tied with the one before or after
//   values     (tied,) uint64, the next key of each; sorted along
//
// Runs of a few rows by insertion, longer ones by digits: O(tied).
void sort_runs(std::int32_t* order, bool* repeats, const std::int32_t* positions, std::uint64_t* values, std::size_t tied) {
    Aside aside;
    for (std::size_t start = 0, stop; start < tied; start = stop) {
        for (stop = start + 1; stop < tied && positions[stop] == positions[stop - 1] + 1 && repeats[positions[stop]];) ++stop;
        sort_run(values + start, order + positions[start], stop - start, aside);
        for (std::size_t at = start + 1; at < stop; ++at) repeats[positions[at]] = values[at] == values[at - 1];
    }
}

// The bytes at … at + 7 of some names as numbers that sort as they do; what is beyond a name's end counts as 0.
//
//   bounds   (names + 1,) int64: the bytes of name n are bounds[n] … bounds[n + 1] − 1 of content
//   rows     (chosen,) int32, < names
//   → (chosen,) uint64
Vector<std::uint64_t> eight_bytes(const std::int64_t* bounds, const std::uint8_t* content, std::int64_t at, const std::int32_t* rows,
                                       std::size_t chosen) {
    Vector<std::uint64_t> values(chosen, 0);
    for (std::size_t row = 0; row < chosen; ++row) {
        const std::int64_t begin = bounds[rows[row]] + at, end = std::min(bounds[rows[row] + 1], begin + 8);
        for (std::int64_t byte = begin; byte < end; ++byte) values[row] |= std::uint64_t{content[byte]} << (8 * (7 - (byte - begin)));
    }
    return values;
}

// Several codes side by side in one key: key · 2^bits + code + 1, of each chosen row; −1 becomes 0.
//
//   key    (chosen,) uint64, changed in place
//   codes  (rows,) int32, −1 … 2^bits − 2; rows (chosen,) int32 into it
void append_codes(std::uint64_t* key, const std::int32_t* codes, const std::int32_t* rows, std::size_t chosen, unsigned bits) {
    for (std::size_t row = 0; row < chosen; ++row) key[row] = key[row] << bits | std::uint64_t(codes[rows[row]] + 1);
}

// Times of chosen rows from 1 on, in whole seconds where all of the log's are; 0 where there is none.
//
//   time  (rows,) int64 microseconds, `none` where there is none; rows (chosen,) int32 into it
//   → (chosen,) uint64
Vector<std::uint64_t> since_first(const std::int64_t* time, std::size_t rows, std::int64_t none, const std::int32_t* chosen,
                                       std::size_t count) {
    std::int64_t first = INT64_MAX;
    for (std::size_t row = 0; row < rows; ++row)
        if (time[row] != none) first = std::min(first, time[row]);
    const auto since = [&](std::size_t row) { return std::uint64_t(time[row]) - std::uint64_t(first); };
    std::uint64_t unit = 1'000'000;
    for (std::size_t row = 0; row < rows && unit > 1; ++row)
        if (time[row] != none && since(row) % 1'000'000) unit = 1;
    Vector<std::uint64_t> values(count, 0);
    for (std::size_t row = 0; row < count; ++row)
        if (const auto own = std::size_t(chosen[row]); time[own] != none) values[row] = since(own) / unit + 1;
    return values;
}

// The first value of each key, and which keys have several; a negative key or value is none.
//
//   key, value  (rows,) int32; key < keys
//   → (keys,) int32, −1 where a key has no value; (keys,) uint8, 1 where there are several
std::pair<Vector<std::int32_t>, Vector<std::uint8_t>> first_values(const std::int32_t* key, const std::int32_t* value, std::size_t rows,
                                                                             std::size_t keys) {
    Vector<std::int32_t> found(keys, -1);
    Vector<std::uint8_t> several(keys, 0);
    for (std::size_t row = 0; row < rows; ++row) {
        if (key[row] < 0 || value[row] < 0) continue;
        std::int32_t& own = found[std::size_t(key[row])];
        if (own < 0) own = value[row];
        else if (own != value[row]) several[std::size_t(key[row])] = 1;
    }
    return {std::move(found), std::move(several)};
}

}  // namespace

void add_ordering(nb::module_& module) {
    module.def("sort_runs", [](Out<std::int32_t> order, Out<bool> repeats, In<std::int32_t> positions, Out<std::uint64_t> values) {
        require(order.size() == repeats.size() && positions.size() == values.size(), "each row must have its mark, and each position its value");
        require_codes(positions, std::int64_t(order.size()), "positions");
        nb::gil_scoped_release release;
        sort_runs(order.data(), repeats.data(), positions.data(), values.data(), values.size());
    }, nb::arg("order").noconvert(), nb::arg("repeats").noconvert(), nb::arg("positions").noconvert(), nb::arg("values").noconvert());
    module.def("eight_bytes", [](In<std::int64_t> bounds, In<std::uint8_t> content, std::int64_t at, In<std::int32_t> rows) {
        require_offsets(bounds, content.size(), "bounds");
        require_codes(rows, std::int64_t(bounds.size()) - 1, "rows");
        require(at >= 0, "at must not be negative");
        Vector<std::uint64_t> values;
        {
            nb::gil_scoped_release release;
            values = eight_bytes(bounds.data(), content.data(), at, rows.data(), rows.size());
        }
        return hand_over(std::move(values));
    }, nb::arg("bounds").noconvert(), nb::arg("content").noconvert(), nb::arg("at"), nb::arg("rows").noconvert());
    module.def("append_codes", [](Out<std::uint64_t> key, In<std::int32_t> codes, In<std::int32_t> rows, unsigned bits) {
        require(key.size() == rows.size() && bits < 64, "each row must have a key, and a code fewer bits than that");
        require_codes(rows, std::int64_t(codes.size()), "rows");
        nb::gil_scoped_release release;
        append_codes(key.data(), codes.data(), rows.data(), rows.size(), bits);
    }, nb::arg("key").noconvert(), nb::arg("codes").noconvert(), nb::arg("rows").noconvert(), nb::arg("bits"));
    module.def("since_first", [](In<std::int64_t> time, std::int64_t none, In<std::int32_t> rows) {
        require_codes(rows, std::int64_t(time.size()), "rows");
        Vector<std::uint64_t> values;
        {
            nb::gil_scoped_release release;
            values = since_first(time.data(), time.size(), none, rows.data(), rows.size());
        }
        return hand_over(std::move(values));
    }, nb::arg("time").noconvert(), nb::arg("none"), nb::arg("rows").noconvert());
    module.def("first_values", [](In<std::int32_t> key, In<std::int32_t> value, std::int64_t keys) {
        require(key.size() == value.size() && keys >= 0, "key and value must be as long as each other");
        require_codes(key, keys, "key", INT32_MIN);
        auto [found, several] = first_values(key.data(), value.data(), key.size(), std::size_t(keys));
        return nb::make_tuple(hand_over(std::move(found)), hand_over(std::move(several)));
    }, nb::arg("key").noconvert(), nb::arg("value").noconvert(), nb::arg("keys"));
}

}  // namespace graphdet
