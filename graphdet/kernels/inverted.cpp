// Sets of whole numbers, numbered as they come → which of them have things in common with another one.
#include <algorithm>
#include <unordered_map>

#include "arrays.hpp"

namespace graphdet {
namespace {

// Of each thing the sets that it is in. Asked about a set, it counts along these lists: as long as its things are in few sets, that is
// much less than all sets.
class InvertedIndex {
public:
    void add(std::int32_t number, std::span<const std::int32_t> things) {
        for (std::int32_t thing : things) sets_with_[thing].push_back(number);
        if (shared_.size() <= std::size_t(number)) {
            shared_.resize(std::size_t(number) + 1);
            size_.resize(std::size_t(number) + 1);
        }
        size_[number] += things.size();
    }

    // Numbers of the sets that have any of the things, rising, and how many each has.
    std::pair<Vector<std::int32_t>, Vector<std::int32_t>> common(std::span<const std::int32_t> things) {
        Vector<std::int32_t> numbers, counts;
        for (std::int32_t thing : things) {
            const auto found = sets_with_.find(thing);
            if (found == sets_with_.end()) continue;
            for (std::int32_t number : found->second) {
                if (shared_[number]++ == 0) numbers.push_back(number);
            }
        }
        std::sort(numbers.begin(), numbers.end());
        for (std::int32_t number : numbers) {
            counts.push_back(shared_[number]);
            shared_[number] = 0;
        }
        return {std::move(numbers), std::move(counts)};
    }

    // Numbers of the sets that have more than a share in common with the things, rising; `of` says of how many, by both sizes.
    template <typename Of>
    Vector<std::int32_t> sharing(std::span<const std::int32_t> things, double share, Of of) {
        const auto [numbers, counts] = common(things);
        Vector<std::int32_t> found;
        for (std::size_t place = 0; place < numbers.size(); ++place) {
            if (double(counts[place]) > share * double(of(things.size(), size_[numbers[place]]))) found.push_back(numbers[place]);
        }
        return found;
    }

private:
    std::unordered_map<std::int32_t, Vector<std::int32_t>> sets_with_;
    Vector<std::int32_t> shared_;  // (sets,) zeros between two questions
    Vector<std::size_t> size_;     // (sets,)
};

std::size_t of_things(std::size_t things, std::size_t) { return things; }
std::size_t of_set(std::size_t, std::size_t set) { return set; }
std::size_t of_smaller(std::size_t things, std::size_t set) { return std::min(things, set); }

}  // namespace

void add_inverted(nb::module_& module) {
    nb::class_<InvertedIndex>(module, "InvertedIndex")
        .def(nb::init<>())
        .def("add", [](InvertedIndex& index, std::int32_t number, In<std::int32_t> things) {
            require(number >= 0, "sets are numbered from 0");
            index.add(number, view(things));
        }, nb::arg("number"), nb::arg("things").noconvert())
        .def("common", [](InvertedIndex& index, In<std::int32_t> things) {
            auto [numbers, shared] = index.common(view(things));
            return nb::make_tuple(hand_over(std::move(numbers)), hand_over(std::move(shared)));
        }, nb::arg("things").noconvert())
        .def("holding", [](InvertedIndex& index, In<std::int32_t> things, double share) {
            return hand_over(index.sharing(view(things), share, of_things));
        }, nb::arg("things").noconvert(), nb::arg("share"))
        .def("within", [](InvertedIndex& index, In<std::int32_t> things, double share) {
            return hand_over(index.sharing(view(things), share, of_set));
        }, nb::arg("things").noconvert(), nb::arg("share"))
        .def("overlapping", [](InvertedIndex& index, In<std::int32_t> things, double share) {
            return hand_over(index.sharing(view(things), share, of_smaller));
        }, nb::arg("things").noconvert(), nb::arg("share"));
}

}  // namespace graphdet
