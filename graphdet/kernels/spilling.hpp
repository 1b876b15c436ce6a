// Vectors whose memory may lie in files: what kernels keep large arrays in.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace graphdet {

inline constexpr std::size_t large = std::size_t(1) << 19; // bytes; a smaller array never lies in a file

// Memory of so many bytes, large ones only: plain, or of a file where plain ones already take what they may. Throws std::bad_alloc.
void* take_large(std::size_t bytes);

// Gives back what take_large gave; false where it did not give it.
bool give_back_large(void* taken) noexcept;

template <typename Value>
struct Spilling {
    using value_type = Value;

    Spilling() = default;
    template <typename Other>
    Spilling(const Spilling<Other>&) noexcept {}

    Value* allocate(std::size_t count) {
        if (count > std::size_t(-1) / sizeof(Value)) throw std::bad_array_new_length();
        const std::size_t bytes = count * sizeof(Value);
        return static_cast<Value*>(bytes < large ? ::operator new(bytes) : take_large(bytes));
    }

    void deallocate(Value* taken, std::size_t count) noexcept {
        if (count * sizeof(Value) < large) ::operator delete(taken);
        else give_back_large(taken);
    }

    template <typename Other>
    bool operator==(const Spilling<Other>&) const noexcept {
        return true;
    }
};

template <typename Value>
using Vector = std::vector<Value, Spilling<Value>>;

// The same for what is written before it is read: not cleared when it is made.
template <typename Value>
class Uncleared {
    static_assert(std::is_trivially_copyable_v<Value>);

public:
    explicit Uncleared(std::size_t count) : count_(count), data_(Spilling<Value>().allocate(count)) {}
    Uncleared(Uncleared&& other) noexcept : count_(other.count_), data_(std::exchange(other.data_, nullptr)) {}
    Uncleared& operator=(Uncleared&&) = delete;
    ~Uncleared() {
        if (data_) Spilling<Value>().deallocate(data_, count_);
    }
    Value* get() const { return data_; }
    Value& operator[](std::size_t place) const { return data_[place]; }

private:
    std::size_t count_;
    Value* data_;
};

}  // namespace graphdet
