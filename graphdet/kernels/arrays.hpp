// What kernels take and give: NumPy arrays of one dimension and an exact type, never copied on the way in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "spilling.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>

namespace graphdet {

namespace nb = nanobind;

inline constexpr double rounding = 1e-9;  // by which the shares of one choice, added up, may miss it

// An array that a kernel reads: (n,), contiguous.
template <typename Value>
using In = nb::ndarray<const Value, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// An array that a kernel writes into.
template <typename Value>
using Out = nb::ndarray<Value, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// The same as a plain view, for as long as the call lasts; it may be read without the GIL.
template <typename Value>
std::span<const Value> view(const In<Value>& array) {
    return {array.data(), array.size()};
}

// A table that a kernel reads: (n, columns), contiguous.
template <typename Value>
using InTable = nb::ndarray<const Value, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// An array that an object keeps beyond the call that it came with. Made and dropped with the GIL, read without it.
template <typename Value>
class Held {
public:
    template <typename Array>
    explicit Held(const Array& array) : array_(array), data_(array_.data()), size_(array_.size()) {}
    const Value& operator[](std::size_t place) const { return data_[place]; }
    const Value* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    nb::ndarray<const Value> array_;
    const Value* data_;
    std::size_t size_;
};

// Hands a vector over to NumPy without a copy: (n,). Needs the GIL.
template <typename Value>
nb::object hand_over(Vector<Value>&& values) {
    auto owned = std::make_unique<Vector<Value>>(std::move(values));
    Value* data = owned->data();
    std::size_t length = owned->size();
    nb::capsule owner(owned.get(), [](void* held) noexcept { delete static_cast<Vector<Value>*>(held); });
    owned.release();
    nb::object array = nb::cast(nb::ndarray<nb::numpy, Value, nb::ndim<1>, nb::c_contig>(data, {length}, owner));
    // NumPy has two names for eight bytes, and other libraries know only the usual one
    return std::is_same_v<Value, std::int64_t> ? array.attr("view")("int64") : array;
}

// A wrong argument is an error of the caller that says which.
inline void require(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what); // ValueError in Python
}

// Codes that index something must lie in least … size − 1. `codes` is an array, a view or a vector.
template <typename Codes>
void require_codes(const Codes& codes, std::int64_t size, const char* name, std::int64_t least = 0) {
    if (codes.size() == 0) return;
    auto [low, high] = std::minmax_element(codes.data(), codes.data() + codes.size());
    if (*low < least || *high >= size) throw std::invalid_argument(std::string(name) + " must lie within what they are codes of");
}

// Offsets must rise from a first that is not negative to a last that is not beyond what they cut.
template <typename Offsets>
void require_offsets(const Offsets& offset, std::size_t length, const char* name) {
    bool rise = offset.size() > 0 && offset.data()[0] >= 0 && std::is_sorted(offset.data(), offset.data() + offset.size());
    if (!rise || offset.data()[offset.size() - 1] > std::int64_t(length)) {
        throw std::invalid_argument(std::string(name) + " must rise and cut what is there");
    }
}

}  // namespace graphdet
