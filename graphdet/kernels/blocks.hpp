// Blocks of work → the threads that share them out.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "spilling.hpp"

namespace graphdet {

// Calls work(block, thread) for every block < blocks, on so many threads; each takes the next block that none has. What a block gives must
// not hang on the others, so that the result is the same for any number of threads. What work throws is thrown here, once all have stopped.
template <typename Work>
void share_out(std::size_t blocks, std::size_t threads, const Work& work) {
    std::atomic<std::size_t> next{0};
    std::exception_ptr failed;
    std::mutex failing;
    const auto take = [&](std::size_t thread) {
        try {
            for (std::size_t block; (block = next.fetch_add(1)) < blocks;) work(block, thread);
        } catch (...) {
            const std::lock_guard<std::mutex> own(failing);
            failed = std::current_exception();
            next = blocks;
        }
    };
    std::vector<std::jthread> others;
    for (std::size_t thread = 1; thread < std::min(threads, blocks); ++thread) others.emplace_back(take, thread);
    take(0);
    others.clear(); // waits for them
    if (failed) std::rethrow_exception(failed);
}

// Cuts keys into blocks of about equal weight: their first keys, and the number of keys at the end.
//
//   offset  (keys + 1,) int64 of what weighs
inline Vector<std::size_t> even_blocks(const std::int64_t* offset, std::size_t keys, std::int64_t weight) {
    Vector<std::size_t> first{0};
    std::int64_t next = offset[0] + weight;
    for (std::size_t key = 1; key < keys; ++key)
        if (offset[key] >= next) {
            first.push_back(key);
            next = offset[key] + weight;
        }
    first.push_back(keys);
    return first;
}

}  // namespace graphdet
