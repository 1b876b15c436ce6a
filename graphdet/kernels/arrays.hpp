// What kernels take and give: NumPy arrays of one dimension and an exact type, never copied on the way in.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>

namespace graphdet {

namespace nb = nanobind;

// An array that a kernel reads: (n,), contiguous.
template <typename Value>
using In = nb::ndarray<const Value, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// An array that a kernel writes into.
template <typename Value>
using Out = nb::ndarray<Value, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// An array that a kernel made.
template <typename Value>
using Made = nb::ndarray<nb::numpy, Value, nb::ndim<1>, nb::c_contig>;

// Hands a vector over to NumPy without a copy. Needs the GIL.
template <typename Value>
Made<Value> hand_over(std::vector<Value>&& values) {
    auto owned = std::make_unique<std::vector<Value>>(std::move(values));
    Value* data = owned->data();
    std::size_t length = owned->size();
    nb::capsule owner(owned.get(), [](void* held) noexcept { delete static_cast<std::vector<Value>*>(held); });
    owned.release();
    return Made<Value>(data, {length}, owner);
}

// A wrong argument is an error of the caller that says which.
inline void require(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what); // ValueError in Python
}

}  // namespace graphdet
