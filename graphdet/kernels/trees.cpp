// Boosted trees as plain arrays → the leaves that rows fall into.
#include "arrays.hpp"

namespace graphdet {
namespace {

// Nodes and leaves of all trees are numbered through; see graphdet/learning/trees.py.
//
//   root         (trees,) int32: a node, or ~leaf where a tree has one leaf alone
//   feature      (nodes,) int32 column that a node asks for, < columns
//   threshold    (nodes,) float64: values up to it go left
//   left, right  (nodes,) int32: a later node, or ~leaf
struct Forest {
    const std::int32_t* root;
    const std::int32_t* feature;
    const double* threshold;
    const std::int32_t* left;
    const std::int32_t* right;
    const double* value;
    std::size_t trees;
};

// The sum of the leaves' values, tree after tree. O(rows · trees · depth).
//
//   values  (rows · columns,) float32
//   → (rows,) float64
Vector<double> sum_leaves(const Forest& forest, const float* values, std::size_t rows, std::size_t columns) {
    Vector<double> found(rows, 0.0);
    for (std::size_t row = 0; row < rows; ++row) {
        const float* own = values + row * columns;
        for (std::size_t tree = 0; tree < forest.trees; ++tree) {
            std::int32_t at = forest.root[tree];
            while (at >= 0) at = double(own[forest.feature[at]]) <= forest.threshold[at] ? forest.left[at] : forest.right[at];
            found[row] += forest.value[~at];
        }
    }
    return found;
}

// Children come later than their parent, so that every walk ends.
void require_children(const In<std::int32_t>& child, std::size_t leaves, const char* name) {
    for (std::size_t node = 0; node < child.size(); ++node) {
        std::int64_t at = child(node);
        bool fits = at >= 0 ? at > std::int64_t(node) && at < std::int64_t(child.size()) : ~at < std::int64_t(leaves);
        if (!fits) throw std::invalid_argument(std::string(name) + " must be a later node or a leaf");
    }
}

}  // namespace

void add_trees(nb::module_& module) {
    module.def("sum_leaves", [](In<std::int32_t> root, In<std::int32_t> feature, In<double> threshold, In<std::int32_t> left,
                                In<std::int32_t> right, In<double> value, In<float> values, std::int64_t columns) {
        std::size_t nodes = feature.size();
        require(threshold.size() == nodes && left.size() == nodes && right.size() == nodes, "each node has a threshold and two children");
        require(columns > 0 && values.size() % std::size_t(columns) == 0, "each row has all columns");
        require_codes(feature, columns, "features");
        require_codes(root, std::int64_t(nodes), "roots", -std::int64_t(value.size()));
        require_children(left, value.size(), "left");
        require_children(right, value.size(), "right");
        Vector<double> found;
        {
            nb::gil_scoped_release release;
            Forest forest{root.data(), feature.data(), threshold.data(), left.data(), right.data(), value.data(), root.size()};
            found = sum_leaves(forest, values.data(), values.size() / std::size_t(columns), std::size_t(columns));
        }
        return hand_over(std::move(found));
    }, nb::arg("root").noconvert(), nb::arg("feature").noconvert(), nb::arg("threshold").noconvert(), nb::arg("left").noconvert(),
       nb::arg("right").noconvert(), nb::arg("value").noconvert(), nb::arg("values").noconvert(), nb::arg("columns"));
}

}  // namespace graphdet
