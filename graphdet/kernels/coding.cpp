// Names → codes: a dictionary that grows, and which rows repeat another's key.
#include <array>
#include <cstring>

#include "arrays.hpp"

namespace graphdet {
namespace {

std::uint64_t eight_at(const std::uint8_t* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

// Up to seven bytes as one word.
std::uint64_t few_at(const std::uint8_t* bytes, std::size_t length) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, length);
    return word;
}

// A multiplicative hash, eight bytes at a time, the last eight counted from the end (the constants are those of splitmix64).
std::uint64_t hash_name(const std::uint8_t* bytes, std::size_t length) {
    std::uint64_t state = length * 0x9E3779B97F4A7C15;
    const auto mix = [&state](std::uint64_t word) {
        state = (state ^ word) * 0xBF58476D1CE4E5B9;
        state ^= state >> 29;
    };
    if (length < 8) {
        mix(few_at(bytes, length));
    } else {
        for (std::size_t at = 0; at + 8 < length; at += 8) mix(eight_at(bytes + at));
        mix(eight_at(bytes + length - 8));
    }
    state *= 0x94D049BB133111EB;
    return state ^ (state >> 32);
}

bool same_bytes(const std::uint8_t* one, const std::uint8_t* other, std::size_t length) {
    if (length < 8) return few_at(one, length) == few_at(other, length);
    for (std::size_t at = 0; at + 8 < length; at += 8)
        if (eight_at(one + at) != eight_at(other + at)) return false;
    return eight_at(one + length - 8) == eight_at(other + length - 8);
}

// Names of a batch as Arrow holds them.
struct Batch {
    const std::int64_t* bounds; // (rows + 1,): the bytes of row r are bounds[r] … bounds[r + 1] − 1 of content
    const std::uint8_t* content;
    const std::uint8_t* valid; // a bit a row, from bit `shift` on, least significant first; null where all are valid
    std::size_t shift, rows;

    bool told(std::size_t row) const { return !valid || ((valid[(row + shift) >> 3] >> ((row + shift) & 7)) & 1); }
};

// Distinct names in order of their first appearance; not for use by two threads at once.
//
// An open hash table, at most half full, whose entries say where a name lies and hold 32 bits of its hash, so that the names themselves
// are looked at only where they are most likely the same. Rows go in blocks, and each step runs over the whole block before the next and
// asks for the memory that the next one wants, since entries and names lie anywhere.
class Dictionary {
public:
    Vector<std::int32_t> encode(const Batch& batch) {
        Vector<std::int32_t> codes(batch.rows);
        std::array<std::uint32_t, block> hashes;
        for (std::size_t first = 0; first < batch.rows; first += block) {
            const std::size_t size = std::min(block, batch.rows - first);
            for (std::size_t row = 0; row < size; ++row) {
                const std::int64_t* bounds = batch.bounds + first + row;
                hashes[row] = std::uint32_t(hash_name(batch.content + bounds[0], std::size_t(bounds[1] - bounds[0])) >> 32);
                __builtin_prefetch(&entries_[hashes[row] & mask_]);
            }
            for (std::size_t row = 0; row < size; ++row) {
                const Entry& entry = entries_[hashes[row] & mask_];
                if (entry.next_code && entry.hash == hashes[row]) __builtin_prefetch(&content_[entry.place >> length_bits]);
            }
            for (std::size_t row = first; row < first + size; ++row) {
                const std::int64_t begin = batch.bounds[row];
                codes[row] = batch.told(row) ? code_of(batch.content + begin, std::size_t(batch.bounds[row + 1] - begin), hashes[row - first]) : -1;
            }
        }
        return codes;
    }

    std::size_t size() const { return bounds_.size() - 1; }

    // The names by code, as (bounds, content); the dictionary is empty afterwards.
    std::pair<Vector<std::int64_t>, Vector<std::uint8_t>> take() {
        std::pair<Vector<std::int64_t>, Vector<std::uint8_t>> names{std::move(bounds_), std::move(content_)};
        *this = Dictionary();
        return names;
    }

