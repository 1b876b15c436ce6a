// Large arrays beyond what memory should hold → files without a name, which the system writes out and reads back page by page.
//
// Both our own vectors (spilling.hpp) and NumPy's arrays ask here. NumPy asks since the functions behind its default handler are exchanged
// (NEP 49), once and for the whole process: arrays that were made before are given back as they were taken. A file has its room set aside
// when it is made, so a disk that gets full is found out here and not by a signal later; then, and where files cannot be mapped, memory is
// plain, as ever.
#include "arrays.hpp"

#include <nanobind/stl/string.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>

#ifdef __linux__
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace graphdet {

namespace {

constexpr std::size_t page = 4096;

struct Taken {
    std::size_t bytes;
    bool in_file;
};

class Store {
public:
    void limit(std::string folder, std::size_t bytes) {
        const std::lock_guard<std::mutex> own(mutex_);
        folder_ = std::move(folder);
        limit_ = bytes;
    }

    // Memory of a file; nullptr where plain memory is to be had yet, or no file.
    void* file_for(std::size_t bytes) {
        {
            const std::lock_guard<std::mutex> own(mutex_);
            if (limit_ == 0 || plain_ + bytes <= limit_) return nullptr;
        }
        void* mapped = map_file(folder_, bytes);
        if (mapped) note(mapped, bytes, true);
        return mapped;
    }

    void note(void* taken, std::size_t bytes, bool in_file) {
        const std::lock_guard<std::mutex> own(mutex_);
        taken_[taken] = {bytes, in_file};
        (in_file ? filed_ : plain_) += bytes;
        most_filed_ = std::max(most_filed_, filed_);
    }

    // What is known of an array, which is then forgotten; no bytes where nothing is.
    Taken forget(void* taken) {
        const std::lock_guard<std::mutex> own(mutex_);
        const auto found = taken_.find(taken);
        if (found == taken_.end()) return {0, false};
        const Taken known = found->second;
        taken_.erase(found);
        (known.in_file ? filed_ : plain_) -= known.bytes;
        return known;
    }

    std::size_t most_filed() {
        const std::lock_guard<std::mutex> own(mutex_);
        return most_filed_;
    }

    static void unmap(void* taken, std::size_t bytes) {
#ifdef __linux__
        munmap(taken, bytes);
#endif
    }

private:
    static void* map_file([[maybe_unused]] const std::string& folder, [[maybe_unused]] std::size_t bytes) {
#ifdef __linux__
        int file = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (file < 0) { // a file system without files that have no name
            std::string name = folder + "/graphdet-XXXXXX";
            file = mkostemp(name.data(), O_CLOEXEC);
            if (file < 0) return nullptr;
            unlink(name.c_str());
        }
        void* mapped = MAP_FAILED;
        if (fallocate(file, 0, 0, off_t(bytes)) == 0) mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        close(file); // the mapping keeps it
        return mapped == MAP_FAILED ? nullptr : mapped;
#else
        return nullptr;
#endif
    }

    std::mutex mutex_;
    std::string folder_;
    std::size_t limit_ = 0;      // bytes of large arrays in plain memory; 0: any
    std::size_t plain_ = 0;      // of those that are there now
    std::size_t filed_ = 0;      // of those in files
    std::size_t most_filed_ = 0; // so far
    std::unordered_map<void*, Taken> taken_;
};

Store& store() {
    static Store* only = new Store; // arrays are given back until the process is gone
    return *only;
}

// NumPy's handler of memory, as its headers declare it (NEP 49).
struct Allocator {
    void* context;
    void* (*take)(void* context, std::size_t bytes);
    void* (*take_cleared)(void* context, std::size_t count, std::size_t bytes);
    void* (*resize)(void* context, void* taken, std::size_t bytes);
    void (*give_back)(void* context, void* taken, std::size_t bytes);
};

struct Handler {
    char name[127];
    std::uint8_t version;
    Allocator allocator;
};

Allocator plain; // NumPy's own

void* numpy_take(void*, std::size_t bytes) {
    if (bytes < large) return plain.take(plain.context, bytes);
    void* taken = store().file_for(bytes);
    if (taken) return taken;
    taken = plain.take(plain.context, bytes);
    if (taken) store().note(taken, bytes, false);
    return taken;
}

void* numpy_take_cleared(void*, std::size_t count, std::size_t bytes) {
    if (bytes == 0 || count > std::size_t(-1) / bytes || count * bytes < large) return plain.take_cleared(plain.context, count, bytes);
    void* taken = store().file_for(count * bytes); // a new file reads as noughts
    if (taken) return taken;
    taken = plain.take_cleared(plain.context, count, bytes);
    if (taken) store().note(taken, count * bytes, false);
    return taken;
}

// A file begins at a page. What is plain and of another size than when it was taken stays noted, and counts as memory in use.
bool may_be_large(const void* taken, std::size_t bytes) {
    return bytes >= large || reinterpret_cast<std::uintptr_t>(taken) % page == 0;
}

void numpy_give_back(void*, void* taken, std::size_t bytes) {
    if (taken && may_be_large(taken, bytes)) {
        const Taken known = store().forget(taken);
        if (known.in_file) return Store::unmap(taken, known.bytes);
    }
    plain.give_back(plain.context, taken, bytes);
}

void* numpy_resize(void*, void* taken, std::size_t bytes) {
    const Taken known = taken ? store().forget(taken) : Taken{0, false};
    if (!known.in_file) {
        void* resized = plain.resize(plain.context, taken, bytes);
        if (resized && bytes >= large) store().note(resized, bytes, false);
        else if (!resized && known.bytes) store().note(taken, known.bytes, false);
        return resized;
    }
    void* resized = numpy_take(nullptr, bytes);
    if (resized) {
        std::memcpy(resized, taken, std::min(bytes, known.bytes));
        Store::unmap(taken, known.bytes);
    } else {
        store().note(taken, known.bytes, true);
    }
    return resized;
}

// Puts our functions behind NumPy's default handler, once: threads have contexts of their own, but all have this handler by default.
void stand_before_numpy() {
    static Handler ours;
    if (ours.version) return;
    constexpr std::size_t default_handler = 306; // place in NumPy's table of functions, the same since 1.22
    const nb::object table = nb::module_::import_("numpy._core._multiarray_umath").attr("_ARRAY_API");
    void** const functions = static_cast<void**>(PyCapsule_GetPointer(table.ptr(), nullptr));
    if (!functions) throw nb::python_error();
    PyObject* const capsule = *static_cast<PyObject**>(functions[default_handler]);
    auto* const handler = static_cast<Handler*>(PyCapsule_GetPointer(capsule, "mem_handler"));
    if (!handler) throw nb::python_error();
    plain = handler->allocator;
    std::memcpy(ours.name, handler->name, sizeof ours.name);
    ours.allocator = {nullptr, numpy_take, numpy_take_cleared, numpy_resize, numpy_give_back};
    ours.version = handler->version;
    if (PyCapsule_SetPointer(capsule, &ours)) throw nb::python_error();
}

// Large arrays that would take more than `bytes` of memory together lie in files of `folder` from now on; 0: none does.
void spill_beyond(const std::string& folder, std::size_t bytes) {
    if (bytes) stand_before_numpy();
    store().limit(folder, bytes);
}

}  // namespace

void* take_large(std::size_t bytes) {
    void* taken = store().file_for(bytes);
    if (taken) return taken;
    taken = std::malloc(bytes);
    if (!taken) throw std::bad_alloc();
    store().note(taken, bytes, false);
    return taken;
}

bool give_back_large(void* taken) noexcept {
    const Taken known = store().forget(taken);
    if (known.in_file) Store::unmap(taken, known.bytes);
    else if (known.bytes) std::free(taken);
    return known.bytes > 0;
}

void add_spilling(nb::module_& module) {
    module.def("spill_beyond", &spill_beyond, nb::arg("folder"), nb::arg("bytes"));
    module.def("most_spilled", [] { return store().most_filed(); });
}

}  // namespace graphdet
