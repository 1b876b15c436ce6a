// What growth walks on, how far it may go, the two halves of one of its rounds, members → targets and targets → members, and their turns.
#pragma once

#include "arrays.hpp"

namespace graphdet {

// v visits of u users at k keys, named as in `Visits`, `VisitIndex` and `BaseRates`, or nearly so.
struct Log {
    Held<std::int64_t> user_offset;  // (u + 1,) into by_user
    Held<std::int64_t> by_user;      // (v,) visits of each user, rising
    Held<std::int32_t> key_of;       // (v,)
    Held<std::int64_t> offset;       // (k + 1,) visits of key i are offset[i] … offset[i + 1] − 1
    Held<std::int32_t> user;         // (v,)
    Held<std::int32_t> time;         // (v,) seconds, rising within each key
    Held<float> log_base_rate;       // (v,)
    Held<float> log_intent;          // (v,)
    Held<std::int32_t> near;         // (v,)
    Held<float> usual;               // (v,)
    Held<std::int32_t> draw;         // (v,) −1 = one by itself
    Held<std::int32_t> group_of;     // (k,)
    Held<std::int8_t> view_of;       // (k,)
    std::int32_t item_view;          // −1 = none

    std::size_t users() const { return user_offset.size() - 1; }
    std::size_t visits() const { return user.size(); }
};

// Settings of growth; arrays have one entry per view.
struct Limits {
    Held<std::int64_t> reach;  // seconds without a member after which a target's time is over
    Held<std::int64_t> slack;  // seconds before and after members' visits that are looked at for more, at the least
    Held<double> most;         // log10 likelihood ratio that a view may add to one member
    std::int32_t generous_rounds, rounds;
    double join;
    std::int32_t least_targets;
    double members_most;
    double people;  // users of the whole log, of which these may be a part: what a member is named out of
};

// A key that members visited together, and the time in which most did.
struct Target {
    std::int32_t key, start, end;
    std::int32_t visitors, outsiders;  // members there, and visits of others there and then
    std::int64_t low, high;            // its visits in that time: low … high − 1
    double gain;
};

// Members with what each adds, by code; and the sum over them of what a second visit to one group says beyond the base rate.
struct Kept {
    Vector<std::int32_t> members;
    Vector<double> contribution;
    double entry_evidence = 0;
};

// How often things came up: a small table of numbers, open addressing.
class Tally {
public:
    void reset(std::size_t most);
    void add(std::uint64_t thing) { ++find(thing).second; }
    std::int32_t count(std::uint64_t thing) { return find(thing).second; }

private:
    std::pair<std::uint64_t, std::int32_t>& find(std::uint64_t thing);
    Vector<std::pair<std::uint64_t, std::int32_t>> places_;
    std::size_t mask_ = 0;
};

// The two halves of a round, and the memory that they work in: one small entry per user and draw, and as much more as there are users that
// a round looks at closely. Nothing is cleared in between: entries of an earlier turn count as new. Not for two threads at once.
class Profile {
public:
    Profile(const Log& log, const Limits& limits);

    // Keys that members (codes, each once) visited together more than chance has it, by group, then key. `generous` leaves out the price of
    // naming a key among all those that two or more members came to.
    Vector<Target> find_targets(std::span<const std::int32_t> members, bool generous);

    // Users whose own visits to the targets, then, are likelier in a ring with these members than alone.
    Kept find_members(std::span<const std::int32_t> members, const Vector<Target>& targets, double threshold);

    // (members,) what each of these very members adds, 0 who was at no target.
    Vector<double> rate_members(std::span<const std::int32_t> members, const Vector<Target>& targets);

private:
    using Own = std::uint64_t;  // one visit of a member: visit << 31 | position in the members, so that sorted it is by key and time
    struct Candidate {
        std::size_t first, last;  // in own_: the run of visits to a key with most members
        std::int32_t visitors;
    };
    struct Touched {
        std::uint32_t turn = 0;
        std::int32_t count = 0;
    };
    struct Chosen {  // whom a round looks at closely: those with so many item targets, or members only
        std::int32_t least;
        bool members_only;
        std::uint32_t since;  // turn
    };
    struct State {  // of a user who may be a member
        std::int32_t who, seen, last_group, group_hits;
        bool member;
        double best_gap, gaps, choices;
    };