    // The same, of a dictionary that goes on growing.
    std::pair<Vector<std::int64_t>, Vector<std::uint8_t>> names() const { return {bounds_, content_}; }

private:
    static constexpr std::size_t block = 256;
    static constexpr unsigned length_bits = 24;
    static constexpr std::uint64_t longest = (1 << length_bits) - 1;

    struct Entry {
        std::uint32_t hash = 0, next_code = 0; // code + 1; 0 = free
        std::uint64_t place = 0;               // where the name begins · 2^24 + its length, or 2^24 − 1 where it is longer
    };

    std::int32_t code_of(const std::uint8_t* name, std::size_t length, std::uint32_t hash) {
        for (std::size_t slot = hash & mask_;; slot = (slot + 1) & mask_) {
            const Entry& entry = entries_[slot];
            if (!entry.next_code) return add(name, length, hash, slot);
            if (entry.hash != hash || (entry.place & longest) != std::min(length, longest)) continue;
            const std::size_t code = entry.next_code - 1;
            if (length >= longest && bounds_[code + 1] - bounds_[code] != std::int64_t(length)) continue;
            if (same_bytes(content_.data() + (entry.place >> length_bits), name, length)) return std::int32_t(code);
        }
    }

    std::int32_t add(const std::uint8_t* name, std::size_t length, std::uint32_t hash, std::size_t slot) {
        require(size() < INT32_MAX, "a column must have fewer than 2^31 distinct names");
        const std::size_t begin = content_.size();
        content_.insert(content_.end(), name, name + length);
        bounds_.push_back(std::int64_t(content_.size()));
        entries_[slot] = {hash, std::uint32_t(size()), begin << length_bits | std::min(length, longest)};
        if (2 * size() >= entries_.size()) grow();
        return std::int32_t(size() - 1);
    }

    void grow() {
        Vector<Entry> grown(2 * entries_.size());
        mask_ = grown.size() - 1;
        for (const Entry& entry : entries_) {
            if (!entry.next_code) continue;
            std::size_t slot = entry.hash & mask_;
            while (grown[slot].next_code) slot = (slot + 1) & mask_;
            grown[slot] = entry;
        }
        entries_ = std::move(grown);
    }

    Vector<Entry> entries_ = Vector<Entry>(1 << 12);
    std::size_t mask_ = entries_.size() - 1;
    Vector<std::int64_t> bounds_ = {0};
    Vector<std::uint8_t> content_;
};

// Whether an earlier row has the same key of 128 bits; a key of zeros is no key.
//
//   first, second  (rows,) uint64, the two halves, which must look like chance
//   → (rows,) uint8
//
// An open hash table of rows: O(rows).
Vector<std::uint8_t> find_repeated(const std::uint64_t* first, const std::uint64_t* second, std::size_t rows) {
    constexpr std::size_t ahead = 16;
    std::size_t capacity = 16;
    while (capacity < 2 * rows) capacity *= 2;
    const std::size_t mask = capacity - 1;
    Vector<std::uint32_t> slots(capacity, 0); // row + 1; 0 = free
    Vector<std::uint8_t> repeated(rows, 0);
    for (std::size_t row = 0; row < rows; ++row) {
        if (row + ahead < rows) __builtin_prefetch(&slots[first[row + ahead] & mask], 1);
        if (first[row] == 0 && second[row] == 0) continue;
        std::size_t slot = first[row] & mask;
        for (; slots[slot] && !repeated[row]; slot = (slot + 1) & mask) {
            const std::size_t other = slots[slot] - 1;
            repeated[row] = first[other] == first[row] && second[other] == second[row];
        }
        if (!repeated[row]) slots[slot] = std::uint32_t(row + 1);
    }
    return repeated;
}

// Names as Arrow holds them, none of them null.
struct Names {
    const std::int64_t* bounds; // (names + 1,)
    const std::uint8_t* content;
    std::size_t names;

