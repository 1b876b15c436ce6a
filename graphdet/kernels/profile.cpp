// The two halves of a round of growth: members → targets with their times, and targets → who kept to them.
//
//     contribution of user u at target k = log10( q_k / r_uk )
//
// q_k = share of the other members who were there, r_uk = chance of a visit that is no coordination: O_k · p_u, outsiders' visits there
// and then times the user's base rate, or more where they were after such things.
#include <algorithm>
#include <bit>
#include <cmath>

#include "growth.hpp"

namespace graphdet {
namespace {

constexpr double day = 86'400;     // seconds
constexpr std::int64_t last_second = (std::int64_t{1} << 31) - 2;
constexpr std::int32_t nobody = -1, member = -2;
constexpr std::size_t ahead = 16;  // visits for whose users memory is asked in advance

}  // namespace

void Tally::reset(std::size_t most) {
    const std::size_t size = std::bit_ceil(2 * most + 1);
    mask_ = size - 1;
    places_.assign(size, {0, 0});
}

std::pair<std::uint64_t, std::int32_t>& Tally::find(std::uint64_t thing) {
    const std::uint64_t named = thing + 1;  // 0 = free
    std::uint64_t place = (named * 0x9E3779B97F4A7C15) >> 20;
    while (places_[place & mask_].first != named && places_[place & mask_].first != 0) ++place;
    places_[place & mask_].first = named;
    return places_[place & mask_];
}

Profile::Profile(const Log& log, const Limits& limits)
    : log_(log), limits_(limits), touched_(log.users()), slot_(log.users(), nobody) {
    const std::size_t visits = log.visits();
    drawn_.resize(visits ? std::size_t(*std::max_element(log.draw.data(), log.draw.data() + visits) + 1) : 0);
}

// Turns are numbers that only rise; should they run out, all memory of them goes.
void Profile::begin_call() {
    if (turn_ > std::uint32_t{1} << 31) {
        std::fill(touched_.begin(), touched_.end(), Touched{});
        std::fill(drawn_.begin(), drawn_.end(), Touched{});
        turn_ = 0;
    }
    draw_turn_ = ++turn_;
}

Vector<Target> Profile::find_targets(std::span<const std::int32_t> members, bool generous) {
    begin_call();
    gather(members);
    find_candidates();
    count_candidates();
    Vector<Target> targets;
    for (const Candidate& candidate : candidates_) {
        const Target target = rate(candidate, members.size(), generous);
        if (target.gain > 0) targets.push_back(target);
    }
    std::stable_sort(targets.begin(), targets.end(), [this](const Target& one, const Target& other) {
        return log_.group_of[one.key] < log_.group_of[other.key];
    });
    return targets;
}

// All visits of members, by key and time, which is the order that visits are numbered in.
void Profile::gather(std::span<const std::int32_t> members) {
    own_.clear();
    for (std::size_t position = 0; position < members.size(); ++position) {
        const std::int64_t end = log_.user_offset[members[position] + 1];
        for (std::int64_t place = log_.user_offset[members[position]]; place < end; ++place) {
            own_.push_back(Own(log_.by_user[place]) << position_bits | position);
        }
    }
    sort_own(std::bit_width(log_.visits()));
    seen_.assign(members.size(), 0);
    run_ = 0;
}

// Few visits are compared, many dealt out by their digits: no visit is there twice, so that members need no look.
void Profile::sort_own(std::size_t used_bits) {
    constexpr std::size_t digit = 11, values = 1 << digit;
    if (own_.size() < 512) {
        std::sort(own_.begin(), own_.end());
        return;
    }
    swap_.resize(own_.size());
    for (std::size_t low = 0; low < used_bits; low += digit) {
        std::size_t start[values + 1] = {};
        for (Own own : own_) ++start[(own >> (position_bits + low) & (values - 1)) + 1];
        for (std::size_t value = 0; value < values; ++value) start[value + 1] += start[value];
        for (Own own : own_) swap_[start[own >> (position_bits + low) & (values - 1)]++] = own;
        own_.swap(swap_);
    }
}

// Of each key with two or more members in one run of visits without a gap beyond its reach, the run with most of them.
void Profile::find_candidates() {
    candidates_.clear();
    own_key_.resize(own_.size());  // by themselves: loads that do not wait for each other
    for (std::size_t place = 0; place < own_.size(); ++place) own_key_[place] = log_.key_of[visit_of(own_[place])];
    for (std::size_t begin = 0, end = 0; begin < own_.size(); begin = end) {
        while (end < own_.size() && own_key_[end] == own_key_[begin]) ++end;
        if (end - begin < 2) continue;
        const Candidate best = fullest_run(begin, end);
        if (best.visitors >= 2) candidates_.push_back(best);
    }
}

// Among members' visits begin … end − 1 to one key.
Profile::Candidate Profile::fullest_run(std::size_t begin, std::size_t end) {
    const std::int64_t reach = limits_.reach[log_.view_of[log_.key_of[visit_of(own_[begin])]]];
    Candidate best{begin, begin, 0};
    for (std::size_t first = begin, last = begin; first < end; first = last) {
        ++run_;
        std::int32_t visitors = 0, before = log_.time[visit_of(own_[first])];
        for (; last < end; ++last) {
            const std::int32_t now = log_.time[visit_of(own_[last])];
            if (std::int64_t{now} - before > reach) break;
            before = now;
            std::uint32_t& seen = seen_[position_of(own_[last])];
            visitors += seen != run_;
            seen = run_;
        }
        if (visitors > best.visitors) best = {first, last, visitors};
    }
    return best;
}

// What candidates bring together: visits of each draw, and candidates of each group and member.
void Profile::count_candidates() {
    std::size_t met = 0;
    for (const Candidate& candidate : candidates_) met += std::size_t(candidate.visitors);
    met_.reset(met);
    for (const Candidate& candidate : candidates_) {
        ++run_;
        const std::uint64_t group = std::uint64_t(log_.group_of[log_.key_of[visit_of(own_[candidate.first])]]) << 32;
        for (std::size_t place = candidate.first; place < candidate.last; ++place) {
            count_choice(visit_of(own_[place]));
            const std::size_t position = position_of(own_[place]);
            if (seen_[position] == run_) continue;
            seen_[position] = run_;
            met_.add(group | position);
        }
    }
}

Target Profile::rate(const Candidate& candidate, std::size_t members, bool generous) {
    const std::int64_t first = visit_of(own_[candidate.first]), last = visit_of(own_[candidate.last - 1]);
    const std::int32_t key = log_.key_of[first], view = log_.view_of[key], best = candidate.visitors;
    const std::int64_t between = std::int64_t{log_.time[last]} - log_.time[first];
    const std::int64_t slack = std::min(std::max(between / (best - 1), limits_.slack[view]), limits_.reach[view]);
    const std::int64_t start = std::max(log_.time[first] - slack, std::int64_t{0}), end = std::min(log_.time[last] + slack, last_second);
    const std::int32_t *times = log_.time.data(), *stop = times + log_.offset[key + 1];
    const std::int64_t low = std::lower_bound(times + log_.offset[key], stop, start) - times;
    const std::int64_t high = std::upper_bound(times + low, stop, end) - times;
    const std::int64_t strangers = high - low - std::int64_t(candidate.last - candidate.first);
    const double size = double(members), log_strangers = std::log10(std::max(double(strangers), 0.5)), log_share = std::log10(best / size);
    const double days = double(end - start) / day;
    const std::uint64_t group = std::uint64_t(log_.group_of[key]) << 32;
    double worth = 0;
    ++run_;
    for (std::size_t place = candidate.first; place < candidate.last; ++place) {
        const std::size_t position = position_of(own_[place]);
        if (seen_[position] == run_) continue;
        seen_[position] = run_;
        const std::int64_t visit = visit_of(own_[place]);
        worth += share_of_choice(visit) * (log_share - chance(log_strangers, met_.count(group | position) - 1, days, visit));
    }
    worth *= double(best - 1) / best;  // the first visit only says where to look
    if (best < size) worth += (size - best) * std::log10(1 - best / size);
    if (!generous) worth -= std::log10(double(candidates_.size() + 1));
    return {key, std::int32_t(start), std::int32_t(end), best, std::int32_t(strangers), low, high, worth};
}

// Targets come by group. Of a user's hits in one group the first pays for being there at all, by the base rate; the others only for
// hitting that key, given that they were after the group's things: hit j of n visits has n − j + 1 chances at the key's usual share.
// Most who come to a target come to no other one. Where items are asked for, nobody with fewer item targets than a member must have is
// looked at any closer.
Kept Profile::find_members(std::span<const std::int32_t> members, const Vector<Target>& targets, double threshold) {
    score(members, targets, {log_.item_view < 0 ? 0 : limits_.least_targets, false, 0});
    Vector<std::pair<std::int32_t, double>> kept;
    Kept found;
    for (std::size_t slot = 0; slot < states_.size(); ++slot) {
        const bool enough = states_[slot].choices >= limits_.least_targets - rounding || log_.item_view < 0;
        const double total = total_of(slot);
        if (!enough || !(total >= threshold)) continue;
        kept.emplace_back(states_[slot].who, total);
        found.entry_evidence += states_[slot].gaps;
    }
    forget(members);
    std::sort(kept.begin(), kept.end());
    for (const auto& [who, total] : kept) {
        found.members.push_back(who);
        found.contribution.push_back(total);
    }
    return found;
}

Vector<double> Profile::rate_members(std::span<const std::int32_t> members, const Vector<Target>& targets) {
    score(members, targets, {0, true, 0});
    Vector<double> contribution(members.size());
    for (std::size_t position = 0; position < members.size(); ++position) {
        if (slot_[members[position]] >= 0) contribution[position] = total_of(std::size_t(slot_[members[position]]));
    }
    forget(members);
    return contribution;
}

void Profile::score(std::span<const std::int32_t> members, const Vector<Target>& targets, Chosen chosen) {
    begin_call();
    states_.clear();
    score_.clear();
    for (std::int32_t who : members) slot_[who] = member;
    count_targets(targets, chosen);
    std::int32_t number = 0;
    for (const Target& target : targets) score_target(members.size(), target, number++, chosen);
}

// How many item targets each user hit, and then, of those who pass, how many visits to targets each draw brought.
void Profile::count_targets(const Vector<Target>& targets, Chosen& chosen) {
    chosen.since = turn_;
    const std::int32_t* user = log_.user.data();
    for (const Target& target : targets) {
        if (chosen.least <= 0 || log_.view_of[target.key] != log_.item_view) continue;
        const std::uint32_t now = ++turn_;
        for (std::int64_t visit = target.low; visit < target.high; ++visit) {
            if (visit + std::int64_t(ahead) < target.high) __builtin_prefetch(&touched_[user[visit + std::int64_t(ahead)]], 1);
            Touched& touched = touched_[user[visit]];
            if (touched.turn == now) continue;
            touched.count = touched.turn > chosen.since ? touched.count + 1 : 1;
            touched.turn = now;
        }
    }
    for (const Target& target : targets) {
        for (std::int64_t visit = target.low; visit < target.high; ++visit) {
            if (log_.draw[visit] >= 0 && passes(user[visit], chosen)) count_choice(visit);
        }
    }
}

bool Profile::passes(std::int32_t user, const Chosen& chosen) const {
    if (chosen.members_only) return slot_[user] != nobody;
    return chosen.least <= 0 || (touched_[user].turn > chosen.since && touched_[user].count >= chosen.least);
}

void Profile::score_target(std::size_t members, const Target& target, std::int32_t number, const Chosen& chosen) {
    const double size = double(members), log_outsiders = std::log10(std::max(double(target.outsiders), 0.5));
    const double days = double(std::int64_t{target.end} - target.start) / day;
    // Users do not vouch for themselves: the share is that of the other members.
    const double log_own = std::log10((target.visitors - 0.9) / size), log_other = std::log10((target.visitors + 0.1) / (size + 1));
    for (std::int64_t visit = target.low; visit < target.high; ++visit) {
        const std::int32_t who = log_.user[visit];
        if (!passes(who, chosen)) continue;
        if (slot_[who] < 0) {
            states_.push_back({who, -1, -1, 0, slot_[who] == member, 0, 0, 0});
            score_.resize(score_.size() + limits_.most.size());
            slot_[who] = std::int32_t(states_.size() - 1);
        }
        State& state = states_[slot_[who]];
        if (state.seen == number) continue;
        state.seen = number;
        score_visit(target, visit, std::size_t(slot_[who]), log_outsiders, days, state.member ? log_own : log_other);
    }
}

void Profile::score_visit(const Target& target, std::int64_t visit, std::size_t slot, double log_outsiders, double days, double log_share) {
    State& state = states_[slot];
    const std::int32_t view = log_.view_of[target.key], group = log_.group_of[target.key];
    const double share = share_of_choice(visit);
    if (view == log_.item_view) state.choices += share;
    if (state.last_group != group) {
        state.last_group = group;
        state.group_hits = 0;
        state.best_gap = 0;
    }
    const double base_rate = std::min(log_outsiders + log_.log_base_rate[visit], 0.0);
    const double by_chance = chance(log_outsiders, state.group_hits, days, visit);
    const double gap = std::max(share * (by_chance - base_rate) - state.best_gap, 0.0);
    state.best_gap += gap;
    state.gaps += gap;
    ++state.group_hits;
    score_[slot * limits_.most.size() + std::size_t(view)] += share * (log_share - by_chance) + gap;
}

double Profile::total_of(std::size_t slot) const {
    double total = 0;
    for (std::size_t view = 0; view < limits_.most.size(); ++view) {
        total += std::min(score_[slot * limits_.most.size() + view], limits_.most[view]);
    }
    return total;
}

void Profile::forget(std::span<const std::int32_t> members) {
    for (const State& state : states_) slot_[state.who] = nobody;
    for (std::int32_t who : members) slot_[who] = nobody;
}

// log10 chance of a visit that is no coordination: what drew outsiders drew this user, too, or they were after such things.
//
// In a target's `days` a user comes by the group `near` times and as often as usual; `others` of these visits went to other targets, and
// only the rest can have come by this one. Logarithms are dear: where a rough one shows which of the two is more, there is none.
double Profile::chance(double log_outsiders, std::int32_t others, double days, std::int64_t visit) const {
    const double drawn = log_outsiders + log_.log_base_rate[visit], log_intent = log_.log_intent[visit];
    const double looks = std::max(log_.near[visit] + log_.usual[visit] * days - others, 1.0) / log_.near[visit];
    // Exponent and mantissa of a number, read as one, are its logarithm to base 2 less 0 … 0.0861.
    const double rough = double(std::bit_cast<std::int64_t>(looks) - (std::int64_t{0x3FF} << 52)) * 0x1p-52;
    if (drawn >= 0 || log_intent + rough * 0.30103 > 1e-3) return 0;
    if (log_intent + (rough + 0.0861) * 0.30103 < drawn - 1e-3) return drawn;
    return std::min(std::max(drawn, log_intent + std::log10(looks)), 0.0);
}

// One more visit to a target that a draw brought.
void Profile::count_choice(std::int64_t visit) {
    if (log_.draw[visit] < 0) return;
    Touched& drawn = drawn_[log_.draw[visit]];
    drawn.count = drawn.turn == draw_turn_ ? drawn.count + 1 : 1;
    drawn.turn = draw_turn_;
}

// Share of one choice that a visit to a target is: those of one draw are one choice together.
double Profile::share_of_choice(std::int64_t visit) const {
    if (log_.draw[visit] < 0) return 1;
    const Touched& drawn = drawn_[log_.draw[visit]];
    return drawn.turn == draw_turn_ ? 1.0 / drawn.count : 1.0;
}

}  // namespace graphdet