    void gather(std::span<const std::int32_t> members);
    void sort_own(std::size_t used_bits);
    void find_candidates();
    Candidate fullest_run(std::size_t begin, std::size_t end);
    void count_candidates();
    Target rate(const Candidate& candidate, std::size_t members, bool generous);
    void count_targets(const Vector<Target>& targets, Chosen& chosen);
    void score(std::span<const std::int32_t> members, const Vector<Target>& targets, Chosen chosen);
    void score_target(std::size_t members, const Target& target, std::int32_t number, const Chosen& chosen);
    void score_visit(const Target& target, std::int64_t visit, std::size_t slot, double log_outsiders, double days, double log_share);
    double total_of(std::size_t slot) const;
    void forget(std::span<const std::int32_t> members);
    bool passes(std::int32_t user, const Chosen& chosen) const;
    double chance(double log_outsiders, std::int32_t others, double days, std::int64_t visit) const;
    void count_choice(std::int64_t visit);
    double share_of_choice(std::int64_t visit) const;
    void begin_call();

    std::int64_t visit_of(Own own) const { return std::int64_t(own >> position_bits); }
    std::size_t position_of(Own own) const { return own & ((Own{1} << position_bits) - 1); }
    static constexpr unsigned position_bits = 31;

    const Log& log_;
    const Limits& limits_;
    std::uint32_t turn_ = 0, draw_turn_ = 0;
    Vector<Touched> touched_;     // (users,) how many item targets each hit, and at which turn the last
    Vector<Touched> drawn_;       // (draws,) how many visits to targets each draw brought, and at which turn
    Vector<std::int32_t> slot_;   // (users,) place in states_; `nobody`, or `member` without one
    Vector<State> states_;
    Vector<double> score_;        // (states, views)
    Vector<Own> own_, swap_;
    Vector<std::int32_t> own_key_;  // (own,)
    Vector<Candidate> candidates_;
    Vector<std::uint32_t> seen_;  // (members,) last run in which each was met
    std::uint32_t run_ = 0;
    Tally met_;                        // candidates of each group and member
};

struct Ring {
    Kept kept;
    Vector<Target> targets;  // by key
    double strength = 0;
    std::int64_t walked = 0;  // visits looked at in all rounds
    bool swallowed = false;   // whether it was growing into everybody, and came back empty
};

// Who was at which target in its time: positions in members and targets, pairs once each, by target.
struct Incidence {
    Vector<std::int64_t> who, what;
};

Incidence incidence(const Log& log, std::span<const std::int32_t> members, std::span<const std::int32_t> targets,
                    std::span<const std::int32_t> start, std::span<const std::int32_t> end);

// Log and limits with the memory that growth works in. Not for two threads at once.
class Growth {
public:
    Growth(Log log, Limits limits) : log_(std::move(log)), limits_(std::move(limits)), profile_(log_, limits_) {}
    Growth(const Growth&) = delete;

    const Log& log() const { return log_; }

    // The ring around a core; not `generous`: no more than the core itself makes a case for.
    Ring grow(Vector<std::int32_t> core, bool generous);

    // What these very members did together, though nobody joins or leaves: what each adds, and targets by group, then key.
    Ring describe(Vector<std::int32_t> members);

private:
    std::int64_t walked(const Vector<std::int32_t>& members, const Vector<Target>& targets) const;
    double strength_of(const Ring& ring) const;

    const Log log_;
    const Limits limits_;
    Profile profile_;
};

}  // namespace graphdet