    bool before(std::size_t own, const Names& others, std::size_t other) const {
        const std::size_t length = std::size_t(bounds[own + 1] - bounds[own]);
        const std::size_t theirs = std::size_t(others.bounds[other + 1] - others.bounds[other]);
        const int order = std::memcmp(content + bounds[own], others.content + others.bounds[other], std::min(length, theirs));
        return order != 0 ? order < 0 : length < theirs;
    }
};

// Of each name the place of the first of the sorted names, by their bytes, that is not before it; and whether it is that name.
//
//   → place (names,) int32 in 0 … sorted names, there (names,) uint8
std::pair<Vector<std::int32_t>, Vector<std::uint8_t>> places_among(const Names& sorted, const Names& asked) {
    std::pair<Vector<std::int32_t>, Vector<std::uint8_t>> found{Vector<std::int32_t>(asked.names), Vector<std::uint8_t>(asked.names)};
    for (std::size_t name = 0; name < asked.names; ++name) {
        std::size_t low = 0, high = sorted.names;
        while (low < high) {
            const std::size_t middle = low + (high - low) / 2;
            if (sorted.before(middle, asked, name)) low = middle + 1;
            else high = middle;
        }
        found.first[name] = std::int32_t(low);
        found.second[name] = low < sorted.names && !asked.before(name, sorted, low);
    }
    return found;
}

}  // namespace

void add_coding(nb::module_& module) {
    nb::class_<Dictionary>(module, "Dictionary")
        .def(nb::init<>())
        .def("encode", [](Dictionary& dictionary, In<std::int64_t> bounds, In<std::uint8_t> content, In<std::uint8_t> valid, std::size_t shift) {
            require_offsets(bounds, content.size(), "bounds");
            const std::size_t rows = bounds.size() - 1;
            require(valid.size() == 0 || valid.size() * 8 >= rows + shift, "valid must have a bit for each row");
            Vector<std::int32_t> codes;
            {
                nb::gil_scoped_release release;
                codes = dictionary.encode({bounds.data(), content.data(), valid.size() ? valid.data() : nullptr, shift, rows});
            }
            return hand_over(std::move(codes));
        }, nb::arg("bounds").noconvert(), nb::arg("content").noconvert(), nb::arg("valid").noconvert(), nb::arg("shift"))
        .def("take", [](Dictionary& dictionary) {
            auto [bounds, content] = dictionary.take();
            return nb::make_tuple(hand_over(std::move(bounds)), hand_over(std::move(content)));
        })
        .def("names", [](const Dictionary& dictionary) {
            auto [bounds, content] = dictionary.names();
            return nb::make_tuple(hand_over(std::move(bounds)), hand_over(std::move(content)));
        });
    module.def("places_among", [](In<std::int64_t> sorted_bounds, In<std::uint8_t> sorted_content, In<std::int64_t> bounds, In<std::uint8_t> content) {
        require_offsets(sorted_bounds, sorted_content.size(), "sorted_bounds");
        require_offsets(bounds, content.size(), "bounds");
        require(sorted_bounds.size() <= INT32_MAX, "there must be fewer than 2^31 sorted names");
        std::pair<Vector<std::int32_t>, Vector<std::uint8_t>> found;
        {
            nb::gil_scoped_release release;
            found = places_among({sorted_bounds.data(), sorted_content.data(), sorted_bounds.size() - 1}, {bounds.data(), content.data(), bounds.size() - 1});
        }
        return nb::make_tuple(hand_over(std::move(found.first)), hand_over(std::move(found.second)));
    }, nb::arg("sorted_bounds").noconvert(), nb::arg("sorted_content").noconvert(), nb::arg("bounds").noconvert(), nb::arg("content").noconvert());
    module.def("repeated_keys", [](In<std::uint64_t> first, In<std::uint64_t> second) {
        require(first.size() == second.size(), "first and second must be as long as each other");
        require(first.size() < UINT32_MAX, "there must be fewer than 2^32 rows");
        Vector<std::uint8_t> repeated;
        {
            nb::gil_scoped_release release;
            repeated = find_repeated(first.data(), second.data(), first.size());
        }
        return hand_over(std::move(repeated));
    }, nb::arg("first").noconvert(), nb::arg("second").noconvert());
}

}  // namespace graphdet
