// Pairs of users, once for each of their meetings → which of them were given twice or more, in bounded memory.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace graphdet {

// A number that looks like chance from a pair of users: splitmix64's finaliser (Steele et al. 2014).
inline std::uint64_t hash_pair(std::int32_t one, std::int32_t other) {
    std::uint64_t mixed = ((std::uint64_t(std::uint32_t(one)) << 32) | std::uint32_t(other)) * 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
}

// Only pairs that meet at two or more keys matter, and about 99 % do not. The filter is a blocked Bloom filter (Putze et al. 2007) with a
// second storey: one word per pair, two bits for "seen" and the same two, 32 higher, for "seen again". It may take a pair for repeated
// that is not, and which ones hangs on the order; it never loses one. Threads share it: every change is one atomic "or".
class RepeatFilter {
public:
    static constexpr std::uint64_t most_words = 1 << 26;  // 512 MiB

    // `pairs`: how many will be given, at most; with more, more are wrongly taken for repeated.
    explicit RepeatFilter(double pairs) {
        std::uint64_t words = 1 << 10;
        while (words < most_words && double(words) < pairs / 4) words *= 2;
        mask_ = words - 1;
        words_.reset(static_cast<std::uint64_t*>(std::calloc(words, sizeof(std::uint64_t))));
        if (!words_) throw std::bad_alloc();
    }

    // Words lie anywhere in memory: asked for some pairs ahead, they are there when they are wanted.
    void prefetch(std::uint64_t hash) const { __builtin_prefetch(&words_[hash & mask_], 1); }

    void add(std::uint64_t hash) {
        std::atomic_ref<std::uint64_t> word(words_[hash & mask_]);
        const std::uint64_t bits = bits_of(hash);
        const std::uint64_t before = word.load(std::memory_order_relaxed);
        if ((before & (bits << 32)) == bits << 32) return;  // seen again already
        if ((word.fetch_or(bits, std::memory_order_relaxed) & bits) == bits) word.fetch_or(bits << 32, std::memory_order_relaxed);
    }

    bool repeated(std::uint64_t hash) const {
        const std::uint64_t again = bits_of(hash) << 32;
        return (words_[hash & mask_] & again) == again;
    }

private:
    static std::uint64_t bits_of(std::uint64_t hash) {
        return (std::uint64_t{1} << ((hash >> 54) & 31)) | (std::uint64_t{1} << (hash >> 59));
    }

    struct Free {
        void operator()(std::uint64_t* words) const { std::free(words); }
    };
    std::unique_ptr<std::uint64_t[], Free> words_;
    std::uint64_t mask_;
};

}  // namespace graphdet
