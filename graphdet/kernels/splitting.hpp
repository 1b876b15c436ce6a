// A grown ring → the two rings inside it, where two tell its coincidences better than one.
#pragma once

#include "growth.hpp"

namespace graphdet {

// What is asked of a ring here: members and targets, both rising, the targets' times, and strength.
struct Outline {
    Vector<std::int32_t> members, targets, start, end;
    double strength;
};

// Two rings as one case.
struct Told {
    double strength;  // of both, what both tell counted once
    double shared;    // share of the weaker one's meetings that the stronger tells, too
};

// A meeting is a member at a target in its time.
Told told_by_both(const Log& log, const Outline& one, const Outline& other);

// Both rings inside a ring, or none; and the growths that it took to know.
struct Parts {
    Vector<Ring> rings;
    std::int64_t walked = 0, swallowed = 0;
};

// The two rings inside a ring where each has `least_members`, they tell the same coincidences in fewer words than it does, and no more than
// `overlap` of the weaker one's meetings are the other's, too.
Parts parts_of(Growth& growth, const Outline& ring, std::size_t least_members, double overlap);

// Two rings in one, or an empty ring where they stay two; and what it took to know.
struct Union {
    Ring ring;
    std::int64_t walked = 0, swallowed = 0;
};

// The ring that grows from the members of both, where it tells their coincidences in fewer words than they do, what both tell counted once,
// and is not better told as two others.
Union union_of(Growth& growth, const Outline& one, const Outline& other, std::size_t least_members, double overlap);

// (n,) which of n things lie under the first of the two branches that average linkage joins last, by their distances (n · (n − 1) / 2,),
// row by row of the upper triangle; the first branch is the older one, things being oldest, in their order.
Vector<bool> first_branch(Vector<double> distance, std::size_t n);

}  // namespace graphdet
